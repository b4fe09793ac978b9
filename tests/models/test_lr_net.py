"""LR-Net: the slide's table, and with convolutions the real ResNet-50."""

from dataclasses import replace

import pytest
import torch
import torchvision

from course_utils.costs import count_flops, count_parameters
from course_utils.models import LRNet, LRNetConfig
from course_utils.models.lr_net import PUBLISHED

GROWS_LIKE = "local attention, 7 × 7"  # a curve of course_utils/bench/growth.py
SMALL = LRNetConfig(
    blocks=(1, 2),
    widths=(8, 16),
    outputs=(16, 32),
    size=3,
    stem=8,
    stem_size=3,
    pool=False,
    heads=2,
    channels=1,
    classes=5,
)


def on_meta(config):
    with torch.device("meta"):
        return LRNet(replace(config, implementation="unfold"))


@torch.inference_mode()
def test_with_convolutions_it_is_torchvisions_resnet50():
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50(weights=None).eval()
    ours = LRNet.from_name("resnet50").eval()
    assert count_parameters(ours) == 25_557_032
    named = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(named))
    images = torch.rand(1, 3, 96, 96)
    assert (ours(images) - theirs(images)).abs().max() <= 1e-5


def test_the_slides_table_gives_these_counts():
    literal = replace(PUBLISHED["lrnet50"], project_values=False)
    assert count_parameters(on_meta(literal)) == 20_323_715
    assert count_parameters(on_meta(PUBLISHED["lrnet50"])) == 23_397_811
    assert count_parameters(on_meta(PUBLISHED["lrnet26"])) == 14_621_492
    stages = on_meta(PUBLISHED["lrnet50"]).stages
    assert [[block.mix.to_query.in_channels for block in stage] for stage in stages] == [
        [100] * 3,
        [200] * 4,
        [400] * 6,
        [800] * 3,
    ]


@pytest.mark.parametrize("kind", ["relation", "attention"])
def test_no_convolution_with_a_neighbourhood_is_left(kind):
    model = LRNet(replace(SMALL, kind=kind))
    assert {m.kernel_size for m in model.modules() if isinstance(m, torch.nn.Conv2d)} == {(1, 1)}


@pytest.mark.parametrize("kind", ["relation", "attention", "convolution"])
@torch.no_grad()
def test_every_kind_and_implementation_gives_the_same_shapes_and_logits(kind):
    torch.manual_seed(0)
    model = LRNet(replace(SMALL, kind=kind)).eval()
    images = torch.rand(2, 1, 16, 16)
    logits = model(images)
    assert logits.shape == (2, 5)
    for implementation in ("unfold", "masked", "tiled"):
        other = LRNet(replace(SMALL, kind=kind, implementation=implementation)).eval()
        other.load_state_dict(model.state_dict())
        torch.testing.assert_close(other(images), logits, atol=1e-4, rtol=1e-4)
    maps = model.attention_maps(images)
    heads = {"relation": [1, 1, 2, 2], "attention": [2] * 4, "convolution": []}[kind]
    assert [m.shape for m in maps] == [(2, h, p, 9) for h, p in zip(heads, [64, 64, 16, 16], strict=False)]


def test_local_layers_are_counted_as_matrix_products_when_unfolded():
    """Per position: key, value and query; scores and mean over 9 neighbours; the positions' part of the scores."""
    from course_utils.attention import LocalAttention2d

    with torch.device("meta"):
        layer = LocalAttention2d(16, 16, 3, 2, implementation="unfold")
        flops = count_flops(layer, torch.empty(1, 16, 10, 10))
    assert flops == 2 * 100 * (3 * 16 * 16 + 3 * 9 * 16)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "pooling"}, "kind is 'pooling', but must be one of relation, attention, convolution"),
        ({"size": 4}, "size is 4, but must be odd"),
        ({"blocks": (3, 4)}, "blocks, widths and outputs have 2, 4 and 4 numbers"),
        ({"widths": (100, 200, 0, 800)}, r"widths\[2\] is 0, but must be at least 1"),
        ({"kind": "attention"}, "100 channels cannot be shared among 8 heads, .* multiples of 16"),
        ({"implementation": "fast"}, "implementation is 'fast', but must be one of auto"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused_in_words(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        LRNetConfig(**changes)


def test_images_smaller_than_a_neighbourhood_are_refused_in_words():
    with pytest.raises(ValueError, match="Maps of 2 × 2 are smaller than the neighbourhood of 3 × 3"):
        LRNet(SMALL)(torch.rand(1, 1, 4, 4))
