"""Where a dataset's files are: found, verified to the last byte, kept aside when damaged, downloaded when missing."""

import gzip
import hashlib
import os
import tarfile
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_utils.network import patience
from course_utils.paths import DATA

DEBIAN = Path("/usr/share/datasets")


class DataNotFound(LookupError):
    """A dataset is not on this machine and could not be downloaded; the message says the three ways out."""


class DamagedFile(Exception):
    """A file is there under the right name, but its content is not the dataset's."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path


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


def find_files(dataset: Dataset, names: tuple[str, ...], download: bool = True) -> tuple[dict[str, bytes], str]:
    """Unpacked content of the named files, from the first place that has all of them whole; and that place.

    The order is ``COURSE_DATA``, ``data/`` of the course, Debian's package, torchvision's download. A damaged file
    is named in a warning and renamed to ``….damaged`` (where that is allowed), and its place is passed over.
    Raises DataNotFound, with the ways out, when no place has them.
    """
    for folder in places():
        try:
            return {name: _content(dataset, folder, name) for name in names}, str(folder)
        except FileNotFoundError:
            continue
        except DamagedFile as damaged:
            warnings.warn(f"{damaged}; {_set_aside(damaged.path)}, and the course looks elsewhere.", stacklevel=3)
    reason = "downloading is switched off"
    if download:
        try:
            folder = fetch(dataset.name)
            return {name: _content(dataset, folder, name) for name in names}, f"{folder} (downloaded)"
        except DataNotFound as error:
            reason = str(error.__cause__ or error)
    raise DataNotFound(
        f"{dataset.title} is not on this machine ({reason}): set COURSE_DATA to a folder that holds its files, "
        f"put them in {DATA}, or {dataset.advice}."
    )


def places() -> Iterator[Path]:
    """Folders that may hold datasets, in the order in which they are asked."""
    if chosen := os.environ.get("COURSE_DATA"):
        yield Path(chosen).expanduser()
    yield DATA
    yield DEBIAN


def fetch(name: str) -> Path:
    """Download a dataset into ``data/`` with torchvision and its checksums; the folder appears only when it is whole.

    Raises ValueError for a name that cannot be downloaded and DataNotFound when the download fails.
    """
    if name not in DATASETS:
        raise ValueError(f"There is no dataset {name!r} to download: choose one of {', '.join(DATASETS)}.")
    from torchvision import datasets

    try:
        DATA.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=DATA) as folder, patience(10):
            if name == "fashion_mnist":
                datasets.FashionMNIST(folder, download=True)
                whole, target = Path(folder) / "FashionMNIST/raw", DATA / "fashion-mnist"
            else:
                datasets.CIFAR10(folder, download=True)
                whole, target = Path(folder) / "cifar-10-batches-py", DATA / "cifar-10-batches-py"
            target.mkdir(exist_ok=True)
            for file in whole.iterdir():
                file.replace(target / file.name)
    except (OSError, RuntimeError) as error:
        raise DataNotFound(f"{DATASETS[name].title} could not be downloaded ({error}).") from error
    return DATA


def _content(dataset: Dataset, place: Path, name: str) -> bytes:
    """The whole content of a file below a place. Raises FileNotFoundError or DamagedFile."""
    path, content = _read(dataset, place, name)
    digest = hashlib.new(dataset.algorithm, content, usedforsecurity=False).hexdigest()
    if digest == dataset.files[name]:
        return content
    twin = next((other for other, expected in dataset.files.items() if digest == expected), None)
    raise DamagedFile(path, f"holds {twin}" if twin else f"is not {dataset.title}'s {name} ({len(content):,} bytes)")


def _read(dataset: Dataset, place: Path, name: str) -> tuple[Path, bytes]:
    for folder in dataset.folders:
        for path in (place / folder / name, place / folder / f"{name}.gz"):
            if path.is_file():
                try:
                    return path, gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                except (OSError, EOFError, zlib.error) as error:
                    raise DamagedFile(path, f"cannot be unpacked ({error})") from error
    if dataset.archive and (archive := place / dataset.archive).is_file():
        try:
            with tarfile.open(archive) as tar:
                member = next((m for m in tar if Path(m.name).name == name), None)
                extracted = tar.extractfile(member) if member else None
                if extracted is None:
                    raise DamagedFile(archive, f"holds no {name}")
                return archive, extracted.read()
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise DamagedFile(archive, f"cannot be unpacked ({error})") from error
    raise FileNotFoundError(name)


def _set_aside(path: Path) -> str:
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
    except OSError:
        return "it may not be renamed and stays where it is"
    return f"it is kept as {aside.name}"
