"""Our models compared with torchvision's and timm's: the same configuration, weights and batch."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models as torchvisions

from course_utils.analysis.throughput import devices
from course_utils.bench.race import Race, inference
from course_utils.models.convert import from_timm, from_torchvision
from course_utils.training.device import bf16_cpu

MODES = {"float32": (False, False), "bf16": (True, False), "bf16 compiled": (True, True)}  # (bf16, compiled)


def modes_of(device: str) -> tuple[str, ...]:
    """All on CUDA; on a CPU, bf16 if the processor supports it, and nothing compiled."""
    return {"cuda": tuple(MODES), "cpu": ("float32", "bf16") if bf16_cpu() else ("float32",)}.get(
        device, ("float32",)
    )


def pairs() -> Iterator[tuple[str, int, int, dict[str, nn.Module]]]:
    """(name, pixels per side, images per batch on a CPU, {who: model}) with equal weights, ours first."""
    vit = torchvisions.VisionTransformer
    torch.manual_seed(0)
    tiny = vit(224, 16, 12, 3, 192, 768)
    yield (
        "ViT-Ti/16",
        224,
        4,
        {"course": from_torchvision(tiny), "torchvision": tiny, "timm": timms(224, 16, 192, 12, 3)},
    )
    for side, patch in ((28, 4), (32, 4)):
        small = vit(side, patch, 4, 4, 96, 192, num_classes=10)
        theirs = timms(side, patch, 96, 4, 4, mlp_ratio=2, num_classes=10)
        yield (
            f"ViT of the course, patch {patch}",
            side,
            128,
            {"course": from_torchvision(small), "torchvision": small, "timm": theirs},
        )
    distilled = timm.create_model("deit_tiny_distilled_patch16_224")
    yield "DistilledViT-Ti/16", 224, 4, {"course": from_timm(distilled), "timm": distilled}
    swin = torchvisions.swin_t()
    yield (
        "Swin-T",
        224,
        2,
        {
            "course": from_torchvision(swin),
            "torchvision": swin,
            "timm": timm.create_model("swin_tiny_patch4_window7_224"),
        },
    )
    resnet = torchvisions.resnet18()
    yield (
        "ResNet-18",
        224,
        4,
        {"course": from_torchvision(resnet), "torchvision": resnet, "timm": timm.create_model("resnet18")},
    )


def timms(side: int, patch: int, dim: int, layers: int, heads: int, **more: Any) -> nn.Module:
    """timm's ViT of this size."""
    return timm.models.VisionTransformer(
        img_size=side, patch_size=patch, embed_dim=dim, depth=layers, num_heads=heads, **more
    )


def model_races(device: str = "cpu", mode: str = "float32") -> Iterator[Race]:
    """A training step (forward, backward, AdamW) and inference of every pair; mode: one of :data:`MODES`."""
    bf16, compiled = MODES[mode]
    for name, side, count, models in pairs():
        count *= 16 if device != "cpu" else 1
        generator = torch.Generator().manual_seed(0)
        images = torch.rand(count, 3, side, side, generator=generator).to(device)
        answer = next(iter(models.values())).eval()(images[:1].cpu())
        classes = (answer[0] if isinstance(answer, tuple) else answer).shape[-1]
        labels = torch.randint(classes, (count,), generator=generator).to(device)
        about = f"{name} at {side}, {mode}" + f" on {device}" * (device != "cpu")
        step = partial(training_step, labels=labels)
        for what, make in (("training step", step), ("inference", inference)):
            runs = {who: make(deepcopy(model).to(device), images) for who, model in models.items()}
            if compiled:
                runs = {who: torch.compile(run) for who, run in runs.items()}
            if bf16:
                runs = {who: torch.autocast(device, torch.bfloat16)(run) for who, run in runs.items()}
            yield Race("models", f"{about}, {what} of {count}", runs, device)


def training_step(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], object]:
    """A function that runs one training step."""
    model.train()
    if isinstance(model, timm.models.deit.VisionTransformerDistilled):
        model.set_distilled_training(True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        logits = model(images)
        heads = logits if isinstance(logits, tuple) else (logits,)
        loss = sum((F.cross_entropy(head, labels) for head in heads), torch.zeros((), device=images.device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def every_device() -> Iterator[Race]:
    """The races on each device of this machine, in each of its modes."""
    for device in devices():
        for mode in modes_of(device):
            yield from model_races(device, mode)
