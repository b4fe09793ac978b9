import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_utils.training.augment import flip, shift, vary_light


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 6), st.integers(1, 3), st.integers(3, 9), st.integers(3, 9), st.integers(0, 2), st.integers(0, 999)
)
def test_every_picture_is_moved_by_its_own_amount_and_zeros_come_in(batch, channels, height, width, pixels, seed):
    images = torch.rand(batch, channels, height, width) + 0.1
    moved = shift(images, torch.Generator().manual_seed(seed), pixels)
    for image, result in zip(F.pad(images, (pixels,) * 4), moved, strict=True):
        windows = image.unfold(1, height, 1).unfold(2, width, 1).flatten(1, 2)
        assert any(torch.equal(result, window) for window in windows.unbind(1))


def test_half_of_the_pictures_are_mirrored():
    images = torch.arange(4.0).expand(1000, 1, 2, 4)
    mirrored = flip(images, torch.Generator().manual_seed(0))[:, 0, 0, 0] == 3
    assert 420 < mirrored.sum() < 580


def test_the_generator_alone_decides():
    images = torch.rand(20, 1, 5, 5)
    torch.manual_seed(0)
    first = shift(images, torch.Generator().manual_seed(3))
    torch.manual_seed(1)
    assert torch.equal(shift(images, torch.Generator().manual_seed(3)), first)


def test_varied_light_makes_some_pictures_grey_and_some_negative_each_its_own_way():
    red = torch.zeros(600, 3, 6, 6)
    red[:, 0] = 0.8
    varied = vary_light(red, torch.Generator().manual_seed(0))[:, :, 2:4, 2:4].mean((2, 3))
    channels = varied[:, 0] - varied[:, 1]  # red over green: none in a grey picture, below zero in a negative
    grey, negative = channels.abs() < 0.1, channels < -0.15
    assert 120 < grey.sum() < 240
    assert 30 < negative.sum() < 110
    assert channels[~grey].std() > 0.1
    again = vary_light(red, torch.Generator().manual_seed(0))[:, :, 2:4, 2:4].mean((2, 3))
    assert torch.equal(varied, again)
