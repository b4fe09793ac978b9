"""Vision transformer. Dosovitskiy et al. 2021, section 3.1. Notebooks 04, 05, 06 and 08."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from course_utils.attention import EncoderBlock
from course_utils.attention.stochastic_depth import RULES, survival_probabilities
from course_utils.models.model import Config, Model


@dataclass(frozen=True)
class ViTConfig(Config["ViT"]):
    """Everything that decides the shape of a ViT. Raises ValueError, with the reason, for one that cannot be built."""

    image_size: int = 224  # pixels per side
    patch_size: int = 16  # pixels per side
    channels: int = 3
    dim: int = 768  # features of a token
    layers: int = 12
    heads: int = 12
    mlp_dim: int = 3072
    classes: int = 1000
    dropout: float = 0.0  # in the MLPs and after the positions
    stochastic_depth: float = 0.0  # in training, the probability that a branch of the last layer is left out,
    depth_rule: str = "linear"  # and of earlier layers proportionally less; "constant": the same for all
    mean: float = 0.0  # of the pixels that the model is trained on; it subtracts this and divides by std first,
    std: float = 1.0  # so that whoever has the model need not know how its pictures were prepared

    def __post_init__(self) -> None:
        for name in ("image_size", "patch_size", "channels", "dim", "layers", "heads", "mlp_dim", "classes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1.")
        if self.image_size % self.patch_size:
            smaller = self.image_size // self.patch_size * self.patch_size or self.patch_size
            raise ValueError(
                f"image_size {self.image_size} is not a multiple of patch_size {self.patch_size}: "
                f"resize the images to {smaller} or change the patch size."
            )
        if self.dim % self.heads:
            raise ValueError(
                f"dim {self.dim} cannot be shared equally among {self.heads} heads: try dim "
                f"{-(-self.dim // self.heads) * self.heads}."
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}, but must be in [0, 1): it is a probability.")
        if not 0 <= self.stochastic_depth < 1:
            raise ValueError(
                f"stochastic_depth is {self.stochastic_depth}, but must be in [0, 1): the survival probability, one "
                "minus it, must be in (0, 1]."
            )
        if self.depth_rule not in RULES:
            raise ValueError(f"depth_rule is {self.depth_rule!r}, but must be one of {', '.join(RULES)}.")
        if not self.std > 0:
            raise ValueError(f"std is {self.std}, but must be positive: it is the spread of the pixels.")

    @property
    def patches(self) -> int:
        """How many patches an image has; the sequence is one longer, by the class token."""
        return (self.image_size // self.patch_size) ** 2


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
    raster order, row by row from the top left; inside a patch the order is channel, row, column, as in a convolution's
    kernel. Gradients pass through to the images. Dosovitskiy et al. 2021, section 3.1.
    """
    return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=patch_size, q=patch_size)


def standardised(images: Tensor, mean: float, std: float) -> Tensor:
    """(…) → the same shape: what is mean becomes 0 and what is std above it becomes 1; with 0 and 1 nothing is done."""
    return images if (mean, std) == (0.0, 1.0) else (images - mean) / std


def projection_kernel(weight: Tensor, patch_size: int) -> Tensor:
    """Linear weight (dim, channels · patch_size²) → convolution kernel (dim, channels, patch_size, patch_size).

    A convolution with this kernel and stride patch_size computes what the linear layer computes on each patch of
    :func:`patchify`. The number of channels is not given: it follows from the weight's shape. The weight goes on
    learning in its new shape.
    """
    return rearrange(weight, "dim (c p q) -> dim c p q", p=patch_size, q=patch_size)


def sequence(patches: Tensor, class_token: Tensor, positions: Tensor) -> Tensor:
    """patches (batch, patches, dim), class_token (1, 1, dim), positions (1, patches + 1, dim)
    → (batch, patches + 1, dim): what the encoder reads, z₀ of Dosovitskiy et al. 2021, eq. 1.

    Token i of the result has position i. All three are learned, or come from what is learned, so gradients must reach
    each of them.
    """
    first = class_token.expand(patches.shape[0], -1, -1)
    return torch.cat([first, patches], dim=1) + positions


class ViT(Model):
    """(batch, channels, image_size, image_size) → logits (batch, classes). Dosovitskiy et al. 2021, eq. 1 to 4.

    Raises WrongShape for images of another size or number of channels than the configuration's.
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
        self.head = nn.Linear(config.dim, config.classes)
        self.initialise()

    def initialise(self) -> None:
        """Draw the weights: Glorot & Bengio 2010 for the linear layers, as the paper's authors do in their code.

        The projection of the patches keeps the spread of its inputs (LeCun et al. 1998), as torchvision's does. Both
        of them start the head at zero; here it is drawn too, so that a model without training answers something.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.project.weight, std=self.project.in_features**-0.5)

    @property
    def special_tokens(self) -> Tensor:
        """(1, special tokens, dim): what stands before the patches, here the class token alone."""
        return self.class_token

    def features(self, images: Tensor) -> Tensor:
        """(batch, channels, height, width) → (batch, special tokens + patches, dim): all tokens after the last norm."""
        c = self.config
        self.check_images(images)
        patches = self.project(patchify(standardised(images, c.mean, c.std), c.patch_size))
        return self.norm(self.blocks(self.dropout(sequence(patches, self.special_tokens, self.positions))))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images)[:, 0])
