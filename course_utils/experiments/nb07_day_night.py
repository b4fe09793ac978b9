"""A teacher trained by day, a student tested at night: notebook 07. ``course train sweep-day-night``."""

from functools import cache

from torch import nn

from course_utils.data import ShapesConfig, make_shapes
from course_utils.data.shapes import Shapes
from course_utils.experiments.sweep import Sweep
from course_utils.models import ResNet, ResNetConfig, build
from course_utils.training.distill import distilling
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate

DAY = 8000  # labelled images of the teacher, by day
FEW = 1000  # labelled images of the student, at night
SCENES = 4000  # without a label
STEPS = 630  # of every student

METHODS = (
    "few night labels alone",
    "+ teacher looks at the night picture",
    "+ teacher looks at the same scene by day",
    "all night labels",
)


def scenes(count: int, seed: int, night: bool) -> Shapes:
    """Single shapes of scale 3 to 7, 32 × 32 pixels, labelled by their shape."""
    return make_shapes(count, ShapesConfig(night=night), seed=seed)


def network(seed: int, widths: tuple[int, int, int]) -> ResNet:
    """A small ResNet for the eight shapes."""
    config = ResNetConfig("basic", (1, 1, 1), widths, stem_kernel=3, stem_stride=2, max_pool=False, classes=8)
    return build(config, seed)


@cache
def day_teacher(seed: int) -> nn.Module:
    """A teacher trained by day only."""
    model = network(seed, (16, 32, 64))
    recipe = Recipe(epochs=5, batch_size=64, learning_rate=5e-3, seed=seed)
    fit(model, scenes(DAY, 10_000 + seed, night=False), None, recipe, quiet=True)
    return model.eval()


def train_student(method: str, seed: int, test_seed: int = 1) -> tuple[nn.Module, dict[str, float]]:
    """→ the student, its accuracy at night, in [0, 1], and its teacher's at night and by day, on the same scenes."""
    few = scenes(FEW, 20_000 + seed, night=True)
    unlabelled = scenes(SCENES, 30_000 + seed, night=True)
    test = scenes(2000, test_seed, night=True)
    teacher = day_teacher(seed)
    labelled, loss = few, None
    if method == METHODS[1]:
        loss = distilling(teacher, weight=0.0, unlabelled=unlabelled.images)
    elif method == METHODS[2]:
        by_day = unlabelled.day().images
        loss = distilling(teacher, weight=0.0, unlabelled=unlabelled.images, teacher_sees=lambda drawn: by_day[drawn])
    elif method == METHODS[3]:
        labelled = unlabelled
    student = network(seed + 500, (12, 24, 48))
    epochs = STEPS // -(-len(labelled) // 64)
    recipe = Recipe(epochs=epochs, batch_size=64, learning_rate=5e-3, seed=seed)
    fit(student, labelled, None, recipe, loss=loss, quiet=True)
    accuracies = {
        "accuracy": evaluate(student, test).accuracy,
        "teacher_at_night": evaluate(teacher, test).accuracy,
        "teacher_by_day": evaluate(teacher, test.day()).accuracy,
    }
    return student.eval(), accuracies


def run(method: str, seed: int) -> dict[str, float]:
    """One point of the sweep."""
    return {name: round(value, 4) for name, value in train_student(method, seed)[1].items()}


SWEEP = Sweep(
    points=[
        {"method": method, "seed": seed}
        for seed in range(10)
        for method in METHODS
        if seed < 3 or method != METHODS[3]  # no claim rests on the last
    ],
    run=run,
    data="shapes",
)
