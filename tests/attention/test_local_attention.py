"""Local attention: four implementations, one result, and that of a slow loop and of full attention under a mask."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_utils.attention import LocalAttention2d, LocalRelation2d, attend, attention_recorded
from course_utils.attention.local import CHOICES, fastest, neighbourhood_mask, neighbourhoods
from course_utils.costs import peak_memory

shapes = st.tuples(
    st.integers(1, 2),  # batch
    st.integers(1, 3),  # channels
    st.sampled_from([1, 3, 5]),  # size
    st.integers(0, 5),  # rows more than size
    st.integers(0, 5),  # columns more than size
    st.integers(1, 3),  # heads
    st.integers(1, 3),  # stride
    st.integers(0, 2**31),
)


def slow_attention(layer: LocalAttention2d, maps):
    """Position by position, neighbour by neighbour, as the paper's equation 3 says."""
    batch, _, height, width = maps.shape
    query, key, value = (to(maps) for to in (layer.to_query, layer.to_key, layer.to_value))
    half, stride, dim = layer.size // 2, layer.stride, query.shape[1] // layer.heads
    output = torch.zeros(batch, query.shape[1], -(-height // stride), -(-width // stride))
    for b in range(batch):
        for head in range(layer.heads):
            part = slice(head * dim, (head + 1) * dim)
            for y in range(0, height, stride):
                for x in range(0, width, stride):
                    scores, values = [], []
                    for i in range(max(0, y - half), min(height, y + half + 1)):
                        for j in range(max(0, x - half), min(width, x + half + 1)):
                            offset = torch.cat([layer.rows[head, i - y + half], layer.columns[head, j - x + half]])
                            scores.append(query[b, part, y, x] @ (key[b, part, i, j] + offset) / math.sqrt(dim))
                            values.append(value[b, part, i, j])
                    weights = torch.stack(scores).softmax(0)
                    output[b, part, y // stride, x // stride] = weights @ torch.stack(values)
    return output


def slow_relation(layer: LocalRelation2d, maps):
    batch, channels, height, width = maps.shape
    query, key, value = layer.to_query(maps), layer.to_key(maps), layer.to_value(maps)
    half, stride = layer.size // 2, layer.stride
    output = torch.zeros(batch, channels, -(-height // stride), -(-width // stride))
    for b in range(batch):
        for c in range(channels):
            m = c // layer.shared
            for y in range(0, height, stride):
                for x in range(0, width, stride):
                    near = [
                        (i, j)
                        for i in range(max(0, y - half), min(height, y + half + 1))
                        for j in range(max(0, x - half), min(width, x + half + 1))
                    ]
                    offsets = torch.tensor([(i - y, j - x) for i, j in near]) / max(half, 1)
                    geometry = layer.geometry(offsets)[:, m]
                    appearance = query[b, m, y, x] * torch.stack([key[b, m, i, j] for i, j in near])
                    weights = (appearance + geometry).softmax(0)
                    output[b, c, y // stride, x // stride] = weights @ torch.stack(
                        [value[b, c, i, j] for i, j in near]
                    )
    return output


@settings(max_examples=15)
@given(shapes)
@torch.no_grad()
def test_every_implementation_of_local_attention_is_the_papers_equation_written_as_a_loop(shape):
    batch, channels, size, taller, wider, heads, stride, seed = shape
    torch.manual_seed(seed)
    layer = LocalAttention2d(channels, 4 * heads, size, heads, stride)
    maps = torch.randn(batch, channels, size + taller, size + wider)
    expected = slow_attention(layer, maps)
    for layer.implementation in CHOICES:
        with attention_recorded(layer) as weights:
            output = layer(maps)
        torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-4)
        assert weights[0].shape == (batch, heads, expected.shape[-1] * expected.shape[-2], size**2)
        torch.testing.assert_close(weights[0].sum(-1), torch.ones(weights[0].shape[:3]))


@settings(max_examples=25)
@given(shapes, st.integers(1, 4), st.booleans())
@torch.no_grad()
def test_every_implementation_of_local_relation_is_the_papers_equation_written_as_a_loop(shape, shared, project):
    batch, channels, size, taller, wider, _, stride, seed = shape
    torch.manual_seed(seed)
    layer = LocalRelation2d(2 * channels + 1, size, shared, stride, project)
    maps = torch.randn(batch, 2 * channels + 1, size + taller, size + wider)
    expected = slow_relation(layer, maps)
    for layer.implementation in CHOICES:
        torch.testing.assert_close(layer(maps), expected, atol=1e-5, rtol=1e-4)


@settings(max_examples=25)
@given(shapes)
def test_without_positions_it_is_full_attention_under_a_neighbourhood_mask(shape):
    batch, channels, size, taller, wider, heads, _, seed = shape
    torch.manual_seed(seed)
    layer = LocalAttention2d(channels, 2 * heads, size, heads)
    layer.rows.data.zero_()
    layer.columns.data.zero_()
    maps = torch.randn(batch, channels, size + taller, size + wider)
    parts = [to(maps).unflatten(1, (heads, 2)).flatten(3).mT for to in (layer.to_query, layer.to_key, layer.to_value)]
    mask = neighbourhood_mask(size + taller, size + wider, size)
    full, _ = attend(*parts, mask)
    fused = F.scaled_dot_product_attention(*parts, attn_mask=mask)
    for layer.implementation in CHOICES:
        output = layer(maps).flatten(2).unflatten(1, (heads, 2)).mT
        torch.testing.assert_close(output, full, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(output, fused, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("make", [lambda s: LocalAttention2d(6, 8, 5, 2, s), lambda s: LocalRelation2d(6, 5, 4, s)])
def test_every_implementation_has_the_same_gradients(make, stride):
    torch.manual_seed(0)
    layer = make(stride)
    maps = torch.randn(2, 6, 9, 7, requires_grad=True)
    gradients = []
    for layer.implementation in CHOICES:
        output = layer(maps)
        goal = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
        gradients.append(torch.autograd.grad((output * goal).sum(), [maps, *layer.parameters()]))
    for others in gradients[1:]:
        for one, other in zip(gradients[0], others, strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_recorded_weights_are_the_same_in_every_implementation_and_zero_beyond_the_border():
    torch.manual_seed(0)
    layer = LocalAttention2d(4, 8, 5, 2)
    maps = torch.randn(1, 4, 6, 7)
    recorded = []
    for layer.implementation in CHOICES:
        with attention_recorded(layer) as weights:
            layer(maps)
        recorded += weights
    for weights in recorded:
        torch.testing.assert_close(weights, recorded[0])
        corner = weights[0, 0, 0].view(5, 5)
        assert (corner[:2] == 0).all()
        assert (corner[:, :2] == 0).all()
        assert (corner[2:, 2:] > 0).all()


@torch.no_grad()
def test_moving_the_picture_moves_the_output_away_from_the_borders():
    torch.manual_seed(0)
    maps = torch.randn(1, 3, 16, 16)
    moved = maps.roll((2, 3), (2, 3))
    for layer in (LocalAttention2d(3, 8, 5, 2), LocalRelation2d(3, 5, 2)):
        before, after = layer(maps), layer(moved)
        torch.testing.assert_close(after[..., 4:-2, 5:-2], before[..., 2:-4, 2:-5])


def test_neighbourhoods_are_the_squares_around_every_position():
    maps = torch.randn(2, 3, 6, 5)
    near = neighbourhoods(maps, 3)
    padded = F.pad(maps, (1, 1, 1, 1))
    for y, x in [(0, 0), (2, 3), (5, 4)]:
        assert torch.equal(near[:, :, y * 5 + x], padded[..., y : y + 3, x : x + 3].flatten(2))


def test_tiles_and_shifts_keep_the_memory_below_that_of_unfolding():
    layer = LocalAttention2d(16, 16, 7, 2)
    maps = torch.randn(1, 16, 40, 40)

    def bytes_of(implementation):
        layer.implementation = implementation
        return peak_memory(lambda: layer(maps).sum().backward())

    unfolding = bytes_of("unfold")
    assert bytes_of("tiled") < unfolding / 2
    assert bytes_of("shifted") < unfolding / 2
    assert bytes_of("auto") < unfolding / 2


def test_left_to_itself_a_layer_compares_all_places_only_where_a_neighbourhood_covers_much_of_the_map():
    for trained, expected in ((False, ["masked"] + ["shifted"] * 3), (True, ["masked"] * 3 + ["shifted"])):
        assert [fastest(5, *sides, trained) for sides in ((7, 7), (6, 9), (10, 10), (11, 11))] == expected


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LocalAttention2d(3, 8, 4, 2), "size 4 has no centre: .* odd .* such as 5"),
        (lambda: LocalRelation2d(8, 6), "size 6 has no centre"),
        (
            lambda: LocalAttention2d(3, 10, 3, 4),
            "out_channels 10 cannot be shared among 4 heads.*multiple of 8, for example 8",
        ),
        (lambda: LocalRelation2d(8, shared=0), "shared is 0, but both must be at least 1"),
        (lambda: LocalAttention2d(3, 8, 3, 2, stride=0), "stride is 0, but must be at least 1"),
        (
            lambda: LocalAttention2d(3, 8, 3, 2, implementation="fast"),
            "no implementation 'fast': choose one of auto, unfold",
        ),
        (
            lambda: LocalAttention2d(3, 8, 7, 2)(torch.rand(1, 3, 9, 6)),
            "Maps of 9 × 6 are smaller than the neighbourhood of 7 × 7",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make()
    assert "\n" not in str(raised.value)
