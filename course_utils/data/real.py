"""Real pictures: digits and photographs come with the packages; Fashion-MNIST and CIFAR-10 lie where they lie."""

import pickle

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from course_utils.data.pictures import Pictures
from course_utils.data.resolve import CIFAR10, FASHION_MNIST, find_files

CLOTHES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")  # those that scikit-image's package itself holds


def photo(name: str = "chelsea") -> Tensor:
    """A photograph of scikit-image, (3, height, width), float32 in [0, 1]; ``"chelsea"`` is the cat.

    Raises ValueError for a name that is not in the package.
    """
    if name not in PHOTOS:
        raise ValueError(f"There is no photograph {name!r} in the package: choose one of {', '.join(PHOTOS)}.")
    from skimage import data

    return rearrange(torch.from_numpy(getattr(data, name)().copy()), "h w c -> c h w").float() / 255


def digits(test: bool) -> Pictures:
    """scikit-learn's 1,797 handwritten digits, 1 × 8 × 8; a fixed, stratified fifth of them is the test set."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    train, held_out = train_test_split(
        np.arange(len(bunch.target)), test_size=0.2, stratify=bunch.target, random_state=0
    )
    chosen = np.sort(held_out if test else train)
    images = torch.from_numpy(bunch.images[chosen]).float()[:, None] / 16
    labels = torch.from_numpy(bunch.target[chosen]).long()
    return Pictures(images, labels, tuple("0123456789"), "digits", "scikit-learn's handwritten digits, 8 × 8")


def fashion_mnist(test: bool) -> Pictures:
    """Fashion-MNIST, 1 × 28 × 28: 60,000 pictures, or the 10,000 of the test set. Xiao et al. 2017.

    Raises DataNotFound when its files are nowhere.
    """
    part = "t10k" if test else "train"
    names = (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    content, place = find_files(FASHION_MNIST, names)
    # The content is verified, so the headers (16 and 8 bytes) need no reading.
    pixels = np.frombuffer(content[names[0]], np.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = np.frombuffer(content[names[1]], np.uint8, offset=8)
    return Pictures(
        torch.from_numpy(pixels.astype(np.float32)).div_(255),
        torch.from_numpy(labels.astype(np.int64)),
        CLOTHES,
        "fashion_mnist",
        f"Fashion-MNIST from {place}",
    )


def cifar10(test: bool) -> Pictures:
    """CIFAR-10, 3 × 32 × 32: 50,000 pictures, or the 10,000 of the test set. Krizhevsky 2009.

    Raises DataNotFound when its files are nowhere.
    """
    names = ("test_batch",) if test else tuple(f"data_batch_{number}" for number in range(1, 6))
    content, place = find_files(CIFAR10, names)
    # Unpickling runs what a file says; these bytes were just found equal to the authors'.
    batches = [pickle.loads(content[name], encoding="bytes") for name in names]
    pixels = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([batch[b"labels"] for batch in batches])
    return Pictures(
        torch.from_numpy(pixels.astype(np.float32)).div_(255),
        torch.from_numpy(labels.astype(np.int64)),
        CIFAR10_CLASSES,
        "cifar10",
        f"CIFAR-10 from {place}",
    )
