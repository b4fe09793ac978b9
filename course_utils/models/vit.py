"""Vision transformer. Dosovitskiy et al. 2021, section 3.1. Notebooks 04 to 08."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from einops import rearrange
from torch import Tensor, nn

from course_utils.attention import EncoderBlock
from course_utils.attention.stochastic_depth import RULES, survival_probabilities
from course_utils.models.model import Config, Model
from course_utils.models.positions import OtherSizes
from course_utils.models.refusals import check_heads
from course_utils.settings import LARGEST, Count, Depth, Deviation, Probability, Side, Size, between, one_of, share

Classes = Annotated[int, between(0, LARGEST)]
Rule = Annotated[str, one_of(RULES)]
Survival = Annotated[float, share("the survival probability, one minus it, must be in (0, 1]")]


@dataclass(frozen=True)
class ViTConfig(Config["ViT"]):
    """The configuration of a ViT. Raises ValueError, with the reason, for one that cannot be built."""

    image_size: Size = 224  # pixels per side, or (height, width)
    patch_size: Side = 16  # pixels per side
    channels: Count = 3
    dim: Count = 768  # features of a token
    layers: Depth = 12
    heads: Count = 12
    mlp_dim: Count = 3072
    classes: Classes = 1000  # with 0 there is no head: the output is the class token's features
    dropout: Probability = 0.0  # in the MLPs and after the positions
    stochastic_depth: Survival = 0.0  # in training, the probability of dropping a branch of the last layer,
    depth_rule: Rule = "linear"  # with proportionally less for earlier layers; "constant": the same for all
    mean: float = 0.0  # of the training pixels; the model first subtracts it and divides by std,
    std: Deviation = 1.0  # so users of the model need not standardise images

    def __post_init__(self) -> None:
        super().__post_init__()
        height, width = self.height_and_width
        if height == width:
            object.__setattr__(self, "image_size", height)
        if height % self.patch_size or width % self.patch_size:
            smaller = tuple(side // self.patch_size * self.patch_size or self.patch_size for side in (height, width))
            raise ValueError(
                f"image_size {self.image_size} is not a multiple of patch_size {self.patch_size}: resize the images to "
                f"{smaller[0] if height == width else smaller} or change the patch size."
            )
        check_heads(self.dim, self.heads)

    @property
    def height_and_width(self) -> tuple[int, int]:
        """Of the images, in pixels."""
        return self.image_size if isinstance(self.image_size, tuple) else (self.image_size, self.image_size)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        height, width = self.height_and_width
        return height // self.patch_size, width // self.patch_size

    @property
    def patches(self) -> int:
        """The number of patches of an image; the sequence is one longer, for the class token."""
        return math.prod(self.grid)


# Dosovitskiy et al. 2021, table 1; Ti and S from Touvron et al. 2021, table 1, and Steiner et al. 2022, table 2.
PUBLISHED: Mapping[str, ViTConfig] = {
    "vit_ti_16": ViTConfig(patch_size=16, dim=192, layers=12, heads=3, mlp_dim=768),
    "vit_s_16": ViTConfig(patch_size=16, dim=384, layers=12, heads=6, mlp_dim=1536),
    "vit_s_32": ViTConfig(patch_size=32, dim=384, layers=12, heads=6, mlp_dim=1536),
    "vit_b_16": ViTConfig(patch_size=16),
    "vit_b_32": ViTConfig(patch_size=32),
    "vit_l_16": ViTConfig(patch_size=16, dim=1024, layers=24, heads=16, mlp_dim=4096),
    "vit_l_32": ViTConfig(patch_size=32, dim=1024, layers=24, heads=16, mlp_dim=4096),
    "vit_h_14": ViTConfig(patch_size=14, dim=1280, layers=32, heads=16, mlp_dim=5120),
}


def patchify(images: Tensor, patch_size: int) -> Tensor:
    """(batch, channels, height, width) → (batch, patches, channels · patch_size²).

    Images need not be square; patch_size, the side of a patch in pixels, divides height and width. The patches are in
    raster order, row by row from the top left. Inside a patch, the order is channel, row, column, as in a convolution
    kernel. Gradients reach the images. Dosovitskiy et al. 2021, section 3.1.
    """
    return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=patch_size, q=patch_size)


def standardised(images: Tensor, mean: float, std: float) -> Tensor:
    """(…) → the same shape, (images − mean) / std; unchanged for mean 0 and std 1."""
    return images if (mean, std) == (0.0, 1.0) else (images - mean) / std


def projection_kernel(weight: Tensor, patch_size: int) -> Tensor:
    """Linear weight (dim, channels · patch_size²) → convolution kernel (dim, channels, patch_size, patch_size).

    A convolution with this kernel and stride patch_size computes what the linear layer computes on each patch of
    :func:`patchify`. The number of channels follows from the weight's shape. The weight must still get gradients in
    its new shape.
    """
    return rearrange(weight, "dim (c p q) -> dim c p q", p=patch_size, q=patch_size)


def sequence(patches: Tensor, class_token: Tensor, positions: Tensor) -> Tensor:
    """patches (batch, patches, dim), class_token (1, 1, dim), positions (1, patches + 1, dim)
    → (batch, patches + 1, dim): what the encoder reads, z₀ of Dosovitskiy et al. 2021, eq. 1.

    Position i is added to token i of the result. All three are learned or computed from learned parameters, so
    gradients must reach each of them.
    """
    first = class_token.expand(patches.shape[0], -1, -1)
    return torch.cat([first, patches], dim=1) + positions


class ViT(OtherSizes, Model):
    """(batch, channels, height, width) of image_size → logits (batch, classes). Dosovitskiy et al. 2021, eq. 1 to 4.

    Raises WrongShape for images whose size or number of channels differs from the configuration; :meth:`any_size` and
    :meth:`resized` are for images of other sizes.
    """

    config: ViTConfig
    published = PUBLISHED

    def __init__(self, config: ViTConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ViTConfig()
        self.project = nn.Linear(config.channels * config.patch_size**2, config.dim)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.positions = nn.Parameter(torch.empty(1, config.patches + 1, config.dim).normal_(std=0.02))
        self.dropout = nn.Dropout(config.dropout)
        survivals = survival_probabilities(config.layers, config.stochastic_depth, config.depth_rule)
        self.blocks = nn.Sequential(
            *(EncoderBlock(config.dim, config.heads, config.mlp_dim, config.dropout, each) for each in survivals)
        )
        self.norm = nn.LayerNorm(config.dim, eps=1e-6)
        self.head = nn.Linear(config.dim, config.classes) if config.classes else nn.Identity()
        self.initialise()

    def initialise(self) -> None:
        """Draw the weights: Glorot & Bengio 2010 for the linear layers, as in the authors' code.

        The patch projection preserves the variance of its inputs (LeCun et al. 1998), as in torchvision. Both start
        the head at zero; here it is random too, so that the logits of an untrained model are not all zero.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.project.weight, std=self.project.in_features**-0.5)

    @property
    def special_tokens(self) -> Tensor:
        """(1, special tokens, dim): the tokens before the patches, here only the class token."""
        return self.class_token

    def features(self, images: Tensor) -> Tensor:
        """(batch, channels, height, width) → (batch, special tokens + patches, dim): all tokens after the last norm."""
        c = self.config
        self.check_images(images)
        patches = self.project(patchify(standardised(images, c.mean, c.std), c.patch_size))
        tokens = sequence(patches, self.special_tokens, self.positions_for(images))
        return self.norm(self.blocks(self.dropout(tokens)))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images)[:, 0])
