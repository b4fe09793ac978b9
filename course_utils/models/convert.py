"""torchvision's and timm's weights in our models, with the same logits. Notebooks 01, 04, 05, 07 and 08."""

from functools import partial
from typing import Any

from torch import nn

from course_utils.models.conversion import Form, Weights, converted, flat_kernel, unknown, with_parts_renamed
from course_utils.models.convert_timm import from_timm
from course_utils.models.resnet import ResNet, ResNetConfig
from course_utils.models.swin import Swin, SwinConfig
from course_utils.models.vit import ViT, ViTConfig

__all__ = ["from_timm", "from_torchvision"]


def from_torchvision(model: nn.Module) -> ViT | ResNet | Swin:
    """Our model with a copy of a torchvision model's weights, on its device and in the modes of its parts.

    Takes torchvision's ``vit_b_16``, ``vit_b_32``, ``vit_l_16``, ``vit_l_32``, ``vit_h_14`` or any
    ``VisionTransformer`` of another size (→ ViT), ``resnet18``, ``34``, ``50``, ``101``, ``152`` or any ``ResNet`` of
    other depths, widths or with a stem for small images (→ ResNet), and ``swin_t``, ``swin_s``, ``swin_b`` or any
    ``SwinTransformer`` of the first version (→ Swin). The head may be replaced by a linear layer.

    Before it returns, it compares the logits of the two models in evaluation mode, with random weights; the model
    itself is only read. Dropout of a VisionTransformer comes along; other layers that act only in training, such as
    stochastic depth, do not. Raises TypeError for any other model, and ValueError, with the cause if it can be told,
    for one that computes something else than ours: with a convolutional stem, dilation, other activations or norms,
    a forward of its own, and so on.
    """
    from torchvision.models import ResNet as TorchvisionResNet
    from torchvision.models import SwinTransformer, VisionTransformer

    for kind, form in ((VisionTransformer, _VIT), (TorchvisionResNet, _RESNET), (SwinTransformer, _SWIN)):
        if isinstance(model, kind):
            return converted(model, form)
    takes = (
        "one of torchvision's VisionTransformer, ResNet or SwinTransformer models, such as vit_b_16() or resnet50()"
    )
    raise unknown(model, "from_torchvision", takes)


def _vit_config(model: Any, weights: Weights) -> ViTConfig:
    return ViTConfig(
        image_size=model.image_size,
        patch_size=model.patch_size,
        channels=model.conv_proj.in_channels,
        dim=model.hidden_dim,
        layers=len(model.encoder.layers),
        heads=model.encoder.layers[0].num_heads,
        mlp_dim=len(weights["blocks.0.mlp.0.weight"]),
        classes=len(weights["head.weight"]),
        dropout=model.dropout,
    )


# torchvision's part of a parameter's name → ours.
_VIT_NAMES = {
    "conv_proj": "project",
    "encoder.pos_embedding": "positions",
    "encoder.layers.encoder_layer_": "blocks.",
    "encoder.ln": "norm",
    "heads.head.": "head.",
    "heads.": "head.",
    "ln_1": "norm1",
    "ln_2": "norm2",
    "self_attention.in_proj_": "attention.to_qkv.",
    "self_attention.out_proj": "attention.to_out",
}


def _few_patches(model: Any) -> None:
    """The model reads images of 3 × 3 patches, or as many as before if they are fewer."""
    patches = min(3, model.image_size // model.patch_size)
    model.image_size = patches * model.patch_size
    model.encoder.pos_embedding = nn.Parameter(model.encoder.pos_embedding[:, : patches**2 + 1], requires_grad=False)


_VIT = Form(
    ViT,
    partial(with_parts_renamed, parts=_VIT_NAMES),
    _vit_config,
    "convert one with a plain patch projection and one linear head, such as torchvision.models.vit_b_16()",
    flat_kernel,
    _few_patches,
)


def _resnet_config(model: Any, weights: Weights) -> ResNetConfig:
    stages = (model.layer1, model.layer2, model.layer3, model.layer4)
    return ResNetConfig(
        block="bottleneck" if "stages.0.0.conv3.weight" in weights else "basic",
        blocks=tuple(map(len, stages)),
        widths=tuple(len(weights[f"stages.{stage}.0.conv1.weight"]) for stage in range(len(stages))),
        stem_kernel=model.conv1.kernel_size[0],
        stem_stride=model.conv1.stride[0],
        max_pool=not isinstance(model.maxpool, nn.Identity),
        channels=model.conv1.in_channels,
        classes=len(weights["head.weight"]),
    )


def _resnet_name(name: str) -> str:
    """torchvision's name of a parameter → ours."""
    for stage in range(4):
        name = name.replace(f"layer{stage + 1}.", f"stages.{stage}.")
    if not name.startswith("stages."):
        name = name.replace("conv1.", "stem.0.").replace("bn1.", "stem.1.").replace("fc.", "head.")
    return name.replace("bn", "norm").replace("downsample", "shortcut")


_RESNET = Form(
    ResNet,
    _resnet_name,
    _resnet_config,
    "convert one without wide, grouped or dilated convolutions, such as torchvision.models.resnet50()",
)


def _swin_config(model: Any, weights: Weights) -> SwinConfig:
    stem, stages = model.features[0][0], model.features[1::2]
    return SwinConfig(
        patch_size=stem.kernel_size[0],
        channels=stem.in_channels,
        dim=stem.out_channels,
        depths=tuple(len(stage) for stage in stages),
        heads=tuple(stage[0].attn.num_heads for stage in stages),
        window=stages[0][0].attn.window_size[0],
        mlp_ratio=len(weights["stages.0.0.mlp.0.weight"]) / stem.out_channels,
        classes=len(weights["head.weight"]),
    )


_SWIN_NAMES = {
    "attn.relative_position_bias_table": "attention.bias",
    "attn.qkv": "attention.to_qkv",
    "attn.proj": "attention.to_out",
    "reduction": "reduce",
}


def _swin_name(name: str) -> str:
    """torchvision's name of a parameter → ours. Theirs alternate between stages and patch merging."""
    if name.startswith("features.0."):
        return name.replace("features.0.0", "project").replace("features.0.2", "norm_patches")
    if name.startswith("features."):
        _, number, rest = name.split(".", 2)
        stage, is_stage = divmod(int(number), 2)
        if is_stage:
            block, rest = rest.split(".", 1)
            rest = f"{int(block) + (stage > 0)}.{rest}"
        else:
            rest = f"0.{rest}"
        name = f"stages.{stage}.{rest}"
    return with_parts_renamed(name, _SWIN_NAMES)


def _with_indices(model: Any) -> None:
    """A copy of a model on the meta device lacks the indices of the relative positions: compute them."""
    for module in model.modules():
        if hasattr(module, "define_relative_position_index") and not module.relative_position_index.any():
            module.define_relative_position_index()


_SWIN = Form(
    Swin,
    _swin_name,
    _swin_config,
    "convert one of the first version with square patches and windows, such as torchvision.models.swin_t()",
    smaller=_with_indices,
)
