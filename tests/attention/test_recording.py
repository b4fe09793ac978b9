"""Recordings: nested, in threads, around copies and errors; what a mask may be; what does not fit in memory."""

import copy
import pickle
import threading
from contextlib import nullcontext

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
    attend,
    attend_by_dot_product,
    attention_recorded,
)
from course_utils.attention.local import local_attend
from course_utils.models import PixelTransformer, PixelTransformerConfig
from course_utils.models.pixel_transformer import masked_loss

TOKENS = torch.randn(3, 6, 16, generator=torch.Generator().manual_seed(0))
CAUSAL = torch.ones(6, 6, dtype=torch.bool).tril()


def two_blocks() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(EncoderBlock(16, 2, 16), EncoderBlock(16, 4, 16))


def test_recordings_may_be_nested_and_each_gets_the_layers_of_its_own_model():
    blocks = two_blocks()
    with attention_recorded(blocks) as outer:
        blocks(TOKENS)
        with attention_recorded(blocks[1]) as inner:
            blocks(TOKENS)
        with attention_recorded(blocks) as same:
            blocks(TOKENS)
        blocks(TOKENS)
    blocks(TOKENS)
    assert [len(maps) for maps in (outer, inner, same)] == [8, 1, 2]
    assert [weights.shape[1] for weights in outer] == 4 * [2, 4]
    assert torch.equal(inner[0], outer[3])


def test_a_copy_that_is_made_within_a_recording_is_not_recorded():
    blocks = two_blocks()
    before = [sorted(vars(module)) for module in blocks.modules()]
    with attention_recorded(blocks) as maps:
        blocks(TOKENS)
        for twin in (copy.deepcopy(blocks), pickle.loads(pickle.dumps(blocks))):
            twin(TOKENS)
            assert [sorted(vars(module)) for module in twin.modules()] == before
        blocks(TOKENS)
    assert len(maps) == 4


def test_threads_record_the_same_model_without_seeing_each_other():
    blocks, together, found = two_blocks(), threading.Barrier(3), {}

    def look(number: int) -> None:
        with attention_recorded(blocks) as maps:
            together.wait(600)
            blocks(TOKENS[:number])
            together.wait(600)
        found[number] = [len(weights) for weights in maps]

    threads = [threading.Thread(target=look, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    together.wait(600)
    blocks(TOKENS)
    together.wait(600)
    for thread in threads:
        thread.join()
    assert found == {1: [1, 1], 2: [2, 2]}


def test_an_error_ends_a_recording():
    blocks = two_blocks()
    with pytest.raises(RuntimeError), attention_recorded(blocks) as maps:
        nn.Sequential(*blocks, nn.Linear(3, 3))(TOKENS)
    blocks(TOKENS)
    assert len(maps) == 2
    assert not blocks[0].attention.recorded


@pytest.mark.skipif(Version(torch.__version__) < Version("2.14"), reason="before, compiling splits the graph here")
def test_a_compiled_model_can_be_recorded():
    layer = MultiHeadSelfAttention(16, 2)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(TOKENS, CAUSAL), layer(TOKENS, CAUSAL))
    with attention_recorded(compiled) as maps:
        torch.testing.assert_close(compiled(TOKENS, CAUSAL), layer(TOKENS, CAUSAL))
    torch.testing.assert_close(compiled(TOKENS, CAUSAL), layer(TOKENS, CAUSAL))
    assert len(maps) == 2


@pytest.mark.parametrize("model", [nn.TransformerEncoderLayer(16, 2), "vit_b_16"])
def test_a_model_without_attention_layers_of_the_course_is_refused_with_advice(model):
    with (
        pytest.raises(ValueError, match=r"(TransformerEncoderLayer|str) has no attention layer .*from_torchvision"),
        attention_recorded(model),
    ):
        pass


def test_recordings_may_end_in_any_order():
    blocks = two_blocks()
    first, second = attention_recorded(blocks), attention_recorded(blocks)
    maps = first.__enter__(), second.__enter__()
    first.__exit__(None, None, None)
    blocks(TOKENS)
    second.__exit__(None, None, None)
    blocks(TOKENS)
    assert [len(each) for each in maps] == [0, 2]


# ---- masks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (
            CAUSAL.float(),
            r"mask is of type torch.float32, but must be a boolean .*: use mask.bool\(\) if it has ones",
        ),
        (CAUSAL.float().log(), r"mask == 0 if it was made to be added to scores"),
        (CAUSAL.int(), r"mask is of type torch.int32, but must be a boolean tensor"),
        (CAUSAL.numpy(), r"mask is of type ndarray, .* use torch.tensor\(mask\).bool\(\)"),
        (CAUSAL.tolist(), r"mask is of type list, .* use torch.tensor\(mask\).bool\(\)"),
        (CAUSAL[:5, :5], r"mask has the shape \(5, 5\), but must be broadcastable to \(3, 2, 6, 6\)"),
        (CAUSAL.expand(3, 6, 6), r"mask has the shape \(3, 6, 6\), but must be broadcastable to \(3, 2, 6, 6\)"),
        (CAUSAL.expand(1, 3, 2, 6, 6), r"mask has the shape \(1, 3, 2, 6, 6\), but must be broadcastable"),
        (CAUSAL.to("meta"), r"mask is on the device meta, but the inputs are on cpu: use mask.to\('cpu'\)"),
    ],
)
def test_both_paths_of_a_layer_refuse_other_masks_in_words(mask, sentence, recorded):
    """0 and 1 as numbers would be added to the scores by the fused kernel, and every token would see the future."""
    own, cross = MultiHeadSelfAttention(16, 2), MultiHeadCrossAttention(16, 2)
    for layer, inputs in ((own, (TOKENS,)), (cross, (TOKENS, TOKENS))):
        with attention_recorded(layer) if recorded else nullcontext(), pytest.raises(ValueError, match=sentence):
            layer(*inputs, mask)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@torch.no_grad()
def test_both_paths_of_a_layer_take_the_same_masks(dtype):
    layer, tokens = MultiHeadSelfAttention(16, 2).to(dtype), TOKENS.to(dtype)
    some = torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(1)) < 0.4
    some[0, 0, 2] = some[1, 0] = False  # a query that may attend to nothing, and an image of which none may
    loose = {"atol": 0.01, "rtol": 0.02} if dtype == torch.bfloat16 else {}
    for mask in (
        some,
        some[0],
        some[0, 0],
        some[0, 0, 1],
        some[:, :, :1],
        some.expand(3, 2, 6, 6),
        torch.tensor(True),
    ):
        fused = layer(tokens, mask)
        with attention_recorded(layer) as maps:
            torch.testing.assert_close(layer(tokens, mask), fused, **loose)
        may_look = mask.expand(3, 2, 6, 6).any(dim=-1).to(dtype)
        torch.testing.assert_close(maps[0].sum(-1), may_look, atol=0.02, rtol=0)


def test_all_other_masks_are_boolean_too():
    parts = torch.rand(2, 4, 8), torch.rand(2, 4, 9, 8), torch.rand(2, 4, 9, 8)
    pixels = torch.zeros(2, 16, dtype=torch.long)
    model = PixelTransformer(PixelTransformerConfig(4, 1, 4, 8, 1, 2, 8, causal=False))
    window = WindowAttention(8, 2, window=2)
    refused = {
        "inside is of type torch.float32": lambda: local_attend(*parts, torch.ones(4, 9)),
        "hidden is of type torch.int64": lambda: model.logits(pixels, torch.ones_like(pixels)),
        r"hidden has the shape \(2, 15\)": lambda: model(pixels, torch.ones(2, 15, dtype=torch.bool)),
        "hidden is of type torch.uint8": lambda: masked_loss(torch.rand(2, 16, 4), pixels, pixels.byte()),
        "mask is of type torch.float32": lambda: window.mix(*torch.rand(3, 1, 4, 2, 4, 4), torch.ones(4, 4)),
        "takes no mask": lambda: SelfAttention2d(8, similarity="dot_product").mix(*torch.rand(3, 1, 1, 4, 8), CAUSAL),
    }
    for sentence, call in refused.items():
        with pytest.raises(ValueError, match=sentence):
            call()


@pytest.mark.parametrize("function", [attend, attend_by_dot_product])
@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4), (5, 6), (5, 2)),
        ((3, 4), (5, 4), (4, 2)),
        ((2, 3, 4), (3, 5, 4), (3, 5, 2)),
        ((2, 3, 4), (2, 5, 4), (3, 5, 2)),
    ],
)
def test_queries_keys_and_values_that_do_not_fit_together_are_refused_in_words(function, shapes):
    with pytest.raises(ValueError, match="do not fit together: queries and keys need equally many features"):
        function(*(torch.rand(shape) for shape in shapes))


# ---- memory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "inputs", "matrix"),
    [
        (EncoderBlock(16, 2, 16), torch.rand(3, 6, 16), 3 * 2 * 6 * 6),
        (SelfAttention2d(8), torch.rand(3, 8, 4, 5), 3 * 20 * 20),
        (SelfAttention2d(8, similarity="dot_product", pool_keys=True), torch.rand(3, 8, 4, 4), 3 * 16 * 4),
        (WindowAttention(8, 2, window=2), torch.rand(3, 4, 4, 8), 3 * 4 * 2 * 4 * 4),
        (LocalAttention2d(8, 8, size=3, heads=2), torch.rand(3, 8, 4, 5), 3 * 2 * 20 * 9),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, nn.Module) else "",
)
def test_weights_of_all_layers_are_refused_before_the_first_one_allocates_if_they_do_not_fit(
    layer, inputs, matrix, monkeypatch
):
    model = nn.Sequential(*[copy.deepcopy(layer) for _ in range(3)])
    need = (3 + 1) * 4 * matrix  # bytes of three layers' weights and of one layer's scores
    for free in (need, need - 1):
        monkeypatch.setattr("course_utils.costs.free_memory", lambda device, free=free: free)
        with attention_recorded(model) as maps:
            for _ in range(2):  # each forward pass asks anew
                if free == need:
                    model(inputs)
                else:
                    with pytest.raises(MemoryError, match=r"attention weights of 3 layers with \d heads would"):
                        model(inputs)
        assert len(maps) == (6 if free == need else 0)


def test_layers_of_different_sizes_are_asked_for_one_kind_after_the_other(monkeypatch):
    asked = []
    monkeypatch.setattr("course_utils.costs.free_memory", lambda device: asked.append(device.type) or 10**9)
    model = nn.Sequential(EncoderBlock(16, 2, 16), EncoderBlock(16, 4, 16), EncoderBlock(16, 2, 16))
    with attention_recorded(model):
        model(TOKENS)
    assert asked == ["cpu", "cpu"]


@pytest.mark.parametrize("function", [attend, attend_by_dot_product])
def test_large_matrices_are_refused_in_words_outside_a_recording_too(function, monkeypatch):
    monkeypatch.setattr("course_utils.costs.free_memory", lambda device: 2**30)
    query = torch.rand(1, 100_000, 2)
    with pytest.raises(
        MemoryError, match=r"of shape \(1, 100000, 100000\) would take 74.5 GiB, but 1.0 GiB are free"
    ):
        function(query, query, query)
    monkeypatch.undo()
    assert function(*3 * [query.to("meta")])[1].shape == (1, 100_000, 100_000)  # which needs no memory
