"""All named training runs: ``course train NAME``. Notebooks 04, 05 and 09."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from course_utils.console import quoted, with_folder
from course_utils.data import LabelledImages, load
from course_utils.data.few_shot import SEEN_CLOTHES, as_rgb_32, compositions, joined, only
from course_utils.data.folder import folder_name
from course_utils.experiments.inputs import of_images
from course_utils.experiments.outcome import continued_by, keep_model
from course_utils.experiments.own_images import check_teacher, on_folder
from course_utils.experiments.recipes import RECIPES, NamedRun
from course_utils.experiments.runs_captions import CAPTION_RUNS, run_captions
from course_utils.experiments.sweep import SWEEPS
from course_utils.files import real
from course_utils.models import ResNetConfig, ViTConfig, build
from course_utils.models.refusals import UnknownName
from course_utils.paths import run_folder
from course_utils.training.augment import shift_and_flip, vary_light
from course_utils.training.device import computed_in, make_accelerator
from course_utils.training.history import History
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate
from course_utils.training.weights import halved


def images_of(dataset: str, split: str) -> LabelledImages:
    """The data of a named run: a dataset of ``load``, or one made for the run.

    "compositions" are 132 kinds of coloured shapes; "compositions and clothes" adds five classes of Fashion-MNIST.
    Raises DataNotFound without Fashion-MNIST.
    """
    if not dataset.startswith("compositions"):
        return load(dataset, split)
    count, seed = {"fit": (20_000, 1), "validation": (2000, 2), "test": (4000, 3)}[split]
    made = compositions(count, "teacher", seed)
    if dataset == "compositions":
        return made
    clothes = only(load("fashion_mnist", split), SEEN_CLOTHES)
    return joined(made, as_rgb_32(clothes.select(slice(0, count // 2))))


def small_resnet(classes: int) -> ResNetConfig:
    """Three stages of one block each, for images of 32 × 32 pixels."""
    return ResNetConfig(
        "basic", (1, 1, 1), (16, 32, 64), stem_kernel=3, stem_stride=2, max_pool=False, classes=classes
    )


TEACHER = Recipe(epochs=16, batch_size=128, learning_rate=5e-3, augment=vary_light)

NAMED = {
    "fashion-vit-small": NamedRun(
        ViTConfig(patch_size=4, dim=96, layers=4, heads=4, mlp_dim=192, **of_images("fashion_mnist", ViTConfig)),
        Recipe(epochs=30, batch_size=128, learning_rate=2e-3, augment=shift_and_flip),
    ),
    "shapes-resnet": NamedRun(small_resnet(132), TEACHER, "compositions"),
    "shapes-clothes-resnet": NamedRun(small_resnet(137), TEACHER, "compositions and clothes"),
    **RECIPES,
}


def run_names() -> list[str]:
    """The names for ``course train``: models with a checkpoint, then sweeps."""
    return [*NAMED, *CAPTION_RUNS, *SWEEPS]


def run_named(
    name: str,
    folder: Path | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    teacher: Path | None = None,
    data: Path | None = None,
) -> History:
    """Train a named run on its fit split, evaluate it once on the test images, and print both.

    epochs and seed replace those of the recipe. teacher: the folder of a distilled model's teacher, for example of a
    shorter run. data: train on the images of this folder or archive, see :func:`on_folder`; a teacher must have been
    trained on them too. Checkpoints, and at the end the weights and their card, go to folder (default:
    ``.course/runs/NAME``); the same call continues there. Under ``accelerate launch`` all processes train one model,
    and the main one writes the files. Raises ValueError for a name that is not in the table, DataNotFound without the
    dataset, FileNotFoundError without the trained teacher, and the errors of ``load_folder``.
    """
    if name in CAPTION_RUNS:
        for option, value in {"seed": seed, "teacher": teacher, "data": data}.items():
            if value is not None:
                raise ValueError(f"{option} is {value}, but {name} has only one setting: leave it out.")
        return run_captions(name, folder, epochs)
    if name not in NAMED:
        raise UnknownName("training run", name, run_names())
    run = NAMED[name]
    changed: dict[str, Any] = {
        key: value for key, value in {"epochs": epochs, "seed": seed}.items() if value is not None
    }
    recipe = replace(run.recipe, **changed)
    paths = {key: value for key, value in {"teacher": teacher, "data": data}.items() if value is not None}
    options = (f"--{key} {quoted(value)}" for key, value in {**changed, **paths}.items())
    command = " ".join([f"course train {name}", *options])
    on = [] if data is None else [f"on-{folder_name(data)}"]
    again = with_folder(command, folder)
    if folder is None:
        taught = [f"by-{real(teacher).name}"] if teacher else []
        folder = run_folder(name, *(f"{value}-{key}" for key, value in changed.items()), *taught, *on)
    folder = Path(folder)
    taught_in = teacher or (run_folder(run.teacher, *on) if run.teacher else None)
    loss = run.loss(taught_in, data)
    if data is None:
        train, validation, test = (images_of(run.dataset, split) for split in ("fit", "validation", "test"))
    else:
        run, train, validation, test = on_folder(run, data)
        if taught_in is not None:
            check_teacher(taught_in, train)
    model = build(run.config, recipe.seed)
    with continued_by(again, folder):
        history = fit(model, train, validation, recipe, loss=loss, folder=folder)
        if run.half:
            halved(model)
        score = evaluate(model, test)
        if not (accelerator := make_accelerator(recipe.precision)).is_main_process:
            return history
        print(f"Test: {score}.")
        tested: dict[str, Any] = {"dataset": run.dataset, "accuracy": score.accuracy, "test_count": score.count}
        tested |= {"half": run.half, "number_format": computed_in(accelerator)}
        weights = keep_model(model, history, folder, name, command=command, seed=recipe.seed, **tested)
    print(f"The weights are in {weights}, next to their card.")
    return history
