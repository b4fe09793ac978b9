"""Real images: some come with the packages, Fashion-MNIST and CIFAR-10 are read from files. All notebooks."""

import pickle
from functools import partial

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from course_utils.data import plain_pickle
from course_utils.data.dataset import Dataset
from course_utils.data.resolve import DataNotFound, Files, find_files, from_torchvision

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")  # those inside the scikit-image package itself


def photo(name: str = "chelsea") -> Tensor:
    """A photograph of scikit-image, (3, height, width), float32 in [0, 1]; ``"chelsea"`` is the cat.

    Raises ValueError for a name that is not in the package.
    """
    if name not in PHOTOS:
        raise ValueError(f"There is no photograph {name!r} in the package: choose one of {', '.join(PHOTOS)}.")
    from skimage import data

    return rearrange(torch.from_numpy(getattr(data, name)().copy()), "h w c -> c h w").float() / 255


def _digits(test: bool) -> tuple[Tensor, Tensor, str]:
    """scikit-learn's 1,797 handwritten digits; a fixed, stratified fifth of them is the test set."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    train, held_out = train_test_split(
        np.arange(len(bunch.target)), test_size=0.2, stratify=bunch.target, random_state=0
    )
    chosen = np.sort(held_out if test else train)
    images = torch.from_numpy(bunch.images[chosen]).float()[:, None] / 16
    return images, torch.from_numpy(bunch.target[chosen]).long(), "scikit-learn's handwritten digits, 8 × 8"


DIGITS = Dataset(
    name="digits",
    shape=(1, 8, 8),
    classes=tuple("0123456789"),
    mean=0.305,
    std=0.376,
    read=_digits,
    origin="comes with scikit-learn",
)

FASHION_MNIST_FILES = Files(
    title="Fashion-MNIST",
    folders=("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", ""),
    # Of the unpacked files, so they hold for Debian's package and for the authors' archive.
    algorithm="sha256",
    checksums={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    advice="on Debian or Ubuntu `sudo apt-get install dataset-fashion-mnist`; elsewhere connect and run "
    "`course data fetch fashion_mnist`",
    download=partial(from_torchvision, "FashionMNIST"),
    largest=16 + 60_000 * 28 * 28,  # the training images and their header
)


def _fashion_mnist(test: bool) -> tuple[Tensor, Tensor, str]:
    """60,000 images, or the 10,000 of the test set."""
    part = "t10k" if test else "train"
    names = (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    content, place = find_files(FASHION_MNIST_FILES, names)
    # The content is verified, so the headers (16 and 8 bytes) can be skipped.
    pixels = np.frombuffer(content[names[0]], np.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = np.frombuffer(content[names[1]], np.uint8, offset=8)
    return *_tensors(pixels, labels), f"Fashion-MNIST from {place}"


FASHION_MNIST = Dataset(  # Xiao et al. 2017
    name="fashion_mnist",
    shape=(1, 28, 28),
    classes=(
        "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
    mean=0.286,
    std=0.353,
    read=_fashion_mnist,
    files=FASHION_MNIST_FILES,
)  # fmt: skip

CIFAR10_FILES = Files(
    title="CIFAR-10",
    folders=("cifar-10-batches-py", "cifar10/cifar-10-batches-py", "cifar10", ""),
    # As torchvision.datasets.CIFAR10 has them.
    algorithm="md5",
    checksums={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    archive="cifar-10-python.tar.gz",
    advice="connect and run `course data fetch cifar10`",
    download=partial(from_torchvision, "CIFAR10"),
    largest=2**25,  # a batch is 10,000 images of 3,072 bytes; labels and names take less than 283 bytes per image
)


def _cifar10(test: bool) -> tuple[Tensor, Tensor, str]:
    """50,000 images, or the 10,000 of the test set."""
    names = ("test_batch",) if test else tuple(f"data_batch_{number}" for number in range(1, 6))
    content, place = find_files(CIFAR10_FILES, names)
    try:
        batches = [plain_pickle.loads(content[name]) for name in names]
    except pickle.UnpicklingError as error:
        raise DataNotFound(f"CIFAR-10 in {place} cannot be used, because of a batch: {error}.") from error
    pixels = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([batch[b"labels"] for batch in batches])
    return *_tensors(pixels, labels), f"CIFAR-10 from {place}"


CIFAR10 = Dataset(  # Krizhevsky 2009
    name="cifar10",
    shape=(3, 32, 32),
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    mean=0.473,
    std=0.251,
    read=_cifar10,
    files=CIFAR10_FILES,
)


def _tensors(pixels: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    """Bytes → images in [0, 1], and labels."""
    return torch.from_numpy(pixels.astype(np.float32)).div_(255), torch.from_numpy(labels.astype(np.int64))
