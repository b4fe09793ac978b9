"""Notebook 07: each lesson on CIFAR-10, by two teachers, and what the text says of their students."""

import re
from collections import Counter

import pytest
import torch
from torch import nn

from course_utils.data import LabelledImages
from course_utils.experiments import interval, nb07_imagenet_teacher, paired, percents, read_results
from course_utils.experiments.nb07_distillation import LABELS, STEPS
from course_utils.experiments.nb07_imagenet_teacher import METHODS, SWEEP
from course_utils.lab import notebooks
from course_utils.models import DistilledViT
from course_utils.models.deit import TwoLogits
from course_utils.paths import ROOT
from course_utils.training import distill
from course_utils.widgets import Predict

FEW = LabelledImages(torch.rand(8, 3, 32, 32), torch.arange(8), tuple("abcdefghij"), "made", "made")


class Fixed(nn.Module):
    """Answers every image with the same logits."""

    def __init__(self, *logits: list[float]) -> None:
        super().__init__()
        self.logits = [torch.tensor(each) for each in logits]

    def forward(self, images: torch.Tensor):
        one, *other = (each.expand(len(images), -1) for each in self.logits)
        return TwoLogits(one, *other) if other else one


@pytest.mark.parametrize("method", METHODS)
def test_a_method_trains_with_the_lesson_and_the_teacher_of_its_name(method, monkeypatch):
    """Its loss is the one of the name, by the value that it has for logits that are known."""
    asked, calls = [], []
    taught, first, second = (torch.randn(10, generator=torch.Generator().manual_seed(n)).tolist() for n in range(3))
    monkeypatch.setattr(nb07_imagenet_teacher, "load_images", lambda *given: FEW)
    monkeypatch.setattr(nb07_imagenet_teacher, "teacher", lambda *given: asked.append(given) or (Fixed(taught), 0.7))
    monkeypatch.setattr(nb07_imagenet_teacher, "fit", lambda *given, **more: calls.append((*given, more["loss"])))
    found = nb07_imagenet_teacher.run("cifar10", method, 3)
    ((student, _, validation, recipe, loss),) = calls
    lesson, _, kind = method.partition(", ")
    assert asked == [("cifar10", kind.removesuffix(" teacher"), 3)] * (lesson != "alone")
    assert (found["teacher_accuracy"] == 0.7) == (lesson != "alone")
    assert isinstance(student, DistilledViT) == (lesson == "token")
    assert (recipe.label_smoothing, recipe.seed, validation) == (0.1 * ("smoothed" in method), 3, None)
    assert recipe.epochs * -(-LABELS // recipe.batch_size) == STEPS == 960
    assert (recipe.epochs, recipe.learning_rate) == (30, 2e-3)
    if lesson == "alone":
        assert loss is None
        return
    pupil = Fixed(first, second) if lesson == "token" else Fixed(first)
    wanted = {
        "soft": lambda said, told: distill.soft_distillation(said, told, FEW.labels, 3.0, 0.9),
        "hard": lambda said, told: distill.hard_distillation(said, told, FEW.labels, 0.1),
        "token": lambda said, told: distill.token_distillation(*said, told, FEW.labels, 0.1),
    }[lesson](pupil(FEW.images), Fixed(taught)(FEW.images))
    assert torch.allclose(loss(pupil, FEW.images, FEW.labels)[0], wanted)


def test_photographs_have_every_method_for_ten_seeds():
    points = [(point["method"], point["seed"]) for point in SWEEP.points if point["dataset"] == "cifar10"]
    assert Counter(points) == {(method, seed): 1 for method in METHODS for seed in range(10)}


EVERY = read_results("sweep-imagenet-teacher")
STUDENTS, TEACHERS = (
    percents([row for row in EVERY if row["dataset"] == "cifar10"], "method", what=what)
    for what in ("accuracy", "teacher_accuracy")
)
BIG, SMALL = ([f"{kind}, {teacher} teacher" for kind in ("soft", "hard", "token")] for teacher in ("ImageNet", "CNN"))
SMOOTHED = "alone, smoothed labels"


def gap(one: str, other: str, spec: str = ".1f") -> str:
    """Points, as a table writes them."""
    return format(paired(STUDENTS[one], STUDENTS[other]), spec).replace("-", "−")


def found(one: str, other: str) -> str:
    """What may be said of one and another."""
    points = paired(STUDENTS[one], STUDENTS[other])
    if abs(points.mean) <= points.reach:
        return rf"cannot be told from [\w '’]+(: the difference is | \(){gap(one, other)} points"
    return rf"is {gap(one, other).strip('−')} points {'ahead of' if points.mean > 0 else 'behind'} "


def so_too(one: str, other: str, as_before: tuple[str, str]) -> str:
    """The same with the small CNN, in a sentence that says only by how much: the direction is that of as_before."""
    points = paired(STUDENTS[one], STUDENTS[other])
    assert abs(points.mean) > points.reach
    assert (points.mean > 0) == (paired(*(STUDENTS[each] for each in as_before)).mean > 0)
    return f"and with the small CNN {gap(one, other).strip('−')} points"


def percent(values: dict[int, float], spec: str = ".0f") -> str:
    return format(interval([*values.values()]).mean, spec)


def text(cell: str) -> str:
    return next(each.source for each in notebooks.read(notebooks.find("07")).cells if each.id == cell)


def test_what_the_text_says_of_photographs_is_in_the_table():
    """Each interval in its order, and ahead or behind only where zero is outside it."""
    known = (
        f"right for {percent(TEACHERS[BIG[0]])} %.* for {percent(TEACHERS[SMALL[0]])} %.* "
        f"for {percent(STUDENTS['alone'])} %"
    )
    soft = (found(BIG[0], "alone"), so_too(SMALL[0], "alone", (BIG[0], "alone")), found(BIG[0], SMALL[0]))
    softness = (f"add {gap(SMOOTHED, 'alone')} points", found(BIG[0], SMOOTHED))
    hard, token = ([found(BIG[n], BIG[n - 1]), so_too(SMALL[n], SMALL[n - 1], (BIG[n], BIG[n - 1]))] for n in (1, 2))
    alike = [seed for seed, right in STUDENTS[BIG[1]].items() if right == STUDENTS[SMALL[1]][seed]]
    assert len(alike) == 5
    hard.append("In five of the ten seeds")
    for bullet, wanted in zip(
        text("photographs-after").splitlines(), [(known, *soft), softness, hard, token], strict=True
    ):
        assert re.search(".*".join(wanted), bullet), bullet


def test_what_is_said_of_the_imagenet_teachers_clothes_is_in_the_table():
    of_clothes = [row for row in EVERY if row["dataset"] == "fashion_mnist"], read_results("sweep-distillation")
    (clothes, with_cnn), (asked_some, asked_all) = (
        [percents(rows, "method", what=what)[each[0]] for rows, each in zip(of_clothes, (BIG, SMALL), strict=True)]
        for what in ("accuracy", "teacher_accuracy")
    )
    gap_on_clothes = f"{paired(clothes, with_cnn):.1f}".replace("-", "−")
    known = f"right for {percent(asked_some, '.1f')} % of them; the small CNN for "
    known += f"{percent({seed: asked_all[seed] for seed in asked_some}, '.1f')} % of all"
    assert known in text("imagenet-after")
    assert f"the difference is {gap_on_clothes} points" in text("imagenet-after")
    (question,) = Predict.from_notebook("07", "imagenet", fresh=True).questions
    assert f"the difference is {gap_on_clothes} points" in str(question)


def test_the_question_and_the_page_of_measurements_have_the_same_differences():
    (question,) = Predict.from_notebook("07", "photographs", fresh=True).questions
    assert f"{gap(BIG[0], BIG[1])} points, and" in str(question)
    assert f"label {gap(BIG[2], BIG[1])}." in str(question)
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if "`course train sweep-imagenet-teacher`" in line]
    for said in (
        f"alone ({percent(STUDENTS['alone'], '.1f')} %)",
        f"smoothed labels {gap(SMOOTHED, 'alone', '+.1f')}",
        *(
            f"({percent(TEACHERS[soft])} %): soft {gap(soft, 'alone', '+.1f')}, hard {gap(hard, 'alone', '+.1f')}, "
            f"token {gap(token, 'alone', '+.1f')}"
            for soft, hard, token in (SMALL, BIG)
        ),
    ):
        assert said in row
