"""What AugmentationExplorer and AugRegGrid send to the page, and what they refuse."""

import numpy as np
import pytest
import torch

from course_utils.training.rand_augment import variations
from course_utils.widgets import AugmentationExplorer, AugRegGrid

PICTURES = torch.rand(2, 1, 6, 8, generator=torch.Generator().manual_seed(0))
TABLE = torch.tensor([[[70.0, 72], [71, 69]], [[60, 66], [65, 68]]])


def explorer(pictures=PICTURES, names=("a", "b"), magnitudes=(0, 15, 30), change=lambda changed: changed, cut=None):
    changed, transforms = variations(PICTURES, 2, magnitudes, samples=3)
    return AugmentationExplorer(pictures, names, change(changed), magnitudes, transforms[:cut])


def test_the_page_gets_every_number_and_magnitude_of_the_same_draws():
    changed, transforms = variations(PICTURES, 2, (0, 15, 30), samples=3)
    assert changed.shape == (2, 3, 3, 3, 1, 6, 8)
    assert torch.equal(changed[:, 0], PICTURES[:, None, None].expand(-1, 3, 3, -1, -1, -1))  # N = 0: as it is
    assert [len(names) for names in transforms] == [2, 2, 2]
    widget = explorer()
    sent = np.frombuffer(widget.changed, np.uint8).reshape(2, 3, 3, 3, 6, 8, 3)
    np.testing.assert_allclose(sent[..., 1] / 255, changed[..., 0, :, :], atol=0.003)
    sent = np.frombuffer(widget.pixels, np.uint8).reshape(2, 6, 8, 3)
    np.testing.assert_allclose(sent[..., 2] / 255, PICTURES[:, 0], atol=0.003)


def test_colours_reach_the_page_in_their_order():
    red = torch.zeros(2, 3, 4, 4)
    red[:, 0] = 1
    changed, transforms = variations(red, 1, (0,), samples=1)
    sent = np.frombuffer(AugmentationExplorer(red, ["a", "b"], changed, [0], transforms).pixels, np.uint8)
    assert sent[:3].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: explorer(pictures=PICTURES[:1]), "at least two"),
        (lambda: explorer(pictures=PICTURES * 2), "must lie in"),
        (lambda: explorer(names=("a",)), "1 names for 2 pictures"),
        (lambda: explorer(change=lambda c: c[:, :2]), r"must be \(2, 3, 3, 3, 1, 6, 8\)"),
        (lambda: explorer(change=lambda c: c + 1), "values outside"),
        (lambda: explorer(cut=2), r"must be \(2, 3, 3, 2, 1, 6, 8\)"),
        (lambda: AugRegGrid(TABLE[:, 0], ["a", "b"], ["x", "y"]), r"must be \(rows, 2, levels\)"),
        (lambda: AugRegGrid(TABLE, ["a"], ["x", "y"]), "1 names for 2 rows"),
        (lambda: AugRegGrid(TABLE, ["a", "b"], ["x"]), "1 names for 2 levels"),
        (lambda: AugRegGrid(TABLE * 2, ["a", "b"], ["x", "y"]), "in per cent, 0 to 100"),
        (lambda: AugRegGrid(TABLE, ["a", "b"], ["x", "y"], original={"c": 1}), "original names 'c'"),
        (lambda: AugRegGrid(TABLE / 0, ["a", "b"], ["x", "y"]), "NaN or infinite"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make()
    assert "\n" not in str(raised.value)
