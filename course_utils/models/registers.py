"""A ViT with register tokens, in which it can store what belongs to no patch. Darcet et al. 2024. Notebook 05."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.models.vit import ViT, ViTConfig
from course_utils.settings import Count


@dataclass(frozen=True)
class RegisterViTConfig(ViTConfig):
    """The configuration of a ViT, and the number of its registers."""

    registers: Count = 4


# Darcet et al. 2024, section 3.1: DINOv2 (Oquab et al. 2024) with registers, under timm's names. They have no classes.
_DINOV2: dict[str, Any] = {"image_size": 518, "patch_size": 14, "classes": 0}
PUBLISHED = {
    "vit_small_patch14_reg4_dinov2": RegisterViTConfig(**_DINOV2, dim=384, heads=6, mlp_dim=1536),
    "vit_base_patch14_reg4_dinov2": RegisterViTConfig(**_DINOV2),
    "vit_large_patch14_reg4_dinov2": RegisterViTConfig(**_DINOV2, dim=1024, layers=24, heads=16, mlp_dim=4096),
}


class RegisterViT(ViT):
    """(batch, channels, image_size, image_size) → logits (batch, classes). Darcet et al. 2024, section 2.2.

    The registers are learned tokens between the class token and the patches. They attend and are attended to, and
    their output is not used.
    """

    config: RegisterViTConfig
    published = PUBLISHED

    def __init__(self, config: RegisterViTConfig | None = None) -> None:
        super().__init__(config or RegisterViTConfig())
        c = self.config
        self.registers = nn.Parameter(torch.zeros(1, c.registers, c.dim))
        self.positions = nn.Parameter(torch.empty(1, 1 + c.registers + c.patches, c.dim).normal_(std=0.02))

    @property
    def special_tokens(self) -> Tensor:
        """(1, 1 + registers, dim): class token, registers."""
        return torch.cat([self.class_token, self.registers], dim=1)
