"""Notebook 05: two transfers, each arm as its name says, and what the text says of their table."""

from statistics import mean
from types import SimpleNamespace

import pytest
import torch

from course_utils.data import LabelledImages
from course_utils.experiments import interval, nb05_transfer, percents, read_results
from course_utils.experiments.nb05_transfer import FIRST, SWEEP, THEN, day_then_night, half, pretrain_then_fine_tune
from course_utils.lab import notebooks
from course_utils.models.refusals import UnknownName
from course_utils.paths import ROOT
from course_utils.widgets import Predict

WHAT = ("photographs", "night")
ARMS = [(transfer, model) for transfer in WHAT for model in ("ViT", "ResNet")]


def colours(split: str) -> LabelledImages:
    """In place of CIFAR-10: 3,000 images of each class, as bright as their label, and their number in a corner."""
    labels = torch.arange(30_000) % 10
    images = (labels / 10).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).clone()
    images[:, 0, 0, 0] = torch.arange(30_000)
    return LabelledImages(images, labels, tuple("abcdefghij"), f"{split} colours", "a test")


@pytest.fixture
def stages(monkeypatch):
    """What is trained and tested in an arm, without training: its stages and its tests, in their order."""
    monkeypatch.setattr(nb05_transfer, "cifar10", colours)
    trained, tested = [], []

    def train(model, images, steps, rate, seed, quiet):
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        trained.append(SimpleNamespace(images=images, steps=steps, rate=rate, seed=seed, weights=weights))
        for parameter in model.parameters():
            parameter.data.add_(1)

    def score(model, images):
        tested.append(images)
        return SimpleNamespace(accuracy=0.5)

    monkeypatch.setattr(nb05_transfer, "train_one", train)
    monkeypatch.setattr(nb05_transfer, "evaluate", score)
    return trained, tested


def test_the_halves_share_no_class_in_either_split_and_another_seed_has_others(monkeypatch):
    monkeypatch.setattr(nb05_transfer, "cifar10", colours)
    first, then, tested, fewer = (
        half(*which, 10)
        for which in ((FIRST, "fit", None), (THEN, "fit", None), (THEN, "test", None), (FIRST, "fit", 2500))
    )
    kinds = [set(images.labels.tolist()) for images in (first, then, tested, fewer)]
    assert (kinds[0] & kinds[1], kinds[0] | kinds[1]) == (set(), set(range(10)))
    assert (len(kinds[0]), kinds[2], kinds[3]) == (5, kinds[1], kinds[0])
    assert (len(first), len(fewer), len(set(fewer.images[:, 0, 0, 0].tolist()))) == (15_000, 2500, 2500)
    assert len({tuple(sorted(set(half(FIRST, "fit", None, seed).labels.tolist()))) for seed in range(10, 20)}) > 5


def test_night_comes_second_with_scenes_of_its_own():
    day, night = (day_then_night(stage, "fit", 300, 10) for stage in (FIRST, THEN))
    assert day.images.shape == night.images.shape == (300, 1, 28, 28)
    assert night.images.mean() < 0.5 * day.images.mean()
    assert not torch.equal(day.labels, night.labels)
    tests = [day_then_night(THEN, "test", None, seed).images for seed in (10, 11)]
    assert torch.equal(*tests)
    assert len(tests[0]) == 5000


@pytest.mark.parametrize(("transfer", "model"), ARMS)
def test_an_arm_learns_as_many_images_as_its_name_says_and_then_the_same_few_with_a_new_head(transfer, model, stages):
    trained, tested = stages
    amounts = {"photographs": [2500, 15_000], "night": [2000, 20_000]}[transfer]
    steps, rate = {
        ("photographs", "ViT"): ([600, 150], [0.003, 0.003]),
        ("photographs", "ResNet"): ([600, 150], [0.01, 0.01]),
        ("night", "ViT"): ([300, 300], [0.01, 0.0033]),
        ("night", "ResNet"): ([300, 300], [0.03, 0.0099]),
    }[transfer, model]
    _, found = pretrain_then_fine_tune(transfer, "none", model, 10)
    (alone,) = trained
    assert (len(alone.images), alone.steps, alone.rate) == (500, steps[1], rate[0])
    assert found["before_accuracy"] != found["before_accuracy"]  # NaN
    for amount, name in zip(amounts, ("few", "many"), strict=True):
        trained.clear(), tested.clear()
        pretrain_then_fine_tune(transfer, name, model, 10)
        before, after = trained
        assert [len(before.images), len(after.images)] == [amount, 500]
        assert [before.steps, after.steps] == steps
        assert [before.rate, after.rate] == pytest.approx(rate)
        assert torch.equal(after.images.images, alone.images.images)
        assert all(torch.equal(value, alone.weights[key]) for key, value in before.weights.items())
        kept = {key for key, value in after.weights.items() if torch.equal(value, before.weights[key] + 1)}
        weights = {key for key, value in before.weights.items() if value.is_floating_point() and "running" not in key}
        assert weights - kept == {"head.weight", "head.bias"}
        learned, wanted = (set(part.labels.tolist()) for part in tested)
        assert (learned, wanted) == (set(before.images.labels.tolist()), set(after.images.labels.tolist()))
        assert (learned == wanted) == (transfer == "night")


def test_the_sweep_has_every_arm_with_ten_seeds_that_chose_nothing():
    wanted = [
        (transfer, pictures, model, seed)
        for seed in range(10, 20)
        for transfer in ("photographs", "night")
        for pictures in ("none", "few", "many")
        for model in ("ViT", "ResNet")
    ]
    assert [tuple(point.values()) for point in SWEEP.points] == wanted
    for wrong in (("dusk", "none", "ViT"), ("night", "some", "ViT"), ("night", "none", "Swin")):
        with pytest.raises(UnknownName):
            pretrain_then_fine_tune(*wrong, 10)


ROWS = read_results("sweep-transfer")
AFTER, BEFORE = (
    percents(ROWS, "transfer", "model", "pictures", what=what) for what in ("accuracy", "before_accuracy")
)


def gain(transfer: str, model: str, than: str = "none") -> dict[int, float]:
    """Seed → points of test accuracy that many images add."""
    other = AFTER[transfer, model, than]
    return {seed: value - other[seed] for seed, value in AFTER[transfer, model, "many"].items()}


def adds(transfer: str, model: str, than: str = "none", spec: str = ".1f") -> str:
    return format(interval([*gain(transfer, model, than).values()]), spec).replace("-", "−")


def removes(transfer: str, model: str) -> str:
    """The share of the errors that is gone, in per cent."""
    without = AFTER[transfer, model, "none"]
    return f"{interval([100 * more / (100 - without[seed]) for seed, more in gain(transfer, model).items()]):.1f}"


def first(transfer: str, model: str) -> float:
    """The accuracy on the first task after many of its images, in per cent."""
    return mean(BEFORE[transfer, model, "many"].values())


def text(cell: str) -> str:
    return next(each.source for each in notebooks.read(notebooks.find("05")).cells if each.id == cell)


def test_what_the_text_says_is_in_the_table():
    after = text("transfer-after")
    for said in (
        f"adds {adds('photographs', 'ViT')} points to the ViT",
        f"and {adds('photographs', 'ResNet')} to the ResNet",
        f"adds {adds('night', 'ViT')} points to the ViT",
        f"and {adds('night', 'ResNet')} to the ResNet",
        f"{removes('photographs', 'ResNet')} % on photographs and {removes('night', 'ResNet')} % by night, "
        f"the ViT {removes('photographs', 'ViT')} and {removes('night', 'ViT')} %",
        f"add {adds('photographs', 'ViT', 'few')} points to the ViT "
        f"and {adds('photographs', 'ResNet', 'few')} to the ResNet",
        f"instead of 2,000 add {adds('night', 'ViT', 'few')} and {adds('night', 'ResNet', 'few')} points",
        f"{first('photographs', 'ResNet'):.0f} % (photographs) and {first('night', 'ResNet'):.1f} % (shapes by day), "
        f"the ViT {first('photographs', 'ViT'):.0f} and {first('night', 'ViT'):.0f} %",
    ):
        assert said in after, said
    assert all(
        mean(AFTER[what, "ResNet", "none"].values()) > mean(AFTER[what, "ViT", "none"].values()) for what in WHAT
    )
    by_seed = {amount: AFTER["night", "ViT", amount][10] for amount in ("none", "many")}
    before = text("transfer-table-text")
    assert f"names {BEFORE['night', 'ViT', 'many'][10]:.0f} % by day and {by_seed['many']:.1f} % by night" in before
    assert f"without pre-training, {by_seed['none']:.1f} % by night" in before


def test_the_page_of_measurements_has_the_same_gains():
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if "`course train sweep-transfer`" in line]
    for transfer in WHAT:
        without = [mean(AFTER[transfer, model, "none"].values()) for model in ("ViT", "ResNet")]
        assert f"{without[0]:.1f} and {without[1]:.1f} %" in row
        for than in ("none", "few"):
            gains = [f"{model} {adds(transfer, model, than, '+.1f')}" for model in ("ViT", "ResNet")]
            assert ", ".join(gains) in row


def test_the_question_and_the_deck_say_what_was_learned_first():
    assert first("night", "ResNet") > 99
    assert first("night", "ViT") == pytest.approx(60, abs=5)
    question = str(Predict.from_notebook("05", "transfer", fresh=True).questions[0])
    assert "by day it names nearly all new shapes, the ViT about three in five" in question
