"""Windows: cut and put together again, shifted without looking across torn borders, cheap by formula."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.attention import WindowAttention, attention_recorded
from course_utils.attention.window import partition, relative_position_index, shift_mask, unpartition
from course_utils.costs import count_flops

few = st.integers(1, 4)


@given(few, few, few, few, few)
def test_windows_put_together_are_the_map(batch, rows, columns, window, dim):
    maps = torch.randn(batch, rows * window, columns * window, dim)
    windows = partition(maps, window)
    assert windows.shape == (batch, rows * columns, window**2, dim)
    assert torch.equal(windows[:, -1, -1], maps[:, -1, -1])
    assert torch.equal(windows[0, 0, :window], maps[0, 0, :window])
    assert torch.equal(unpartition(windows, window, rows * window, columns * window), maps)


@given(st.integers(2, 4), st.integers(2, 3), st.integers(2, 3), st.data())
def test_shifted_windows_see_no_torn_neighbours(window, rows, columns, data):
    shift = data.draw(st.integers(1, window - 1))
    height, width = rows * window, columns * window
    place = torch.arange(height * width).view(1, height, width, 1)
    there = partition(torch.roll(place, (-shift, -shift), dims=(1, 2)), window)[0, :, :, 0]
    row, column = there // width, there % width
    near = ((row[:, :, None] - row[:, None]).abs() < window) & ((column[:, :, None] - column[:, None]).abs() < window)
    assert torch.equal(shift_mask(height, width, window, (shift, shift)), near)


def test_the_bias_belongs_to_the_offset_and_to_nothing_else():
    index = relative_position_index(3).view(3, 3, 3, 3)
    by_offset = {}
    for query_row, query_column, key_row, key_column in torch.cartesian_prod(*[torch.arange(3)] * 4).tolist():
        offset = query_row - key_row, query_column - key_column
        entry = index[query_row, query_column, key_row, key_column].item()
        assert by_offset.setdefault(offset, entry) == entry
    assert sorted(by_offset.values()) == list(range(25))


@pytest.mark.parametrize(("shift", "seen"), [(0, 16), (2, 16)])
def test_a_place_depends_on_its_own_window_only(shift, seen):
    torch.manual_seed(0)
    layer = WindowAttention(8, 2, 4, shift)
    maps = torch.randn(1, 12, 12, 8, requires_grad=True)
    layer(maps)[0, 5, 5].sum().backward()
    felt = maps.grad[0].abs().sum(-1) > 0
    top = 4 if shift == 0 else 2
    assert felt.sum() == seen
    assert felt[top : top + 4, top : top + 4].all()


def test_observed_and_unobserved_attention_agree_on_any_map():
    torch.manual_seed(0)
    layer = WindowAttention(12, 3, 4, 2)
    for height, width in ((8, 8), (7, 10), (3, 9), (2, 2)):
        maps = torch.randn(2, height, width, 12)
        with torch.no_grad(), attention_recorded(layer) as recorded:
            observed = layer(maps)
        torch.testing.assert_close(observed, layer(maps))
        windows = -(-height // 4) * -(-width // 4)
        assert recorded[0].shape == (2 * windows, 3, 16, 16)
        torch.testing.assert_close(recorded[0].sum(-1), torch.ones(2 * windows, 3, 16))


def test_work_grows_with_the_area_as_in_the_paper():
    """Liu et al. 2021, eq. 1 and 2: 4hwC² + 2M²hwC multiply-adds."""
    layer = WindowAttention(32, 4, 4, 2)
    for height, width in ((8, 8), (16, 8), (16, 16)):
        macs = 4 * height * width * 32**2 + 2 * 4**2 * height * width * 32
        assert count_flops(layer, torch.randn(1, height, width, 32)) == 2 * macs


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: partition(torch.zeros(1, 6, 6, 2), 7), "window is 7, but must be from 1 to 6 on a 6 × 6 map"),
        (
            lambda: partition(torch.zeros(1, 6, 6, 2), 4),
            "6 × 6 map cannot be cut into windows of 4 × 4: pad it to 8 × 8",
        ),
        (lambda: WindowAttention(8, 3, 4), "dim 8 cannot be shared equally among 3 heads"),
        (lambda: WindowAttention(8, 2, 4, 4), "shift is 4, but must be from 0 to 3"),
        (lambda: WindowAttention(8, 2, 0), "window is 0, but must be at least 1"),
    ],
)
def test_bad_input_gets_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
