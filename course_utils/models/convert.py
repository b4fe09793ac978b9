"""torchvision's and timm's weights in our models, with the same logits. Notebooks 01, 04, 05 and 08."""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from course_utils.attention.window import WindowAttention, relative_position_index
from course_utils.models.convert_timm import from_timm
from course_utils.models.resnet import ResNet, ResNetConfig
from course_utils.models.swin import Swin, SwinConfig
from course_utils.models.vit import ViT, ViTConfig

__all__ = ["from_timm", "from_torchvision"]


def from_torchvision(model: nn.Module) -> ViT | ResNet | Swin:
    """Our model with a copy of a torchvision model's weights, in its mode (train or eval) and on its device.

    Takes torchvision's ``vit_b_16``, ``vit_b_32``, ``vit_l_16``, ``vit_l_32``, ``vit_h_14`` or any
    ``VisionTransformer`` of another size (→ ViT), ``resnet18``, ``34``, ``50``, ``101``, ``152`` or any ``ResNet`` of
    other depths (→ ResNet), and ``swin_t``, ``swin_s``, ``swin_b`` or any ``SwinTransformer`` of the first version (→
    Swin). Raises TypeError for any other model and ValueError for a VisionTransformer with a convolutional stem or a
    representation layer, for a ResNet with wide or grouped convolutions, and for a Swin of the second version.
    """
    from torchvision.models import ResNet as TorchvisionResNet
    from torchvision.models import SwinTransformer, VisionTransformer

    if isinstance(model, VisionTransformer):
        return _vit(model)
    if isinstance(model, TorchvisionResNet):
        return _resnet(model)
    if isinstance(model, SwinTransformer):
        return _swin(model)
    raise TypeError(
        f"Cannot convert a {type(model).__name__}: pass from_torchvision one of torchvision's VisionTransformer, "
        "ResNet or SwinTransformer models, such as torchvision.models.vit_b_16(), resnet50() or swin_t()."
    )


def _vit(model: Any) -> ViT:
    source = model.state_dict()
    if "conv_proj.weight" not in source or "heads.head.weight" not in source or "heads.pre_logits.weight" in source:
        raise ValueError(
            "This VisionTransformer has a convolutional stem or a representation layer: convert one with a plain "
            "patch projection and a single linear head, such as torchvision.models.vit_b_16()."
        )
    first = model.encoder.layers[0]
    config = ViTConfig(
        image_size=model.image_size,
        patch_size=model.patch_size,
        channels=source["conv_proj.weight"].shape[1],
        dim=model.hidden_dim,
        layers=len(model.encoder.layers),
        heads=first.num_heads,
        mlp_dim=model.mlp_dim,
        classes=source["heads.head.weight"].shape[0],
        dropout=model.dropout,
    )
    with torch.device("meta"):  # needs no memory and no random numbers for weights that are replaced anyway
        ours = ViT(config)
    weights = {_vit_name(name): _vit_value(name, value).clone() for name, value in source.items()}
    ours.load_state_dict(weights, assign=True)
    return ours.train(model.training)


def _vit_name(name: str) -> str:
    """torchvision's name of a parameter → ours."""
    for theirs, mine in {
        "conv_proj": "project",
        "encoder.pos_embedding": "positions",
        "encoder.layers.encoder_layer_": "blocks.",
        "encoder.ln": "norm",
        "heads.head": "head",
        "ln_1": "norm1",
        "ln_2": "norm2",
        "self_attention.in_proj_": "attention.to_qkv.",
        "self_attention.out_proj": "attention.to_out",
    }.items():
        name = name.replace(theirs, mine)
    return name


def _vit_value(name: str, value: Tensor) -> Tensor:
    """A convolution whose stride is its kernel is a linear layer on patches: flatten its kernel."""
    return rearrange(value, "dim c p q -> dim (c p q)") if name == "conv_proj.weight" else value


def _resnet(model: Any) -> ResNet:
    source = model.state_dict()
    stages = (model.layer1, model.layer2, model.layer3, model.layer4)
    basic = "layer1.0.conv3.weight" not in source
    config = ResNetConfig(
        block="basic" if basic else "bottleneck",
        blocks=tuple(map(len, stages)),
        channels=model.conv1.in_channels,
        classes=model.fc.out_features,
    )
    with torch.device("meta"):
        ours = ResNet(config)
    weights = {_resnet_name(name): value.clone() for name, value in source.items()}
    expected = {name: value.shape for name, value in ours.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise ValueError(
            "This ResNet has wide or grouped convolutions or another stem: convert one of the original form, such as "
            "torchvision.models.resnet50()."
        )
    ours.load_state_dict(weights, assign=True)
    return ours.train(model.training)


def _resnet_name(name: str) -> str:
    """torchvision's name of a parameter → ours."""
    for stage in range(4):
        name = name.replace(f"layer{stage + 1}.", f"stages.{stage}.")
    if not name.startswith("stages."):
        name = name.replace("conv1.", "stem.0.").replace("bn1.", "stem.1.").replace("fc.", "head.")
    return name.replace("bn", "norm").replace("downsample", "shortcut")


def _swin(model: Any) -> Swin:
    source = model.state_dict()
    stem, stages = model.features[0][0], model.features[1::2]
    window = stages[0][0].attn.window_size
    if "features.1.0.attn.logit_scale" in source or window[0] != window[1]:
        raise ValueError(
            "This SwinTransformer is of the second version or has no square windows: convert one of the first version "
            "with square windows, such as torchvision.models.swin_t()."
        )
    config = SwinConfig(
        patch_size=stem.kernel_size[0],
        channels=stem.in_channels,
        dim=stem.out_channels,
        depths=tuple(len(stage) for stage in stages),
        heads=tuple(stage[0].attn.num_heads for stage in stages),
        window=window[0],
        mlp_ratio=stages[0][0].mlp[0].out_features / stem.out_channels,
        classes=model.head.out_features,
    )
    with torch.device("meta"):
        ours = Swin(config)
    weights = {_swin_name(name): value.clone() for name, value in source.items() if "index" not in name}
    ours.load_state_dict(weights, assign=True)
    for block in ours.modules():  # the only tensor that is not a weight
        if isinstance(block, WindowAttention):
            block.bias_index = relative_position_index(block.window).to(model.head.weight.device)
    return ours.train(model.training)


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
    for theirs, mine in {
        "attn.relative_position_bias_table": "attention.bias",
        "attn.qkv": "attention.to_qkv",
        "attn.proj": "attention.to_out",
        "reduction": "reduce",
    }.items():
        name = name.replace(theirs, mine)
    return name
