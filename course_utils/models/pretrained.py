"""torchvision's and timm's models with trained weights, if there are any. Notebooks 01, 02, 04, 05 and 08."""

import hashlib
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from course_utils.downloads import patience
from course_utils.files import opened, reason
from course_utils.models.model import seeded
from course_utils.models.packaged import Packaged, WeightsNotFound, cards
from course_utils.models.read_onnx import read_dinov2
from course_utils.models.refusals import WrongShape

# torchvision puts only the first eight digits of a file's SHA-256 into its name.
SHA256 = {
    "resnet18-f37072fd.pth": "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    "resnet50-11ad3fa6.pth": "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
    "swin_t-704ceda3.pth": "704ceda373461b0a224fcdddd75cd2a5e9f8064512ed47adbddef7f343fd147b",
    "vit_b_16-c867db91.pth": "c867db91d3e12c6cbadabb610d73c24a546bf82d8c03a9fea34f43a712ddb0e9",
}
UNUSABLE = (OSError, RuntimeError, HTTPException, pickle.UnpicklingError)


@dataclass(frozen=True)
class Pretrained:
    """A model of torchvision or timm in evaluation mode, and what its weights are.

    classes: the names of its classes, none if it is untrained or has no head. trained: whether the weights are
    trained. mean and std: of each channel, by which its images are standardised.
    """

    model: nn.Module
    classes: tuple[str, ...]
    source: str
    trained: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def prepared(self, images: Tensor) -> Tensor:
        """(…, channels, height, width) in [0, 1] → the same shape: standardised, as the model reads them.

        Raises ValueError for images that are not floating-point numbers, because whole numbers cannot hold mean and
        std, and WrongShape for images with other channels than the model reads.
        """
        if not images.is_floating_point():
            kind = str(images.dtype).removeprefix("torch.")
            raise ValueError(f"The images are {kind}, but must be in floating point: use images.float() / 255.")
        if images.shape[-3:-2] != (len(self.mean),):
            reads = f"(…, {len(self.mean)}, height, width)"
            raise WrongShape(images.shape, f"this {type(self.model).__name__}", reads, "read them with open_image")
        mean, std = (torch.tensor(values).to(images)[:, None, None] for values in (self.mean, self.std))
        return (images - mean) / std


@dataclass(frozen=True)
class _Published:
    """A model whose weights its authors have published, and how to make it with them or without."""

    title: str
    url: str
    sha256: str  # or its first digits
    megabytes: float
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    untrained: Callable[[], nn.Module]
    trained: Callable[[Path], nn.Module]

    @property
    def cached(self) -> Path:
        return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(self.url).path).name


@seeded(0)  # what the constructors draw is not drawn from the notebook's random numbers
def load_pretrained(name: str, seconds: float = 10.0) -> Pretrained:
    """A model of torchvision, or timm's ``vit_small_patch14_dinov2`` or ``tf_efficientnet_lite0``,
    with trained weights.

    In this order: the published weights, from PyTorch's cache or downloaded; for the two models of timm, those in a
    package (``data/weights`` has their cards); random ones (seed 0). All files are verified, and ``source`` says in
    one sentence which weights these are, and why. seconds: how long to wait for a silent server. A
    cached file that does not match its checksum stays until a whole one has been downloaded. Raises ValueError for
    another name.
    """
    packaged = next((card for card in cards().values() if card.architecture == name), None)
    published = _of_timm(packaged) if packaged else _of_torchvision(name)
    loaded = partial(Pretrained, mean=published.mean, std=published.std)
    try:
        _fetch(published, seconds)
        # torch.load makes nothing but tensors; torchvision's loader does not ask for that.
        with patch.dict(os.environ, TORCH_FORCE_WEIGHTS_ONLY_LOAD="1"):
            model = published.trained(published.cached).eval()
        source = f"published weights {published.title} from {_short(published.cached)}"
        return loaded(model, published.classes, source, trained=True)
    except UNUSABLE as error:
        cause = reason(error).strip().partition("\n")[0]
        why, remedy = f"the published ones are not on this machine ({cause})", _remedy(published, error)
    if packaged:
        try:
            path = packaged.find()
            model = _with_weights(published.untrained(), path).eval()
            source = f"weights of {packaged.package} {packaged.version} ({packaged.title}), because {why}"
            return loaded(model, published.classes, source, trained=True)
        except WeightsNotFound as error:
            remedy = str(error).rstrip(".")
    with seeded(0):
        model = published.untrained().eval()
        for parameter in model.parameters():  # torchvision's heads start at zero, so every logit is zero
            if not parameter.any():
                nn.init.normal_(parameter, std=0.02)
    return loaded(model, (), f"random weights, because {why}: {remedy}", trained=False)


def _of_torchvision(name: str) -> _Published:
    from torchvision.models import get_model, get_model_weights, list_models

    if name not in list_models():
        others = " or ".join(card.architecture for card in cards().values())
        raise ValueError(
            f"torchvision has no model called {name!r}: see torchvision.models.list_models(), or choose timm's "
            f"{others}."
        )
    weights = get_model_weights(name).DEFAULT
    transforms = weights.transforms()
    return _Published(
        title=str(weights),
        url=weights.url,
        sha256=SHA256.get(Path(weights.url).name, Path(weights.url).stem.rpartition("-")[2]),
        megabytes=weights.meta.get("_file_size", 0),
        classes=tuple(weights.meta["categories"]),
        mean=tuple(getattr(transforms, "mean", (0.485, 0.456, 0.406))),
        std=tuple(getattr(transforms, "std", (0.229, 0.224, 0.225))),
        untrained=lambda: get_model(name),
        trained=lambda path: get_model(name, weights=weights, progress=False),
    )


def _of_timm(card: Packaged) -> _Published:
    import timm
    from torchvision.models import ResNet50_Weights

    name = card.architecture
    config: Any = timm.get_pretrained_cfg(name)
    categories = ResNet50_Weights.DEFAULT.meta["categories"]  # of ImageNet-1k, in the order of all such models
    return _Published(
        title=f"{name}.{config.tag}",
        url=config.url,
        sha256=card.published_sha256 or Path(config.url).stem.rpartition("-")[2],
        megabytes=card.published_bytes / 1e6,
        classes=tuple(categories) if config.num_classes == len(categories) else (),
        mean=config.mean,
        std=config.std,
        untrained=lambda: timm.create_model(name),
        trained=lambda path: timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"file": str(path)}),
    )


def _with_weights(model: nn.Module, path: Path) -> nn.Module:
    """timm's model with the weights in the file of a package."""
    if path.suffix == ".onnx":
        weights = read_dinov2(path)
    else:  # the same tensors in the same order, under older names
        values = torch.load(path, map_location="cpu", weights_only=True).values()
        weights = dict(zip(model.state_dict(), values, strict=True))
    model.load_state_dict(weights)
    return model


def _fetch(published: _Published, seconds: float) -> None:
    """Download the file of weights unless the cache has it. Raises OSError or RuntimeError on failure."""
    cached = published.cached
    try:
        with opened(cached) as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest().startswith(published.sha256)
    except FileNotFoundError:
        whole = False
    if not whole:
        size = f" ({published.megabytes:.0f} MB)" if published.megabytes else ""
        print(f"Downloading {cached.name}{size} from {urlparse(published.url).hostname}.", flush=True)
        cached.parent.mkdir(parents=True, exist_ok=True)
        with patience(seconds):
            torch.hub.download_url_to_file(published.url, str(cached), published.sha256, progress=False)


def _remedy(published: _Published, error: BaseException) -> str:
    folder = _short(published.cached.parent)
    if isinstance(error, PermissionError):
        return f"set TORCH_HOME to a folder that you can write to, in place of {folder}"
    place = published.url.removeprefix("https://").rpartition("/")[0]
    return f"connect and run this again, or put {published.cached.name} from {place} in {folder}"


def _short(path: Path) -> str:
    """The path, with ``~`` for the home folder: the name of an account does not belong into a shared notebook."""
    home = os.path.expanduser("~")
    return f"~{str(path)[len(home) :]}" if str(path).startswith(home.rstrip(os.sep) + os.sep) else str(path)
