"""What each layer knows: the tokens after it, and how often the nearest image has the same label."""

import pytest
import torch

from course_utils.analysis.layers import features_by_layer, nearest_neighbour_accuracy
from course_utils.models import RegisterViT, RegisterViTConfig, ViT, ViTConfig, build

SIZES = {"image_size": 12, "patch_size": 4, "dim": 16, "layers": 3, "heads": 2, "mlp_dim": 16, "classes": 5}


@torch.no_grad()
def test_the_features_are_the_tokens_after_each_layer_standardised():
    for kind, config in ((ViT, ViTConfig(**SIZES)), (RegisterViT, RegisterViTConfig(**SIZES, registers=2))):
        model = build(config, seed=0)
        assert isinstance(model, kind)
        images = torch.rand(2, 3, 12, 12)
        features = features_by_layer(model, images)
        assert features.shape == (2, 2, 3, 16)
        assert model.training
        assert not any(block._forward_hooks for block in model.blocks)
        model.eval()  # the last layer's tokens are what the last norm reads
        class_token = model.features(images)[:, 0]
        scaled = features[:, 0, -1] * model.norm.weight + model.norm.bias
        torch.testing.assert_close(scaled, class_token, atol=1e-4, rtol=1e-3)
        patches = model.features(images)[:, model.special_tokens.shape[1] :].mean(1)
        scaled = features[:, 1, -1] * model.norm.weight + model.norm.bias
        torch.testing.assert_close(scaled, patches, atol=1e-4, rtol=1e-3)


def test_the_nearest_other_image_decides():
    features = torch.tensor([[0.0], [0.1], [5.0], [5.2], [5.3]])
    assert nearest_neighbour_accuracy(features, torch.tensor([0, 0, 1, 1, 1])) == 1
    assert nearest_neighbour_accuracy(features, torch.tensor([0, 1, 2, 3, 4])) == 0
    assert nearest_neighbour_accuracy(features, torch.tensor([0, 0, 1, 2, 2])) == pytest.approx(0.8)
