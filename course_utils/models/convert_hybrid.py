"""timm's hybrids: their weights in our class, with the same logits. Notebook 06."""

import math
from typing import Any

from torch import nn

from course_utils.models.conversion import Form, Weights, converted, flat_kernel, with_parts_renamed
from course_utils.models.hybrid import HybridViT, HybridViTConfig

# timm's part of a parameter's name → ours, in this order.
NAMES = {
    "patch_embed.backbone.stem.": "stem.",
    "patch_embed.backbone.": "stem.",
    "patch_embed.proj": "vit.project",
    "cls_token": "vit.class_token",
    "pos_embed": "vit.positions",
    "attn.qkv": "attention.to_qkv",
    "attn.proj": "attention.to_out",
    "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.3",
    ".downsample.conv": ".shortcut.0",
    ".downsample.norm": ".shortcut.1",
}


def from_timm_hybrid(model: Any) -> HybridViT:
    """A HybridViT with a copy of the weights of a timm hybrid, on its device and in the modes of its parts.

    That is ``vit_tiny_r_s16_p8``, ``vit_small_r26_s32`` or ``vit_large_r50_s32``. Raises ValueError for a model with
    another stem or encoder, as :func:`from_timm` does.
    """
    return converted(model, _HYBRID)


def _config(model: Any, weights: Weights) -> HybridViTConfig:
    backbone = model.patch_embed.backbone
    stem: Any = getattr(backbone, "stem", backbone)
    return HybridViTConfig(
        stages=tuple(len(stage.blocks) for stage in getattr(backbone, "stages", ())),
        image_size=model.patch_embed.img_size[0],
        channels=stem.conv.in_channels,
        width=stem.conv.out_channels,
        patch_size=model.patch_embed.proj.kernel_size[0],
        dim=model.embed_dim,
        layers=len(model.blocks),
        heads=model.blocks[0].attn.num_heads,
        mlp_dim=len(weights["vit.blocks.0.mlp.0.weight"]),
        classes=len(weights["vit.head.weight"]),
    )


def _name(name: str) -> str:
    """timm's name of a parameter → ours."""
    name = with_parts_renamed(name, NAMES)
    if name.startswith("stem."):
        return name.replace(".blocks.", ".")
    return name if name.startswith("vit.") else f"vit.{name}"


def few_patches(model: Any) -> None:
    """A timm model reads images of 3 × 3 patches, or as many as before if they are fewer."""
    embed = model.patch_embed
    before, grid = embed.grid_size, tuple(min(3, patches) for patches in embed.grid_size)
    special = model.pos_embed.shape[1] - math.prod(before)
    sides = zip(embed.img_size, before, grid, strict=True)
    embed.img_size, embed.grid_size = tuple(side // all_of_it * some for side, all_of_it, some in sides), grid
    model.pos_embed = nn.Parameter(model.pos_embed[:, : special + math.prod(grid)], requires_grad=False)


_HYBRID = Form(
    HybridViT,
    _name,
    _config,
    "convert a ResNet with group norms followed by a ViT with a class token: timm's vit_tiny_r_s16_p8_224, "
    "vit_small_r26_s32_224 or vit_large_r50_s32_224",
    flat_kernel,
    few_patches,
)
