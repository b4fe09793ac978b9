"""Local attention against other ways to compute it and against convolutions; the non-local block; pixels in sequence."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from course_utils.attention import SelfAttention2d, attention_recorded
from course_utils.bench.race import Race
from course_utils.local_attention import IMPLEMENTATIONS, LocalAttention2d, fastest
from course_utils.models import PixelTransformer, PixelTransformerConfig

CHANNELS, HEADS = 64, 4


class FlexLocal(LocalAttention2d):
    """The same layer through PyTorch's flex attention: scores get their offset's term in a score_mod."""

    def near(self, query: Tensor, key: Tensor, value: Tensor, prior: Tensor) -> Tensor:
        height, width = key.shape[-2:]
        size, half = self.size, self.size // 2

        def is_near(batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
            down, right = k // width - q // width, k % width - q % width
            return (down.abs() <= half) & (right.abs() <= half)

        def with_prior(score: Tensor, batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
            down = (k // width - q // width + half).clamp(0, size - 1)
            right = (k % width - q % width + half).clamp(0, size - 1)
            return score + prior[batch, head, down * size + right, q // width, q % width]

        tokens = height * width
        mask = create_block_mask(is_near, None, None, tokens, tokens, device=str(query.device))
        q, k, v = (part.flatten(3).mT for part in (query, key, value))
        output = flex_attention(q, k, v, score_mod=with_prior, block_mask=mask)
        assert isinstance(output, Tensor)
        return output.mT.reshape(query.shape)


def forward_backward(layer: nn.Module, maps: Tensor) -> Callable[[], None]:
    """A function that does both passes, down to the input's gradient."""
    maps = maps.clone().requires_grad_()

    def run() -> None:
        layer(maps).sum().backward()

    return run


def forward(layer: nn.Module, maps: Tensor) -> Callable[[], Tensor]:
    """A function that does the forward pass."""
    return torch.inference_mode()(lambda: layer(maps))


def local_races(device: str = "cpu") -> Iterator[Race]:
    """3 × 3, 7 × 7 and 11 × 11 on maps of 14 × 14 to 56 × 56, forward, and forward and backward; ours is what the layer
    takes when left to itself, so that one of the four implementations is missing among its rivals.
    """
    for side in (14, 28, 56):
        maps = torch.rand(2, CHANNELS, side, side, device=device)
        for size in (3, 7, 11):
            for trained in (False, True):
                taken = fastest(size, side, side, trained)
                layers: dict[str, nn.Module] = {f"{taken} (ours)": LocalAttention2d(CHANNELS, CHANNELS, size, HEADS)}
                for other in sorted({*IMPLEMENTATIONS} - {taken}):
                    if other != "masked" or side < 56:  # 3136² scores a head would take several times 315 MB
                        layers[other] = LocalAttention2d(CHANNELS, CHANNELS, size, HEADS, implementation=other)
                # Not compiled, flex attention stores all scores, and on a CPU it has no backward.
                if device == "cuda" or (side == 14 and not trained):
                    layers["flex attention"] = FlexLocal(CHANNELS, CHANNELS, size, HEADS)
                layers["depthwise convolution"] = nn.Conv2d(
                    CHANNELS, CHANNELS, size, padding=size // 2, groups=CHANNELS
                )
                make = forward_backward if trained else forward
                runs = {name: make(layer.to(device), maps) for name, layer in layers.items()}
                case = f"{size} × {size} on {side} × {side}, {'both passes' if trained else 'forward'}"
                yield Race("local attention", case, runs, device, memory=True)


def stored(layer: nn.Module, inputs: Tensor) -> Callable[[], None]:
    """Both passes of a layer whose weights are recorded: computed as the equation is written, and kept."""
    run = forward_backward(layer, inputs)

    def recorded() -> None:
        with attention_recorded(layer):
            run()

    return recorded


def block_races(device: str = "cpu") -> Iterator[Race]:
    """The non-local block and the pixel transformer, with fused attention and with all weights stored."""
    for side in (14, 28, 56):
        block = SelfAttention2d(CHANNELS).to(device)
        maps = torch.rand(1, CHANNELS, side, side, device=device)
        runs = {"fused (ours)": forward_backward(block, maps), "weights stored": stored(block, maps)}
        yield Race("blocks", f"non-local block on {side} × {side}, both passes", runs, device, memory=True)
    for side in (14, 28):
        config = PixelTransformerConfig(image_size=side, colours=16, dim=64, layers=4, heads=4)
        model = PixelTransformer(config).to(device)
        pictures = torch.rand(2, config.channels, side, side, device=device)
        runs = {"fused (ours)": forward_backward(model, pictures), "weights stored": stored(model, pictures)}
        yield Race("blocks", f"pixel transformer on {side} × {side}, both passes", runs, device, memory=True)
