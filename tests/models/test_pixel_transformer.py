import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_utils.attention import attention_recorded, causal_mask
from course_utils.costs import count_parameters
from course_utils.models import PixelTransformer, PixelTransformerConfig, build
from course_utils.models.pixel_transformer import PUBLISHED, bits_per_pixel, masked_loss, next_pixel_pairs

SMALL = PixelTransformerConfig(image_size=4, channels=1, colours=5, dim=12, layers=3, heads=3, mlp_dim=20)


@st.composite
def models(draw, causal=(True,)):
    """A small model with random weights, in float64: equality is not a question of rounding."""
    heads = draw(st.integers(1, 3))
    config = PixelTransformerConfig(
        image_size=draw(st.integers(1, 4)),
        channels=draw(st.sampled_from([1, 3])),
        colours=draw(st.integers(2, 9)),
        dim=heads * draw(st.integers(3, 6)),
        layers=draw(st.integers(1, 4)),
        heads=heads,
        mlp_dim=draw(st.integers(1, 12)),
        causal=draw(st.sampled_from(causal)),
    )
    torch.manual_seed(draw(st.integers(0, 2**31)))
    model = PixelTransformer(config).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


def some_tokens(model: PixelTransformer, batch: int = 2) -> torch.Tensor:
    return torch.randint(model.config.colours, (batch, model.config.pixels))


@settings(max_examples=40)
@given(models(), st.integers(1, 3), st.floats(0, 1), st.sampled_from([0.3, 1.0, 2.0]), st.integers(0, 2**31))
def test_the_cache_changes_no_sample_and_no_logit(model, batch, share, temperature, seed):
    tokens = some_tokens(model, batch)
    known = tokens[:, : int(share * model.config.pixels)]
    drawn = [
        model.complete(known, temperature, torch.Generator().manual_seed(seed), cached) for cached in (True, False)
    ]
    assert torch.equal(*drawn)
    assert torch.equal(drawn[0][:, : known.shape[1]], known)

    words = next_pixel_pairs(tokens, model.config.colours)[0]
    past = [[] for _ in model.blocks]
    with torch.no_grad():
        step_by_step = torch.cat([model.predict(word, past) for word in words.split(1, dim=1)], dim=1)
        torch.testing.assert_close(step_by_step, model.logits(tokens))


def test_a_model_in_training_draws_without_dropout_and_stays_in_training():
    model = build(replace(SMALL, dropout=0.5), seed=0)
    for cached in (True, False):
        likeliest = model.complete(torch.zeros(1, 0, dtype=torch.long), 1e-6, cached=cached)
        assert torch.equal(likeliest, model.complete(torch.zeros(1, 0, dtype=torch.long), 1e-6, cached=cached))
    assert model.training


def test_the_cached_steps_are_recorded_too():
    model, known = build(SMALL, seed=0).eval(), torch.zeros(1, 3, dtype=torch.long)
    seen = []
    for cached in (True, False):
        with attention_recorded(model) as maps:
            model.complete(known, 1e-6, cached=cached)
        seen.append([each[:, :, -1] for each in maps])  # of the newest token
    assert len(seen[0]) == (16 - 3) * 3
    for one, other in zip(*seen, strict=True):
        torch.testing.assert_close(one, other)


@settings(max_examples=40)
@given(models(), st.data())
def test_changing_a_pixel_changes_no_logit_up_to_its_own(model, data):
    tokens = some_tokens(model)
    place = data.draw(st.integers(0, model.config.pixels - 1))
    changed = tokens.clone()
    changed[:, place] = (changed[:, place] + 1) % model.config.colours
    with torch.no_grad():
        before, after = model.logits(tokens), model.logits(changed)
    assert torch.equal(before[:, : place + 1], after[:, : place + 1])
    if place + 1 < model.config.pixels:
        assert not torch.equal(before[:, place + 1 :], after[:, place + 1 :])


def test_a_hidden_pixel_is_predicted_from_both_sides_and_not_from_itself():
    torch.manual_seed(0)
    model = PixelTransformer(replace(SMALL, causal=False)).eval()
    tokens, hidden = some_tokens(model), torch.zeros(2, 16, dtype=torch.bool)
    hidden[:, 7] = True

    def answer(place):
        changed = tokens.clone()
        changed[:, place] = (changed[:, place] + 1) % 5
        with torch.no_grad():
            return model.logits(changed, hidden)[:, 7]

    with torch.no_grad():
        asked = model.logits(tokens, hidden)[:, 7]
    assert torch.equal(asked, answer(7))
    assert not torch.equal(asked, answer(3))
    assert not torch.equal(asked, answer(12))


@settings(max_examples=25)
@given(models((True, False)))
def test_it_is_pytorchs_pre_norm_transformer(model):
    c = model.config
    layer = nn.TransformerEncoderLayer(
        c.dim, c.heads, c.mlp_dim, 0.0, "gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    theirs = nn.TransformerEncoder(layer, c.layers, nn.LayerNorm(c.dim, eps=1e-6), enable_nested_tensor=False)
    renamed = {
        name.replace("blocks.", "layers.")
        .replace("attention.to_qkv.", "self_attn.in_proj_")
        .replace("attention.to_out", "self_attn.out_proj")
        .replace("mlp.0", "linear1")
        .replace("mlp.3", "linear2"): value
        for name, value in model.state_dict().items()
        if name.startswith(("blocks.", "norm."))
    }
    theirs.double().eval().load_state_dict(renamed)
    tokens = some_tokens(model)
    words = next_pixel_pairs(tokens, c.colours)[0] if c.causal else tokens
    mask = ~causal_mask(words.shape[1]) if c.causal else None
    embedded = model.colour(words) + model.positions[:, : words.shape[1]]
    torch.testing.assert_close(model.head(theirs(embedded, mask=mask)), model.logits(tokens))


@settings(max_examples=25)
@given(models((True, False)))
def test_attention_maps_are_those_of_the_forward_pass_and_look_at_nothing_ahead(model):
    c = model.config
    images = torch.rand(2, c.channels, c.image_size, c.image_size).double()
    maps = model.attention_maps(images)
    assert [m.shape for m in maps] == [(2, c.heads, c.tokens, c.tokens)] * c.layers
    torch.testing.assert_close(torch.stack(maps).sum(-1), torch.ones(c.layers, 2, c.heads, c.tokens).double())
    assert bool((torch.stack(maps).triu(1) == 0).all()) is (c.causal or c.tokens == 1)
    # One layer by hand, from what the last block reads.
    *_, last, _ = model.stream(model.words(images))
    query, key, _ = model.blocks[-1].attention.to_qkv(model.blocks[-1].norm1(last)).chunk(3, dim=-1)
    scores = query[..., : c.dim // c.heads] @ key[..., : c.dim // c.heads].mT / math.sqrt(c.dim // c.heads)
    if c.causal:
        scores = scores.masked_fill(~causal_mask(c.tokens), -torch.inf)
    torch.testing.assert_close(maps[-1][:, 0], scores.softmax(-1))


@given(st.integers(2, 64), st.integers(1, 3), st.integers(1, 9), st.floats(-3, 3))
def test_a_model_that_knows_nothing_needs_log2_of_the_colours(colours, batch, pixels, level):
    logits = torch.full((batch, pixels, colours), level)
    bits = bits_per_pixel(logits, torch.randint(colours, (batch, pixels)))
    assert bits.item() == pytest.approx(math.log2(colours), abs=1e-5)


def test_visible_pixels_do_not_change_the_masked_loss():
    logits, pixels, hidden = torch.randn(2, 6, 4), torch.randint(4, (2, 6)), torch.zeros(2, 6, dtype=torch.bool)
    hidden[0, 2] = hidden[1, 5] = True
    other = torch.where(hidden[..., None], logits, torch.randn_like(logits))
    assert torch.equal(masked_loss(logits, pixels, hidden), masked_loss(other, pixels, hidden))
    everything = torch.ones_like(hidden)
    assert masked_loss(logits, pixels, everything) / math.log(2) == pytest.approx(
        bits_per_pixel(logits, pixels).item()
    )


@pytest.mark.parametrize(("name", "millions"), [("igpt_s", 76), ("igpt_m", 455), ("igpt_l", 1360)])
def test_published_sizes_have_the_papers_parameters(name, millions):
    with torch.device("meta"):
        model = PixelTransformer.from_name(name)
    assert count_parameters(model) == pytest.approx(millions * 1e6, rel=0.01)
    assert PUBLISHED[name].pixels == 1024


def test_features_are_one_more_than_the_layers_and_the_last_makes_the_logits():
    torch.manual_seed(0)
    model = PixelTransformer(SMALL).eval()
    images = torch.rand(2, 1, 4, 4)
    features = model.features(images)
    assert [f.shape for f in features] == [(2, 17, 12)] * 4
    torch.testing.assert_close(model.head(features[-1])[:, :-1], model(images))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"colours": 1}, "colours is 1, but must be at least 2"),
        ({"dim": 13}, "dim 13 cannot be shared equally among 3 heads: try dim 15"),
        ({"layers": 0}, "layers is 0, but must be at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0, but must be in"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused_in_words(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **changes)


def test_what_the_model_cannot_read_is_refused_in_words():
    model, masked = PixelTransformer(SMALL), PixelTransformer(replace(SMALL, causal=False))
    tokens = some_tokens(model)
    outside = tokens.clone()
    outside[1, 3] = 5
    refused = {
        "has 20 tokens, but this model has positions for 17": lambda: model.logits(torch.zeros(1, 20).long()),
        "a pixel of colour 5, but the palette has the colours 0 to 4": lambda: model.logits(outside),
        "a pixel of colour -1, but": lambda: model.complete(torch.tensor([[-1]])),
        "20 pixels are known, but this model's images have 16": lambda: model.complete(torch.zeros(1, 20).long()),
        "temperature is 0, but must be above 0": lambda: model.complete(tokens[:, :3], temperature=0),
        "Only a causal model can complete": lambda: masked.complete(tokens[:, :3]),
        "already hides all later pixels": lambda: model.logits(tokens, tokens > 2),
        r"palette has the shape \(4, 1\), but": lambda: PixelTransformer(SMALL, torch.rand(4, 1)),
        "torch.float32, but must be colour indices": lambda: model.logits(torch.rand(1, 16)),
    }
    for sentence, call in refused.items():
        with pytest.raises(ValueError, match=sentence):
            call()


def test_attention_maps_larger_than_the_free_memory_are_refused_before_they_are_made(monkeypatch):
    model = PixelTransformer(SMALL)
    monkeypatch.setattr("course_utils.costs.free_memory", lambda device: 3 * 3 * 17**2 * 4 * 2 - 1)
    monkeypatch.setattr("course_utils.attention.core.attend", lambda *_: pytest.fail("weights are computed"))
    with pytest.raises(
        MemoryError, match=r"weights of 3 layers with 3 heads would take 0.0 GiB, but 0.0 GiB are free"
    ):
        model.attention_maps(torch.rand(2, 1, 4, 4))
