"""Bytes of attention matrices: the prediction of the formula compared with the allocated memory."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from torch import nn

from course_utils.attention import attention_recorded
from course_utils.costs import attention_bytes, peak_memory
from course_utils.models import PixelTransformer, PixelTransformerConfig, ViT, ViTConfig

HEADS = 2


@dataclass(frozen=True)
class Prediction:
    """Bytes of one layer's attention matrices, and the bytes that one more layer adds to the peak without them."""

    case: str
    predicted_bytes: int
    measured_bytes: int
    fused_bytes: int

    @property
    def percent(self) -> float:
        """Error of the prediction, in % of the measured bytes."""
        return 100 * abs(self.predicted_bytes / self.measured_bytes - 1)


def predictions() -> Iterator[Prediction]:
    """A transformer on pixels and a ViT, each at several sizes, forward."""
    pixels = PixelTransformerConfig(channels=1, colours=2, dim=16, layers=2, heads=HEADS, mlp_dim=16, causal=False)
    for side in (16, 32, 64):
        config = replace(pixels, image_size=side)
        models = [PixelTransformer(replace(config, layers=layers)) for layers in (2, 3)]
        yield predicted(f"pixels, {side} × {side}", side**2, models, torch.zeros(1, 1, side, side))
    patches = ViTConfig(patch_size=8, dim=16, heads=HEADS, mlp_dim=16)
    for side in (128, 224, 448):
        config_of = replace(patches, image_size=side)
        vits = [ViT(replace(config_of, layers=layers)) for layers in (2, 3)]
        yield predicted(f"patches of 8, {side} × {side}", config_of.patches + 1, vits, torch.zeros(1, 3, side, side))


def predicted(case: str, tokens: int, models: Sequence[nn.Module], images: torch.Tensor) -> Prediction:
    """models: the same with two and with three layers; the difference of the peaks is the memory of one layer."""
    kept: list[int] = []
    for recorded in (True, False):
        peaks = []
        for model in models:
            model.eval()
            with torch.no_grad(), attention_recorded(model) if recorded else nullcontext():
                peaks.append(peak_memory(lambda model=model: model(images)))  # type: ignore[misc]
        kept.append(peaks[1] - peaks[0])
    return Prediction(case, attention_bytes(tokens, HEADS, 1), *kept)
