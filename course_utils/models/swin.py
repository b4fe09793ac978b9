"""Swin: a vision transformer with stages, as a CNN has them. Liu et al. 2021. Notebook 08."""

from collections.abc import Sequence
from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention import MLP, encoder_block
from course_utils.attention.window import WindowAttention
from course_utils.models.model import Config, Model
from course_utils.models.vit import standardised


@dataclass(frozen=True)
class SwinConfig(Config["Swin"]):
    """Everything that decides the shape of a Swin. Raises ValueError, with the reason, for one that cannot be built.

    A Swin reads pictures of any size: nothing in it belongs to a position in the picture.
    """

    patch_size: int = 4  # side of a patch in pixels
    channels: int = 3
    dim: int = 96  # features of a token in the first stage; they double from stage to stage
    depths: Sequence[int] = (2, 2, 6, 2)  # blocks of each stage
    heads: Sequence[int] = (3, 6, 12, 24)
    window: int = 7  # side of a window in tokens
    shifted: bool = True  # every second block moves its windows by half their size
    mlp_ratio: float = 4.0  # features inside an MLP: so many times the stage's dim
    classes: int = 1000
    dropout: float = 0.0  # in the MLPs
    mean: float = 0.0  # of the pixels that the model is trained on; it subtracts this and divides by std first
    std: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        object.__setattr__(self, "heads", tuple(self.heads))
        for name in ("patch_size", "channels", "dim", "window", "classes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1.")
        if not self.depths or len(self.depths) != len(self.heads) or min(self.depths) < 1:
            raise ValueError(
                f"depths {self.depths} and heads {self.heads} must name the same stages: at least one, and at least "
                "one block each."
            )
        for stage, heads in enumerate(self.heads):
            if heads < 1 or (self.dim << stage) % heads:
                raise ValueError(
                    f"Stage {stage} has {self.dim << stage} features, which {heads} heads cannot share equally: "
                    "change dim or heads."
                )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}, but must be in [0, 1): it is a probability.")
        if not self.std > 0:
            raise ValueError(f"std is {self.std}, but must be positive: it is the spread of the pixels.")


# Liu et al. 2021, section 3.3.
PUBLISHED = {
    "swin_t": SwinConfig(),
    "swin_s": SwinConfig(depths=(2, 2, 18, 2)),
    "swin_b": SwinConfig(dim=128, depths=(2, 2, 18, 2), heads=(4, 8, 16, 32)),
}


def merge_patches(maps: Tensor) -> Tensor:
    """(batch, height, width, dim), floating point → (batch, height / 2, width / 2, 4 · dim): four tokens become one.

    All features of the token at the top left of a square come first, then bottom left, top right, bottom right.
    Gradients pass through. Raises ValueError when height or width is odd. Liu et al. 2021, section 3.1; the order is
    that of the authors' code.
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

    An odd map gets a row or a column of zeros at its end first, as in torchvision.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduce = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        even = F.pad(maps, (0, 0, 0, maps.shape[2] % 2, 0, maps.shape[1] % 2))
        return self.reduce(self.norm(merge_patches(even)))


class SwinBlock(nn.Module):
    """(batch, height, width, dim) → the same shape: an encoder block whose attention stays in windows. Eq. 3."""

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

    Raises WrongShape for images with another number of channels, or smaller than one patch. ``attention_maps`` holds
    the weights of every block, (batch · windows, heads, window², window²).
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
        """(batch, channels, height, width) → what each stage puts out, (batch, height, width, dim): a pyramid."""
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
