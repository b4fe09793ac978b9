"""timm's hybrids: their weights in our class, with the same logits. Notebook 06."""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor

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
    """A HybridViT with a copy of the weights of a timm hybrid.

    That is ``vit_tiny_r_s16_p8``, ``vit_small_r26_s32`` or ``vit_large_r50_s32``. The copy is in the mode (train or eval) of the model. Raises ValueError for a model with another stem or encoder.
    """
    embed = model.patch_embed
    stem: Any = getattr(getattr(embed, "backbone", None), "stem", getattr(embed, "backbone", None))
    if not hasattr(stem, "conv"):
        raise refused(model)
    config = HybridViTConfig(
        stages=tuple(len(stage.blocks) for stage in getattr(embed.backbone, "stages", ())),
        image_size=embed.img_size[0],
        channels=stem.conv.in_channels,
        width=stem.conv.out_channels,
        patch_size=embed.proj.kernel_size[0],
        dim=model.embed_dim,
        layers=len(model.blocks),
        heads=model.blocks[0].attn.num_heads,
        mlp_dim=model.blocks[0].mlp.fc1.out_features,
        classes=model.num_classes,
    )
    with torch.device("meta"):  # needs no memory and no random numbers for weights that are replaced anyway
        ours = HybridViT(config)
    weights = {our_name(name): our_value(name, value).clone() for name, value in model.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != {n: v.shape for n, v in ours.state_dict().items()}:
        raise refused(model)
    ours.load_state_dict(weights, assign=True)
    return ours.train(model.training)


def refused(model: Any) -> ValueError:
    """The error for any other model."""
    return ValueError(
        f"This {type(model).__name__} is not a ResNet followed by a ViT with a class token: convert one of timm's "
        "vit_tiny_r_s16_p8, vit_small_r26_s32 or vit_large_r50_s32."
    )


def our_name(name: str) -> str:
    """timm's name of a parameter → ours."""
    for theirs, mine in NAMES.items():
        name = name.replace(theirs, mine)
    if name.startswith("stem."):
        return name.replace(".blocks.", ".")
    return name if name.startswith("vit.") else f"vit.{name}"


def our_value(name: str, value: Tensor) -> Tensor:
    """A convolution whose stride is its kernel is a linear layer on patches: flatten its kernel."""
    return rearrange(value, "dim c p q -> dim (c p q)") if name == "patch_embed.proj.weight" else value
