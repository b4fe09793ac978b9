"""Residual networks: the CNNs that attention is added to. He et al. 2016, section 4.1. Notebooks 01, 05 and 08."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from torch import Tensor, nn

from course_utils.models.model import Config, Model
from course_utils.settings import ODD, Count, Stages, Widths, one_of

EXPANSION = {"basic": 1, "bottleneck": 4}  # output channels of a block per channel of its 3×3 convolutions


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """How many pixels per side one output of a stack of convolutions can see.

    layers is a list of (kernel, stride), first layer first: [(3, 1), (3, 1)] → 5, and [(3, 2), (3, 1)] → 7. Without
    layers the result is 1. Araujo et al. 2019, equation 2.
    """
    field, step = 1, 1
    for kernel, stride in layers:
        field = field + (kernel - 1) * step
        step = step * stride
    return field


@dataclass(frozen=True)
class ResNetConfig(Config["ResNet"]):
    """The configuration of a ResNet. Raises ValueError, with the reason, for one that cannot be built."""

    block: Annotated[str, one_of(EXPANSION)] = "bottleneck"  # or "basic"
    blocks: Stages = (3, 4, 6, 3)  # residual blocks of each stage; all stages but the first halve the map
    widths: Widths = (64, 128, 256, 512)  # channels of each stage's 3×3 convolutions; of the stem: the first
    stem_kernel: Annotated[Count, ODD] = 7  # pixels; for small images use 3 pixels,
    stem_stride: Count = 2  # a stride of 1,
    max_pool: bool = True  # and no pooling after the stem
    channels: Count = 3
    classes: Count = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.blocks) != len(self.widths):
            raise ValueError(
                f"blocks {self.blocks} and widths {self.widths} must have the same length: give each stage its number "
                "of blocks and its width."
            )

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(kernel, stride) of every layer from the image to the last map, without shortcuts."""
        found = [(self.stem_kernel, self.stem_stride)] + [(3, 2)] * self.max_pool
        for stage, count in enumerate(self.blocks):
            for index in range(count):
                stride = stride_of(stage, index)
                found += [(3, stride), (3, 1)] if self.block == "basic" else [(1, 1), (3, stride), (1, 1)]
        return found

    def outputs(self, stage: int) -> int:
        """Channels of the maps of one stage; stages count from zero."""
        return self.widths[stage] * EXPANSION[self.block]


# He et al. 2016, table 1.
PUBLISHED: Mapping[str, ResNetConfig] = {
    "resnet18": ResNetConfig(block="basic", blocks=(2, 2, 2, 2)),
    "resnet34": ResNetConfig(block="basic", blocks=(3, 4, 6, 3)),
    "resnet50": ResNetConfig(blocks=(3, 4, 6, 3)),
    "resnet101": ResNetConfig(blocks=(3, 4, 23, 3)),
    "resnet152": ResNetConfig(blocks=(3, 8, 36, 3)),
}


def stride_of(stage: int, index: int) -> int:
    """The first block of every stage except the first halves the map."""
    return 2 if stage and not index else 1


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Padded so that the map keeps its size (divided by the stride); no bias, because a normalisation follows."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class Residual(nn.Module):
    """The shortcut of both kinds of block, with a projection if the shapes differ (He et al. 2016, eq. 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def residual(self, features: Tensor) -> Tensor:
        """The output that is added to the shortcut."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        return (self.shortcut(features) + self.residual(features)).relu_()


class BasicBlock(Residual):
    """(batch, inputs, height, width) → (batch, width, height / stride, …): two 3×3. He et al. 2016, figure 5 left."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__(inputs, width, stride)
        self.conv1, self.norm1 = convolution(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = convolution(width, width, 3), nn.BatchNorm2d(width)

    def residual(self, features: Tensor) -> Tensor:
        features = self.norm1(self.conv1(features)).relu_()
        return self.norm2(self.conv2(features))


class Bottleneck(Residual):
    """(batch, inputs, height, width) → (batch, 4 · width, height / stride, …): 1×1, 3×3, 1×1.

    He et al. 2016, figure 5 right; the stride is at the 3×3 convolution, as in torchvision ("v1.5").
    """

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        outputs = EXPANSION["bottleneck"] * width
        super().__init__(inputs, outputs, stride)
        self.conv1, self.norm1 = convolution(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = convolution(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.norm3 = convolution(width, outputs, 1), nn.BatchNorm2d(outputs)

    def residual(self, features: Tensor) -> Tensor:
        features = self.norm1(self.conv1(features)).relu_()
        features = self.norm2(self.conv2(features)).relu_()
        return self.norm3(self.conv3(features))


class ResNet(Model):
    """(batch, channels, height, width) → logits (batch, classes), for any height and width. He et al. 2016, table 1.

    Raises WrongShape for images whose number of channels differs from the configuration.
    """

    config: ResNetConfig
    published = PUBLISHED

    def __init__(self, config: ResNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ResNetConfig()
        kind = {"basic": BasicBlock, "bottleneck": Bottleneck}[config.block]
        inputs = config.widths[0]
        self.stem = nn.Sequential(
            convolution(config.channels, inputs, config.stem_kernel, config.stem_stride),
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1) if config.max_pool else nn.Identity(),
        )
        self.stages = nn.ModuleList()
        for stage, (count, width) in enumerate(zip(config.blocks, config.widths, strict=True)):
            blocks = nn.ModuleList()
            for index in range(count):
                blocks.append(kind(inputs, width, stride_of(stage, index)))
                inputs = config.outputs(stage)
            self.stages.append(blocks)
        self.head = nn.Linear(inputs, config.classes)
        for module in self.modules():  # He et al. 2015, section 2.2
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, images: Tensor) -> Tensor:
        """(batch, channels, height, width) → the last map, (batch, features, height / 32, width / 32) by default."""
        self.check_images(images)
        features = self.stem(images)
        for stage, blocks in enumerate(self.stages):
            for index, block in enumerate(blocks.children()):
                features = self.between(block(features), stage, index)
        return features

    def between(self, features: Tensor, stage: int, index: int) -> Tensor:
        """Called after each residual block; a plain ResNet returns the features unchanged."""
        return features

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean(dim=(-2, -1)))
