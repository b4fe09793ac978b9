"""What CaptionExplorer sends to the page, and what it refuses."""

import numpy as np
import pytest
import torch

from course_utils.widgets import CaptionExplorer

PICTURES = torch.rand(3, 3, 4, 5, generator=torch.Generator().manual_seed(0))
COSINES = 2 * torch.rand(3, 2, generator=torch.Generator().manual_seed(1)) - 1


def explorer(images=PICTURES, captions=("a ring", "a star"), cosines=COSINES, **settings):
    return CaptionExplorer(images, captions, cosines, **settings)


def test_the_page_gets_the_matrix_by_rows_of_pictures_and_the_pictures_in_their_order():
    widget = explorer(right=torch.tensor([1, 0, 1]), temperature=0.2)
    torch.testing.assert_close(torch.tensor(widget.cosines), COSINES)
    assert (widget.right, widget.names[2], widget.temperature) == ([1, 0, 1], "picture 3", 0.2)
    for sent, picture in zip(widget.pixels, PICTURES, strict=True):
        pixels = np.frombuffer(sent, np.uint8).reshape(4, 5, 4)[..., :3] / 255
        np.testing.assert_allclose(pixels, picture.permute(1, 2, 0), atol=0.003)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"cosines": COSINES.mT}, "one row a picture"),
        ({"cosines": COSINES / 0.07}, "not yet divided by the temperature"),
        ({"cosines": COSINES / 0}, "NaN or infinite"),
        ({"captions": ["a"] * 17, "cosines": torch.zeros(3, 17)}, "at most 16"),
        ({"images": 2 * PICTURES}, "must lie in"),
        ({"right": [0, 1]}, "for each of the 3 pictures"),
        ({"right": [0, 1, 2]}, "from 0 to 1"),
        ({"names": ["one"]}, "1 names for 3 pictures"),
        ({"temperature": 0.0}, "slider goes from 0.01"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        explorer(**settings)
    assert "\n" not in str(raised.value)
