"""HybridViT: timm's numbers give timm's logits, its counts are theirs, and what cannot be built is refused."""

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.costs import count_parameters
from course_utils.models import HybridViT, HybridViTConfig
from course_utils.models.convert_hybrid import from_timm_hybrid
from course_utils.models.hybrid import PUBLISHED, StandardisedConv2d, pad_same

PARAMETERS = {
    "vit_tiny_r_s16_p8_224": 6_337_704,
    "vit_small_r26_s32_224": 36_431_912,
    "vit_large_r50_s32_224": 328_994_856,
}
GROWS_LIKE = "ViT, patch 16, 6 layers of 192"  # a curve of course_utils/bench/growth.py
SMALL = HybridViTConfig(
    stages=(1, 1), image_size=28, channels=1, width=32, dim=24, layers=2, heads=2, mlp_dim=48, classes=5
)

THEIRS = {"from_timm": lambda: timm.create_model("vit_tiny_r_s16_p8_224", img_size=32, num_classes=5)}


@pytest.mark.parametrize("name", PARAMETERS)
def test_published_sizes_have_timms_number_of_parameters(name):
    with torch.device("meta"):
        ours, theirs = HybridViT.from_name(name), timm.create_model(name)
    assert count_parameters(ours) == count_parameters(theirs) == PARAMETERS[name]
    assert ours.vit.positions.shape == theirs.pos_embed.shape


@pytest.mark.parametrize("name", ["vit_tiny_r_s16_p8_224", "vit_small_r26_s32_224"])
@torch.inference_mode()
def test_logits_equal_timms(name):
    torch.manual_seed(0)
    theirs = timm.create_model(name, num_classes=11).eval()
    for parameter in theirs.parameters():
        if parameter.ndim == 1:  # norms and biases too must be told apart
            nn.init.normal_(parameter, mean=0.5, std=0.2)
    nn.init.normal_(theirs.head.weight, std=0.2)
    ours = from_timm_hybrid(theirs)
    images = torch.rand(1, 3, 224, 224)
    expected = theirs(images)
    assert expected.std() > 0.1
    assert (ours(images) - expected).abs().max() <= 2e-5
    assert not ours.training


@torch.inference_mode()
def test_logits_equal_timms_where_the_border_is_odd():
    """96 and 224 are even all the way; 75 pixels are 38, 19, 19, 10, 5, 3 places."""
    torch.manual_seed(0)
    theirs = timm.create_model("vit_small_r26_s32_224", img_size=75, num_classes=3, depth=1).eval()
    nn.init.normal_(theirs.head.weight, std=0.2)
    images = torch.rand(1, 3, 75, 75)
    assert (from_timm_hybrid(theirs)(images) - theirs(images)).abs().max() <= 2e-5


def test_the_scale_and_the_mean_of_a_kernel_do_not_matter():
    torch.manual_seed(0)
    convolution = StandardisedConv2d(4, 6, 3)
    maps = torch.randn(2, 4, 7, 7)
    before = convolution(maps)
    with torch.no_grad():
        convolution.weight.mul_(3).add_(5)
    torch.testing.assert_close(convolution(maps), before, rtol=1e-3, atol=1e-3)


def test_the_border_lets_every_window_fit_and_is_larger_at_the_end():
    assert pad_same(torch.zeros(1, 1, 28, 28), 7, 2).shape[-2:] == (33, 33)
    padded = pad_same(torch.zeros(1, 1, 4, 4), 3, 2, value=1.0)
    assert padded[0, 0, 0, 0] == 0
    assert padded[0, 0, -1, -1] == 1


def test_it_learns_and_shows_its_attention():
    torch.manual_seed(0)
    model = HybridViT(SMALL)
    images, labels = torch.rand(8, 1, 28, 28), torch.arange(8) % 5
    maps = model.attention_maps(images)
    assert [weights.shape for weights in maps] == [(8, 2, 17, 17)] * 2
    F.cross_entropy(model(images), labels).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.parameters())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: HybridViTConfig(stages=(2, 0)), r"stages\[1\] is 0, but must be at least 1"),
        (lambda: HybridViTConfig(width=40), "width is 40, but must be a multiple of 32"),
        (lambda: HybridViTConfig(image_size=0), "image_size is 0"),
        (lambda: HybridViTConfig(patch_size=2), "image_size 7 is not a multiple of patch_size 2"),
        (lambda: HybridViTConfig(stochastic_depth=1.0), "survival probability"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_the_small_hybrid_reads_the_map_place_by_place():
    assert (SMALL.map_size, SMALL.map_channels) == (4, 256)
    assert PUBLISHED["vit_large_r50_s32_224"].map_size == 7
