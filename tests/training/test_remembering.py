"""A teacher that remembers says what it said, and computes it once for each image."""

from copy import deepcopy

import torch
from small import RECIPE, quarters, tiny_vit
from torch import nn

from course_utils.training import fit
from course_utils.training.distill import distilling
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


def test_images_with_the_same_bytes_and_another_shape_or_type_are_others():
    remembering = Remembering(nn.Identity())
    for images in (torch.zeros(1, 1, 2, 8), torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 8).bfloat16()):
        found = remembering(images)
        assert (found.shape, found.dtype) == (images.shape, images.dtype)


def test_it_remembers_no_dropout():
    remembering = nn.Sequential(Remembering(nn.Dropout(0.5))).train()
    images = torch.ones(4, 1, 4, 4)
    assert torch.equal(remembering(images), images)


def test_a_run_continues_whatever_its_teacher_remembers(tmp_path):
    loss = distilling(Remembering(tiny_vit()))
    for _ in range(2):
        history = fit(tiny_vit(), quarters(64), None, RECIPE, loss=loss, folder=tmp_path, quiet=True)
    assert len(history.epochs) == RECIPE.epochs
