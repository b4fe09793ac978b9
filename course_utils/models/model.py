"""What all models share: building, published sizes, attention maps, input checks. All notebooks."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Self, TypeVar

import torch
from torch import Tensor, nn

from course_utils.attention import RecordedAttention, attention_recorded
from course_utils.models.refusals import WrongShape, look_up
from course_utils.modes import evaluating
from course_utils.settings import Seed, Settings, checked

M = TypeVar("M", bound="Model", covariant=True)


@dataclass(frozen=True)
class Config(Settings, Generic[M]):
    """The configuration of a model M; subclasses are frozen dataclasses too: ``class ViTConfig(Config["ViT"])``."""


MODELS: dict[type[Config[Any]], type["Model"]] = {}  # configuration → model; every model adds itself


class Model(nn.Module):
    """A model with one configuration. A subclass declares its class: ``config: ViTConfig``.

    The annotation adds the model to the table of :func:`build`.
    """

    config: Any
    published: ClassVar[Mapping[str, Any]] = {}  # name of a published size → its configuration

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        config = inspect.get_annotations(cls).get("config")
        if isinstance(config, type) and issubclass(config, Config):
            MODELS.setdefault(config, cls)

    @classmethod
    def from_name(cls, name: str, **changes: Any) -> Self:
        """One of the published sizes, untrained: ``ViT.from_name("vit_b_16", classes=10)``.

        changes are fields of the configuration. Raises UnknownName for a name that is not in ``published``.
        """
        return cls(replace(look_up(cls.published, name, f"published {cls.__name__}"), **changes))

    def check_images(self, images: Tensor, at_least: int = 1) -> None:
        """Raise WrongShape unless images are (batch, channels, height, width) as in the configuration.

        Height and width must equal image_size, one number or two; if there is none, they must be at_least or more.
        """
        c = self.config
        size = getattr(c, "image_size", None)
        if images.ndim == 4 and images.shape[1] == c.channels:
            height, width = images.shape[2:]
            if (height, width) in (size, (size, size)) or (size is None and min(height, width) >= at_least):
                return
        sides = ", ".join(map(str, size if isinstance(size, tuple) else (size, size))) if size else "height, width"
        reads = f"(batch, {c.channels}, {sides})" + f" of at least {at_least} pixels per side" * (at_least > 1)
        remedy = f"change the images or build it with another {type(c).__name__}"
        raise WrongShape(images.shape, f"this {type(self).__name__}", reads, remedy)

    @torch.no_grad()
    def attention_maps(self, images: Tensor) -> list[Tensor]:
        """Weights of every attention layer, (batch, heads, queries, keys) each, in the order of the layers.

        They come from the same forward pass as the logits in evaluation mode. The model is not changed. Raises
        MemoryError, before a layer allocates its weights, if they exceed the free memory.
        """
        with self.recording() as maps:
            self(images)
        return maps

    @contextmanager
    def recording(self) -> Iterator[list[Tensor]]:
        """In the block, the model is in evaluation mode and its attention layers append their weights to the list.

        The list of a model without attention layers, such as a CNN, stays empty.
        """
        attends = any(isinstance(module, RecordedAttention) for module in self.modules())
        recording: AbstractContextManager[list[Tensor]] = attention_recorded(self) if attends else nullcontext([])
        with evaluating(self), recording as maps:
            yield maps


def build(config: Config[M], seed: int | None = None) -> M:
    """The untrained model of this configuration.

    With a seed, the weights are drawn from it, and PyTorch's global random numbers are not changed; without one, the
    weights are drawn from the global random numbers. Raises TypeError for anything that is not a model's
    configuration.
    """
    model: type[Any] | None = MODELS.get(type(config))
    if model is None:
        raise TypeError(
            f"Cannot build a model from a {type(config).__name__}: pass build a configuration, one of "
            f"{', '.join(kind.__name__ for kind in MODELS)}."
        )
    if seed is None:
        return model(config)
    with seeded(checked("seed", seed, Seed)):
        return model(config)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block, the CPU's global random numbers are those of the seed; afterwards they go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def config_of(model: str, fields: Mapping[str, Any]) -> Config[Any]:
    """The configuration from a checkpoint's card: the name of the model's class, and fields with lists for tuples.

    Raises UnknownName for a class that is not a model of the course, and WrongSetting for fields that are not its own.
    """
    kinds = {kind.__name__: config for config, kind in MODELS.items()}
    return look_up(kinds, model, "model").from_fields(fields)
