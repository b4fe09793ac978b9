"""Swin: a vision transformer with stages, like a CNN. Liu et al. 2021. Notebook 08."""

from dataclasses import dataclass
from typing import Annotated

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention import MLP, encoder_block
from course_utils.attention.window import WindowAttention
from course_utils.models.model import Config, Model
from course_utils.models.vit import standardised
from course_utils.settings import Count, Deviation, Probability, Side, Stages, Widths, above, at_most

Ratio = Annotated[float, above(0), at_most(100)]


@dataclass(frozen=True)
class SwinConfig(Config["Swin"]):
    """The configuration of a Swin. Raises ValueError, with the reason, for one that cannot be built.

    A Swin reads images of any size: its windows keep theirs, and it has no absolute positions.
    """

    patch_size: Side = 4  # side of a patch in pixels
    channels: Count = 3
    dim: Count = 96  # features of a token in the first stage; they double from stage to stage
    depths: Stages = (2, 2, 6, 2)  # blocks of each stage
    heads: Widths = (3, 6, 12, 24)
    window: Count = 7  # side of a window in tokens
    shifted: bool = True  # every second block moves its windows by half their size
    mlp_ratio: Ratio = 4.0  # features inside an MLP, as a multiple of the stage's dim
    classes: Count = 1000
    dropout: Probability = 0.0  # in the MLPs
    mean: float = 0.0  # of the training pixels; the model first subtracts it and divides by std
    std: Deviation = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.depths) != len(self.heads):
            raise ValueError(f"depths {self.depths} and heads {self.heads} must have the same length, one per stage.")
        for stage, heads in enumerate(self.heads):
            if (self.dim << stage) % heads:
                raise ValueError(
                    f"Stage {stage} has {self.dim << stage} features, which {heads} heads cannot share equally: change "
                    f"dim, which is {self.dim}, or heads."
                )
        if self.mlp_ratio * self.dim < 1:
            raise ValueError(
                f"mlp_ratio {self.mlp_ratio} leaves less than one of {self.dim} features: try 4, as Liu et al. did."
            )


# Liu et al. 2021, section 3.3.
PUBLISHED = {
    "swin_t": SwinConfig(),
    "swin_s": SwinConfig(depths=(2, 2, 18, 2)),
    "swin_b": SwinConfig(dim=128, depths=(2, 2, 18, 2), heads=(4, 8, 16, 32)),
}


def merge_patches(maps: Tensor) -> Tensor:
    """(batch, height, width, dim), floating point → (batch, height / 2, width / 2, 4 · dim): four tokens become one.

    All features of the top-left token of a 2 × 2 square come first, then bottom left, top right, bottom right.
    Gradients pass through. Raises ValueError if height or width is odd. Liu et al. 2021, section 3.1, in the order of
    the authors' code.
    """
    height, width = maps.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(
            f"A {height} × {width} map cannot be merged two by two: pad it to {height + height % 2} × "
            f"{width + width % 2} first."
        )
    return rearrange(maps, "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)


class PatchMerging(nn.Module):
    """(batch, height, width, dim) → (batch, ⌈height / 2⌉, ⌈width / 2⌉, 2 · dim). Liu et al. 2021, section 3.1.

    A map with an odd side is first padded with a row or column of zeros at its end, as in torchvision.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduce = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        even = F.pad(maps, (0, 0, 0, maps.shape[2] % 2, 0, maps.shape[1] % 2))
        return self.reduce(self.norm(merge_patches(even)))


class SwinBlock(nn.Module):
    """(batch, height, width, dim) → the same shape: an encoder block with attention in windows.

    Liu et al. 2021, eq. 3.
    """

    def __init__(self, dim: int, heads: int, window: int, shift: int, mlp_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = WindowAttention(dim, heads, window, shift)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP(dim, mlp_dim, dropout)

    def forward(self, maps: Tensor) -> Tensor:
        return encoder_block(maps, self.norm1, self.attention, self.norm2, self.mlp)


class Swin(Model):
    """(batch, channels, height, width) → logits (batch, classes). Liu et al. 2021, figure 3.

    Raises WrongShape for images with the wrong number of channels or smaller than one patch. ``attention_maps``
    returns the weights of every block, (batch · windows, heads, window², window²).
    """

    config: SwinConfig
    published = PUBLISHED

    def __init__(self, config: SwinConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or SwinConfig()
        self.project = nn.Conv2d(c.channels, c.dim, c.patch_size, c.patch_size)
        self.norm_patches = nn.LayerNorm(c.dim)
        self.stages = nn.ModuleList()
        for stage, (depth, heads) in enumerate(zip(c.depths, c.heads, strict=True)):
            dim = c.dim << stage
            shifts = [c.window // 2 if c.shifted and block % 2 else 0 for block in range(depth)]
            blocks = [SwinBlock(dim, heads, c.window, shift, int(c.mlp_ratio * dim), c.dropout) for shift in shifts]
            self.stages.append(nn.Sequential(*([PatchMerging(dim // 2)] if stage else []), *blocks))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, c.classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)  # as in our ViT; the authors' 0.02 suits 96 features, not 32
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """(batch, channels, height, width) → the output of each stage, (batch, height, width, dim): a pyramid."""
        c = self.config
        self.check_images(images, at_least=c.patch_size)
        maps = self.norm_patches(rearrange(self.project(standardised(images, c.mean, c.std)), "b d y x -> b y x d"))
        pyramid = []
        for stage in self.stages:
            maps = stage(maps)
            pyramid.append(maps)
        return pyramid

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.norm(self.stage_maps(images)[-1]).mean(dim=(1, 2)))
