"""The inputs: a model, images and labels, checked before the first step. All notebooks that train."""

import traceback
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from course_utils.console import first_line
from course_utils.modes import evaluating


class Labelled(Protocol):
    """Data for training: images (n, channels, height, width) floating point, labels (n,) whole numbers."""

    @property
    def images(self) -> Tensor: ...
    @property
    def labels(self) -> Tensor: ...


@dataclass(frozen=True)
class Examples:
    """The smallest data for training: images (n, channels, height, width), labels (n,).

    classes: the names of the labels 0, 1, …, if known.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)


def check_data(data: Any, role: str) -> Examples:
    """Images, labels and classes of data. Raises ValueError, naming role, if they cannot be used."""
    images, labels = getattr(data, "images", None), getattr(data, "labels", None)
    if not isinstance(images, Tensor) or not isinstance(labels, Tensor):
        found = f"is a {type(data).__name__}"
        if images is not None and labels is not None:
            found = f"has images of type {type(images).__name__} and labels of type {type(labels).__name__}"
        raise ValueError(
            f"The {role} {found}, but must have .images and .labels as tensors: use course_utils.data.load, or "
            "Examples(images, labels) with your own tensors, such as torch.from_numpy(array).float()."
        )
    check_images(images, role)
    classes = getattr(data, "classes", None)
    known = tuple(classes) if isinstance(classes, tuple | list) else None
    return Examples(images, class_numbers(labels, len(images), role), known)


def class_numbers(labels: Tensor, count: int, role: str) -> Tensor:
    """The labels as int64. Raises ValueError, naming role, unless they are one whole number per image."""
    if labels.ndim != 1 or len(labels) != count:
        raise ValueError(
            f"The {role} has {count} images but labels of shape {tuple(labels.shape)}: pass one per image."
        )
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(
            f"The labels of the {role} are {labels.dtype}, but must be whole numbers: use labels.long()."
        )
    return labels.long()


def check_images(images: Any, role: str) -> None:
    """Raise ValueError unless images are a non-empty tensor (count, channels, height, width) of finite numbers."""
    if not isinstance(images, Tensor):
        raise ValueError(
            f"The {role} is a {type(images).__name__}, but must be a tensor of images: use torch.stack for a list, "
            "or torch.from_numpy(array).float()."
        )
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(
            f"The images of the {role} have shape {tuple(images.shape)} and type {images.dtype}, but must be "
            "(count, channels, height, width) in floating point: convert bytes with images.float() / 255."
        )
    if not len(images):
        raise ValueError(f"The {role} is empty: pass at least one image.")
    if not torch.isfinite(images).all():
        broken = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        raise ValueError(f"{broken} of the {role}'s images hold NaN or infinity: repair them or leave them out.")


def check_model(model: Any) -> None:
    """Raise ValueError unless model is a module with parameters, all of them built."""
    if not isinstance(model, nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise ValueError(f"The model is {kind}, but must be a torch.nn.Module: pass a model with parameters.")
    parameters = list(model.parameters())
    if not parameters:
        raise ValueError(f"This {type(model).__name__} has no parameters, so there is nothing to train.")
    if any(map(is_lazy, parameters)):
        raise ValueError(f"This {type(model).__name__} has layers without a size yet: run it on one batch first.")


def tried(model: nn.Module, images: Tensor, role: str, *more: Tensor) -> Any:
    """The model's output in evaluation mode for the first image, and for more arguments; nothing else changes.

    Raises ValueError, naming role, if it cannot read them.
    """
    device = next(model.parameters()).device
    try:
        with torch.no_grad(), evaluating(model), random_kept(device):
            return model(images[:1].to(device), *(each.to(device) for each in more))
    except Exception as error:
        if not of_library(error):
            raise  # the models of this course raise their own message
        raise ValueError(
            f"The {type(model).__name__} cannot read the {role}, whose images are {tuple(images.shape[1:])} (channels, "
            f"height, width): resize them or build the model for that size ({first_line(error)})"
        ) from error


def for_model(model: nn.Module, images: Tensor) -> Tensor:
    """The images in the floating-point type of the model's weights, without a graph; no copy if they have it.

    Raises ValueError for a model without weights, or whose weights have no values.
    """
    check_model(model)
    if any(parameter.is_meta for parameter in model.parameters()):
        raise ValueError(
            f"This {type(model).__name__} is on the meta device, where weights have no values: build it on another "
            "device, or use model.to_empty(device='cpu') and load its weights."
        )
    kinds = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return images.detach().to(next(kinds, images.dtype))


def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    """The model's logits (batch, classes). Raises ValueError if it returns anything else."""
    return checked_logits(model, model(images), len(images))


def checked_logits(model: nn.Module, logits: Any, count: int) -> Tensor:
    """What the model returned for that many images. Raises ValueError unless it is logits (count, classes)."""
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != count:
        kind = type(logits).__name__
        found = f"a tensor of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else f"a {kind}"
        raise ValueError(
            f"The {type(model).__name__} returns {found} for {count} image{'s' * (count > 1)}, but must return logits "
            "(images, classes): return one tensor from its forward, or choose a loss or task that fits it."
        )
    return logits


def check_fit(model: nn.Module, data: Examples, role: str, same_classes: bool = True) -> Tensor:
    """Try the model in evaluation mode on one image; → all images as it reads them, see :func:`for_model`.

    Raises ValueError if it cannot read the image or has too few classes; with same_classes, also if it has more
    classes than the data.
    """
    images = for_model(model, data.images)
    logits = tried(model, images, role)
    if role != "training data":  # which only the loss reads; it may know what to do with another output
        checked_logits(model, logits, 1)
    if isinstance(logits, Tensor) and logits.ndim == 2:
        classes = logits.shape[1]
        known = len(data.classes) if same_classes and data.classes else classes
        if classes != known:
            raise ValueError(
                f"The {role} has {known} classes, but the model has {classes}: build it with classes={known}."
            )
        low, high = int(data.labels.min()), int(data.labels.max())
        if low < 0 or high >= classes:
            raise ValueError(
                f"The labels of the {role} go from {low} to {high}, but the model has {classes} classes, 0 to "
                f"{classes - 1}: build it with classes={max(high + 1, 1)} or correct the labels."
            )
    return images


def random_kept(device: torch.device) -> AbstractContextManager[None]:
    """Restore the global random numbers, of the CPU and of this device, after the block."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def of_library(error: Exception) -> bool:
    """Whether an error is not a sentence: any error but a ValueError, and the ValueErrors that PyTorch raises."""
    places = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return not isinstance(error, ValueError) or places[-1].partition(".")[0] in ("torch", "torchvision", "timm")
