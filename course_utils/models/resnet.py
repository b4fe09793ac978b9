"""Residual networks: the CNNs that attention is added to. He et al. 2016, section 4.1. Notebooks 01, 05 and 08."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from course_utils.models.model import Config, Model

EXPANSION = {"basic": 1, "bottleneck": 4}  # a block's output channels for one of its 3×3 convolutions'


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """How many pixels per side one output of a stack of convolutions can see.

    layers are (kernel, stride), the first one first: [(3, 1), (3, 1)] → 5, and [(3, 2), (3, 1)] → 7. Without any
    layer it is 1. Araujo et al. 2019, equation 2.
    """
    field, step = 1, 1
    for kernel, stride in layers:
        field = field + (kernel - 1) * step
        step = step * stride
    return field


@dataclass(frozen=True)
class ResNetConfig(Config["ResNet"]):
    """Everything that decides the shape of a ResNet. Raises ValueError, with the reason, for one that cannot be built."""

    block: str = "bottleneck"  # or "basic"
    blocks: tuple[int, ...] = (3, 4, 6, 3)  # residual blocks of each stage; every stage but the first halves the map
    widths: tuple[int, ...] = (64, 128, 256, 512)  # channels of each stage's 3×3 convolutions; the stem has the first
    stem_kernel: int = 7  # pixels; small pictures want 3 pixels,
    stem_stride: int = 2  # a stride of 1,
    max_pool: bool = True  # and no pooling after the stem
    channels: int = 3
    classes: int = 1000

    def __post_init__(self) -> None:
        if self.block not in EXPANSION:
            raise ValueError(f"block is {self.block!r}, but must be one of {', '.join(EXPANSION)}.")
        if not self.blocks or len(self.blocks) != len(self.widths):
            raise ValueError(
                f"blocks {self.blocks} and widths {self.widths} must name the same stages, at least one: give each "
                "stage its number of blocks and its width."
            )
        for name in ("blocks", "widths"):
            if min(getattr(self, name)) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but every stage needs at least 1.")
        for name in ("stem_kernel", "stem_stride", "channels", "classes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1.")
        if self.stem_kernel % 2 == 0:
            raise ValueError(f"stem_kernel is {self.stem_kernel}, but must be odd: try {self.stem_kernel + 1}.")

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(kernel, stride) of every layer on the way from the picture to the last map, shortcuts left out."""
        found = [(self.stem_kernel, self.stem_stride)] + [(3, 2)] * self.max_pool
        for stage, count in enumerate(self.blocks):
            for index in range(count):
                stride = stride_of(stage, index)
                found += [(3, stride), (3, 1)] if self.block == "basic" else [(1, 1), (3, stride), (1, 1)]
        return found

    def outputs(self, stage: int) -> int:
        """Channels of the maps of one stage, counted from zero."""
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
    """The first block of every stage but the first halves the map."""
    return 2 if stage and not index else 1


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Padded to keep the map's size (over the stride); without biases, since a normalisation follows."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class Residual(nn.Module):
    """What both kinds of block share: the shortcut, a projection where the shapes differ (He et al. 2016, eq. 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def residual(self, features: Tensor) -> Tensor:
        """What the block adds to its shortcut."""
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

    Raises WrongShape for images with another number of channels than the configuration's.
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
        """What happens to the features after a residual block: in a plain ResNet, nothing."""
        return features

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean(dim=(-2, -1)))
