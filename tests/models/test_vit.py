import json
from dataclasses import asdict, replace

import pytest
import timm
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_utils.attention import EncoderBlock
from course_utils.costs import count_parameters
from course_utils.models import ViT, ViTConfig, build
from course_utils.models.convert import from_torchvision
from course_utils.models.refusals import WrongShape
from course_utils.models.vit import patchify, projection_kernel

SMALL = ViTConfig(image_size=28, patch_size=7, channels=1, dim=16, layers=3, heads=4, mlp_dim=32, classes=10)
THEIRS = {
    "from_torchvision": lambda: torchvision.models.VisionTransformer(32, 8, 2, 4, 16, 24, num_classes=5),
    "from_timm": lambda: timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=16, depth=2, num_heads=4, num_classes=5
    ),
}
side = st.integers(1, 5)


@given(st.integers(1, 3), st.integers(1, 4), side, side, side, st.integers(1, 6))
def test_projection_of_patches_is_a_convolution(batch, channels, rows, columns, patch_size, dim):
    images = torch.randn(batch, channels, rows * patch_size, columns * patch_size)
    linear = nn.Linear(channels * patch_size**2, dim)
    kernel = projection_kernel(linear.weight, patch_size)
    convolved = nn.functional.conv2d(images, kernel, linear.bias, stride=patch_size)
    torch.testing.assert_close(linear(patchify(images, patch_size)), convolved.flatten(2).mT)


def untrained(name: str, layers: int | None = None, **changes) -> nn.Module:
    """A torchvision ViT whose logits are not all zero, as its head starts at zero; layers: only so many of them."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model = torchvision.models.get_model(name, **changes).eval()
    model.encoder.layers = model.encoder.layers[:layers]
    model = model.to_empty(device="cpu")
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.03)
    return model


def test_what_changes_training_only_comes_along():
    theirs = torchvision.models.VisionTransformer(8, 4, 1, 2, 8, 16, dropout=0.3, num_classes=4)
    ours = from_torchvision(theirs)
    assert ours.config.dropout == ours.dropout.p == 0.3
    assert ours.training
    assert not from_torchvision(theirs.eval()).training


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layers"), [("vit_b_16", 12), ("vit_b_32", 12), ("vit_l_16", 2), ("vit_l_32", 2), ("vit_h_14", 2)]
)
@torch.inference_mode()
def test_logits_equal_torchvisions(name, layers):
    theirs = untrained(name, layers)
    ours = from_torchvision(theirs)
    images = torch.rand(1, 3, 224, 224)
    expected = theirs(images)
    assert expected.std() > 0.01
    assert (ours(images) - expected).abs().max() <= 1e-5
    with torch.device("meta"):
        published, whole = ViT.from_name(name), torchvision.models.get_model(name)
    assert count_parameters(published) == count_parameters(whole)


@torch.inference_mode()
def test_conversion_keeps_size_classes_mode_and_owns_its_weights():
    theirs = untrained("vit_b_16", image_size=96, num_classes=7).train()
    ours = from_torchvision(theirs)
    assert (ours.config.image_size, ours.config.classes, ours.training) == (96, 7, True)
    before = ours.class_token.clone()
    theirs.class_token.add_(1)
    assert torch.equal(ours.class_token, before)


@torch.inference_mode()
def test_attention_maps_are_those_of_the_forward_pass():
    torch.manual_seed(0)
    model = ViT(SMALL)
    images = torch.rand(2, 1, 28, 28)
    logits = model(images)
    maps = model.attention_maps(images)
    assert [m.shape for m in maps] == [(2, 4, 17, 17)] * 3
    torch.testing.assert_close(torch.stack(maps).sum(-1), torch.ones(3, 2, 4, 17))
    theirs = nn.MultiheadAttention(16, 4, batch_first=True)
    block: EncoderBlock = model.blocks[0]
    theirs.load_state_dict(
        {
            "in_proj_weight": block.attention.to_qkv.weight,
            "in_proj_bias": block.attention.to_qkv.bias,
            "out_proj.weight": block.attention.to_out.weight,
            "out_proj.bias": block.attention.to_out.bias,
        }
    )
    first = torch.cat([model.class_token.expand(2, -1, -1), model.project(patchify(images, 7))], 1) + model.positions
    tokens = block.norm1(first)
    torch.testing.assert_close(maps[0], theirs(tokens, tokens, tokens, average_attn_weights=False)[1])
    torch.testing.assert_close(model(images), logits)


@torch.inference_mode()
def test_an_oblong_vit_reads_oblong_images_row_by_row():
    config = replace(SMALL, image_size=[14, 28])
    assert (config.image_size, config.grid, config.patches) == ((14, 28), (2, 4), 8)
    assert replace(SMALL, image_size=(28, 28)) == SMALL
    assert ViTConfig.from_fields(json.loads(json.dumps(asdict(config)))) == config  # as on a card
    model = build(config, 0).eval()
    images = torch.rand(2, 1, 14, 28)
    assert model(images).shape == (2, 10)
    assert model.attention_maps(images)[0].shape == (2, 4, 9, 9)
    with pytest.raises(WrongShape, match=r"reads \(batch, 1, 14, 28\)"):
        model(images.mT)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image_size": 30}, "image_size 30 is not a multiple of patch_size 16: resize the images to 16"),
        ({"image_size": (32, 50)}, r"image_size \(32, 50\) is not a multiple of .* resize the images to \(32, 48\)"),
        ({"image_size": (32, 48, 3)}, r"image_size is \(32, 48, 3\), but must be 2 values"),
        ({"image_size": (32, 0)}, r"image_size\[1\] is 0, but must be at least 1"),
        ({"image_size": "32"}, r"image_size is '32', but must be a whole number, the side .*, or \(height, width\)"),
        ({"dim": 100}, "dim 100 cannot be shared equally among 12 heads: try dim 108"),
        ({"layers": 0}, "layers is 0, but must be at least 1"),
        ({"dropout": 1.5}, "dropout is 1.5, but must be in"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused_in_words(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        ViTConfig(**changes)
