"""LR-Net: a ResNet of bottlenecks with local relations in place of convolutions. Hu et al. 2019, table 1.

One class for three networks, so that you can compare them: the layer that mixes neighbouring positions is a local
relation (Hu et al. 2019), local attention (Ramachandran et al. 2019) or a convolution. With convolutions and the
widths of He et al. 2016 it *is* torchvision's ResNet-50.

The table leaves some details open; this code chooses:

* every layer is followed by a batch norm and, except for the last one of a bottleneck, a ReLU, as in ResNet;
* a bottleneck whose shape changes has a 1 × 1 projection with a batch norm as its shortcut; the stride is in the
  layer that mixes positions (He et al. put it on the first 1 × 1 layer, torchvision on the 3 × 3 one);
* queries and keys are one scalar per map of weights, without biases, and 100 channels in groups of m = 8 make 12
  full groups and one half group: 13 maps;
* the geometry prior has one hidden layer with one unit per map;
* the values are a 1 × 1 convolution of the layer's input ("map each element to key and value", says the slide), or,
  without ``project_values``, the input itself;
* keys and values are computed at every position, queries only where the stride needs them;
* LR-Net-26 has two bottlenecks in every stage.

Notebook 02.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from torch import Tensor, nn

from course_utils.attention import LocalAttention2d, LocalRelation2d
from course_utils.attention.local import CHOICES
from course_utils.models.model import Config, Model
from course_utils.settings import ODD, Count, Stages, Widths, one_of

KINDS = ("relation", "attention", "convolution")
Kind = Annotated[str, one_of(KINDS)]
Implementation = Annotated[str, one_of(CHOICES)]


@dataclass(frozen=True)
class LRNetConfig(Config["LRNet"]):
    """The configuration of an LR-Net. Raises ValueError, with the reason, for one that cannot be built."""

    kind: Kind = "relation"  # the layer that mixes positions: "relation", "attention" or "convolution"
    blocks: Stages = (3, 4, 6, 3)  # bottlenecks of each stage; each stage except the first halves the map
    widths: Widths = (100, 200, 400, 800)  # channels inside the bottlenecks
    outputs: Widths = (256, 512, 1024, 2048)  # channels between them
    size: Annotated[Count, ODD] = 7  # positions per side of a neighbourhood, in the bottlenecks
    stem: Count = 64  # channels before the first stage
    stem_size: Annotated[Count, ODD] = 7  # positions per side of a neighbourhood, in the stem, which halves the map
    stem_kind: Annotated[str, one_of((*KINDS, ""))] = ""  # the same as kind by default
    pool: bool = True  # 3 × 3 max pool after the stem, which halves the map again
    shared: Count = 8  # channels that share a map of weights: the paper's m ("relation" only)
    project_values: bool = True  # values through a 1 × 1 convolution ("relation" only)
    heads: Count = 8  # ("attention" only)
    channels: Count = 3
    classes: Count = 1000
    implementation: Implementation = "auto"  # of the local layers: affects time and memory, not the result

    def __post_init__(self) -> None:
        super().__post_init__()
        lengths = len(self.blocks), len(self.widths), len(self.outputs)
        if len(set(lengths)) > 1:
            raise ValueError(
                f"blocks, widths and outputs have {lengths[0]}, {lengths[1]} and {lengths[2]} numbers, but need one "
                "per stage each."
            )
        widths = {"widths": self.widths if self.kind == "attention" else ()}
        widths["stem"] = (self.stem,) if (self.stem_kind or self.kind) == "attention" else ()
        for name, width in ((name, width) for name, each in widths.items() for width in each):
            if width % (2 * self.heads):
                raise ValueError(
                    f"In {name}, {width} channels cannot be shared among {self.heads} heads, half for rows and half "
                    f"for columns: take multiples of {2 * self.heads}."
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
    """(batch, channels, height, width) → (batch, channels, height / stride, width / stride): mixes neighbours."""
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

    Raises WrongShape for images whose number of channels differs from the configuration. ``attention_maps`` returns
    the weights of every local layer, (batch, heads, positions, size²); a network of convolutions has none.
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
