"""Silenced heads: their outputs are zeros, in every kind of layer, for this thread and this model only."""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from packaging.version import Version
from torch import nn

from course_utils.attention import (
    EncoderBlock,
    LocalAttention2d,
    MultiHeadCrossAttention,
    MultiHeadSelfAttention,
    SelfAttention2d,
    WindowAttention,
    attention_recorded,
    silenced,
)
from course_utils.attention.core import merge_heads, split_heads
from course_utils.models import PixelTransformer, PixelTransformerConfig

TOKENS = torch.randn(3, 6, 16, generator=torch.Generator().manual_seed(0))


def two_blocks() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(EncoderBlock(16, 2, 16), EncoderBlock(16, 4, 16))


def test_a_silent_head_gives_nothing_and_its_weights_stay():
    torch.manual_seed(0)
    layer = MultiHeadSelfAttention(16, 4)
    with attention_recorded(layer) as before, torch.no_grad():
        layer(TOKENS)
    with silenced(layer, heads=[(0, 1), (0, 3)]), attention_recorded(layer) as during, torch.no_grad():
        found = layer(TOKENS)
    assert torch.equal(before[0], during[0])
    value = split_heads(layer.to_qkv(TOKENS).chunk(3, dim=-1)[2], 4)
    outputs = before[0] @ value
    outputs[:, [1, 3]] = 0
    torch.testing.assert_close(found, layer.to_out(merge_heads(outputs)))


@pytest.mark.parametrize(
    "heads", [[(1, 3)], {(1, 3)}, ((1, 3), (1, 3)), torch.tensor([[1, 3]]), np.array([[1, 3]]), iter([[1, 3]])]
)
def test_pairs_come_in_any_form(heads):
    blocks = two_blocks()
    with silenced(blocks, [(1, 3)]):
        expected = blocks(TOKENS)
    with silenced(blocks, heads):
        assert torch.equal(blocks(TOKENS), expected)
    assert not torch.equal(blocks(TOKENS), expected)


def test_blocks_may_be_nested_and_end_in_any_order_and_after_an_error():
    blocks = two_blocks()
    loud = blocks(TOKENS)
    with silenced(blocks, [(0, 0), (1, 2)]):
        both = blocks(TOKENS)
    first, second = silenced(blocks, [(0, 0)]), silenced(blocks[1], [(0, 2)])
    first.__enter__()
    second.__enter__()
    assert torch.equal(blocks(TOKENS), both)
    first.__exit__(None, None, None)
    assert not torch.equal(blocks(TOKENS), both)
    second.__exit__(None, None, None)
    with pytest.raises(KeyError), silenced(blocks, [(0, 0)]):
        raise KeyError
    assert torch.equal(blocks(TOKENS), loud)


def test_copies_and_other_threads_hear_all_heads():
    blocks, heard = two_blocks(), []
    before = [sorted(vars(module)) for module in blocks.modules()]
    loud = blocks(TOKENS)
    with silenced(blocks, [(0, 0)]):
        for twin in (copy.deepcopy(blocks), pickle.loads(pickle.dumps(blocks))):
            assert torch.equal(twin(TOKENS), loud)
            assert [sorted(vars(module)) for module in twin.modules()] == before
        thread = threading.Thread(target=lambda: heard.append(blocks(TOKENS)))
        thread.start()
        thread.join()
        assert not torch.equal(blocks(TOKENS), loud)
    assert torch.equal(heard[0], loud)


@pytest.mark.skipif(Version(torch.__version__) < Version("2.14"), reason="before, compiling splits the graph here")
@pytest.mark.skipif(Version(torch.__version__) < Version("2.14"), reason="before, compiling splits the graph here")
def test_a_compiled_model_is_silenced_too():
    layer = MultiHeadSelfAttention(16, 2)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    loud = compiled(TOKENS)
    with silenced(layer, [(0, 1)]):
        torch.testing.assert_close(compiled(TOKENS), layer(TOKENS))
        assert not torch.allclose(compiled(TOKENS), loud)
    torch.testing.assert_close(compiled(TOKENS), loud)


def pixels() -> nn.Module:
    return PixelTransformer(PixelTransformerConfig(image_size=4, colours=8, dim=16, layers=1, heads=2, mlp_dim=16))


LAYERS = {
    "self": (lambda: MultiHeadSelfAttention(16, 2), (TOKENS,)),
    "cross": (lambda: MultiHeadCrossAttention(16, 2), (TOKENS, TOKENS)),
    "maps": (lambda: SelfAttention2d(16, heads=2, reduction=4), (TOKENS[..., None].movedim(1, 2),)),
    "dot product": (
        lambda: SelfAttention2d(16, heads=2, reduction=4, similarity="dot_product"),
        (TOKENS[..., None].movedim(1, 2),),
    ),
    "window": (lambda: WindowAttention(16, 2, window=2), (torch.ones(1, 2, 6, 16),)),
    "local": (lambda: LocalAttention2d(16, 16, size=3, heads=2), (torch.ones(1, 16, 4, 4),)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_with_all_heads_silent_no_layer_passes_anything_on(kind):
    make, inputs = LAYERS[kind]
    torch.manual_seed(0)
    layer = make()
    for name, parameter in layer.named_parameters():
        if name == "gate":
            nn.init.ones_(parameter)
    doubled = tuple(each * 2 + torch.randn_like(each) for each in inputs)

    def passed_on(values):
        return layer(*values) - values[0] if hasattr(layer, "gate") else layer(*values)

    with silenced(layer, [(0, 0), (0, 1)]):
        torch.testing.assert_close(passed_on(inputs), passed_on(doubled))
    with silenced(layer, [(0, 1)]):
        assert not torch.allclose(passed_on(inputs), passed_on(doubled))


def test_a_key_value_cache_hears_no_silent_head_either():
    torch.manual_seed(0)
    model = pixels().eval()
    known = torch.zeros(1, 3, dtype=torch.long)
    with silenced(model, [(0, 0)]):
        draws = [
            model.complete(known, generator=torch.Generator().manual_seed(0), cached=cached)
            for cached in (True, False)
        ]
    assert torch.equal(*draws)


@pytest.mark.parametrize(
    ("heads", "sentence"),
    [
        ([(2, 0)], "heads names layer 2, but this Sequential has 2 layers with attention: .* from 0 to 1"),
        ([(-1, 0)], "heads names layer -1, but"),
        ([(0, 2)], "heads names head 2 of layer 0, but that layer has 2 heads: pass a head from 0 to 1"),
        ((0, 1), r"heads\[0\] is 0, but must be a tuple"),
        ([(0, 1, 2)], r"heads\[0\] is \(0, 1, 2\), but must be 2 values"),
        ([(0, 1.5)], r"heads\[0\]\[1\] is 1.5, but must be a whole number"),
        ({0: 1}, r"heads is {0: 1}, but must be pairs \(layer, head\), such as"),
        (3, r"heads is 3, but must be pairs"),
        (torch.tensor(3), r"heads is tensor\(3\), but must be pairs"),
        ("01", "heads is '01', but must be pairs"),
    ],
)
def test_other_heads_are_refused_in_words(heads, sentence):
    with pytest.raises(ValueError, match=sentence), silenced(two_blocks(), heads):
        pass


def test_a_model_without_attention_layers_of_the_course_is_refused():
    with (
        pytest.raises(ValueError, match=r"Linear has no attention layer .*nothing to silence"),
        silenced(nn.Linear(2, 2), []),
    ):
        pass
