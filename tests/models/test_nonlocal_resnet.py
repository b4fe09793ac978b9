"""NonLocalResNet: a ResNet until its gates open, and Wang's five blocks."""

from dataclasses import replace

import pytest
import torch
from test_resnet import NAMES, untrained

from course_utils.models import NonLocalResNet, NonLocalResNetConfig
from course_utils.models.convert import from_torchvision
from course_utils.models.nonlocal_resnet import every_other_block

GROWS_LIKE = "non-local block, fused"  # a curve of course_utils/bench/growth.py
SMALL = NonLocalResNetConfig(
    blocks=(2, 1), widths=(4, 8), stem_kernel=3, stem_stride=1, max_pool=False, classes=3, after=((1, 0), (0, 1))
)


@torch.inference_mode()
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_attention_put_into_a_trained_network_changes_no_logit_until_a_gate_opens(name):
    resnet = from_torchvision(untrained(name, num_classes=5))
    model = NonLocalResNet.from_resnet(resnet)
    images = torch.rand(2, 3, 64, 96)
    assert torch.equal(model(images), resnet(images))
    for place in model.attention.values():
        place.gate.fill_(0.5)
    assert (model(images) - resnet(images)).abs().max() > 1e-3


@torch.inference_mode()
def test_attention_maps_are_those_of_the_forward_pass_one_a_block():
    model = NonLocalResNet(replace(SMALL, heads=2, pool_keys=True)).eval()
    for place in model.attention.values():
        place.gate.fill_(1.0)
    images = torch.rand(2, 3, 8, 12)
    logits = model(images)
    maps = model.attention_maps(images)
    assert [m.shape for m in maps] == [(2, 2, 96, 24), (2, 2, 24, 6)]
    torch.testing.assert_close(maps[1].sum(-1), torch.ones(2, 2, 24))
    torch.testing.assert_close(model(images), logits)


def test_wangs_five_blocks_stand_after_every_other_block_of_res3_and_res4():
    assert every_other_block((3, 4, 6, 3)) == ((1, 1), (1, 3), (2, 1), (2, 3), (2, 5))
    assert every_other_block((2,)) == ()
    with torch.device("meta"):
        models = {name: NonLocalResNet.from_name(name) for name in NAMES}
    assert {name: len(model.attention) for name, model in models.items()} == dict(
        zip(NAMES, [2, 5, 5, 13, 22], strict=True)
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"after": ((2, 0),)}, "block 0 of stage 2, but the stages have"),
        ({"after": ((0, 0), (0, 0))}, r"after is \(\(0, 0\), \(0, 0\)\), but must be different places"),
        ({"reduction": 5}, "16 channels after block 0 of stage 0 cannot be divided by reduction 5"),
        ({"similarity": "cosine"}, "similarity is 'cosine', but must be one of softmax, dot_product"),
    ],
)
def test_attention_that_cannot_be_put_there_is_refused_in_words(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **{"after": ((0, 0),), **changes})
