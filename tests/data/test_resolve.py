import gzip
import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
import urllib.request
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from course_utils.data import DATASETS, DataNotFound, fetch, load, real, resolve, status

DEBIAN = Path("/usr/share/datasets")
IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
needs_debian = pytest.mark.skipif(
    not (DEBIAN / "fashion-mnist" / IMAGES).exists(), reason="needs the package dataset-fashion-mnist"
)


def no_network(request, *args, **kwargs):
    raise URLError("no network here")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with three empty places for data and no network."""
    places = SimpleNamespace(chosen=tmp_path / "chosen", course=tmp_path / "course", debian=tmp_path / "debian")
    places.chosen.mkdir()
    monkeypatch.setenv("COURSE_DATA", str(places.chosen))
    monkeypatch.setattr(resolve, "DATA", places.course)
    monkeypatch.setattr(resolve, "DEBIAN", places.debian)
    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    return places


def original(name):
    return (DEBIAN / "fashion-mnist" / name).read_bytes()


def put(place, name, content=None):
    path = place / "fashion-mnist" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(original(name) if content is None else content)
    return path


def put_test_set(place):
    return put(place, IMAGES), put(place, LABELS)


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def load_quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load(*args, **kwargs)


@needs_debian
@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        (IMAGES, lambda: original(IMAGES)[:2_000_000], "cannot be unpacked"),
        (IMAGES, lambda: flipped(original(IMAGES), 2_000_000), "cannot be unpacked"),
        (IMAGES, lambda: b"", "is not Fashion-MNIST's t10k-images-idx3-ubyte .0 bytes"),
        (IMAGES, lambda: b"<html>Please log in</html>", "cannot be unpacked"),
        (IMAGES, lambda: original(LABELS), "holds t10k-labels-idx1-ubyte"),
        (
            IMAGES,
            lambda: gzip.compress(bytes(7_840_016), 1),
            "is not Fashion-MNIST's t10k-images-idx3-ubyte .7,840,016",
        ),
        (LABELS, lambda: original("train-labels-idx1-ubyte.gz"), "holds train-labels-idx1-ubyte"),
        (
            LABELS.removesuffix(".gz"),
            lambda: flipped(gzip.decompress(original(LABELS)), 99),
            "is not Fashion-MNIST's",
        ),
    ],
    ids=[
        "truncated",
        "flipped",
        "empty",
        "login page",
        "labels for images",
        "all black",
        "train for test",
        "one label",
    ],
)
def test_a_damaged_file_is_named_and_kept_aside_and_the_next_place_serves(machine, name, damage, words):
    put_test_set(machine.debian)
    put_test_set(machine.chosen)
    (machine.chosen / "fashion-mnist" / f"{name.removesuffix('.gz')}.gz").unlink()
    path = put(machine.chosen, name, damaged := damage())
    with pytest.warns(UserWarning, match=f"{path} {words}.*renamed to {name}.damaged"):
        pictures = load("fashion_mnist", "test")
    assert str(machine.debian) in pictures.source
    assert pictures.labels.bincount().tolist() == [1000] * 10
    assert not path.exists()
    assert path.with_name(f"{name}.damaged").read_bytes() == damaged
    load_quietly("fashion_mnist", "test")  # said once: what is aside is no longer looked at


@needs_debian
def test_a_whole_copy_beside_a_damaged_one_is_used(machine):
    put_test_set(machine.chosen)
    put(machine.chosen, LABELS.removesuffix(".gz"), b"half")
    with pytest.warns(UserWarning, match="renamed to"):
        pictures = load("fashion_mnist", "test")
    assert str(machine.chosen) in pictures.source


@needs_debian
def test_a_damaged_file_in_a_read_only_folder_is_named_and_left(machine, monkeypatch):
    put_test_set(machine.debian)
    put_test_set(machine.chosen)
    path = put(machine.chosen, LABELS, b"half")

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.warns(UserWarning, match=f"{path}.*stays where it is"):
        pictures = load("fashion_mnist", "test")
    assert path.read_bytes() == b"half"
    assert str(machine.debian) in pictures.source


@needs_debian
def test_a_file_of_another_account_is_not_called_damaged(machine, monkeypatch):
    put_test_set(machine.debian)
    path, _ = put_test_set(machine.chosen)
    read = Path.read_bytes

    def refuse(self):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.warns(UserWarning, match=f"{path} cannot be read .Permission denied"):
        pictures = load("fashion_mnist", "test")
    assert path.exists()
    assert str(machine.debian) in pictures.source


@needs_debian
def test_places_are_asked_in_order_and_never_mixed(machine):
    put_test_set(machine.debian)
    assert str(machine.debian) in load_quietly("fashion_mnist", "test").source
    put(machine.course, IMAGES)  # without its labels
    assert str(machine.debian) in load_quietly("fashion_mnist", "test").source
    put(machine.course, LABELS)
    assert str(machine.course) in load_quietly("fashion_mnist", "test").source
    put_test_set(machine.chosen)
    assert str(machine.chosen) in load_quietly("fashion_mnist", "test").source


@needs_debian
@pytest.mark.parametrize("folder", [".", "FashionMNIST/raw", "fashion_mnist"])
def test_files_may_lie_as_other_programs_leave_them(machine, folder):
    (machine.chosen / folder).mkdir(parents=True, exist_ok=True)
    for name in (IMAGES, LABELS):
        content = gzip.decompress(original(name))
        (machine.chosen / folder / name.removesuffix(".gz")).write_bytes(content)
    assert str(machine.chosen) in load_quietly("fashion_mnist", "test").source


@needs_debian
def test_a_course_data_that_is_no_folder_is_said(machine, monkeypatch):
    put_test_set(machine.debian)
    monkeypatch.setenv("COURSE_DATA", "/no/such/stick")
    with pytest.warns(UserWarning, match="COURSE_DATA is /no/such/stick, which is not a folder"):
        load("fashion_mnist", "test")


@pytest.mark.parametrize("get", [lambda: load("fashion_mnist"), lambda: fetch("fashion_mnist")])
def test_without_data_and_network_one_sentence_names_the_ways_out(machine, get):
    with pytest.raises(DataNotFound) as missing:
        get()
    sentence = str(missing.value)
    for words in (
        "no network here",
        "COURSE_DATA",
        str(machine.course),
        "apt-get install dataset-fashion-mnist",
        "course data fetch fashion_mnist",
    ):
        assert words in sentence
    assert sentence.count("\n") == 0
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("name", "fallback", "shape"),
    [
        ("fashion_mnist", "digits", (1, 28, 28)),
        ("cifar10", "digits", (3, 32, 32)),
        ("fashion_mnist", "shapes", (1, 28, 28)),
    ],
)
def test_the_notebook_goes_on_with_pictures_that_fit_and_says_so(machine, name, fallback, shape):
    with pytest.warns(UserWarning, match=f"COURSE_DATA.*uses {fallback}, so its figures differ"):
        pictures = load(name, "test", size=100, fallback=fallback)
    assert pictures.name == fallback
    assert pictures.images.shape == (100, *shape)
    assert 0 <= pictures.images.min() < pictures.images.max() <= 1
    assert "in place of" in pictures.source


def test_a_stand_in_gives_what_it_has_when_more_is_asked(machine):
    with pytest.warns(UserWarning, match="uses digits"):
        pictures = load("fashion_mnist", "train", size=20_000, fallback="digits")
    assert len(pictures) == 1437


@needs_debian
def test_the_fallback_stays_unused_when_the_data_are_there(machine):
    put_test_set(machine.chosen)
    assert load_quietly("fashion_mnist", "test", fallback="digits").name == "fashion_mnist"


class Connection(io.BytesIO):
    """What urlopen returns: a body that breaks off after so many bytes."""

    def __init__(self, url, body, breaks_at=None):
        super().__init__(body)
        self.url, self.length, self.breaks_at = url, len(body), breaks_at

    def read(self, size=-1):
        if self.breaks_at is not None and self.tell() >= self.breaks_at:
            raise ConnectionResetError("the connection was cut")
        return super().read(size)


def serve(monkeypatch, cut=None, short=None):
    """A server with Debian's files; the file named cut breaks off with an error, the one named short silently."""
    from torchvision.datasets import FashionMNIST

    names = [name for name, _ in FashionMNIST.resources]
    # Debian packed the same content anew, so its packed files have checksums of their own.
    own = [(name, hashlib.md5(original(name)).hexdigest()) for name in names]
    monkeypatch.setattr(FashionMNIST, "resources", own)

    def urlopen(request, *args, **kwargs):
        name = request.full_url.rsplit("/", 1)[-1]
        body = original(name)
        half = len(body) // 2
        return Connection(request.full_url, body[:half] if name == short else body, half if name == cut else None)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)


@needs_debian
@pytest.mark.parametrize(
    ("broken", "words"),
    [({"cut": LABELS}, "the connection was cut"), ({"short": LABELS}, "not found or corrupted")],
    ids=["cut", "short"],
)
def test_a_download_that_breaks_off_leaves_nothing(machine, monkeypatch, broken, words):
    serve(monkeypatch, **broken)  # after the training set has come whole
    with pytest.raises(DataNotFound, match=words):
        load("fashion_mnist", "test")
    assert list(machine.course.iterdir()) == []


@needs_debian
def test_a_whole_download_is_kept_and_used_without_network(machine, monkeypatch):
    serve(monkeypatch)
    assert fetch("fashion_mnist") == machine.course
    assert [path.name for path in machine.course.iterdir()] == ["fashion-mnist"]
    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    assert fetch("fashion_mnist") == machine.course
    assert str(machine.course) in load_quietly("fashion_mnist", "test").source


def test_a_download_of_something_else_is_refused_and_leaves_nothing(machine, monkeypatch):
    def wrong(folder):
        for name in real.FASHION_MNIST_FILES.checksums:
            (Path(folder) / name).write_bytes(b"a login page")

    monkeypatch.setattr(real, "FASHION_MNIST_FILES", replace(real.FASHION_MNIST_FILES, download=wrong))
    with pytest.raises(DataNotFound, match="a downloaded file is missing or has another checksum"):
        load_quietly("fashion_mnist", "test")
    assert list(machine.course.iterdir()) == []


def test_files_that_only_their_owner_has_are_looked_for_and_never_downloaded(machine, monkeypatch):
    alone = replace(real.FASHION_MNIST_FILES, download=None, advice="ask its authors for it")
    monkeypatch.setattr(real, "FASHION_MNIST_FILES", alone)
    with pytest.raises(DataNotFound, match=r"the course cannot download it.*ask its authors for it\."):
        load_quietly("fashion_mnist", "test")
    monkeypatch.setitem(DATASETS, "fashion_mnist", replace(DATASETS["fashion_mnist"], files=alone))
    with pytest.raises(ValueError, match="no dataset 'fashion_mnist' to download: choose one of cifar10"):
        fetch("fashion_mnist")


KILLED = """
import io, os, signal, sys, urllib.request
from pathlib import Path
from course_utils.data import resolve, fetch

class Dying(io.BytesIO):
    url, length = None, 10
    def read(self, size=-1):
        if self.tell():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(5)

resolve.DATA = Path(sys.argv[1])
resolve.DEBIAN = Path("/no/such/folder")
urllib.request.urlopen = lambda *args, **kwargs: Dying(b"0123456789")
fetch("fashion_mnist")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_what_a_killed_download_leaves_is_never_used(machine):
    environment = {name: value for name, value in os.environ.items() if name != "COURSE_DATA"}
    machine.course.mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(machine.course)], env=environment, capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    assert all(path.name.startswith(".download-") for path in machine.course.iterdir())
    with pytest.raises(DataNotFound):
        load_quietly("fashion_mnist", "test")


@pytest.fixture
def small_cifar10(monkeypatch):
    """Six batches of three pictures in CIFAR-10's format, which the course is told to expect."""
    random = np.random.default_rng(0)
    batches = {
        name: pickle.dumps(
            {b"data": random.integers(0, 256, (3, 3072), dtype=np.uint8), b"labels": [index, 9, 9 - index]}
        )
        for index, name in enumerate(real.CIFAR10_FILES.checksums)
    }
    checksums = {name: hashlib.md5(body).hexdigest() for name, body in batches.items()}
    monkeypatch.setattr(real, "CIFAR10_FILES", replace(real.CIFAR10_FILES, checksums=checksums))
    return batches


def pack(place, batches):
    with tarfile.open(place / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, body in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))


def test_cifar10_is_read_from_its_archive_and_from_its_folder(machine, small_cifar10):
    pack(machine.chosen, small_cifar10)
    packed = load_quietly("cifar10")
    assert packed.images.shape == (15, 3, 32, 32)
    assert packed.labels.tolist() == [label for index in range(5) for label in (index, 9, 9 - index)]
    first = pickle.loads(small_cifar10["data_batch_1"])[b"data"][0]  # red rows, then green ones, then blue ones
    assert packed.images[0, 1, 0, 5].item() == pytest.approx(first[1024 + 5] / 255)
    (machine.chosen / "cifar-10-python.tar.gz").unlink()
    (machine.chosen / "cifar-10-batches-py").mkdir()
    for name, body in small_cifar10.items():
        (machine.chosen / "cifar-10-batches-py" / name).write_bytes(body)
    assert torch.equal(load_quietly("cifar10").images, packed.images)
    assert len(load_quietly("cifar10", "test")) == 3


def test_a_truncated_archive_is_kept_aside(machine, small_cifar10):
    pack(machine.chosen, small_cifar10)
    archive = machine.chosen / "cifar-10-python.tar.gz"
    archive.write_bytes(archive.read_bytes()[:9000])
    with pytest.warns(UserWarning, match=f"{archive} cannot be unpacked.*renamed to"), pytest.raises(DataNotFound):
        load("cifar10")
    assert not archive.exists()


def test_a_batch_that_is_not_the_authors_is_never_unpickled(machine):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(machine.chosen / "sprung"),)

    folder = machine.chosen / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "test_batch").write_bytes(pickle.dumps(Trap()))
    with pytest.warns(UserWarning, match="is not CIFAR-10's test_batch"), pytest.raises(DataNotFound):
        load("cifar10", "test")
    assert not (machine.chosen / "sprung").exists()


def test_the_checksums_of_cifar10_are_torchvisions():
    from torchvision.datasets import CIFAR10

    assert real.CIFAR10_FILES.checksums == dict(CIFAR10.train_list + CIFAR10.test_list)


@needs_debian
def test_status_says_where_each_dataset_is_and_what_to_do(machine):
    rows = {row.name: row for row in status()}
    assert list(rows) == list(DATASETS)
    assert "not on this machine" in rows["fashion_mnist"].where
    assert "course data fetch cifar10" in rows["cifar10"].remedy
    for name in real.FASHION_MNIST_FILES.checksums:
        put(machine.course, f"{name}.gz")
    damaged = put(machine.chosen, LABELS, b"half")
    (row,) = (row for row in status() if row.name == "fashion_mnist")
    assert row.where == f"complete, in {machine.course}"
    assert str(damaged) in row.remedy


def test_only_datasets_that_lie_in_files_can_be_fetched():
    with pytest.raises(ValueError, match="no dataset 'digits' to download: choose one of fashion_mnist, cifar10"):
        fetch("digits")
