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
    attend,
    attention_recorded,
    causal_mask,
    merge_heads,
    split_heads,
)

sizes = st.integers(1, 9)


@settings(deadline=None)
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


@settings(deadline=None, max_examples=25)
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
