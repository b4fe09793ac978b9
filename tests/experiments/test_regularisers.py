"""Notebook 06: twelve arms, each with the regularisers that its name says, and what the text says of their tables."""

import re
from dataclasses import asdict
from statistics import mean, stdev

import pytest
import torch
from torch import nn

from course_utils import costs
from course_utils.attention.stochastic_depth import StochasticDepth
from course_utils.data import DATASETS, DataNotFound, LabelledImages
from course_utils.experiments import interval, nb06_photographs, nb06_regularisers, paired, percents, read_results
from course_utils.experiments.claims import claims
from course_utils.experiments.nb06_regularisers import ALL, ARMS, CONFIG, EPOCHS, SWEEP, run, train_arm
from course_utils.lab import notebooks
from course_utils.models import ViT
from course_utils.models.refusals import UnknownName
from course_utils.paths import ROOT
from course_utils.training.inputs import Examples
from course_utils.widgets import Predict

FIVE = ["weight decay", "stochastic depth", "dropout", "MixUp", "RandAugment"]


def pictures() -> Examples:
    labels = torch.arange(100) % 10
    noise = torch.rand(100, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return Examples(0.3 * noise + labels.view(-1, 1, 1, 1) / 20, labels)


def with_what(name: str) -> set[str]:
    """Read from the name alone."""
    wanted = {"none": set(), "all": set(FIVE)} | {each: {each} for each in FIVE}
    return wanted[name] if name in wanted else set(FIVE) - {name.removeprefix("all but ")}


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_trains_with_the_regularisers_that_its_name_says(arm, monkeypatch):
    """Looked for in what is trained, and how: in the model, the recipe and the loss."""
    alphas, calls = [], []
    monkeypatch.setattr(nb06_regularisers, "mixup_loss", lambda alpha, classes: alphas.append(alpha) or "mixing")
    monkeypatch.setattr(nb06_regularisers, "fit", lambda *given, **more: calls.append((*given, more["loss"])))
    train_arm(arm, 3, pictures(), epochs=7)
    ((model, _, validation, recipe, loss),) = calls
    found = {
        "weight decay": recipe.weight_decay,
        "stochastic depth": 1 - min(each.survival for each in model.modules() if isinstance(each, StochasticDepth)),
        "dropout": max(each.p for each in model.modules() if isinstance(each, nn.Dropout)),
        "MixUp": alphas[0] if loss else 0,
        "RandAugment": recipe.augment.magnitude if recipe.augment else 0,
    }
    assert {name for name, strength in found.items() if strength} == with_what(arm)
    strengths = dict(zip(FIVE, asdict(ALL).values(), strict=True))
    assert {name: strength for name, strength in found.items() if strength} == pytest.approx(
        {name: strengths[name] for name in with_what(arm)}
    )
    assert (recipe.epochs, recipe.seed, recipe.label_smoothing, validation) == (7, 3, 0, None)


def test_the_sweep_has_the_arms_at_both_lengths_for_ten_seeds_that_chose_nothing():
    names = ["none", *FIVE, *(f"all but {name}" for name in FIVE), "all"]
    wanted = [(arm, epochs, seed) for seed in range(10) for epochs in (5, 40) for arm in names]
    assert [tuple(point.values()) for point in SWEEP.points] == wanted


def test_photographs_have_the_same_points_with_more_seeds_for_one_claim_and_the_same_vit_in_colour():
    points = list(nb06_photographs.SWEEP.points)
    same, more = points[: len(SWEEP.points)], [tuple(point.values()) for point in points[len(SWEEP.points) :]]
    assert same == list(SWEEP.points)
    (claim,) = (each for each in claims() if each.name == "06.each_needed_photographs")
    arms = (claim.of[0]["arm"], *claim.minus[0]["arm"])
    assert set(more) == {(arm, 40, seed) for arm in arms for seed in range(10, 23) if seed != 20}
    here, there = asdict(nb06_photographs.CONFIG), asdict(CONFIG)
    known = DATASETS["cifar10"]
    seen = {"image_size": 32, "patch_size": 8, "channels": 3, "mean": known.mean, "std": known.std}
    assert here == {**there, **seen}
    assert here["image_size"] // here["patch_size"] == there["image_size"] // there["patch_size"]


def test_a_point_of_photographs_is_an_arm_of_the_same_code_on_cifar(monkeypatch):
    """It trains on the seed's photographs and is scored on all test images."""
    asked, trained = [], []

    def photographs(*which):
        asked.append(which)
        return LabelledImages(torch.rand(8, 3, 32, 32), torch.arange(8), tuple("abcdefghij"), "made", "copies")

    def fit(model, train, validation, recipe, loss, quiet):
        trained.append((model.config, recipe.augment, recipe.epochs, loss is not None))
        assert loss is None or torch.isfinite(
            loss(model, recipe.augment(train.images, torch.Generator()), train.labels)[0]
        )

    monkeypatch.setattr(nb06_photographs, "cifar10", photographs)
    monkeypatch.setattr(nb06_regularisers, "fit", fit)
    found = nb06_photographs.run("all", 7, 3)
    assert asked == [("fit", nb06_regularisers.PICTURES, 3), ("test",)]
    ((config, augment, epochs, mixed),) = trained
    assert (config.channels, augment.magnitude, epochs, mixed) == (3, ALL.magnitude, 7, True)
    assert set(found) == {"images", "accuracy", "train_accuracy"}
    assert found["images"] == "copies"


def test_an_arm_trained_again_is_the_same_and_another_is_not():
    weights = [train_arm(arm, 1, pictures(), 2)[0].head.weight.detach() for arm in (*ARMS, "all")]
    *_, one, again = weights
    assert torch.equal(one, again)
    assert not any(torch.equal(a, b) for place, a in enumerate(weights[:-1]) for b in weights[:place])
    with pytest.raises(UnknownName):
        train_arm("all but patience", 1, pictures(), 1)


ROWS = {
    images: {(row["arm"], row["epochs"], row["seed"]): row for row in read_results(name)}
    for images, name in (("clothes", "sweep-regularisers"), ("photographs", "sweep-regularisers-photographs"))
}
RIGHT = {images: percents(rows.values(), "arm", "epochs") for images, rows in ROWS.items()}


def adds(one: str, other: str, epochs: int, sign: int = 1, spec: str = ".1f", on: str = "clothes") -> str:
    """Points of test accuracy, as the text writes them."""
    pair = (RIGHT[on][one, epochs], RIGHT[on][other, epochs])
    return format(paired(*pair[::sign]), spec).replace("-", "−")


def longer(arm: str, on: str, sign: int = 1) -> str:
    """Points by which 40 epochs are ahead of 5."""
    return format(paired(*(RIGHT[on][arm, 40], RIGHT[on][arm, 5])[::sign]), ".1f")


def percent(column: str, arm: str, epochs: int, on: str = "clothes") -> float:
    return 100 * interval([ROWS[on][arm, epochs, seed][column] for seed in range(10)]).mean


def text(cell: str) -> str:
    return next(each.source for each in notebooks.read(notebooks.find("06")).cells if each.id == cell)


def test_what_the_text_says_is_in_the_table():
    """The intervals beside a claim are held by ``test_claims_in_text``."""
    after, before = text("five-after"), text("five-table-text")
    parts, in_colour = (costs.count_parameters(ViT(config)) for config in (CONFIG, nb06_photographs.CONFIG))
    said = f"three layers; {parts:,} parameters for clothes, {in_colour:,} for photographs) learns from "
    assert f"{said}{nb06_regularisers.PICTURES} images" in text("five-text")
    for said in (
        f"from {adds('weight decay', 'none', 5, -1)} (weight decay) to {adds('RandAugment', 'none', 5, -1)} "
        "(RandAugment)",
        f"right for only {percent('train_accuracy', 'none', 5):.0f} % of its training images, "
        f"and for {percent('accuracy', 'none', 5):.0f} % of the test images",
        f"memorised its 500 images ({percent('train_accuracy', 'none', 40):.0f} %)",
        f"from {adds('stochastic depth', 'none', 40)} (stochastic depth, whose interval just includes zero) "
        f"to {adds('RandAugment', 'none', 40)} (RandAugment)",
        f"with {percent('accuracy', 'RandAugment', 40):.1f} %. That is {adds('RandAugment', 'all', 40)} points *ahead* "
        "of all five",
        f"right for only {percent('train_accuracy', 'all', 40):.0f} % of its training images, even after 40 epochs",
    ):
        assert said in after
    gaps = [RIGHT["clothes"]["RandAugment", n][0] - RIGHT["clothes"]["none", n][0] for n in EPOCHS.values()]
    assert f"costs {-gaps[0]:.1f} points after 5 epochs, and adds {gaps[1]:.1f} after 40" in before


def test_what_the_text_says_of_photographs_is_in_their_table():
    on = "photographs"
    after, question = text("five-after"), str(Predict.from_notebook("06", "five", fresh=True).questions[2])
    for said in (
        f"All together cost {adds('all', 'none', 5, -1, on=on)} after 5, and add {adds('all', 'none', 40, on=on)} "
        "after 40",
        f"(the difference is {adds('RandAugment', 'all', 40, on=on)} points)",
        f"the model without the five *loses* {longer('none', on, -1)} points on the photographs",
        f"on the clothes it gained {longer('none', 'clothes')}.",
        f"With all five it gains {longer('all', on)} points",
        f"RandAugment adds {adds('all', 'all but RandAugment', 40, on=on)} even there, and dropout costs as much",
    ):
        assert said in after
    assert adds("all but dropout", "all", 40, on=on) == adds("all", "all but RandAugment", 40, on=on)
    alone = {name: float(adds(name, "none", 40, on=on).split()[0]) for name in FIVE}
    assert max(alone, key=alone.get) == "RandAugment"
    assert percent("train_accuracy", "none", 40, on) > 99.5
    assert all(percent("accuracy", "none", n, on) == pytest.approx(25, abs=1.5) for n in EPOCHS.values())
    for n, says in ((5, "they cost {} points after 5 epochs"), (40, "and add {} after 40")):
        five = {seed: sum(RIGHT[on][name, n][seed] for name in FIVE) / 5 for seed in range(10)}
        pair = (five, RIGHT[on]["none", n])
        assert says.format(f"{paired(*pair[:: 1 if n == 40 else -1]):.1f}") in question
    assert all(row["images"].startswith("JPEG files") for row in ROWS[on].values())


def test_the_text_names_the_ends_of_each_range():
    alone = {n: {name: float(adds(name, "none", n).split()[0].replace("−", "-")) for name in FIVE} for n in (5, 40)}
    assert (max(alone[5], key=alone[5].get), min(alone[5], key=alone[5].get)) == ("weight decay", "RandAugment")
    assert (min(alone[40], key=alone[40].get), max(alone[40], key=alone[40].get)) == (
        "stochastic depth",
        "RandAugment",
    )
    assert max(ARMS, key=lambda arm: percent("accuracy", arm, 40)) == "RandAugment"
    assert all(gain <= 0 for gain in alone[5].values())
    assert all(gain > 0 for gain in alone[40].values())


def test_after_forty_epochs_the_interval_of_stochastic_depth_alone_includes_zero():
    ends = {name: adds(name, "none", 40, spec=".2f").split(" ± ") for name in FIVE}
    assert [name for name, (gain, reach) in ends.items() if float(gain) <= float(reach)] == ["stochastic depth"]
    question = Predict.from_notebook("06", "five", fresh=True).questions[0]
    assert f"stochastic depth ({adds('stochastic depth', 'none', 40)} points) the interval" in str(question)


@pytest.mark.parametrize(
    ("on", "table"), [("clothes", "sweep-regularisers"), ("photographs", "sweep-regularisers-photographs")]
)
def test_the_page_of_measurements_has_the_same_effects(on, table):
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if f"`course train {table}`" in line]
    for arm in (*FIVE, "all"):
        short, long = (adds(arm, "none", epochs, spec="+.1f", on=on) for epochs in EPOCHS.values())
        assert re.search(rf"\b{arm} {re.escape(f'{short}; {long}')}\b", row), arm
    none = [f"{percent('accuracy', 'none', epochs, on):.1f} %" for epochs in EPOCHS.values()]
    assert on == "clothes" or f"none of the five ({'; '.join(none)})" in row


def test_a_live_run_is_one_of_the_stored_ones():
    """Other processors and versions round otherwise, and a training amplifies it: as far apart as seeds may be."""
    try:
        found = run("none", 5, 0)
    except DataNotFound as missing:
        pytest.skip(str(missing))
    stored = [ROWS["clothes"]["none", 5, seed]["accuracy"] for seed in range(10)]
    assert found["accuracy"] == pytest.approx(mean(stored), abs=4 * stdev(stored))
