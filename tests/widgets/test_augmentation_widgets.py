"""What AugmentationExplorer sends to the page of what RandAugment's `variations` made."""

import numpy as np
import torch
from samples import PAIR, build

from course_utils.training.rand_augment import variations


def test_the_page_gets_every_number_and_magnitude_of_the_same_draws():
    changed, transforms = variations(PAIR, 2, (0, 15, 30), samples=3)
    assert changed.shape == (2, 3, 3, 3, 1, 6, 8)
    assert torch.equal(changed[:, 0], PAIR[:, None, None].expand(-1, 3, 3, -1, -1, -1))  # N = 0: as it is
    assert [len(names) for names in transforms] == [2, 2, 2]
    widget = build("AugmentationExplorer", changed=changed, transforms=transforms)
    sent = np.frombuffer(widget.changed, np.uint8).reshape(2, 3, 3, 3, 6, 8, 3)
    np.testing.assert_allclose(sent[..., 1] / 255, changed[..., 0, :, :], atol=0.003)
    sent = np.frombuffer(widget.pixels, np.uint8).reshape(2, 6, 8, 3)
    np.testing.assert_allclose(sent[..., 2] / 255, PAIR[:, 0], atol=0.003)


def test_colours_reach_the_page_in_their_order():
    red = torch.zeros(2, 3, 4, 4)
    red[:, 0] = 1
    changed, transforms = variations(red, 1, (0,), samples=1)
    widget = build("AugmentationExplorer", images=red, changed=changed, magnitudes=[0], transforms=transforms)
    sent = np.frombuffer(widget.pixels, np.uint8)
    assert sent[:3].tolist() == [255, 0, 0]
