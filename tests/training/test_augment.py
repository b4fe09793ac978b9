import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torchvision.transforms import v2

from course_utils.training.augment import erase, flip, shift, vary_light


@settings(max_examples=30)
@given(
    st.integers(1, 6), st.integers(1, 3), st.integers(3, 9), st.integers(3, 9), st.integers(0, 2), st.integers(0, 999)
)
def test_every_picture_is_moved_as_a_whole_and_zeros_come_in(batch, channels, height, width, pixels, seed):
    images = torch.rand(batch, channels, height, width) + 0.1
    moved = shift(images, torch.Generator().manual_seed(seed), pixels)
    for image, result in zip(F.pad(images, (pixels,) * 4), moved, strict=True):
        windows = image.unfold(1, height, 1).unfold(2, width, 1).flatten(1, 2)
        assert any(torch.equal(result, window) for window in windows.unbind(1))


def test_every_shift_occurs_and_each_picture_has_its_own():
    images = torch.rand(400, 1, 5, 5)
    moved, padded = shift(images, torch.Generator().manual_seed(0)), F.pad(images, (2,) * 4)
    windows = padded.unfold(2, 5, 1).unfold(3, 5, 1).flatten(1, 3)
    shifts = (windows == moved).all((-1, -2)).int().argmax(1)
    assert len(shifts.unique()) == 25


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


def test_erased_rectangles_take_as_much_of_a_picture_as_torchvisions():
    images = torch.full((4000, 2, 24, 24), -1.0)
    result = erase(images, torch.Generator().manual_seed(0))
    gone = (result != -1).all(1)
    assert torch.equal(gone, (result != -1).any(1)), "a pixel is erased in all channels or in none"
    assert result[gone[:, None].expand_as(result)].min() >= 0
    for mask in gone[:200]:  # a rectangle: the rows and the columns that it touches, all of them
        assert torch.equal(mask, mask.any(1, keepdim=True) & mask.any(0, keepdim=True))
    shares = gone.float().mean((1, 2))
    assert 0.47 < (shares > 0).float().mean() < 0.53
    with torch.random.fork_rng():
        torch.manual_seed(0)
        random = v2.RandomErasing(p=1.0, value="random")
        theirs = torch.stack([(random(image[:1]) != -1).float().mean() for image in images[:1000]])
    ours = shares[shares > 0]
    for quantile in (0.1, 0.5, 0.9):
        assert abs(ours.quantile(quantile) - theirs.quantile(quantile)) < 0.03
    rows, columns = gone.any(2), gone.any(1)
    for seen, across in ((rows, columns), (columns, rows)):  # a long one reaches both ends equally often
        long = seen[seen.sum(1) > 2 * across.sum(1)]
        assert abs(long[:, 0].float().mean() - long[:, -1].float().mean()) < 0.1
