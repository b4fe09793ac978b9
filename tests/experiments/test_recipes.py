"""The recipes train what they name, on pictures of the right kind, and a student waits for its teacher."""

from dataclasses import asdict, replace
from datetime import date
from types import SimpleNamespace

import pytest
import torch

from course_utils.data import DATASETS, DataNotFound, load
from course_utils.experiments import NAMED, nb05_recipes, run_named
from course_utils.experiments.recipes import RECIPES, runs_on
from course_utils.experiments.runs import images_of
from course_utils.models import build
from course_utils.paths import run_folder
from course_utils.training import Card, Examples, Recipe, evaluate, fit, save_checkpoint_card, save_weights


def pictures_for(name: str, count: int = 6) -> Examples:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, *DATASETS[RECIPES[name].dataset].shape, generator=generator)
    return Examples(images, torch.arange(count) % 10)


@pytest.mark.parametrize("name", [name for name in RECIPES if RECIPES[name].teacher is None])
def test_every_recipe_takes_a_step_and_keeps_finite_weights(name):
    model, recipe = build(RECIPES[name].config), replace(RECIPES[name].recipe, epochs=1, batch_size=3)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    (row,) = fit(model, pictures_for(name), pictures_for(name), recipe, loss=RECIPES[name].loss(), quiet=True).epochs
    assert 0 < row.train_loss < 10
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert any(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.slow
def test_a_student_waits_for_its_teacher_and_then_matches_its_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    run = RECIPES["fashion-distilled"]
    with pytest.raises(FileNotFoundError, match="run `course train fashion-resnet`"):
        run.loss()

    teacher = build(RECIPES[run.teacher].config)
    with torch.no_grad():  # whatever it sees, it says class 7
        teacher.head.weight.zero_()
        teacher.head.bias.copy_(20.0 * torch.nn.functional.one_hot(torch.tensor(7), 10))
    folder = run_folder(run.teacher)
    sha256 = save_weights(teacher, folder / f"{run.teacher}.safetensors")
    card = Card(
        run.teacher,
        "ResNet",
        asdict(RECIPES[run.teacher].config),
        "made",
        0,
        "",
        0.1,
        1,
        "",
        str(date.today()),
        sha256,
    )
    save_checkpoint_card(card, folder)

    assert run.loss() is not None  # found in its usual place
    student, data = build(run.config), pictures_for("fashion-distilled", 30)
    recipe = replace(run.recipe, epochs=6, batch_size=10, augment=None, ema=None)
    elsewhere = folder.rename(folder.with_name("a-shorter-one"))
    fit(student, data, None, recipe, loss=run.loss(elsewhere), quiet=True)
    with torch.no_grad():
        _, from_teacher = student.eval().heads(data.images)
    assert (from_teacher.argmax(-1) == 7).all()


def test_a_teacher_for_a_run_that_learns_from_labels_alone_is_refused(tmp_path):
    with pytest.raises(ValueError, match="this run learns from labels alone: leave it out"):
        RECIPES["fashion-vit"].loss(tmp_path)


def test_in_the_sweep_a_student_learns_from_the_teacher_of_its_seed(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    rows = [SimpleNamespace(validation_accuracy=share, train_accuracy=share / 2) for share in (0.5, 0.75)]
    asked = []

    def trained(*settings):
        asked.append(settings)
        return SimpleNamespace(epochs=rows, seconds=90.0)

    monkeypatch.setattr(nb05_recipes, "run_named", trained)
    monkeypatch.setattr(nb05_recipes, "verify", lambda name, folder: SimpleNamespace(accuracy=0.7))
    measured = nb05_recipes.run("fashion-distilled", 2, 3)
    assert measured == {"minutes": 1.5, "validation": "0.5000 0.7500", "train_accuracy": 0.375, "accuracy": 0.7}
    nb05_recipes.run("fashion-resnet", nb05_recipes.EPOCHS["fashion-resnet"], 3)
    (_, _, _, _, taught_in), (_, teachers_folder, _, _, teachers_teacher) = asked
    assert taught_in == teachers_folder
    assert teachers_teacher is None


def test_every_recipe_for_fashion_mnist_is_a_point_of_the_sweep():
    missing = {name for name, run in RECIPES.items() if run.dataset == "fashion_mnist"} ^ set(nb05_recipes.EPOCHS)
    assert not missing, (
        f"{', '.join(missing)}: say in EPOCHS of course_utils/experiments/nb05_recipes.py how many epochs it takes, "
        'run `course train sweep-recipes`, and name the model in the cell "recipes" of notebook 05.'
    )


def test_the_recipes_take_everything_about_the_pictures_from_the_dataset(monkeypatch):
    toy = replace(DATASETS["digits"], shape=(2, 16, 16), classes=("a", "b", "c"), mean=0.1, std=0.2)
    monkeypatch.setitem(DATASETS, "toy", toy)
    for name, run in runs_on("toy", window=4, pixels=1).items():
        config = asdict(run.config)
        assert (config["channels"], config["classes"]) == (2, 3), name
        assert config.get("image_size", 16) == 16, name
        assert (config.get("mean", 0.1), config.get("std", 0.2)) == (0.1, 0.2), name
        assert ("mean" in config) == (name != "toy-resnet")


@pytest.mark.parametrize("name", NAMED)
def test_every_named_run_knows_the_classes_of_its_pictures(name):
    run = NAMED[name]
    try:
        dataset = DATASETS.get(run.dataset) or images_of(run.dataset, "validation")
    except DataNotFound as missing:
        pytest.skip(str(missing))
    assert run.config.classes == len(dataset.classes)


@pytest.mark.parametrize("classes", [2, 3, 11])
def test_a_model_with_another_number_of_classes_than_the_data_is_refused_before_the_first_step(
    classes, monkeypatch, tmp_path
):
    config = replace(RECIPES["fashion-vit"].config, image_size=8, classes=classes)
    run = replace(RECIPES["fashion-vit"], config=config, dataset="digits")
    monkeypatch.setitem(NAMED, "wrong", run)
    with pytest.raises(ValueError, match=f"has 10 classes, but the model has {classes}: build it with classes=10."):
        run_named("wrong", tmp_path)
    assert not list(tmp_path.iterdir())


def test_pictures_without_names_for_their_classes_may_have_fewer_than_the_model():
    config = replace(RECIPES["fashion-vit"].config, image_size=8, classes=11)
    model, digits = build(config), load("digits", "test", 64)
    recipe = Recipe(epochs=1, batch_size=64)
    assert evaluate(model, digits).count == 64  # no harm in testing it
    with pytest.raises(ValueError, match="build it with classes=10"):
        fit(model, digits, None, recipe, quiet=True)
    with pytest.raises(ValueError, match="validation data has 10 classes"):
        fit(model, Examples(digits.images, digits.labels), digits, recipe, quiet=True)
    assert len(fit(model, Examples(digits.images, digits.labels), None, recipe, quiet=True).epochs) == 1


def test_on_cifar10_the_student_trains_like_the_vit_alone_and_the_small_vit_takes_three_megabytes():
    alone, student = RECIPES["cifar-vit"], RECIPES["cifar-distilled"]
    assert student.recipe == alone.recipe  # so a difference is the teacher's
    assert asdict(student.config) == asdict(alone.config)
    small = RECIPES["cifar-vit-small"]
    assert small.half
    assert sum(2 * weight.numel() for weight in build(small.config).parameters()) < 3e6
