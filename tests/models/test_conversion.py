"""What torchvision's and timm's models may have been changed to: it is converted with equal logits, or refused."""

from functools import partial

import pytest
import timm
import torch
import torchvision
from timm.models.vision_transformer import ParallelThingsBlock, ResPostBlock
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torchvision.models.resnet import BasicBlock, Bottleneck

from course_utils.models.convert import from_timm, from_torchvision
from course_utils.models.convert_hybrid import from_timm_hybrid


def vit(**changes) -> nn.Module:
    """torchvision's, new: its head is zero, so that all its logits are."""
    return torchvision.models.VisionTransformer(16, 8, 2, 2, 16, 24, num_classes=5, **changes).eval()


def resnet(block=BasicBlock, **changes) -> nn.Module:
    """torchvision's, with the norms at the end of its branches at zero, so that its blocks do nothing."""
    return torchvision.models.ResNet(block, [1, 1, 1, 1], zero_init_residual=True, num_classes=5, **changes).eval()


def swin(patch=(4, 4), window=(4, 4), **changes) -> nn.Module:
    return torchvision.models.SwinTransformer(
        list(patch), 16, [2, 2], [2, 4], list(window), num_classes=5, **changes
    ).eval()


def timms(**changes) -> nn.Module:
    sizes = {"img_size": 16, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2, "num_classes": 5}
    return timm.models.VisionTransformer(**{**sizes, **changes}).eval()


class Doubled(torchvision.models.ResNet):
    def forward(self, images):
        return 2 * super().forward(images)


def changed(model: nn.Module, place: str, layer: nn.Module) -> nn.Module:
    """The model with another layer in this place, as in ``model.fc = nn.Identity()``."""
    parent, _, name = place.rpartition(".")
    setattr(model.get_submodule(parent), name, layer)
    return model


def doing(model: nn.Module, change) -> nn.Module:
    """The model after calling change with it."""
    change(model)
    return model


REFUSED = {
    "its layer3.0.conv2 has stride (1, 1), and ours (2, 2)": lambda: resnet(
        Bottleneck, replace_stride_with_dilation=[False, True, True]
    ),
    "its conv1 has padding (0, 0), and ours (1, 1)": lambda: changed(
        resnet(), "conv1", nn.Conv2d(3, 64, 3, 1, 0, bias=False)
    ),
    "it has 0 of MaxPool2d": lambda: changed(resnet(), "maxpool", nn.AvgPool2d(3, 2, 1)),
    "the logits differ by": lambda: changed(resnet(), "layer1.0.relu", nn.ReLU6()),
    "a forward of its own": lambda: Doubled(BasicBlock, [1, 1, 1, 1]).eval(),
    "the order of its layers": lambda: timms(block_fn=ResPostBlock),
    "its bn1 has eps 0.001": lambda: resnet(norm_layer=partial(nn.BatchNorm2d, eps=1e-3)),
    "no weights for our stem.1.running_mean": lambda: resnet(norm_layer=partial(nn.GroupNorm, 8)),
    "no place for its conv1.param": lambda: doing(resnet(), lambda model: weight_norm(model.conv1)),
    "hooks of its fc: remove them": lambda: doing(resnet(), lambda model: model.fc.register_forward_hook(print)),
    "its head (fc, heads or head) is not one": lambda: changed(resnet(), "fc", nn.Identity()),
    "its form cannot be read": lambda: changed(resnet(), "layer4", nn.Identity()),
    "conv1.weight has the shape": lambda: resnet(Bottleneck, groups=2, width_per_group=64),
    "(64, 3, 7, 7), and ours has (128, 3, 7, 7)": lambda: resnet(Bottleneck, width_per_group=128),
    "encoder_layer_0.ln_1 has eps 1e-05, and ours 1e-06": lambda: vit(norm_layer=nn.LayerNorm),
    "it has 1 of GELU(approximate='none'), and ours 2": lambda: doing(
        vit(), lambda model: [changed(model, f"encoder.layers.{n}.mlp.1", nn.ReLU()) for n in ("encoder_layer_0",)]
    ),
    "would become our head.weight": lambda: changed(vit(), "head", nn.Linear(16, 5)),
    "its heads.pre_logits.weight": lambda: vit(representation_size=8),
    "its features.0.0.weight has the shape (16, 3, 4, 2)": lambda: swin(patch=(4, 2)),
    "its features.1.0.attn.relative_position_bias_table": lambda: swin(window=(4, 2)),
    "logit_scale": lambda: torchvision.models.swin_v2_t(),
    "its features.0.2 has eps": lambda: swin(norm_layer=partial(nn.LayerNorm, eps=1e-3)),
    "it has 0 of GELU(approximate='none'), and ours 2": lambda: timms(act_layer="gelu_tanh"),
    "no place for its fc_norm": lambda: timms(global_pool="avg"),
    "logits differ": lambda: timms(global_pool="avg", fc_norm=False),
    "pos_embed has the shape (1, 5, 16)": lambda: timms(class_token=False, global_pool="avg", reg_tokens=1),
    "no place for its head.0": lambda: changed(timms(), "head", nn.Sequential(nn.Linear(16, 5))),
    "cannot be compared": lambda: timms(num_classes=0, global_pool=""),
    "pos_embed has the shape (1, 4, 16)": lambda: timms(class_token=False, global_pool="avg", fc_norm=False),
    "norm_pre": lambda: timms(pre_norm=True),
    "q_norm": lambda: timms(qk_norm=True),
    "mlp.fc2.weight has the shape": lambda: timms(mlp_layer=timm.layers.SwiGLUPacked),
    "ParallelThingsBlock": lambda: timms(block_fn=ParallelThingsBlock),
}


def convert(model: nn.Module) -> nn.Module:
    return (from_timm if type(model).__module__.startswith("timm") else from_torchvision)(model)


@pytest.mark.parametrize("words", REFUSED)
def test_a_model_that_computes_something_else_is_refused_with_the_cause(words):
    with pytest.raises(
        ValueError, match=r"^This \w+ cannot become our \w+, because [^\n]+; convert [^\n]+\.$"
    ) as raised:
        convert(REFUSED[words]())
    assert words in str(raised.value)


def test_other_classes_of_models_are_refused_with_advice():
    for convert_it, model, words in (
        (from_torchvision, nn.Linear(2, 2), "Cannot convert a Linear: pass from_torchvision one of torchvision's"),
        (from_torchvision, timms(), "VisionTransformer: pass from_torchvision one of torchvision's"),
        (from_torchvision, nn.DataParallel(resnet()), "pass from_torchvision the model inside it, model.module"),
        (from_timm, torch.compile(timms(), backend="eager"), "pass from_timm the model inside it, model._orig_mod"),
        (from_timm, "vit_base_patch16_224", "Cannot convert a str: pass from_timm one of timm's"),
    ):
        with pytest.raises(TypeError) as raised:
            convert_it(model)
        assert words in str(raised.value)
    with pytest.raises(ValueError, match="cannot become our HybridViT"):
        from_timm_hybrid(timms())


CONVERTED = {
    "oblong images": lambda: timms(img_size=(16, 40)),
    "a stem for small images": lambda: changed(
        changed(resnet(), "conv1", nn.Conv2d(1, 64, 3, 1, 1, bias=False)), "maxpool", nn.Identity()
    ),
    "other widths": lambda: torchvision.models.ResNet(Bottleneck, [1, 2, 1, 1], num_classes=2).eval(),
    "synchronised norms": lambda: nn.SyncBatchNorm.convert_sync_batchnorm(resnet()),
    "compiled in place": lambda: doing(timms(depth=1), lambda model: model.compile(backend="eager")),
    "heads replaced": lambda: changed(vit(), "heads", nn.Linear(16, 3)),
    "head replaced": lambda: changed(vit(), "heads.head", nn.Linear(16, 3)),
    "dropout": lambda: vit(dropout=0.1, attention_dropout=0.1),
    "another MLP": lambda: swin(mlp_ratio=2.5),
    "any size": lambda: timms(dynamic_img_size=True),
    "registers": lambda: timms(reg_tokens=4),
    "registers without positions": lambda: timms(reg_tokens=2, no_embed_class=True),
    "class token without position": lambda: timms(no_embed_class=True, img_size=8),
    "LayerScale": lambda: timms(init_values=1e-5),
    "DINOv2's form, without classes": lambda: timms(init_values=1e-5, num_classes=0),
    "resized": lambda: doing(timms(), lambda model: model.set_input_size((24, 24))),
    "another way to attend": lambda: doing(timms(), lambda model: setattr(model.blocks[0].attn, "fused_attn", False)),
}


@pytest.mark.parametrize("name", CONVERTED)
@torch.no_grad()
def test_a_change_that_ours_can_have_too_is_converted_with_equal_logits(name):
    torch.manual_seed(0)
    theirs = CONVERTED[name]()
    for parameter in theirs.parameters():
        parameter += 0.1 * torch.randn_like(parameter)
    ours = convert(theirs)
    size = getattr(ours.config, "image_size", 40)
    images = torch.rand(2, ours.config.channels, *(size if isinstance(size, tuple) else (size, size)))
    expected = theirs(images)
    assert expected.std() > 0.01
    torch.testing.assert_close(ours(images), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", [vit, resnet, swin, timms])
def test_types_devices_and_frozen_parts_come_along(make):
    theirs = make().to(torch.bfloat16).train()
    norm = next(module for module in theirs.modules() if isinstance(module, nn.LayerNorm | nn.BatchNorm2d))
    norm.eval().requires_grad_(False)
    ours = convert(theirs)
    assert ours.training
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.bfloat16}
    frozen = [name for name, parameter in ours.named_parameters() if not parameter.requires_grad]
    assert len(frozen) == 2
    (owner,) = {name.rpartition(".")[0] for name in frozen}
    assert [name for name, module in ours.named_modules() if not module.training] == [owner]

    with torch.device("meta"):
        on_meta = convert(make())
    assert {tensor.device.type for tensor in [*on_meta.parameters(), *on_meta.buffers()]} == {"meta"}
