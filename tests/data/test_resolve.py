import functools
import gzip
import hashlib
import io
import os
import pickle
import re
import socket
import subprocess
import sys
import tarfile
import tracemalloc
import urllib.request
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from course_utils.data import DATASETS, DataNotFound, fetch, load, plain_pickle, real, resolve, status

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
    monkeypatch.setattr(resolve, "DOWNLOADS", places.course)
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


def listing(folder):
    """Every path below a folder, with what was changed when."""
    return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*"))


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
        (IMAGES, lambda: b"<html>Please log in</html>", "is not Fashion-MNIST's t10k-images-idx3-ubyte .26 bytes"),
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
def test_a_damaged_file_is_named_each_time_and_left_as_it_is_and_the_next_place_serves(machine, name, damage, words):
    put_test_set(machine.debian)
    put_test_set(machine.chosen)
    (machine.chosen / "fashion-mnist" / f"{name.removesuffix('.gz')}.gz").unlink()
    path = put(machine.chosen, name, damaged := damage())
    before = listing(machine.chosen)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")  # as in a notebook, where Python shows the same warning only once
        for _ in range(2):
            pictures = load("fashion_mnist", "test")
    told = [warning for warning in caught if warning.category is UserWarning]  # not what Python tidies up meanwhile
    assert len(told) == 2
    for warning in told:
        assert re.match(f"{path} {words}.*looks elsewhere.*copy it again", str(warning.message))
    assert str(machine.debian) in pictures.source
    assert pictures.labels.bincount().tolist() == [1000] * 10
    assert path.read_bytes() == damaged
    assert listing(machine.chosen) == before


@needs_debian
def test_a_whole_copy_beside_a_damaged_one_is_used(machine):
    put_test_set(machine.chosen)
    put(machine.chosen, LABELS.removesuffix(".gz"), b"half")
    with pytest.warns(UserWarning, match="copy it again"):
        pictures = load("fashion_mnist", "test")
    assert str(machine.chosen) in pictures.source


@pytest.fixture
def small_fashion(monkeypatch):
    """Fashion-MNIST with three images per part, which the course is told to expect and can download."""
    random = np.random.default_rng(0)
    sizes = {"images-idx3-ubyte": 16 + 3 * 784, "labels-idx1-ubyte": 8 + 3}
    whole = {f"{part}-{name}": random.bytes(size) for part in ("train", "t10k") for name, size in sizes.items()}

    def download(folder):
        for name, body in whole.items():
            (Path(folder) / name).write_bytes(body)

    checksums = {name: hashlib.sha256(body).hexdigest() for name, body in whole.items()}
    files = replace(real.FASHION_MNIST_FILES, checksums=checksums, download=download)
    monkeypatch.setattr(real, "FASHION_MNIST_FILES", files)
    monkeypatch.setitem(DATASETS, "fashion_mnist", replace(DATASETS["fashion_mnist"], files=files))
    return whole


def test_looking_changes_nothing_in_any_place_and_only_fetching_replaces_what_was_downloaded(machine, small_fashion):
    fetch("fashion_mnist")
    name = LABELS.removesuffix(".gz")
    for place in (machine.chosen, machine.course):
        put(place, name, b"half")
    before = listing(machine.chosen), listing(machine.course)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status()
        with pytest.raises(DataNotFound):
            resolve.find_files(real.FASHION_MNIST_FILES, (name,), download=False)
        assert (listing(machine.chosen), listing(machine.course)) == before
        fetch("fashion_mnist")
    assert listing(machine.chosen) == before[0]
    damaged = machine.course / "fashion-mnist" / name
    assert damaged.with_name(f"{name}.damaged").read_bytes() == b"half"
    assert damaged.read_bytes() == small_fashion[name]


def test_a_data_folder_of_another_account_is_said_before_the_download(machine, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    words = (
        r"not be downloaded: Nothing can be written to .*course \(Permission denied\): ask its owner.*set COURSE_DATA"
    )
    with pytest.raises(DataNotFound, match=words):
        load("fashion_mnist")


def test_a_download_goes_beside_files_that_somebody_put_there(machine, small_fashion):
    mine = put(machine.course, LABELS.removesuffix(".gz"), b"MNIST's file has this name, too")
    for _ in range(2):  # the second time it is found
        with pytest.warns(UserWarning, match="copy it again"):
            assert fetch("fashion_mnist") == machine.course
    assert mine.read_bytes().startswith(b"MNIST's")
    assert [path.name for path in mine.parent.iterdir()] == [mine.name]
    assert sorted(os.listdir(machine.course)) == ["fashion-mnist", "fashion-mnist-2"]


@needs_debian
def test_a_file_of_another_account_is_not_called_damaged(machine, monkeypatch):
    put_test_set(machine.debian)
    path, _ = put_test_set(machine.chosen)
    real_open = Path.open

    def refuse(self, *arguments):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real_open(self, *arguments)

    monkeypatch.setattr(Path, "open", refuse)
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


def zipped(content):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in content.items():
            archive.writestr(name, body)
    return made.getvalue()


def taped(content, mode="w", **more):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, body in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            vars_of_member = {"type": tarfile.REGTYPE, **more}
            for key, value in vars_of_member.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(body))
    return made.getvalue()


FORMS = {  # name of a file in the place → its content, from the two unpacked files
    "unpacked": lambda whole: whole,
    "packed but not called so": lambda whole: {name: gzip.compress(body, 1) for name, body in whole.items()},
    "called packed": lambda whole: {f"{name}.gz": body for name, body in whole.items()},
    "dots for dashes": lambda whole: {name.replace("-idx", ".idx"): body for name, body in whole.items()},
    "a second download": lambda whole: {
        f"{name.upper()} (1).gz": gzip.compress(body, 1) for name, body in whole.items()
    },
    "one zip for each": lambda whole: {f"{name}.zip": zipped({name: body}) for name, body in whole.items()},
    "of torchvision": lambda whole: {f"FashionMNIST/raw/{name}": body for name, body in whole.items()},
    "of torchvision, without its root": lambda whole: {f"raw/{name}": body for name, body in whole.items()},
    "of the authors": lambda whole: {
        f"fashion-mnist-master/data/fashion/{name}.gz": gzip.compress(body, 1) for name, body in whole.items()
    },
    "any zip": lambda whole: {"archive.zip": zipped({"__MACOSX/._" + name: b"" for name in whole} | whole)},
    "zip of packed files": lambda whole: {
        "fashion-mnist.zip": zipped({f"a/b/{name}.gz": gzip.compress(body, 1) for name, body in whole.items()})
    },
    "tape": lambda whole: {"fashion.tar": taped({f"fashion/{name}": body for name, body in whole.items()})},
    "packed tape": lambda whole: {"FashionMNIST.tgz": gzip.compress(taped(whole), 1)},
    "beside MNIST": lambda whole: (
        {f"MNIST/{name}": bytes(len(body)) for name, body in whole.items()}
        | {f"my FashionMNIST/{name}": body for name, body in whole.items()}
    ),
    "copied by a Mac": lambda whole: whole | {f"._{name}": b"" for name in whole},
    "with MNIST in front": lambda whole: (
        {f"MNIST/raw/{name}": bytes(len(body)) for name, body in whole.items()}
        | {f"my data/{name}": body for name, body in whole.items()}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_files_may_lie_as_other_programs_leave_them(machine, small_fashion, form):
    names = IMAGES.removesuffix(".gz"), LABELS.removesuffix(".gz")
    whole = {name: small_fashion[name] for name in names}
    for name, body in FORMS[form](whole).items():
        (machine.chosen / name).parent.mkdir(parents=True, exist_ok=True)
        (machine.chosen / name).write_bytes(body)
    before = listing(machine.chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if "in front" in form else "error")
        assert resolve.find_files(real.FASHION_MNIST_FILES, names, download=False) == (whole, machine.chosen)
    assert listing(machine.chosen) == before


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ("/no/such/stick", "which is not a folder"),
        ("~nosuchuser/data", "which cannot be read"),
        ("loop", "which cannot be read"),
        ("n" * 5000, "which cannot be read"),
        (__file__, "which is not a folder"),
    ],
)
@needs_debian
def test_a_course_data_that_cannot_be_read_is_said_once_a_time(machine, monkeypatch, chosen, words):
    put_test_set(machine.debian)
    if chosen == "loop":
        chosen = str(machine.chosen / "loop")
        Path(chosen).symlink_to(chosen)
    monkeypatch.setenv("COURSE_DATA", chosen)
    for _ in range(2):
        with pytest.warns(
            UserWarning, match=f"COURSE_DATA is {chosen[:300]}, {words}.*: set it to the folder"
        ) as caught:
            load("fashion_mnist", "test", 5)
        assert len(caught) == 1


@needs_debian
def test_a_closed_folder_is_said_only_if_the_dataset_belongs_there(machine, monkeypatch):
    put_test_set(machine.debian)
    belongs, other = machine.chosen / "my Fashion MNIST", machine.chosen / "lost+found"
    listed = os.listdir

    def list_or_refuse(folder):
        if folder in (belongs, other):
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    belongs.mkdir()
    other.mkdir()
    monkeypatch.setattr(os, "listdir", list_or_refuse)
    with pytest.warns(UserWarning, match=f"{belongs} cannot be read .Permission denied") as caught:
        load("fashion_mnist", "test", 5)
    assert len(caught) == 1


def make_socket(path):
    os.chdir(path.parent)  # a path of 108 characters at most
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


@needs_debian
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        make_socket,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("/nowhere"),
        lambda path: path.symlink_to(path),
    ],
    ids=["pipe", "socket", "device", "dangling", "loop"],
)
def test_what_is_no_file_is_named_and_the_next_place_serves(machine, monkeypatch, make):
    monkeypatch.chdir(machine.chosen)
    put_test_set(machine.debian)
    make(machine.chosen / LABELS)
    with pytest.warns(UserWarning, match=f"{machine.chosen / LABELS} cannot be read .*: make it readable"):
        assert str(machine.debian) in load("fashion_mnist", "test", 5).source


@pytest.fixture
def small(monkeypatch):
    """A dataset of one file of 1,000 bytes."""
    body = np.random.default_rng(0).bytes(1000)
    return resolve.Files(
        "Small", ("",), {"it": hashlib.sha256(body).hexdigest()}, "sha256", "ask", largest=1000
    ), body


BOMBS = {
    "gzip": lambda body: gzip.compress(bytes(3 * 10**7)),
    "gzip in gzip": lambda body: gzip.compress(gzip.compress(bytes(3 * 10**7))),
    "zip": lambda body: zipped({"it": bytes(3 * 10**7)}),
    "tape": lambda body: gzip.compress(taped({"it": bytes(3 * 10**7)})),
    "tape with a long name": lambda body: gzip.compress(
        taped({"it" * 10**7: body}, "w", type=tarfile.GNUTYPE_LONGNAME)
    ),
    "tape of links": lambda body: taped({"it": b""}, type=tarfile.SYMTYPE, linkname="it"),
    "tape of hard links": lambda body: taped({"it": b""}, type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "half a zip": lambda body: zipped({"it": body})[:500],
    "half a tape": lambda body: taped({"it": body})[:900],
    "zip of many tapes": lambda body: zipped(
        {f"{n}.tgz": gzip.compress(taped({"other": bytes(10**6), "it": b""})) for n in range(20)}
    ),
    "packed too often": lambda body: functools.reduce(lambda made, _: gzip.compress(made), range(9), body),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_unpacking_stops_and_every_failure_is_a_sentence(small, machine, monkeypatch, bomb):
    files, body = small
    monkeypatch.setattr(resolve.Files, "everything", 2_000_000)
    (machine.chosen / "small.zip").write_bytes(BOMBS[bomb](body))
    tracemalloc.start()
    try:
        with (
            pytest.warns(
                UserWarning, match=r"small.zip (cannot be unpacked|unpacks to more|lacks it).*copy it again"
            ),
            pytest.raises(DataNotFound, match="Small is not on this machine"),
        ):
            resolve.find_files(files, ("it",), download=False)
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["../../../it", "/it", "a/./it"])
def test_paths_in_an_archive_do_not_matter(small, machine, name):
    files, body = small
    (machine.chosen / "small.zip").write_bytes(zipped({name: body}))
    assert resolve.find_files(files, ("it",), download=False)[0] == {"it": body}
    (machine.chosen / "small.zip").write_bytes(taped({name: body}))
    assert resolve.find_files(files, ("it",), download=False)[0] == {"it": body}


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
        "train-images-idx3-ubyte",
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


@needs_debian
def test_data_of_an_installation_for_several_users_are_found_after_ones_own(machine, tmp_path, monkeypatch):
    monkeypatch.setattr(resolve, "CLONE", None)
    monkeypatch.setattr(resolve, "DATA", tmp_path / "shared")
    assert list(resolve.places())[-3:] == [machine.course, tmp_path / "shared", machine.debian]
    put_test_set(tmp_path / "shared")
    load_quietly("fashion_mnist", "test")
    assert not machine.course.exists()


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

resolve.DOWNLOADS = Path(sys.argv[1])
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
    assert list(machine.course.iterdir())
    with pytest.raises(DataNotFound):
        load_quietly("fashion_mnist", "test")
    assert list(machine.course.iterdir()) == []  # the next start sweeps it


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


def test_a_truncated_archive_is_named_and_left(machine, small_cifar10):
    pack(machine.chosen, small_cifar10)
    archive = machine.chosen / "cifar-10-python.tar.gz"
    archive.write_bytes(archive.read_bytes()[:9000])
    with pytest.warns(UserWarning, match=f"{archive} cannot be unpacked.*copy it again"), pytest.raises(DataNotFound):
        load("cifar10")
    assert archive.stat().st_size == 9000


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


def test_even_the_authors_batch_makes_nothing_but_arrays(machine, small_cifar10, monkeypatch):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(machine.chosen / "sprung"),)

    trap = pickle.dumps({b"data": np.array([Trap()], dtype=object), b"labels": [0]})
    small_cifar10["test_batch"] = trap
    checksums = real.CIFAR10_FILES.checksums | {"test_batch": hashlib.md5(trap).hexdigest()}
    monkeypatch.setattr(real, "CIFAR10_FILES", replace(real.CIFAR10_FILES, checksums=checksums))
    pack(machine.chosen, small_cifar10)
    with pytest.raises(DataNotFound, match=r"because of a batch: it asks for \w+.mkdir"):
        load("cifar10", "test")
    assert not (machine.chosen / "sprung").exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_batches_of_every_python_are_read(protocol):
    batch = {b"data": np.arange(6, dtype=np.uint8).reshape(2, 3), b"labels": [1, 2], b"names": [b"\xff", b"a"]}
    read = plain_pickle.loads(pickle.dumps(batch, protocol))
    assert (read.pop(b"data") == batch.pop(b"data")).all()
    assert read == batch


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
