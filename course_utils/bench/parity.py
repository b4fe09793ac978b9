"""The same model on the CPU and on a card: its logits, and its loss before and after a training step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.data.captions import CAPTIONS
from course_utils.experiments.nb02_twins import TWINS
from course_utils.experiments.runs import small_resnet
from course_utils.experiments.runs_captions import CONFIG as CAPTIONED
from course_utils.models import (
    DistilledViTConfig,
    HybridViTConfig,
    ImageText,
    NonLocalResNetConfig,
    PixelTransformerConfig,
    RegisterViTConfig,
    SwinConfig,
    ViTConfig,
    build,
)
from course_utils.models.model import Config

VIT = ViTConfig(image_size=32, patch_size=4, dim=96, layers=4, heads=4, mlp_dim=192, classes=10)
CONFIGS: tuple[Config[Any], ...] = (  # one of every model at least
    VIT,
    DistilledViTConfig(**vars(VIT)),
    RegisterViTConfig(**vars(VIT)),
    HybridViTConfig(
        stages=(1, 1), image_size=28, channels=1, width=32, dim=24, layers=2, heads=2, mlp_dim=48, classes=5
    ),
    SwinConfig(patch_size=2, dim=32, depths=(2, 2), heads=(2, 4), window=4, classes=10),
    small_resnet(10),
    NonLocalResNetConfig(
        "basic", (1, 1), (16, 32), stem_kernel=3, stem_stride=1, max_pool=False, classes=10, after=((1, 0),)
    ),
    TWINS["LR-Net"],
    TWINS["local attention"],
    PixelTransformerConfig(image_size=16, channels=1, colours=8, dim=64, layers=2, heads=4),
    CAPTIONED,
)


def answers(config: Config[Any], device: str, images: int) -> tuple[Tensor, Tensor, Tensor]:
    """→ the model's logits, its loss in training, and its loss after a step of AdamW, all on the CPU."""
    model = build(config, 0).to(device)
    inputs = inputs_of(model, images)
    with torch.no_grad():
        logits = model.eval()(*inputs)
    run = training_step(model, *inputs)
    losses = [run().detach().cpu() for _ in range(2)]
    return logits.float().cpu(), losses[0], losses[1]


def inputs_of(model: nn.Module, images: int) -> tuple[Tensor, ...]:
    """Random inputs for the model, on its device, the same every time."""
    c: Any = model.config
    side, channels = getattr(c, "image_size", 32), getattr(c, "channels", 3)
    drawn = torch.rand(images, channels, side, side, generator=torch.Generator().manual_seed(0))
    seen = drawn.to(next(model.parameters()).device)
    return (seen, model.tokenise(CAPTIONS[:images])) if isinstance(model, ImageText) else (seen,)


def training_step(model: nn.Module, *inputs: Tensor) -> Callable[[], Tensor]:
    """A function that runs a training step with made-up labels and returns its loss."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step() -> Tensor:
        output = model(*inputs)
        heads = output if isinstance(output, tuple) else (output,)
        rows = torch.cat([head.flatten(0, -2).float() for head in heads])
        loss = F.cross_entropy(rows, torch.arange(len(rows), device=rows.device) % rows.shape[1])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss

    return step


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference, in standard deviations of the expected values."""
    return ((found - expected).abs().max() / expected.std()).item()
