"""The recipes train what they name, on pictures of the right kind, and a student waits for its teacher."""

from dataclasses import asdict, replace
from datetime import date
from types import SimpleNamespace

import pytest
import torch

from course_utils.data import PICTURE_SHAPES
from course_utils.experiments import nb05_recipes
from course_utils.experiments.recipes import RECIPES
from course_utils.paths import run_folder
from course_utils.training import Card, Examples, fit, save_checkpoint_card, save_weights


def pictures_for(name: str, count: int = 6) -> Examples:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, *PICTURE_SHAPES[RECIPES[name].dataset], generator=generator)
    return Examples(images, torch.arange(count) % 10)


@pytest.mark.parametrize("name", [name for name in RECIPES if RECIPES[name].teacher is None])
def test_every_recipe_takes_a_step_and_keeps_finite_weights(name):
    model, recipe = RECIPES[name].new_model(), replace(RECIPES[name].recipe, epochs=1, batch_size=3)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    (row,) = fit(model, pictures_for(name), pictures_for(name), recipe, loss=RECIPES[name].loss(), quiet=True).epochs
    assert 0 < row.train_loss < 10
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert any(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_student_waits_for_its_teacher_and_then_matches_its_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    run = RECIPES["fashion-distilled"]
    with pytest.raises(FileNotFoundError, match="run `course train fashion-resnet`"):
        run.loss()

    teacher = RECIPES[run.teacher].new_model()
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
    student, data = run.new_model(), pictures_for("fashion-distilled", 30)
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
        return SimpleNamespace(epochs=rows, seconds=90.0, interrupted=False)

    monkeypatch.setattr(nb05_recipes, "run_named", trained)
    monkeypatch.setattr(nb05_recipes, "verify", lambda name, folder: SimpleNamespace(accuracy=0.7))
    measured = nb05_recipes.run("fashion-distilled", 2, 3)
    assert measured == {"minutes": 1.5, "validation": "0.5000 0.7500", "train_accuracy": 0.375, "accuracy": 0.7}
    nb05_recipes.run("fashion-resnet", nb05_recipes.EPOCHS["fashion-resnet"], 3)
    (_, _, _, _, taught_in), (_, teachers_folder, _, _, teachers_teacher) = asked
    assert taught_in == teachers_folder
    assert teachers_teacher is None
