import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_utils.attention import (
    DecoderBlock,
    EncoderBlock,
    MultiHeadCrossAttention,
    MultiHeadSelfAttention,
    SelfAttention2d,
    attend,
    attention_recorded,
    causal_mask,
    merge_heads,
    split_heads,
)
from course_utils.costs import attention_bytes, peak_memory

sizes = st.integers(1, 9)


@given(st.lists(st.integers(1, 3), max_size=2), sizes, sizes, sizes, sizes, st.booleans(), st.integers(0, 2**31))
def test_attend_is_pytorchs_attention(leading, queries, keys, dim, value_dim, masked, seed):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(*leading, queries, dim, generator=generator)
    key = torch.randn(*leading, keys, dim, generator=generator)
    value = torch.randn(*leading, keys, value_dim, generator=generator)
    mask = torch.rand(queries, keys, generator=generator) < 0.6 if masked else None

    output, weights = attend(query, key, value, mask)

    torch.testing.assert_close(output, F.scaled_dot_product_attention(query, key, value, attn_mask=mask))
    may_look = torch.ones(queries) if mask is None else mask.any(dim=-1).float()
    torch.testing.assert_close(weights.sum(-1), may_look.expand(weights.shape[:-1]))


def test_a_query_that_may_look_nowhere_gets_zeros_and_a_finite_gradient():
    query = torch.randn(2, 3, requires_grad=True)
    output, _ = attend(query, torch.randn(4, 3), torch.randn(4, 3), torch.tensor([[False], [True]]))
    output.sum().backward()
    assert output[0].eq(0).all()
    assert query.grad.isfinite().all()


@given(sizes, sizes, sizes, sizes)
def test_merging_heads_undoes_splitting_them(batch, tokens, heads, dim):
    x = torch.randn(batch, tokens, heads * dim)
    split = split_heads(x, heads)
    assert split.shape == (batch, heads, tokens, dim)
    assert torch.equal(split[:, 1 % heads], x[..., 1 % heads * dim : (1 % heads + 1) * dim])
    assert torch.equal(merge_heads(split), x)


def copy_attention(ours, theirs: nn.MultiheadAttention) -> None:
    """Our projections into nn.MultiheadAttention's stacked ones."""
    if isinstance(ours, MultiHeadSelfAttention):
        weight, bias = ours.to_qkv.weight, ours.to_qkv.bias
    else:
        weight = torch.cat([ours.to_query.weight, ours.to_key_value.weight])
        bias = torch.cat([ours.to_query.bias, ours.to_key_value.bias])
    theirs.load_state_dict(
        {
            "in_proj_weight": weight,
            "in_proj_bias": bias,
            "out_proj.weight": ours.to_out.weight,
            "out_proj.bias": ours.to_out.bias,
        }
    )


@settings(max_examples=25)
@given(st.integers(1, 4), sizes, sizes, st.integers(1, 4), st.integers(1, 8))
def test_multi_head_attention_is_pytorchs(batch, tokens, memory_tokens, heads, head_dim):
    dim = heads * head_dim
    theirs = nn.MultiheadAttention(dim, heads, batch_first=True)
    x, memory = torch.randn(batch, tokens, dim), torch.randn(batch, memory_tokens, dim)

    ours = MultiHeadSelfAttention(dim, heads)
    copy_attention(ours, theirs)
    expected, expected_weights = theirs(x, x, x, attn_mask=~causal_mask(tokens), average_attn_weights=False)
    torch.testing.assert_close(ours(x, causal_mask(tokens)), expected)
    with attention_recorded(ours) as maps:
        torch.testing.assert_close(ours(x, causal_mask(tokens)), expected)
    torch.testing.assert_close(maps, [expected_weights])

    cross = MultiHeadCrossAttention(dim, heads)
    copy_attention(cross, theirs)
    torch.testing.assert_close(cross(x, memory), theirs(x, memory, memory)[0])


@pytest.mark.parametrize(("tokens", "training", "fused"), [(50, True, False), (50, False, True), (600, True, True)])
def test_bf16_on_a_cpu_takes_the_faster_way_to_the_same_answer(tokens, training, fused):
    torch.manual_seed(0)
    layer, inputs = MultiHeadSelfAttention(32, 4), torch.randn(2, tokens, 32)
    expected = layer(inputs)
    with torch.set_grad_enabled(training), torch.profiler.profile() as seen:
        answer = layer.bfloat16()(inputs.bfloat16())
    torch.testing.assert_close(answer.float(), expected, rtol=0.05, atol=0.02)
    assert any("flash_attention" in event.name for event in seen.events()) is fused


def norms_and_mlp(ours, norms: dict[str, str]) -> dict[str, torch.Tensor]:
    state = {"linear1": ours.mlp[0], "linear2": ours.mlp[3]}
    state |= {theirs: getattr(ours, mine) for theirs, mine in norms.items()}
    return {f"{name}.{part}": getattr(layer, part) for name, layer in state.items() for part in ("weight", "bias")}


def test_encoder_block_is_pytorchs_pre_norm_layer():
    ours = EncoderBlock(dim=24, heads=3, mlp_dim=40)
    theirs = nn.TransformerEncoderLayer(
        24, 3, 40, dropout=0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    theirs.load_state_dict(norms_and_mlp(ours, {"norm1": "norm1", "norm2": "norm2"}), strict=False)
    copy_attention(ours.attention, theirs.self_attn)
    tokens = torch.randn(2, 7, 24)
    torch.testing.assert_close(ours(tokens), theirs(tokens))


def test_decoder_block_is_pytorchs_pre_norm_layer_with_a_causal_mask():
    ours = DecoderBlock(dim=24, heads=3, mlp_dim=40)
    theirs = nn.TransformerDecoderLayer(
        24, 3, 40, dropout=0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    theirs.load_state_dict(norms_and_mlp(ours, {"norm1": "norm1", "norm2": "norm2", "norm3": "norm3"}), strict=False)
    copy_attention(ours.attention, theirs.self_attn)
    copy_attention(ours.cross_attention, theirs.multihead_attn)
    tokens, memory = torch.randn(2, 7, 24), torch.randn(2, 5, 24)
    torch.testing.assert_close(ours(tokens, memory), theirs(tokens, memory, tgt_mask=~causal_mask(7)))


def test_recording_sees_every_layer_in_order_and_stops_afterwards():
    torch.manual_seed(0)
    blocks = nn.Sequential(EncoderBlock(8, 2, 16), EncoderBlock(8, 4, 16))
    tokens = torch.randn(3, 5, 8)
    unobserved = blocks(tokens)
    with attention_recorded(blocks) as maps:
        observed = blocks(tokens)
    assert [m.shape for m in maps] == [(3, 2, 5, 5), (3, 4, 5, 5)]
    torch.testing.assert_close(observed, unobserved)
    blocks(tokens)
    assert len(maps) == 2


def test_self_attention_without_positions_only_follows_a_permutation():
    torch.manual_seed(0)
    block, tokens, order = EncoderBlock(16, 4, 32), torch.randn(2, 9, 16), torch.randperm(9)
    torch.testing.assert_close(block(tokens[:, order]), block(tokens)[:, order])


def test_heads_that_do_not_share_dim_equally_are_refused_in_words():
    with pytest.raises(ValueError, match="dim 10 cannot be shared equally among 4 heads"):
        MultiHeadSelfAttention(10, 4)


def slow_self_attention(features, layer):
    """The block of Zhang et al. and Wang et al. place by place, for one picture (channels, height, width)."""
    places = [features[:, y, x] for y in range(features.shape[1]) for x in range(features.shape[2])]
    seen = places
    if layer.pool_keys:
        rows, columns = features.shape[1:]
        seen = [
            features[:, y : y + 2, x : x + 2].amax((1, 2)) for y in range(0, rows, 2) for x in range(0, columns, 2)
        ]

    def project(convolution, place):
        return convolution.weight[:, :, 0, 0] @ place + convolution.bias

    out = torch.empty_like(features)
    for number, place in enumerate(places):
        mixed = []
        for head in range(layer.heads):
            query, keys, values = (
                [part.chunk(layer.heads)[head] for part in parts]
                for parts in (
                    [project(layer.to_query, place)],
                    [project(layer.to_key, other) for other in seen],
                    [project(layer.to_value, other) for other in seen],
                )
            )
            scores = torch.stack([query[0] @ key for key in keys])
            soft = (scores / len(query[0]) ** 0.5).softmax(0)
            weights = soft if layer.similarity == "softmax" else scores / len(keys)
            mixed.append(sum(weight * value for weight, value in zip(weights, values, strict=True)))
        row, column = divmod(number, features.shape[2])
        out[:, row, column] = place + layer.gate * project(layer.to_out, torch.cat(mixed))
    return out


@settings(max_examples=25)
@given(
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from(["softmax", "dot_product"]),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_self_attention_2d_is_the_papers_formula_place_by_place(
    heads, head_dim, reduction, height, width, similarity, pool_keys, seed
):
    torch.manual_seed(seed)
    channels = heads * head_dim * reduction
    layer = SelfAttention2d(channels, heads, reduction, similarity, pool_keys).double()
    features = torch.randn(2, channels, height, width, dtype=torch.double)
    assert torch.equal(layer(features), features)  # its gate starts at zero
    layer.gate.data.fill_(0.7)
    with torch.no_grad():
        expected = torch.stack([slow_self_attention(picture, layer) for picture in features])
        torch.testing.assert_close(layer(features), expected)
        with attention_recorded(layer) as maps:
            torch.testing.assert_close(layer(features), expected)
    keys = -(-height // 2) * -(-width // 2) if pool_keys else height * width
    assert [m.shape for m in maps] == [(2, heads, height * width, keys)]


def test_self_attention_2d_never_holds_its_matrix_while_nobody_looks():
    layer, features = SelfAttention2d(16, heads=2), torch.randn(1, 16, 24, 24)
    with torch.no_grad():
        assert peak_memory(lambda: layer(features)) < attention_bytes(24 * 24, heads=2, layers=1) / 2
        with attention_recorded(layer):
            assert peak_memory(lambda: layer(features)) > attention_bytes(24 * 24, heads=2, layers=1)


def test_a_closed_gate_lets_its_own_gradient_through():
    layer = SelfAttention2d(8)
    layer(torch.randn(2, 8, 3, 4)).square().sum().backward()
    assert layer.gate.grad != 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"channels": 12}, "channels 12 cannot be divided by reduction 8"),
        ({"channels": 16, "reduction": 0}, "channels 16 cannot be divided by reduction 0"),
        ({"channels": 16, "heads": 4}, "dim 2 cannot be shared equally among 4 heads"),
        ({"channels": 16, "similarity": "cosine"}, "similarity is 'cosine', but must be one of softmax, dot_product"),
    ],
)
def test_self_attention_2d_refuses_what_cannot_be_built_in_words(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        SelfAttention2d(**arguments)


@pytest.mark.parametrize("shape", [(2, 12, 8), (2, 4, 5, 5)])
def test_self_attention_2d_refuses_features_of_another_shape_in_words(shape):
    with pytest.raises(ValueError, match=r"but this SelfAttention2d reads \(batch, 8, height, width\)"):
        SelfAttention2d(8)(torch.rand(shape))
