"""DeiT: timm's logits with timm's weights, both heads; two tokens that are told apart."""

import pytest
import timm
import torch

from course_utils.attention import attention_recorded
from course_utils.costs import count_parameters
from course_utils.models import DistilledViT, DistilledViTConfig, HybridViT, ViT
from course_utils.models.convert import from_timm
from course_utils.models.deit import fuse

GROWS_LIKE = "ViT, patch 16, 6 layers of 192"  # a curve of course_utils/bench/growth.py
SMALL = DistilledViTConfig(image_size=8, patch_size=4, channels=1, dim=16, layers=2, heads=2, mlp_dim=16, classes=5)


def small_theirs() -> torch.nn.Module:
    """timm's, in training, when it returns both heads as ours does."""
    model = timm.create_model("deit_tiny_distilled_patch16_224", img_size=32, depth=2, num_classes=5)
    model.set_distilled_training(True)
    return model


THEIRS = {"from_timm": small_theirs}


def untrained(name, **changes):
    """A timm model in which no weight is zero or one."""
    torch.manual_seed(0)
    model = timm.create_model(name, **changes).eval()
    for parameter in model.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    return model


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("deit_tiny_distilled_patch16_224", 5_910_800),
        ("deit_small_distilled_patch16_224", 22_436_432),
        ("deit_base_distilled_patch16_224", 87_338_192),
    ],
)
@torch.inference_mode()
def test_both_heads_equal_timms(name, parameters):
    theirs = untrained(name)
    ours = from_timm(theirs)
    images = torch.rand(1, 3, 224, 224)
    tokens = theirs.forward_features(images)
    for mine, expected in zip(
        ours.heads(images), (theirs.head(tokens[:, 0]), theirs.head_dist(tokens[:, 1])), strict=True
    ):
        assert expected.std() > 0.1
        assert (mine - expected).abs().max() <= 1e-5
    with torch.device("meta"):
        assert count_parameters(DistilledViT.from_name(name)) == parameters
    assert count_parameters(ours) == parameters


@torch.inference_mode()
def test_plain_vits_and_hybrids_of_timm_convert_too():
    for name, kind in (("deit_tiny_patch16_224", ViT), ("vit_tiny_r_s16_p8_224", HybridViT)):
        theirs = untrained(name, num_classes=7)
        ours = from_timm(theirs)
        assert type(ours) is kind
        images = torch.rand(1, 3, 224, 224)
        assert (ours(images) - theirs(images)).abs().max() <= 1e-5


def small() -> DistilledViT:
    torch.manual_seed(0)
    model = DistilledViT(SMALL)
    torch.nn.init.normal_(model.distillation_token)
    return model


def test_training_returns_both_heads_and_evaluation_their_mean():
    model, images = small(), torch.rand(3, 1, 8, 8)
    two = model(images)
    assert two.label.shape == two.teacher.shape == (3, 5)
    assert not torch.allclose(two.label, two.teacher)
    fused = model.eval()(images)
    torch.testing.assert_close(fused.softmax(-1), (two.label.softmax(-1) + two.teacher.softmax(-1)) / 2)
    torch.testing.assert_close(fused.exp(), fuse(*model.heads(images)))


@torch.no_grad()
def test_attention_shows_both_special_tokens():
    model, images = small().eval(), torch.rand(3, 1, 8, 8)
    maps = model.attention_maps(images)
    assert [tuple(each.shape) for each in maps] == [(3, 2, 6, 6)] * 2
    with attention_recorded(model):
        observed = model(images)
    torch.testing.assert_close(observed, model(images))
