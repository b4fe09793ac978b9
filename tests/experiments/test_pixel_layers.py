"""Notebook 03: what is trained, what each column of the sweep is of, and what the text says of its table."""

from statistics import mean, stdev

import pytest
import torch
from torch.nn import functional as F

from course_utils import costs
from course_utils.data import LabelledImages
from course_utils.experiments import interval, nb03_pixel_layers, read_results
from course_utils.experiments.intervals import Interval
from course_utils.experiments.nb03_pixel_layers import (
    BLOCKS,
    CLOTHES,
    CONFIGS,
    LABELLED,
    MIDDLE,
    SEEDS,
    SWEEP,
    TESTED,
    WEIGHTS,
    drawn_by,
    model_of,
    pooled,
    run,
)
from course_utils.experiments.verdict import runs_needed
from course_utils.lab import notebooks
from course_utils.models import build
from course_utils.models.refusals import UnknownName
from course_utils.paths import ROOT


def pictures(split: str = "fit", count: int = 200, seed: int = 0) -> LabelledImages:
    """Each class has a shade of its own; the test images have another noise."""
    labels = torch.arange(count) % 10
    noise = torch.rand(count, 1, 7, 7, generator=torch.Generator().manual_seed(seed + (split == "test")))
    return LabelledImages(0.1 * noise + labels.view(-1, 1, 1, 1) / 11, labels, tuple("abcdefghij"), split, split)


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def bits(model, images) -> float:
    with torch.no_grad():
        return F.cross_entropy(model(images).flatten(0, 1), model.encode(images).flatten()).item()


def test_one_network_has_read_the_pictures_and_the_other_is_the_same_before_that():
    images = pictures(count=640).images
    untrained, trained = (model_of(weights, "fashion_mnist", 3, images) for weights in ("untrained", "next pixel"))
    assert same(untrained, build(CLOTHES, 3))
    assert all(config.causal for config in CONFIGS.values())
    assert bits(trained, images) < 0.7 * bits(untrained, images)
    assert same(trained, model_of("next pixel", "fashion_mnist", 3, images))
    assert not same(trained, model_of("next pixel", "fashion_mnist", 4, images))
    with pytest.raises(UnknownName):
        model_of("pretrained", "digits", 3, images)


@pytest.mark.parametrize(("dataset", "epochs"), [("digits", 6), ("fashion_mnist", 1)])
def test_the_pictures_are_read_as_often_as_is_said_and_without_their_labels(dataset, epochs, monkeypatch):
    calls = []
    monkeypatch.setattr(nb03_pixel_layers, "pretrain", lambda *given, **more: calls.append(given))
    images = pictures().images
    model_of("untrained", dataset, 5, images)
    model = model_of("next pixel", dataset, 5, images)
    ((trained, read, recipe),) = calls
    assert trained is model
    assert read is images
    assert (recipe.epochs, recipe.seed, recipe.augment) == (epochs, 5, None)


def test_every_seed_tests_digits_of_its_own_that_its_model_has_not_read():
    sets = {}
    for seed in (0, 1):
        read, labelled, tested = drawn_by(seed, "digits")
        assert labelled is read
        assert len(tested) == 360
        places = torch.cat([read.images, tested.images]).flatten(1).unique(dim=0)
        assert (len(read) + len(tested), len(places)) == (1797, 1797)  # no digit is there twice
        sets[seed] = tested.images
    assert not torch.equal(sets[0], sets[1])


def test_a_column_is_of_the_features_after_its_block(monkeypatch):
    """From the block at which the features become noise, a probe is at chance; before it, it is not."""
    monkeypatch.setattr(nb03_pixel_layers, "drawn_by", lambda *_: (pictures(), pictures(), pictures("test", 400)))
    found = run("fashion_mnist", "untrained", 0)
    assert list(found) == ["bits", *(f"block_{number}" for number in range(9))]
    assert all(found[block] > 0.8 for block in BLOCKS)

    whole = nb03_pixel_layers.pooled

    def noisy(model, images):
        features = whole(model, images)
        noise = torch.Generator().manual_seed(len(images))
        features[6:] = torch.randn(features[6:].shape, generator=noise)
        return features

    monkeypatch.setattr(nb03_pixel_layers, "pooled", noisy)
    found = run("fashion_mnist", "untrained", 0)
    assert [block for block in BLOCKS if found[block] < 0.3] == ["block_6", "block_7", "block_8"]


def test_features_are_averaged_over_the_tokens_without_dropout():
    model, tested = build(CLOTHES, 0).train(), pictures("test", 60)
    ours = pooled(model, tested.images)
    assert model.training
    torch.testing.assert_close(ours[4], model.eval().features(tested.images)[4].mean(dim=1))


def test_the_sweep_has_both_networks_for_seeds_that_chose_nothing():
    assert {dataset: len(seeds) for dataset, seeds in SEEDS.items()} == {"digits": 48, "fashion_mnist": 10}
    assert [tuple(point.values()) for point in SWEEP.points] == [
        (dataset, weights, seed)
        for dataset in ("digits", "fashion_mnist")
        for seed in range(49)
        if seed in SEEDS[dataset] and seed != 20
        for weights in ("next pixel", "untrained")
    ]
    assert (MIDDLE, {config.layers for config in CONFIGS.values()}) == (4, {8})


ROWS = {(row["dataset"], row["weights"], row["seed"]): row for row in read_results("sweep-pixel-layers")}
SETS = ("digits", "fashion_mnist")


def percent(dataset: str, weights: str, block: int) -> Interval:
    return interval([100 * ROWS[dataset, weights, seed][f"block_{block}"] for seed in SEEDS[dataset]])


def ahead(dataset: str, block: int, other: int) -> Interval:
    """Points by which a probe after one block is ahead of one after another."""
    rows = [ROWS[dataset, "next pixel", seed] for seed in SEEDS[dataset]]
    return interval([100 * (row[f"block_{block}"] - row[f"block_{other}"]) for row in rows])


def gain(dataset: str, block: int = 4) -> Interval:
    """Points that training adds."""
    pairs = [[100 * ROWS[dataset, weights, seed][f"block_{block}"] for weights in WEIGHTS] for seed in SEEDS[dataset]]
    return interval([trained - untrained for trained, untrained in pairs])


def text(cell: str) -> str:
    return next(each.source for each in notebooks.read(notebooks.find("03")).cells if each.id == cell)


def test_what_the_text_says_is_in_the_table():
    """The intervals beside a claim are held by ``test_claims_in_text``."""
    after, first = text("layers-after"), text("layers-text")
    digits, clothes = (format(gain(dataset), ".1f") for dataset in SETS)
    assert f"{digits} points ahead of the untrained one on the digits, and {clothes} on Fashion-MNIST" in after
    early = [gain(dataset, 1).mean for dataset in SETS]
    assert f"Most of that lead is there after the first block: {early[0]:.1f} and {early[1]:.1f} points" in after
    assert all(0.85 * gain(dataset).mean < gain(dataset, 1).mean for dataset in SETS)
    assert f"about {round(costs.count_parameters(build(CLOTHES, 0)), -4):,}" in after
    assert f"draws its own {TESTED['digits']} test images" in first
    assert f"all but the {60_000 - nb03_pixel_layers.PICTURES:,} kept for validation" in first
    of_ten = [ROWS["digits", "next pixel", seed] for seed in SEEDS["digits"][:10]]
    spread = stdev(100 * (row["block_4"] - row["block_1"]) for row in of_ten)
    wanted = runs_needed(spread, 1)
    assert wanted == len(SEEDS["digits"])
    said = f"{wanted} seeds has an 80 % chance of detecting a true difference of one point. Here are all {wanted}."
    assert said in first
    assert f"from {LABELLED:,} labelled images and is tested on {TESTED['fashion_mnist']:,}" in first


def test_the_curves_are_as_flat_as_the_text_says():
    assert max(abs(ahead("fashion_mnist", 4, block).mean) for block in range(3, 9)) < 0.2
    assert all(abs(ahead("digits", 4, block).mean) < 1 for block in range(1, 9))
    for block in (2, 3):  # "the next two a little more"
        assert ahead("fashion_mnist", block, block - 1).mean > ahead("fashion_mnist", block, block - 1).reach
    assert sum(ahead("digits", 4, 1)) < 1  # "a point ahead is outside the interval"
    for dataset in SETS:
        assert all(gain(dataset, block).mean > gain(dataset, block).reach for block in range(9))


def test_the_pages_have_the_same_figures():
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if "`course train sweep-pixel-layers`" in line]
    for dataset in SETS:
        trained, untrained = ([percent(dataset, weights, block) for block in (1, 4, 8)] for weights in WEIGHTS)
        shown = ", ".join(format(each, ".1f") for each in trained)
        assert f"{shown} %, untrained {', '.join(f'{each.mean:.1f}' for each in untrained)} %" in row
    teacher = (ROOT / "notebooks" / "INSTRUCTOR.md").read_text(encoding="utf-8")
    gained = format(ahead("fashion_mnist", 4, 1), ".1f")
    assert f"gains {gained} points from the first block to the middle" in teacher
    assert f"training is worth {gain(SETS[1]).mean:.1f} points, and {gain(SETS[0]).mean:.1f} on the digits" in teacher


def test_a_live_run_is_one_of_the_stored_ones():
    """Other processors and versions round otherwise: as far apart as seeds may be."""
    stored = [ROWS["digits", "untrained", seed]["block_4"] for seed in SEEDS["digits"]]
    assert run("digits", "untrained", 0)["block_4"] == pytest.approx(mean(stored), abs=4 * stdev(stored))
