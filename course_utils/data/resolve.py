"""Where a dataset's files are: found, verified to the last byte, kept aside when damaged, downloaded when missing."""

import gzip
import hashlib
import io
import os
import tarfile
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from course_utils.downloads import patience
from course_utils.paths import DATA

DEBIAN = Path("/usr/share/datasets")


class DataNotFound(LookupError):
    """A dataset is not on this machine and could not be downloaded; the message says the three ways out."""


class DamagedFile(Exception):
    """A file is there under the right name, but its content is not the dataset's; the message says how."""


@dataclass(frozen=True)
class Dataset:
    """What must be known to find a dataset. files: name → hash of the whole, unpacked content."""

    name: str
    title: str
    folders: tuple[str, ...]  # below a place, where its files may lie
    files: dict[str, str]
    algorithm: str
    archive: str | None = None  # a tar file that holds the files
    advice: str = ""


FASHION_MNIST = Dataset(
    name="fashion_mnist",
    title="Fashion-MNIST",
    folders=("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", ""),
    # SHA-256 of the unpacked files: the same for every packing, such as Debian's and the authors'.
    files={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    algorithm="sha256",
    advice="on Debian or Ubuntu `sudo apt-get install dataset-fashion-mnist`; elsewhere connect and run "
    "`course data fetch fashion_mnist`",
)
CIFAR10 = Dataset(
    name="cifar10",
    title="CIFAR-10",
    folders=("cifar-10-batches-py", "cifar10/cifar-10-batches-py", "cifar10", ""),
    # MD5 as torchvision.datasets.CIFAR10 has them.
    files={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    algorithm="md5",
    archive="cifar-10-python.tar.gz",
    advice="connect and run `course data fetch cifar10`",
)
DATASETS = {dataset.name: dataset for dataset in (FASHION_MNIST, CIFAR10)}


def find_files(dataset: Dataset, names: Iterable[str], download: bool = True) -> tuple[dict[str, bytes], Path]:
    """Unpacked content of the named files, from the first place that has all of them whole; and that place.

    The order is ``COURSE_DATA``, ``data/`` of the course, Debian's package, torchvision's download. A damaged file
    is named in a warning and renamed to ``….damaged`` where that is allowed; it is never used.
    Raises DataNotFound, with the ways out, when no place has them.
    """
    names = tuple(names)
    for place in places():
        if content := _read(dataset, place, names):
            return content, place
    reason = "nothing was downloaded"
    if download:
        try:
            place = _download(dataset)
            if content := _read(dataset, place, names):
                return content, place
        except DataNotFound as error:
            reason = str(error)
    raise DataNotFound(
        f"{dataset.title} is not on this machine ({reason}): set COURSE_DATA to a folder that holds its files, "
        f"put them in {DATA}, or {dataset.advice}."
    )


def places() -> Iterator[Path]:
    """Folders that may hold datasets, in the order in which they are asked."""
    if chosen := os.environ.get("COURSE_DATA"):
        folder = Path(chosen).expanduser()
        if folder.is_dir():
            yield folder
        else:
            warnings.warn(
                f"COURSE_DATA is {chosen}, which is not a folder, so the course looks elsewhere.", stacklevel=2
            )
    yield DATA
    yield DEBIAN


def fetch(name: str) -> Path:
    """The place that has a whole dataset; when none has, it is downloaded into ``data/`` first.

    Raises ValueError for a name that is not among those that lie in files, and DataNotFound, with the ways out, when
    the download fails.
    """
    if name not in DATASETS:
        raise ValueError(f"There is no dataset {name!r} to download: choose one of {', '.join(DATASETS)}.")
    return find_files(DATASETS[name], DATASETS[name].files)[1]


def _download(dataset: Dataset) -> Path:
    """torchvision downloads and compares checksums in a temporary folder; what is whole is renamed into place."""
    from torchvision import datasets

    try:
        DATA.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=DATA) as folder, patience(10):
            if dataset is FASHION_MNIST:
                datasets.FashionMNIST(folder, download=True)
                whole = Path(folder) / "FashionMNIST/raw"
            else:
                datasets.CIFAR10(folder, download=True)
                whole = Path(folder) / "cifar-10-batches-py"
            target = DATA / dataset.folders[0]
            target.mkdir(exist_ok=True)
            for file in whole.iterdir():
                file.replace(target / file.name)
    except (OSError, RuntimeError, HTTPException) as error:
        # torchvision's message has a line for each mirror; the last one is the cause.
        cause = (str(error).strip() or type(error).__name__).splitlines()[-1].strip("<>. ")
        raise DataNotFound(f"could not be downloaded: {cause}") from error
    return DATA


def _read(dataset: Dataset, place: Path, names: tuple[str, ...]) -> dict[str, bytes] | None:
    """Content of the named files when all of them lie whole below a place, packed or not; else None."""
    content: dict[str, bytes] = {}
    for name in names:
        for path in (place / folder / packed for folder in dataset.folders for packed in (name, f"{name}.gz")):
            if name not in content:
                content |= _whole(dataset, path, (name,))
    missing = tuple(name for name in names if name not in content)
    if missing and dataset.archive:
        content |= _whole(dataset, place / dataset.archive, missing)
    return content if len(content) == len(names) else None


def _whole(dataset: Dataset, path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Content of the named files in one file or archive, verified; empty when it is missing or damaged."""
    try:
        content = _unpack(path, names)
        for name in names:
            _verify(dataset, name, content[name])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except DamagedFile as damaged:
        warnings.warn(f"{path} {damaged}; {_set_aside(path)}, and the course looks elsewhere.", stacklevel=2)
        return {}
    except OSError as error:  # whole or not, this account may not know
        warnings.warn(f"{path} cannot be read ({error.strerror}), so the course looks elsewhere.", stacklevel=2)
        return {}
    return content


def _unpack(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    packed = path.read_bytes()
    try:
        if path.name.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                members = {Path(member.name).name: archive.extractfile(member) for member in archive}
                content = {name: file.read() for name in names if (file := members.get(name))}
        else:
            content = {names[0]: gzip.decompress(packed) if path.suffix == ".gz" else packed}
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DamagedFile(f"cannot be unpacked ({error})") from error
    if absent := next((name for name in names if name not in content), None):
        raise DamagedFile(f"holds no {absent}")
    return content


def _verify(dataset: Dataset, name: str, content: bytes) -> None:
    digest = hashlib.new(dataset.algorithm, content, usedforsecurity=False).hexdigest()
    if digest == dataset.files[name]:
        return
    twin = next((other for other, expected in dataset.files.items() if digest == expected), None)
    raise DamagedFile(
        f"holds {twin}" if twin else f"is not {dataset.title}'s {name} ({len(content):,} bytes unpacked)"
    )


def _set_aside(path: Path) -> str:
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
    except OSError:
        return "it may not be renamed and stays where it is"
    return f"it is kept as {aside.name}"
