"""A dataset is known from its record: what the record says is true, and every list of datasets has it."""

import pkgutil
import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from course_utils import cli, data
from course_utils.data import (
    DATASETS,
    DataNotFound,
    Dataset,
    downloads,
    load,
    load_folder,
    make_shapes,
    resolve,
    same_different,
    status,
)
from course_utils.data.few_shot import compositions, placed_anywhere
from course_utils.data.resolve import Files
from course_utils.paths import ROOT

RECORDS = "its record in course_utils/data"
JPEG_COPIES = ROOT.parent / "shared/data/cifar10-jpeg.tar.gz"  # CIFAR-10, encoded anew: not the authors' bytes
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def printed(*arguments: str) -> str:
    """What a command prints, with the table's line breaks folded away."""
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture
def offline(monkeypatch):
    """Nothing is downloaded."""

    def refuse(files):
        raise DataNotFound("no downloads in this test")

    monkeypatch.setattr(resolve, "_download", refuse)


@pytest.fixture(params=DATASETS)
def dataset(request):
    return DATASETS[request.param]


def test_every_record_is_registered():
    modules = [import_module(f"{data.__name__}.{module.name}") for module in pkgutil.iter_modules(data.__path__)]
    records = {id(one): one for module in modules for one in vars(module).values() if isinstance(one, Dataset)}
    for one in records.values():
        assert DATASETS.get(one.name) is one, f"{one.name} is not found by name: add its record to DATASETS once"


def test_pictures_are_as_the_record_says(dataset, offline):
    sentence = ""
    try:
        train, test = (load(dataset.name, split) for split in ("train", "test"))
    except DataNotFound as error:
        sentence = str(error)
    if sentence:
        assert dataset.files, f"{dataset.name} comes with the packages, so it must always load: {sentence}"
        assert dataset.files.advice in sentence
        pytest.skip(sentence)
    for pictures in (train, test):
        assert pictures.images.shape[1:] == dataset.shape, f"correct the shape of {dataset.name} in {RECORDS}"
        assert pictures.images.dtype == torch.float32
        assert 0 <= pictures.images.min() < pictures.images.max() <= 1, f"{dataset.name} must be read to [0, 1]"
        assert pictures.labels.dtype == torch.int64
        assert pictures.labels.unique().tolist() == list(range(len(dataset.classes))), (
            f"{dataset.name} has {len(dataset.classes)} classes and labels that are not theirs: correct {RECORDS}"
        )
        assert (pictures.name, pictures.classes) == (dataset.name, dataset.classes)
        assert pictures.source
    check_mean_and_std(dataset, train.images)


def check_mean_and_std(dataset: Dataset, images: torch.Tensor) -> None:
    """To a thousandth, which no model can tell."""
    mean, std = images.double().mean().item(), images.double().std().item()
    measured = f"{dataset.name} has mean {mean:.4f} and standard deviation {std:.4f}: correct {RECORDS}"
    assert (dataset.mean, dataset.std) == pytest.approx((mean, std), abs=1e-3), measured


@pytest.mark.slow
@pytest.mark.skipif(not JPEG_COPIES.exists(), reason=f"needs {JPEG_COPIES}")
def test_jpeg_copies_of_cifar10_agree_with_its_record():
    cifar10, train = DATASETS["cifar10"], load_folder(JPEG_COPIES)
    assert train.classes == cifar10.classes
    assert train.images.shape == (50_000, *cifar10.shape)
    assert train.labels.bincount().tolist() == [5000] * 10
    check_mean_and_std(cifar10, train.images)


def test_every_dataset_is_in_the_status_and_says_what_to_do_when_absent(dataset, tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for place in ("DOWNLOADS", "DEBIAN"):
        monkeypatch.setattr(resolve, place, tmp_path)
    (row,) = (row for row in status() if row.name == dataset.name)
    assert dataset.name in printed("data", "status")
    if dataset.files is None:
        assert (row.where, row.remedy) == (dataset.origin, "")
        return
    assert dataset.files.advice, f"say in {RECORDS} what to do without {dataset.name}"
    assert row.remedy == dataset.files.advice
    if dataset.name in downloads():
        command = f"`course data fetch {dataset.name}`"
        assert command in dataset.files.advice, f"{dataset.name} can be downloaded: name {command} in its advice"


def test_the_help_names_what_can_be_downloaded_and_nothing_else():
    named = printed("data", "fetch", "--help")
    for name in DATASETS:
        assert (name in named) == (name in downloads()), name


def test_the_readme_says_of_every_dataset_where_it_comes_from(dataset):
    title = dataset.files.title if dataset.files else dataset.name
    (section,) = re.findall(r"^## Data.*?(?=^## )", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert title in section, f"name {title} in README.md, section Data"


DRAWN, READ = DATASETS["shapes"], DATASETS["cifar10"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: replace(READ, name="toy", read=None),
            "'toy' needs one loader: pass read for stored images, or make",
        ),
        (lambda: replace(READ, make=DRAWN.make), "'cifar10' needs one loader"),
        (lambda: replace(DRAWN, origin=""), "'shapes' has no source: pass either the files.*or an origin"),
        (lambda: replace(READ, origin="the net"), "'cifar10' has no source: .*either"),
        (lambda: Files("Toy", ("",), {}, "md5", "ask"), "Toy lacks the checksum of its files: pass the md5"),
        (lambda: Files("Toy", ("",), {"a": MD5, "b": ""}, "md5", "ask"), "Toy lacks the checksum of b: .*32 hexa"),
        (
            lambda: Files("Toy", ("",), {"a": MD5}, "sha256", "ask"),
            "lacks the checksum of a: pass the sha256.*64 hexa",
        ),
    ],
)
def test_a_record_that_lacks_something_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32])
def test_numbers_of_numpy_are_whole_numbers(kind):
    count, seed = kind(3), kind(7)
    assert torch.equal(load("digits", "train", count, seed).images, load("digits", "train", 3, 7).images)
    assert torch.equal(make_shapes(count, seed=seed).images, make_shapes(3, seed=7).images)
    made, placed = compositions(count, "episodes", seed), placed_anywhere(load("digits", size=3), kind(24), seed)
    with torch.device("meta"):
        assert torch.equal(made.images, compositions(3, "episodes", 7).images)
    assert torch.equal(placed.images, placed_anywhere(load("digits", size=3), 24, 7).images)
    pair = same_different(count, size=kind(16), scale=4.0, seed=seed)
    assert torch.equal(pair.images, same_different(3, size=16, scale=4.0, seed=7).images)


@pytest.mark.parametrize("count", [2.5, True, "5", torch.tensor(5), 0, -1, None])
@pytest.mark.parametrize("make", [make_shapes, same_different, lambda count: load("digits", size=count or 0)])
def test_what_is_no_number_of_images_is_refused_in_words(make, count):
    with pytest.raises(ValueError, match=r"^(count|size) is .*, but must be (a whole number of images|at least 1)"):
        make(count)
