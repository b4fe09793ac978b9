"""A named run on one's own images: their size and classes, another folder, a card that says what it was trained on."""

import json
import os
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from course_utils.experiments import NAMED, own_images, run_named, runs
from course_utils.experiments.own_images import on_folder
from course_utils.models import SwinConfig, ViTConfig
from course_utils.training import Recipe, evaluate, load_checkpoint
from course_utils.training.weights import copied

VIT = ViTConfig(image_size=28, patch_size=4, channels=1, dim=8, layers=1, heads=1, mlp_dim=8, classes=10)


def pictures(place, size=(20, 13), classes=("cat", "dog"), count=6):
    """A folder of JPEG files, width × height; the classes differ in colour."""
    for number, name in enumerate(classes):
        (place / name).mkdir(parents=True)
        for each in range(count):
            Image.new("RGB", size, (200 * number, 10 * each, 50)).save(place / name / f"{each}.jpg")
    return place


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A run of one epoch, in a state folder of its own."""
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))
    run = replace(
        NAMED["fashion-vit-small"], config=VIT, recipe=Recipe(epochs=1, batch_size=4, precision="bf16"), half=True
    )
    monkeypatch.setitem(NAMED, "fashion-vit-small", run)
    return tmp_path


def test_a_run_takes_size_channels_and_classes_from_the_folder(small):
    path = pictures(small / "pets", classes=("cat", "dog", "owl"))
    run, fit, validation, test = on_folder(NAMED["fashion-vit-small"], path)
    assert (run.config.image_size, run.config.channels, run.config.classes) == (12, 3, 3)
    assert fit.images.shape[1:] == (3, 12, 12)
    assert len(fit) + len(validation) + len(test) == 18
    swin = replace(
        NAMED["fashion-vit-small"], config=SwinConfig(patch_size=2, dim=8, depths=(1,), heads=(1,), window=2)
    )
    assert on_folder(swin, path)[0].config.classes == 3
    large = pictures(small / "large", size=(300, 200))
    assert on_folder(NAMED["fashion-vit-small"], large)[0].config.image_size == 64
    assert len(list((small / "state/cache").iterdir())) == 2  # of two folders: decoded in one size only


def test_the_card_says_what_was_trained_on_and_in_which_numbers(small, monkeypatch):
    path, tested = pictures(small / "my pets"), []
    monkeypatch.setattr(runs, "evaluate", lambda model, test: tested.append(copied(model)) or evaluate(model, test))
    run_named("fashion-vit-small", data=path)
    folder = small / "state/runs/fashion-vit-small-on-my pets"
    model, card = load_checkpoint("fashion-vit-small", folder)
    assert card.command == f"course train fashion-vit-small --data '{path}'"
    assert card.dataset == "my pets: JPEG files in my pets, split by seed 0"
    assert "bf16" in card.machine
    assert model.config.classes == 2
    stored = load_file(folder / "fashion-vit-small.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.float16}
    assert all(torch.equal(value, stored[name].float()) for name, value in tested[0].items())  # the rounded ones


def test_copies_of_the_own_dataset_are_called_copies(monkeypatch, small):
    path = pictures(small / "pets")
    own = replace(own_images.DATASETS["fashion_mnist"], classes=("cat", "dog"))
    monkeypatch.setitem(own_images.DATASETS, "fashion_mnist", own)
    run, *_ = on_folder(NAMED["fashion-vit-small"], path)
    assert run.dataset.endswith("copies of fashion_mnist, so figures can differ slightly from those on its own files")


def test_a_student_of_own_images_needs_a_teacher_of_them(small):
    with pytest.raises(FileNotFoundError, match=r"run `course train cifar-resnet --data .*pets` first, or pass"):
        run_named("cifar-distilled", data=pictures(small / "pets"))


def test_a_student_refuses_a_teacher_of_other_images(small, monkeypatch):
    teacher = NAMED["fashion-vit-small"].recipe
    monkeypatch.setitem(NAMED, "cifar-resnet", replace(NAMED["cifar-resnet"], recipe=teacher))
    mine, others = pictures(small / "mine/pets"), pictures(small / "others/pets", count=7)
    run_named("cifar-resnet", data=mine)
    with pytest.raises(
        ValueError, match=r"The teacher in .*-on-pets learned from other images than those of pets, or"
    ):
        run_named("cifar-distilled", data=others)
    place = small / "state/runs/cifar-resnet-on-pets"
    _, fit, *_ = on_folder(NAMED["cifar-distilled"], mine)
    own_images.check_teacher(place, fit)
    for described in ({}, []):  # by an earlier version, or damaged
        (place / "run.json").write_text(json.dumps(described))
        own_images.check_teacher(place, fit)


def test_a_folder_whose_name_is_no_text_is_trained_on(small):
    try:
        path = pictures(small / os.fsdecode(b"\xe9t\xe9"))
    except OSError:
        pytest.skip("this system knows only names of text")
    run_named("fashion-vit-small", data=path)
    (card,) = small.glob("state/runs/*/fashion-vit-small.json")
    assert r"\udce9t\udce9" in json.loads(card.read_text(encoding="utf-8"))["command"]


@pytest.mark.parametrize("name", ["captions", "sweep-twins"])
def test_runs_with_their_own_data_take_no_other(name, small):
    if name == "captions":
        with pytest.raises(ValueError, match="data is pets, but captions has only one setting"):
            run_named(name, data="pets")
    else:
        from typer.testing import CliRunner

        from course_utils.cli import app

        done = CliRunner().invoke(app, ["train", name, "--data", "pets"])
        assert done.exit_code == 2
        assert "--data cannot be used with sweep-twins" in done.output
