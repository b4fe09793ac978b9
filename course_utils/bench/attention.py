"""Local attention against other ways to compute it and against convolutions; the non-local block; pixel sequences."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from course_utils.attention import LocalAttention2d, MultiHeadSelfAttention, SelfAttention2d, attention_recorded
from course_utils.attention.local import IMPLEMENTATIONS, fastest
from course_utils.bench.race import Race, inference
from course_utils.models import PixelTransformer, PixelTransformerConfig
from course_utils.training.device import bf16_cpu

CHANNELS, HEADS = 64, 4


@lru_cache
def near_mask(height: int, width: int, size: int, device: str) -> BlockMask:
    """The blocks of the attention matrix that contain neighbours; computed once, as in real use."""

    def is_near(batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        down, right = k // width - q // width, k % width - q % width
        return (down.abs() <= size // 2) & (right.abs() <= size // 2)

    return create_block_mask(is_near, None, None, height * width, height * width, device=device)


def can_compile(device: str) -> bool:
    """Whether ``torch.compile`` works here: a GPU has its own compiler, a CPU needs one for C++."""
    return device == "cuda" or any(shutil.which(name) for name in ("g++", "clang++"))


class FlexLocal(LocalAttention2d):
    """The same layer with PyTorch's flex attention: a score_mod adds the term of the offset."""

    flex = staticmethod(flex_attention)

    def near(self, query: Tensor, key: Tensor, value: Tensor, prior: Tensor) -> Tensor:
        height, width = key.shape[-2:]
        size, half = self.size, self.size // 2

        def with_prior(score: Tensor, batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
            down = (k // width - q // width + half).clamp(0, size - 1)
            right = (k % width - q % width + half).clamp(0, size - 1)
            return score + prior[batch, head, down * size + right, q // width, q % width]

        q, k, v = (part.flatten(3).mT for part in (query, key, value))
        mask = near_mask(height, width, size, str(query.device))
        output = self.flex(q, k, v, score_mod=with_prior, block_mask=mask)
        assert isinstance(output, Tensor)
        return output.mT.reshape(query.shape)


class CompiledFlexLocal(FlexLocal):
    """Compiled for each shape separately: for dynamic shapes, torch 2.15 generates C++ that does not compile."""

    flex = staticmethod(torch.compile(flex_attention, dynamic=False))


def forward_backward(layer: nn.Module, maps: Tensor) -> Callable[[], None]:
    """A function that runs both passes, including the gradient of the input."""
    maps = maps.clone().requires_grad_()

    def run() -> None:
        layer(maps).sum().backward()

    return run


def local_races(
    device: str = "cpu",
    sides: tuple[int, ...] = (14, 28, 56),
    sizes: tuple[int, ...] = (3, 7, 11),
    passes: tuple[bool, ...] = (False, True),
) -> Iterator[Race]:
    """3 × 3, 7 × 7 and 11 × 11 on maps of 14 × 14 to 56 × 56, forward, and forward and backward. Ours is the default
    of the layer, so its rivals are the other three of the four implementations.
    """
    for side, size, trained in itertools.product(sides, sizes, passes):
        maps = torch.rand(2, CHANNELS, side, side, device=device)
        make = forward_backward if trained else inference
        layers = local_layers(side, size, trained, device)
        runs = {name: make(layer.to(device), maps) for name, layer in layers.items()}
        case = f"{size} × {size} on {side} × {side}, {'both passes' if trained else 'forward'}"
        yield Race("local attention", case, runs, device, memory=True)


def local_layers(side: int, size: int, trained: bool, device: str) -> dict[str, nn.Module]:
    """Layers with a size × size neighbourhood, by name: ours first, a convolution last."""
    taken = fastest(size, side, side, trained)
    layers: dict[str, nn.Module] = {f"{taken} (ours)": LocalAttention2d(CHANNELS, CHANNELS, size, HEADS)}
    for other in sorted({*IMPLEMENTATIONS} - {taken}):
        if other != "masked" or side < 56:  # 3136² scores per head would take several times 315 MB
            layers[other] = LocalAttention2d(CHANNELS, CHANNELS, size, HEADS, implementation=other)
    if device == "cuda" or not trained:  # on a CPU, flex attention has no backward pass
        layers |= flex_layers(side, size, device)
    layers["depthwise convolution"] = nn.Conv2d(CHANNELS, CHANNELS, size, padding=size // 2, groups=CHANNELS)
    return layers


def flex_layers(side: int, size: int, device: str) -> dict[str, nn.Module]:
    """Flex attention, compiled if possible; otherwise only on small maps, because it then stores all scores."""
    if can_compile(device):
        torch.compiler.reset()  # it caches only a few shapes, then runs uncompiled
        return {"flex attention, compiled": CompiledFlexLocal(CHANNELS, CHANNELS, size, HEADS)}
    return {"flex attention": FlexLocal(CHANNELS, CHANNELS, size, HEADS)} if side == 14 else {}


class AlwaysFused(MultiHeadSelfAttention):
    """PyTorch's fused kernel in every precision."""

    def mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def stored(layer: nn.Module, inputs: Tensor) -> Callable[[], None]:
    """Both passes of a layer with recorded weights: computed as in the equation, and stored."""
    run = forward_backward(layer, inputs)

    def recorded() -> None:
        with attention_recorded(layer):
            run()

    return recorded


def block_races(device: str = "cpu") -> Iterator[Race]:
    """The non-local block and the pixel transformer, with fused attention and with all weights stored; and heads in
    bf16, if the CPU supports it.
    """
    for side in (14, 28, 56):
        block = SelfAttention2d(CHANNELS).to(device)
        maps = torch.rand(1, CHANNELS, side, side, device=device)
        runs = {"fused (ours)": forward_backward(block, maps), "weights stored": stored(block, maps)}
        yield Race("blocks", f"non-local block on {side} × {side}, both passes", runs, device, memory=True)
    for side in (14, 28):
        config = PixelTransformerConfig(image_size=side, colours=16, dim=64, layers=4, heads=4)
        model = PixelTransformer(config).to(device)
        images = torch.rand(2, config.channels, side, side, device=device)
        runs = {"fused (ours)": forward_backward(model, images), "weights stored": stored(model, images)}
        yield Race("blocks", f"pixel transformer on {side} × {side}, both passes", runs, device, memory=True)
    if bf16_cpu():
        yield from bf16_races()


def bf16_races() -> Iterator[Race]:
    """Heads in bf16 on a CPU: ours uses the fused kernel only for long sequences."""
    for tokens, images in ((50, 128), (197, 16), (512, 4), (2048, 1)):
        inputs = torch.rand(images, tokens, 192, dtype=torch.bfloat16)
        layers = {"ours": MultiHeadSelfAttention(192, 6), "always fused": AlwaysFused(192, 6)}
        runs = {name: forward_backward(layer.bfloat16(), inputs) for name, layer in layers.items()}
        case = f"self-attention in bf16 on {images} × {tokens} tokens, both passes"
        yield Race("blocks", case, runs, memory=True)
