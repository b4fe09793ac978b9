"""The inputs: images and labels, checked before the first step. All notebooks that train."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from course_utils.models.model import modes_kept


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
        raise ValueError(
            f"The {role} is a {type(data).__name__}, but must have .images and .labels as tensors: "
            "use course_utils.data.load, or Examples(images, labels) with your own tensors."
        )
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(
            f"The images of the {role} have shape {tuple(images.shape)} and type {images.dtype}, but must be "
            "(count, channels, height, width) in floating point: convert bytes with images.float() / 255."
        )
    if labels.ndim != 1 or len(labels) != len(images):
        raise ValueError(
            f"The {role} has {len(images)} images but labels of shape {tuple(labels.shape)}: pass one per image."
        )
    if not len(images):
        raise ValueError(f"The {role} is empty: pass at least one image.")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(
            f"The labels of the {role} are {labels.dtype}, but must be whole numbers: use labels.long()."
        )
    if not torch.isfinite(images).all():
        broken = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        raise ValueError(f"{broken} of the {role}'s images hold NaN or infinity: repair them or leave them out.")
    classes = getattr(data, "classes", None)
    return Examples(images, labels.long(), tuple(classes) if isinstance(classes, tuple | list) else None)


def check_fit(model: nn.Module, data: Examples, role: str, same_classes: bool = True) -> None:
    """Try the model on one image. Raises ValueError if it cannot read the image or has too few classes.

    With same_classes, also if the model has more classes than the data.
    """
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ValueError(f"This {type(model).__name__} has no parameters, so there is nothing to train.")
    shape = tuple(data.images.shape[1:])
    try:
        with torch.no_grad(), modes_kept(model):
            logits = model.eval()(data.images[:1].to(parameter.device, parameter.dtype))
    except ValueError:
        raise  # the models of this course raise their own message
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"The {type(model).__name__} cannot read the {role}, whose images are {shape} (channels, height, "
            f"width): resize them or build the model for that size ({reason})"
        ) from error
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
