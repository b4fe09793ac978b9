"""A teacher that remembers says what it said, and computes it once for each image."""

from copy import deepcopy

import torch
from torch import nn

from course_utils.training.remembering import Remembering


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.seen = nn.Linear(4, 3), 0

    def forward(self, images):
        self.seen += len(images)
        return self.layer(images.flatten(1))


def test_each_image_is_computed_once_whatever_the_batch():
    torch.manual_seed(0)
    teacher, images = Counting(), torch.rand(6, 1, 2, 2)
    remembering = Remembering(teacher)
    expected = teacher.layer(images.flatten(1))
    torch.testing.assert_close(remembering(images[:4]), expected[:4])
    order = torch.tensor([5, 0, 3, 5, 1])
    torch.testing.assert_close(
        remembering(images[order].mT.contiguous().mT), expected[order]
    )  # other memory, same image
    assert teacher.seen == 6  # 5 is new, and is computed twice in its first batch
    torch.testing.assert_close(deepcopy(remembering)(images[:4]), expected[:4])
    assert not remembering(images).requires_grad
    assert teacher.seen == 7
    changed = images + 0.01
    torch.testing.assert_close(remembering(changed), teacher.layer(changed.flatten(1)))
