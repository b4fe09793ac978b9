"""Hybrid: a ResNet computes a feature map, and a ViT reads it in patches. Dosovitskiy et al. 2021, section 3.1.

The ResNet is that of Kolesnikov et al. 2020, with group norms and standardised kernels: no layer uses batch
statistics.

Notebook 06.
"""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.models.model import Config, Model
from course_utils.models.vit import Survival, ViT, ViTConfig
from course_utils.settings import LARGEST, Count, Depth, Must, Probability, Side, at_most

GROUPS = 32  # of channels in every group norm
Blocks = Annotated[tuple[Depth, ...], Must("at most 6 stages", lambda stages: len(stages) <= 6)]
IN_GROUPS = Must(f"a multiple of {GROUPS}, the groups of the norms", lambda width: width > 0 and not width % GROUPS)
Width = Annotated[int, IN_GROUPS, at_most(LARGEST >> 7)]  # the last map of 6 stages has 2⁷ times as many channels


@dataclass(frozen=True)
class HybridViTConfig(Config["HybridViT"]):
    """The configuration of a HybridViT. Raises ValueError, with the reason, for one that cannot be built."""

    stages: Blocks = (2, 2, 2, 2)  # bottlenecks in each stage of the ResNet; with (), only its first layer
    image_size: Side = 224  # pixels per side
    channels: Count = 3
    width: Width = 64  # channels of the first layer; the first stage ends with four times as many, later ones double
    patch_size: Count = 1  # positions of the feature map per side
    dim: Count = 384
    layers: Depth = 12
    heads: Count = 6
    mlp_dim: Count = 1536
    classes: Count = 1000
    dropout: Probability = 0.0
    stochastic_depth: Survival = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.encoder()

    @property
    def map_size(self) -> int:
        """Positions per side of the last map: the first layer halves the map twice, each later stage once."""
        return -(-self.image_size // 2 ** (2 + max(len(self.stages) - 1, 0)))

    @property
    def map_channels(self) -> int:
        """Channels of that map."""
        return self.width * 2 ** (len(self.stages) + 1) if self.stages else self.width

    def encoder(self) -> ViTConfig:
        """The configuration of the ViT, which treats the map as an image with many channels."""
        shared = ("patch_size", "dim", "layers", "heads", "mlp_dim", "classes", "dropout", "stochastic_depth")
        same = {name: getattr(self, name) for name in shared}
        return ViTConfig(image_size=self.map_size, channels=self.map_channels, **same)


# Steiner et al. 2022, as in timm, under timm's names.
PUBLISHED = {
    "vit_tiny_r_s16_p8_224": HybridViTConfig(stages=(), patch_size=8, dim=192, heads=3, mlp_dim=768),
    "vit_small_r26_s32_224": HybridViTConfig(),
    "vit_large_r50_s32_224": HybridViTConfig(stages=(3, 4, 6, 3), dim=1024, layers=24, heads=16, mlp_dim=4096),
}


def pad_same(features: Tensor, kernel_size: int, stride: int, value: float = 0.0) -> Tensor:
    """(batch, channels, height, width), padded so that a window at every stride-th position fits.

    The layer's output then has ⌈side / stride⌉ positions per side. If the padding is odd, more of it goes to the
    bottom and right, as in TensorFlow, where these models come from.
    """
    border: list[int] = []
    for side in (features.shape[-1], features.shape[-2]):
        missing = max((-(-side // stride) - 1) * stride + kernel_size - side, 0)
        border += [missing // 2, missing - missing // 2]
    return F.pad(features, border, value=value)


class StandardisedConv2d(nn.Conv2d):
    """A convolution whose kernels are each standardised to mean 0 and variance 1. Qiao et al. 2019."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel_size, stride=stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        kernels = F.layer_norm(self.weight, self.weight.shape[1:], eps=1e-8)
        return F.conv2d(pad_same(features, self.kernel_size[0], self.stride[0]), kernels, stride=self.stride)


class Bottleneck(nn.Module):
    """(batch, inputs, height, width) → (batch, outputs, height / stride, width / stride). He et al. 2016, figure 5."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        narrow = outputs // 4
        self.conv1 = StandardisedConv2d(inputs, narrow, 1)
        self.norm1 = nn.GroupNorm(GROUPS, narrow)
        self.conv2 = StandardisedConv2d(narrow, narrow, 3, stride)
        self.norm2 = nn.GroupNorm(GROUPS, narrow)
        self.conv3 = StandardisedConv2d(narrow, outputs, 1)
        self.norm3 = nn.GroupNorm(GROUPS, outputs)
        self.shortcut = (
            nn.Sequential(StandardisedConv2d(inputs, outputs, 1, stride), nn.GroupNorm(GROUPS, outputs))
            if stride > 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, features: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(features)))
        inner = F.relu(self.norm2(self.conv2(inner)))
        return F.relu(self.norm3(self.conv3(inner)) + self.shortcut(features))


class ResNetStem(nn.Module):
    """(batch, channels, height, width) → a feature map, at most a quarter as high and wide. He et al. 2016."""

    def __init__(self, channels: int, width: int, stages: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = StandardisedConv2d(channels, width, 7, stride=2)
        self.norm = nn.GroupNorm(GROUPS, width)
        self.stages = nn.Sequential()
        inputs = width
        for number, blocks in enumerate(stages):
            outputs = 4 * width * 2**number
            first = Bottleneck(inputs, outputs, stride=2 if number else 1)
            rest = [Bottleneck(outputs, outputs, stride=1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(first, *rest))
            inputs = outputs

    def forward(self, images: Tensor) -> Tensor:
        features = F.relu(self.norm(self.conv(images)))
        pooled = F.max_pool2d(pad_same(features, 3, 2, value=float("-inf")), 3, stride=2)
        return self.stages(pooled)


class HybridViT(Model):
    """(batch, channels, image_size, image_size) → logits (batch, classes): ResNet blocks, then ViT blocks.

    Raises WrongShape for images whose size or number of channels differs from the configuration. Dosovitskiy et al.
    2021, section 3.1.
    """

    config: HybridViTConfig
    published = PUBLISHED

    def __init__(self, config: HybridViTConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or HybridViTConfig()
        self.stem = ResNetStem(config.channels, config.width, config.stages)
        self.vit = ViT(config.encoder())

    def forward(self, images: Tensor) -> Tensor:
        self.check_images(images)
        return self.vit(self.stem(images))
