"""DeiT: a ViT with a second token that learns from a teacher. Touvron et al. 2021, section 4. Notebook 07."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_utils.models.vit import ViT, ViTConfig
from course_utils.settings import Count


@dataclass(frozen=True)
class DistilledViTConfig(ViTConfig):
    """The configuration of a ViT; the second token and its head have the same sizes as the first."""

    classes: Count = 1000  # both tokens need a head


# Touvron et al. 2021, table 1.
PUBLISHED = {
    "deit_tiny_distilled_patch16_224": DistilledViTConfig(dim=192, heads=3, mlp_dim=768),
    "deit_small_distilled_patch16_224": DistilledViTConfig(dim=384, heads=6, mlp_dim=1536),
    "deit_base_distilled_patch16_224": DistilledViTConfig(),
}


class TwoLogits(NamedTuple):
    """Logits (batch, classes) of the head on the class token and of the head on the distillation token."""

    label: Tensor
    teacher: Tensor


def fuse(label_logits: Tensor, distillation_logits: Tensor) -> Tensor:
    """The logits (batch, classes) of two heads, of any magnitude → predicted probabilities (batch, classes).

    As in the paper, the softmaxes of the heads are added. Each row must sum to one, because it has the probabilities
    for one image. Gradients reach both heads. Touvron et al. 2021, section 4, "Classification with our approach".
    """
    return (label_logits.softmax(dim=-1) + distillation_logits.softmax(dim=-1)) / 2


class DistilledViT(ViT):
    """(batch, channels, image_size, image_size) → logits. Touvron et al. 2021, section 4 and figure 2.

    In training it returns both heads' logits as :class:`TwoLogits`, because each head has its own target. In
    evaluation it returns (batch, classes), the logarithm of :func:`fuse`, so a softmax gives the fused probabilities.
    (timm averages the logits of the two heads instead; :meth:`heads` returns the pair in both modes.)
    """

    config: DistilledViTConfig
    published = PUBLISHED

    def __init__(self, config: DistilledViTConfig | None = None) -> None:
        super().__init__(config or DistilledViTConfig())
        dim = self.config.dim
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.empty(1, self.config.patches + 2, dim).normal_(std=0.02))
        self.distillation_head = nn.Linear(dim, self.config.classes)
        nn.init.xavier_uniform_(self.distillation_head.weight)
        nn.init.zeros_(self.distillation_head.bias)

    @property
    def special_tokens(self) -> Tensor:
        """(1, 2, dim): class token, distillation token."""
        return torch.cat([self.class_token, self.distillation_token], dim=1)

    def heads(self, images: Tensor) -> TwoLogits:
        """The logits of both heads, in training and in evaluation."""
        tokens = self.features(images)
        return TwoLogits(self.head(tokens[:, 0]), self.distillation_head(tokens[:, 1]))

    def forward(self, images: Tensor) -> Any:  # TwoLogits in training, a tensor in evaluation
        two = self.heads(images)
        return two if self.training else fuse(*two).clamp_min(torch.finfo(two.label.dtype).tiny).log()
