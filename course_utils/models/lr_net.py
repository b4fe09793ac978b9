"""LR-Net: a ResNet of bottlenecks in which local relations stand where convolutions stood. Hu et al. 2019, table 1.

One class for three networks, so that they can be compared: what mixes neighbouring places is a local relation (Hu et
al. 2019), local attention (Ramachandran et al. 2019) or a convolution. With convolutions and the widths of He et al.
2016 it *is* torchvision's ResNet-50.

What the table leaves open, and what is built here:

* every layer is followed by a batch norm and, but for the last of a bottleneck, a ReLU, as in ResNet;
* a bottleneck whose shape changes has a 1 × 1 projection with a batch norm beside it; the stride stands on the layer
  that mixes places (He et al. put it on the first 1 × 1 layer, torchvision on the 3 × 3 one);
* queries and keys are one scalar for each map of weights, without biases, and 100 channels in groups of m = 8 make 12
  whole groups and a half one: 13 maps;
* the geometry prior has one hidden layer, as wide as there are maps;
* the values are a 1 × 1 convolution of the layer's input ("map each element to key and value", says the slide), or,
  without ``project_values``, the input itself;
* keys and values are made at every place, queries only where the stride needs them;
* LR-Net-26 has two bottlenecks in every stage.

Notebook 02.
"""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from course_utils.attention import LocalAttention2d, LocalRelation2d
from course_utils.attention.local import CHOICES
from course_utils.models.model import Config, Model

KINDS = ("relation", "attention", "convolution")


@dataclass(frozen=True)
class LRNetConfig(Config["LRNet"]):
    """Everything that decides the shape of an LR-Net. Raises ValueError, with the reason, for one that cannot be built."""

    kind: str = "relation"  # what mixes places: "relation", "attention" or "convolution"
    blocks: tuple[int, ...] = (3, 4, 6, 3)  # bottlenecks of each stage; each stage but the first halves the map
    widths: tuple[int, ...] = (100, 200, 400, 800)  # channels inside the bottlenecks
    outputs: tuple[int, ...] = (256, 512, 1024, 2048)  # channels between them
    size: int = 7  # places per side of a neighbourhood, in the bottlenecks
    stem: int = 64  # channels before the first stage
    stem_size: int = 7  # places per side of a neighbourhood, in the stem, which halves the map
    stem_kind: str = ""  # as kind, unless said
    pool: bool = True  # 3 × 3 max pool after the stem, which halves the map again
    shared: int = 8  # channels for which a map of weights is shared: the paper's m ("relation" only)
    project_values: bool = True  # values through a 1 × 1 convolution ("relation" only)
    heads: int = 8  # ("attention" only)
    channels: int = 3
    classes: int = 1000
    implementation: str = "auto"  # of the local layers: the same result, other time and memory

    def __post_init__(self) -> None:
        for kind in (self.kind, self.stem_kind or self.kind):
            if kind not in KINDS:
                raise ValueError(f"There is no kind {kind!r} of layer: choose one of {', '.join(KINDS)}.")
        lengths = len(self.blocks), len(self.widths), len(self.outputs)
        if len(set(lengths)) > 1 or not self.blocks:
            raise ValueError(
                f"blocks, widths and outputs have {lengths[0]}, {lengths[1]} and {lengths[2]} numbers, but need one "
                "each for every stage."
            )
        counts = {name: getattr(self, name) for name in ("stem", "shared", "heads", "channels", "classes")}
        counts |= {name: min(getattr(self, name)) for name in ("blocks", "widths", "outputs")}
        for name, value in counts.items():
            if value < 1:
                raise ValueError(f"{name} holds {value}, but must be at least 1.")
        for name in ("size", "stem_size"):
            if getattr(self, name) < 1 or getattr(self, name) % 2 == 0:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be odd: a neighbourhood has a centre.")
        if self.kind == "attention":
            for width in (*self.widths, *([] if self.stem_kind else [self.stem])):
                if width % (2 * self.heads):
                    raise ValueError(
                        f"{width} channels cannot be shared among {self.heads} heads, half for rows and half for "
                        f"columns: take multiples of {2 * self.heads}."
                    )
        if self.implementation not in CHOICES:
            raise ValueError(
                f"There is no implementation {self.implementation!r}: choose one of {', '.join(CHOICES)}."
            )


RESNET50 = LRNetConfig(kind="convolution", widths=(64, 128, 256, 512), size=3)  # He et al. 2016, table 1

# Hu et al. 2019, table 1, as on the slide.
PUBLISHED = {
    "lrnet26": LRNetConfig(blocks=(2, 2, 2, 2)),
    "lrnet50": LRNetConfig(),
    "resnet26": replace(RESNET50, blocks=(2, 2, 2, 2)),
    "resnet50": RESNET50,
}


def mixing(config: LRNetConfig, kind: str, channels: int, size: int, stride: int) -> nn.Module:
    """(batch, channels, height, width) → (batch, channels, height / stride, width / stride): looks around."""
    if kind == "relation":
        return LocalRelation2d(channels, size, config.shared, stride, config.project_values, config.implementation)
    if kind == "attention":
        return LocalAttention2d(channels, channels, size, config.heads, stride, config.implementation)
    return nn.Conv2d(channels, channels, size, stride, size // 2, bias=False)


class Stem(nn.Sequential):
    """(batch, channels, height, width) → (batch, stem, height / 2, width / 2), halved again by the pool."""

    def __init__(self, config: LRNetConfig) -> None:
        kind, stem, size = config.stem_kind or config.kind, config.stem, config.stem_size
        if kind == "convolution":
            layers: list[nn.Module] = [nn.Conv2d(config.channels, stem, size, 2, size // 2, bias=False)]
        else:
            layers = [nn.Conv2d(config.channels, stem, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()]
            layers.append(mixing(config, kind, stem, size, stride=2))
        layers += [nn.BatchNorm2d(stem), nn.ReLU()]
        super().__init__(*layers, *([nn.MaxPool2d(3, 2, 1)] if config.pool else []))


class Bottleneck(nn.Module):
    """(batch, channels, height, width) → (batch, output, height / stride, width / stride). He et al. 2016, figure 5."""

    def __init__(self, config: LRNetConfig, channels: int, width: int, output: int, stride: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.mix = mixing(config, config.kind, width, config.size, stride)
        self.norm2 = nn.BatchNorm2d(width)
        self.expand = nn.Conv2d(width, output, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(output)
        self.relu = nn.ReLU()
        if stride == 1 and channels == output:
            self.shortcut: nn.Module = nn.Identity()
        else:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, output, 1, stride, bias=False), nn.BatchNorm2d(output))

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.relu(self.norm1(self.reduce(maps)))
        inner = self.relu(self.norm2(self.mix(inner)))
        return self.relu(self.norm3(self.expand(inner)) + self.shortcut(maps))


class LRNet(Model):
    """(batch, channels, height, width) → logits (batch, classes). Hu et al. 2019, table 1.

    Raises WrongShape for images with another number of channels than the configuration's. ``attention_maps`` holds the
    weights of every local layer, (batch, heads, positions, size²): none in a network of convolutions.
    """

    config: LRNetConfig
    published = PUBLISHED

    def __init__(self, config: LRNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or LRNetConfig()
        self.stem = Stem(config)
        stages, channels = [], config.stem
        sizes = zip(config.blocks, config.widths, config.outputs, strict=True)
        for stage, (blocks, width, output) in enumerate(sizes):
            layers = []
            for block in range(blocks):
                layers.append(Bottleneck(config, channels, width, output, stride=2 if stage and not block else 1))
                channels = output
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels, config.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, as torchvision's ResNet
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        self.check_images(images)
        return self.head(self.stages(self.stem(images)).mean(dim=(2, 3)))
