"""Notebook 07: a lesson at other temperatures and λ, a small CNN as accurate as the ViT teacher,
and what the text says.
"""

from collections import Counter

import pytest
import torch
from torch import nn

from course_utils import costs, data
from course_utils.experiments import interval, nb07_curves, nb07_distillation, paired, percents, read_results
from course_utils.experiments.nb07_distillation import METHODS, SOFT, TEACHERS, train_student
from course_utils.lab import notebooks
from course_utils.models import ResNetConfig, build
from course_utils.paths import ROOT

SMALL, LARGE = "soft, smaller CNN teacher", "soft, ViT teacher"


def test_the_curves_are_two_lines_through_the_point_of_the_lesson_for_ten_seeds():
    points = [(point["temperature"], point["weight"]) for point in nb07_curves.SWEEP.points]
    on_first, on_second = ([p for p in set(points) if p[axis] == SOFT[name]] for axis, name in enumerate(SOFT))
    assert sorted(on_first) == [(3.0, weight) for weight in (0.0, 0.3, 0.9, 1.0)]
    assert sorted(on_second) == [(temperature, 0.9) for temperature in (0.5, 1.0, 3.0, 10.0)]
    assert Counter(points) == dict.fromkeys({*on_first, *on_second}, 10)
    assert {point["seed"] for point in nb07_curves.SWEEP.points} == {*range(10)}


@pytest.fixture
def short(monkeypatch):
    """Two steps on 64 images, and a teacher that has learned nothing."""
    pictures = data.load("fashion_mnist", "test", 64, fallback="digits")
    cnn = build(TEACHERS["CNN"], 5).eval()
    monkeypatch.setattr(nb07_distillation, "STEPS", 2 * -(-nb07_distillation.LABELS // 64))
    monkeypatch.setattr(nb07_distillation, "teacher", lambda kind, labels, seed: (cnn, 0.5))
    for module in (nb07_distillation, nb07_curves):
        monkeypatch.setattr(module, "load_images", lambda split, size=None, seed=0: pictures)
        monkeypatch.setattr(module, "load", lambda *given: pictures)


def weights(method: str, **more) -> torch.Tensor:
    return torch.cat([each.flatten() for each in train_student(method, 2, **more)[0].parameters()])


def test_each_dial_reaches_the_loss_and_without_the_teachers_share_the_student_is_alone(short):
    lesson, alone = weights("soft, CNN teacher"), weights("alone")
    dialled = [
        weights("soft, CNN teacher", soft={"temperature": temperature, "weight": weight})
        for temperature, weight in ((3.0, 0.9), (1.0, 0.9), (3.0, 0.3), (3.0, 0.0), (1.0, 0.0))
    ]
    assert torch.equal(dialled[0], lesson)
    assert torch.equal(dialled[3], alone)
    assert torch.equal(dialled[4], alone)
    assert not any(torch.equal(one, other) for one in (dialled[1], dialled[2]) for other in (lesson, alone))


def test_a_point_is_trained_with_the_settings_of_its_row(short, monkeypatch):
    called = []

    def recorded(*given, **more):
        called.append((given, more))
        return train_student(*given, **more)

    monkeypatch.setattr(nb07_curves, "train_student", recorded)
    found = nb07_curves.run(10.0, 0.6, 4)
    assert called == [(("soft, CNN teacher", 4), {"soft": {"temperature": 10.0, "weight": 0.6}})]
    assert list(found) == ["accuracy", "teacher_accuracy", "confidence"]
    assert found["teacher_accuracy"] == 0.5


def test_the_mean_confidence_is_that_of_all_images():
    """Of 1,200 images, in three batches, the first third is answered with one half and the rest with 0.8."""
    answers = nn.Embedding.from_pretrained(torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]).log())
    images = (torch.arange(1200) >= 400).long()
    assert nb07_curves.mean_confidence(answers, images) == pytest.approx(0.7)


def test_the_smaller_cnn_differs_from_the_cnn_in_its_widths_and_epochs_alone():
    small, cnn = TEACHERS["smaller CNN"], TEACHERS["CNN"]
    assert isinstance(small, ResNetConfig)
    assert {name for name, value in vars(cnn).items() if vars(small)[name] != value} == {"widths"}
    assert METHODS[SMALL] == ("smaller CNN", *METHODS["soft, CNN teacher"][1:])
    assert METHODS[LARGE][1:] == METHODS[SMALL][1:]


def text(cell: str) -> str:
    return next(each.source for each in notebooks.read(notebooks.find("07")).cells if each.id == cell)


RIGHT, SURE = (
    percents(read_results("sweep-distillation-curves"), "temperature", "weight", what=what)
    for what in ("accuracy", "confidence")
)
STUDENTS = percents(read_results("sweep-distillation"), "method")
LESSON, PLAIN, ALONE = (3.0, 0.9), (1.0, 0.9), (3.0, 0.0)
TOO_SURE = {dials: {seed: sure - RIGHT[dials][seed] for seed, sure in runs.items()} for dials, runs in SURE.items()}


def gap(one: dict[int, float], other: dict[int, float], spec: str = ".1f") -> str:
    """Points, as the text writes them."""
    return format(paired(one, other), spec).replace("-", "−")


def adds(temperature: float, weight: float, spec: str = ".1f") -> str:
    return gap(RIGHT[temperature, weight], RIGHT[ALONE], spec)


def excess(dials: tuple[float, float]) -> str:
    return f"{interval([*TOO_SURE[dials].values()]).mean:.1f}"


def test_the_two_tables_agree_where_they_have_the_same_runs():
    """Equal, not close: one machine and one thread made both."""
    assert RIGHT[ALONE] == STUDENTS["alone"]
    assert RIGHT[LESSON] == STUDENTS["soft, CNN teacher"]


def test_two_teachers_are_right_as_often_and_the_text_says_what_their_students_learned():
    rows = [row for row in read_results("sweep-distillation") if row["method"] in (SMALL, LARGE)]
    small, large = (percents(rows, "method", what="teacher_accuracy")[method] for method in (SMALL, LARGE))
    of_small, of_large = (interval([*each.values()]).mean for each in (small, large))
    assert abs(of_small - of_large) < 0.5
    accuracies = f"{of_small:.1f} and {of_large:.1f} %"
    assert len(small) == len(large) == 10
    students = gap(STUDENTS[SMALL], STUDENTS[LARGE])
    behind = gap(STUDENTS["soft, CNN teacher"], STUDENTS[SMALL])
    after = text("table-after")
    for said in (
        f"a teacher of {costs.count_parameters(build(TEACHERS['smaller CNN'], 0)):,} parameters",
        f"as often as the ViT teacher ({accuracies} of the test images)",
        f"not ahead of the ViT's: {students} points",
        f"It is {behind} behind the student of the CNN that knows more",
    ):
        assert said in after
    ahead = paired(STUDENTS[SMALL], STUDENTS[LARGE])
    assert ahead.mean + ahead.reach < 0.5  # "half a point ahead is outside the interval"
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    more = gap(STUDENTS[SMALL], STUDENTS["alone"], "+.1f")
    assert f"a smaller CNN that is right as often ({accuracies}) {more};" in page
    package = ROOT / "course_utils"
    for place in (
        package / "teaching" / "site" / "decks" / "07.md",
        package / "widgets" / "questions" / "07.toml",
        ROOT / "notebooks" / "INSTRUCTOR.md",
    ):
        assert f"({students}" in place.read_text(encoding="utf-8"), place


def test_what_the_text_says_of_the_curves_is_in_the_table():
    """The intervals beside a claim are held by ``test_claims_in_text`` too."""
    after = text("curves-after")
    ahead, change = gap(RIGHT[LESSON], RIGHT[PLAIN]), gap(TOO_SURE[LESSON], TOO_SURE[PLAIN])
    for said in (
        f"At τ = 3 the student is {ahead} points ahead of the one at τ = 1",
        f"adds {adds(0.5, 0.9)} points to *alone* at τ = 0.5, {adds(1.0, 0.9)} at 1, {adds(*LESSON)} at 3 and "
        f"{adds(10.0, 0.9)}",
        f"beyond 3 nothing more is gained (the difference is {gap(RIGHT[10.0, 0.9], RIGHT[LESSON])})",
        f"adds {adds(3.0, 0.3)} points with λ = 0.3, {adds(*LESSON)} with 0.9, and {adds(3.0, 1.0)} with 1",
        f"the student's confidence is {excess(ALONE)} points above its accuracy",
        f"takes {gap(TOO_SURE[ALONE], TOO_SURE[PLAIN])} of these points away at τ = 1, and "
        f"{gap(TOO_SURE[ALONE], TOO_SURE[LESSON])} at τ = 3",
        f"at τ = 3 the student is {change} points *more* overconfident than at τ = 1, too little to matter "
        "(`07.overconfidence`",
        f"is the student much less overconfident ({excess((0.5, 0.9))} points)",
    ):
        assert said in after
    beyond = paired(RIGHT[10.0, 0.9], RIGHT[LESSON])
    assert beyond.mean < beyond.reach
    row = next(
        row for row in read_results("sweep-distillation-curves") if (row["temperature"], row["seed"]) == (1.0, 0)
    )
    assert f"{100 * row['accuracy']:.1f} % of the test images, and {100 * row['confidence']:.1f} % confident" in text(
        "curves-table-text"
    )
    package = ROOT / "course_utils"
    assert f"falls {ahead} points behind" in (package / "widgets/questions/07.toml").read_text(encoding="utf-8")
    assert f"{change} points lower than at τ = 3" in (package / "widgets/questions/07.toml").read_text(
        encoding="utf-8"
    )
    assert f"τ = 3 is {ahead} points ahead" in (package / "teaching/site/decks/07.md").read_text(encoding="utf-8")


def test_the_page_of_measurements_has_the_same_curves():
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if "`course train sweep-distillation-curves`" in line]
    temperatures, weights = (0.5, 1.0, 3.0, 10.0), (0.3, 1.0)
    for said in (
        "; ".join(adds(temperature, 0.9, "+.1f") for temperature in temperatures),
        "; ".join(excess((temperature, 0.9)) for temperature in temperatures),
        "; ".join(adds(3.0, weight, "+.1f") for weight in weights),
        f"({excess(ALONE)} points alone)",
    ):
        assert said in row
