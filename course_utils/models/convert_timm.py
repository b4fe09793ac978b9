"""timm's ViTs and DeiTs: their weights in our classes, with the same logits. Notebook 07."""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from course_utils.models.convert_hybrid import from_timm_hybrid
from course_utils.models.deit import DistilledViT, DistilledViTConfig
from course_utils.models.hybrid import HybridViT
from course_utils.models.vit import ViT, ViTConfig

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
    """Our model with a copy of a timm model's weights, in its mode (train or eval) and on its device.

    Takes ``deit_{tiny,small,base}_distilled_patch16_224`` (→ DistilledViT), ``vit_*_patch*`` and ``deit_*_patch*``
    with a class token (→ ViT), and the hybrids of :func:`from_timm_hybrid`. Raises TypeError for anything but a
    VisionTransformer, and ValueError for one of another form, such as one that averages its tokens.
    """
    from timm.models.deit import VisionTransformerDistilled
    from timm.models.vision_transformer import VisionTransformer

    if not isinstance(model, VisionTransformer):
        raise TypeError(
            f"Cannot convert a {type(model).__name__}: pass from_timm one of timm's VisionTransformer models, such as "
            'timm.create_model("deit_tiny_distilled_patch16_224").'
        )
    if hasattr(model.patch_embed, "backbone"):
        return from_timm_hybrid(model)
    distilled = isinstance(model, VisionTransformerDistilled)
    return _converted(model, *((DistilledViT, DistilledViTConfig) if distilled else (ViT, ViTConfig)))


def _converted(model: Any, kind: type[ViT], config_kind: type[ViTConfig]) -> ViT:
    block = model.blocks[0]
    config = config_kind(
        image_size=model.patch_embed.img_size[0],
        patch_size=model.patch_embed.patch_size[0],
        channels=model.patch_embed.proj.in_channels,
        dim=model.embed_dim,
        layers=len(model.blocks),
        heads=block.attn.num_heads,
        mlp_dim=block.mlp.fc1.out_features,
        classes=model.num_classes,
    )
    with torch.device("meta"):  # needs no memory and no random numbers for weights that are replaced anyway
        ours = kind(config)
    weights = {_name(name): _value(name, value).clone() for name, value in model.state_dict().items()}
    expected = {name: value.shape for name, value in ours.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != expected or model.global_pool != "token":
        raise ValueError(
            "This VisionTransformer is of another form (another pooling, more norms, no class token or register "
            'tokens): convert one of the original form, such as timm.create_model("vit_base_patch16_224").'
        )
    ours.load_state_dict(weights, assign=True)
    return ours.train(model.training)


def _name(name: str) -> str:
    for theirs, mine in NAMES.items():
        name = name.replace(theirs, mine)
    return name


def _value(name: str, value: Tensor) -> Tensor:
    """A convolution whose stride is its kernel is a linear layer on patches: flatten its kernel."""
    return rearrange(value, "dim c p q -> dim (c p q)") if name == "patch_embed.proj.weight" else value
