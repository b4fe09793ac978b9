"""timm's ViTs and DeiTs: their weights in our classes, with the same logits. Notebook 07."""

from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from einops import rearrange
from torch import Tensor, nn

from course_utils.models.conversion import Form, Weights, converted, unknown
from course_utils.models.convert_hybrid import few_patches, from_timm_hybrid
from course_utils.models.deit import DistilledViT, DistilledViTConfig
from course_utils.models.hybrid import HybridViT
from course_utils.models.vit import ViT, ViTConfig

C = TypeVar("C", bound=ViTConfig)

# timm's part of a parameter's name → ours.
NAMES = {
    "patch_embed.proj": "project",
    "cls_token": "class_token",
    "dist_token": "distillation_token",
    "head_dist": "distillation_head",
    "pos_embed": "positions",
    "attn.qkv": "attention.to_qkv",
    "attn.proj": "attention.to_out",
    "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.3",
}


def from_timm(model: nn.Module) -> ViT | DistilledViT | HybridViT:
    """Our model with a copy of a timm model's weights, on its device and in the modes of its parts.

    Takes ``deit_{tiny,small,base}_distilled_patch16_224`` (→ DistilledViT), ``vit_*_patch*`` and ``deit_*_patch*``
    with a class token (→ ViT), and the hybrids of :func:`from_timm_hybrid`. Before it returns, it compares the logits
    of the two models in evaluation mode, with random weights; the model itself is only read. Dropout and stochastic
    depth do not come along. Raises TypeError for anything but a VisionTransformer, and ValueError, with the cause if
    it can be told, for one that computes something else than ours, such as one that averages its tokens.
    """
    from timm.models.deit import VisionTransformerDistilled
    from timm.models.vision_transformer import VisionTransformer

    if not isinstance(model, VisionTransformer):
        takes = "one of timm's VisionTransformer models, such as timm.create_model('deit_tiny_patch16_224')"
        raise unknown(model, "from_timm", takes)
    if hasattr(model.patch_embed, "backbone"):
        return from_timm_hybrid(model)
    return converted(model, _DISTILLED if isinstance(model, VisionTransformerDistilled) else _PLAIN)


def _config(kind: type[C], model: Any, weights: Weights) -> C:
    return kind(
        image_size=model.patch_embed.img_size[0],
        patch_size=model.patch_embed.patch_size[0],
        channels=model.patch_embed.proj.in_channels,
        dim=model.embed_dim,
        layers=len(model.blocks),
        heads=model.blocks[0].attn.num_heads,
        mlp_dim=len(weights["blocks.0.mlp.0.weight"]),
        classes=len(weights["head.weight"]),
    )


def _name(name: str) -> str:
    for theirs, mine in NAMES.items():
        name = name.replace(theirs, mine)
    return name


def _value(name: str, value: Tensor) -> Tensor:
    """A convolution whose stride is its kernel is a linear layer on patches: flatten its kernel."""
    return rearrange(value, "dim c p q -> dim (c p q)") if name == "project.weight" else value


_PLAIN = Form(
    ViT,
    _name,
    partial(_config, ViTConfig),
    "convert one of the original form, with a class token and no register tokens, no LayerScale and no other pooling, "
    'such as timm.create_model("vit_base_patch16_224")',
    _value,
    few_patches,
)
_DISTILLED = replace(
    _PLAIN,
    kind=DistilledViT,
    config=partial(_config, DistilledViTConfig),
    advice='convert one such as timm.create_model("deit_tiny_distilled_patch16_224")',
    logits=lambda model, images: sum(model.heads(images)) / 2,
)
