"""timm's ViTs and DeiTs: their weights in our classes, with the same logits. Notebooks 04, 05 and 07."""

from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import torch
from einops import rearrange
from torch import nn

from course_utils.models.conversion import Form, Weights, converted, flat_kernel, unknown, with_parts_renamed
from course_utils.models.convert_hybrid import few_patches, from_timm_hybrid
from course_utils.models.deit import DistilledViT, DistilledViTConfig
from course_utils.models.hybrid import HybridViT
from course_utils.models.registers import RegisterViT, RegisterViTConfig
from course_utils.models.vit import ViT, ViTConfig

C = TypeVar("C", bound=ViTConfig)

# timm's part of a parameter's name → ours.
NAMES = {
    "patch_embed.proj": "project",
    "cls_token": "class_token",
    "dist_token": "distillation_token",
    "reg_token": "registers",
    "head_dist": "distillation_head",
    "pos_embed": "positions",
    "attn.qkv": "attention.to_qkv",
    "attn.proj": "attention.to_out",
    "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.3",
}


def from_timm(model: nn.Module) -> ViT | DistilledViT | HybridViT | RegisterViT:
    """Our model with a copy of a timm model's weights, on its device and in the modes of its parts.

    Takes ``deit_{tiny,small,base}_distilled_patch16_224`` (→ DistilledViT), ``vit_*_patch*`` and ``deit*_patch*``
    with a class token (→ ViT), also DINOv2's, those with registers (→ RegisterViT), and the hybrids of
    :func:`from_timm_hybrid`. A model without a head becomes one with classes=0, which returns features. LayerScale
    (Touvron et al. 2021b, CaiT) is folded into the layer before it: the same function, which learns at another rate.

    Before it returns, it compares the logits of the two models in evaluation mode, with random weights; the model
    itself is only read. Dropout and stochastic depth do not come along. Raises TypeError for anything but a
    VisionTransformer, and ValueError, with the cause if it can be told, for one that computes something else than
    ours, such as one that averages its tokens.
    """
    from timm.models.deit import VisionTransformerDistilled
    from timm.models.vision_transformer import VisionTransformer

    if not isinstance(model, VisionTransformer):
        takes = "one of timm's VisionTransformer models, such as timm.create_model('deit_tiny_patch16_224')"
        raise unknown(model, "from_timm", takes)
    if hasattr(model.patch_embed, "backbone"):
        return from_timm_hybrid(model)
    if isinstance(model, VisionTransformerDistilled):
        return converted(model, _DISTILLED)
    return converted(model, _PLAIN if model.reg_token is None else _REGISTERS)


def _config(kind: type[C], model: Any, weights: Weights, **more: Any) -> C:
    return kind(
        image_size=tuple(model.patch_embed.img_size),
        patch_size=model.patch_embed.patch_size[0],
        channels=model.patch_embed.proj.in_channels,
        dim=model.embed_dim,
        layers=len(model.blocks),
        heads=model.blocks[0].attn.num_heads,
        mlp_dim=len(weights["blocks.0.mlp.0.weight"]),
        classes=len(weights.get("head.weight", ())),
        **more,
    )


def _register_config(model: Any, weights: Weights) -> RegisterViTConfig:
    return _config(RegisterViTConfig, model, weights, registers=weights["registers"].shape[1])


def _weights(model: Any, weights: Weights) -> Weights:
    """Their weights, with LayerScale in the layers that it scales and zeros for positions that they do not add."""
    folded = {name: value for name, value in weights.items() if not name.endswith(".gamma")}
    for name in weights.keys() - folded.keys():
        layer = name.replace("ls1.gamma", "attn.proj").replace("ls2.gamma", "mlp.fc2")
        for part in (f"{layer}.weight", f"{layer}.bias"):
            if part in folded:
                folded[part] = rearrange(rearrange(folded[part], "d ... -> ... d") * weights[name], "... d -> d ...")
    if model.no_embed_class and "pos_embed" in folded:
        patches = folded["pos_embed"]
        none = patches.new_zeros(1, model.num_prefix_tokens, patches.shape[-1])
        folded["pos_embed"] = torch.cat([none, patches], dim=1)
    return folded


_PLAIN = Form(
    ViT,
    partial(with_parts_renamed, parts=NAMES),
    partial(_config, ViTConfig),
    "convert one of the original form, with a class token, plain MLPs and no other pooling, such as "
    'timm.create_model("vit_base_patch16_224")',
    flat_kernel,
    few_patches,
    weights=_weights,
    heads=(),
)
_REGISTERS = replace(_PLAIN, kind=RegisterViT, config=_register_config)
_DISTILLED = replace(
    _PLAIN,
    kind=DistilledViT,
    config=partial(_config, DistilledViTConfig),
    advice='convert one such as timm.create_model("deit_tiny_distilled_patch16_224")',
    logits=lambda model, images: sum(model.heads(images)) / 2,
    heads=("head.weight",),
)
