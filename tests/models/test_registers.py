"""A ViT with registers: timm's count of parameters, and tokens that are told apart."""

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.costs import count_parameters
from course_utils.models import RegisterViT, RegisterViTConfig, ViT, build
from course_utils.models.convert import from_timm
from course_utils.models.registers import PUBLISHED

GROWS_LIKE = "ViT, patch 16, 6 layers of 192"  # a curve of course_utils/bench/growth.py
SMALL = RegisterViTConfig(
    image_size=8, patch_size=4, channels=1, dim=16, layers=2, heads=2, mlp_dim=16, classes=5, registers=3
)
THEIRS = {
    "from_timm": lambda: timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=16, depth=2, num_heads=4, num_classes=5, reg_tokens=3, init_values=0.5
    )
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes_are_timms(name):
    """Theirs have two scales in every layer, which ours folds; ours has positions for its special tokens."""
    with torch.device("meta"):
        ours, theirs = RegisterViT.from_name(name), timm.create_model(name)
    c = ours.config
    scales, special = 2 * c.layers * c.dim, (1 + c.registers) * c.dim
    assert count_parameters(ours) == count_parameters(theirs) - scales + special


@pytest.mark.parametrize(
    "name", [f"vit_small_patch14_{form}dinov2" for form in ("", "reg4_")] + ["deit3_small_patch16_224"]
)
@torch.inference_mode()
def test_features_logits_and_attention_are_those_of_timms_models_with_layer_scale(name):
    torch.manual_seed(0)
    theirs = timm.create_model(name, img_size=112, depth=3).eval()
    for parameter in theirs.parameters():  # so that no scale is nearly zero, and all matter
        parameter += 0.05 * torch.randn_like(parameter)
    ours, images = from_timm(theirs), torch.rand(1, 3, 112, 112)
    assert type(ours) is (RegisterViT if "reg4" in name else ViT)
    expected = theirs.forward_features(images)
    assert expected.abs().max() > 1
    assert (ours.features(images) - expected).abs().max() <= 2e-5
    assert (ours(images) - theirs(images)).abs().max() <= 2e-5
    last = theirs.blocks[2].attn
    query, key = last.qkv(theirs.blocks[2].norm1(before(theirs, images, 2))).unflatten(-1, (3, 6, 64)).unbind(2)[:2]
    weights = (query.transpose(1, 2) @ key.transpose(1, 2).mT / 8).softmax(-1)
    assert (ours.attention_maps(images)[2] - weights).abs().max() <= 1e-5


def before(model: nn.Module, images: torch.Tensor, layer: int) -> torch.Tensor:
    """The tokens that a layer of timm's model reads."""
    tokens = model._pos_embed(model.patch_embed(images))
    return model.blocks[:layer](tokens)


def test_a_model_without_classes_returns_the_features_of_its_class_token():
    model = build(RegisterViTConfig(**{**vars(SMALL), "classes": 0}), seed=0).eval()
    images = torch.rand(2, 1, 8, 8)
    assert torch.equal(model(images), model.features(images)[:, 0])


def test_it_learns_and_its_registers_are_told_apart():
    model = build(SMALL, seed=0)
    images, labels = torch.rand(8, 1, 8, 8), torch.arange(8) % 5
    assert [weights.shape for weights in model.attention_maps(images)] == [(8, 2, 8, 8)] * 2
    F.cross_entropy(model(images), labels).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert not torch.allclose(model.registers.grad[0, 0], model.registers.grad[0, 1])
