"""Swin: torchvision's logits with torchvision's weights, at any size; a pyramid of maps."""

import pytest
import torch
import torchvision
from torch import nn

from course_utils.attention import attention_recorded
from course_utils.costs import count_flops, count_parameters
from course_utils.models import Swin, SwinConfig
from course_utils.models.convert import from_torchvision
from course_utils.models.swin import merge_patches

SMALL = SwinConfig(patch_size=2, channels=1, dim=8, depths=(1, 2), heads=(2, 4), window=4, classes=5)

THEIRS = {
    "from_torchvision": lambda: torchvision.models.SwinTransformer(
        [4, 4], 24, [2, 2], [2, 4], [4, 4], stochastic_depth_prob=0.0, num_classes=5
    )
}


def untrained(name: str) -> nn.Module:
    """A torchvision Swin whose every weight matters: biases and norms do not start at zero and one."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(name).eval()
    for parameter in model.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", ["swin_t", "swin_s", "swin_b"])
@torch.inference_mode()
def test_logits_equal_torchvisions(name):
    theirs = untrained(name)
    ours = from_torchvision(theirs)
    for height, width in ((224, 224), (100, 150)):  # the second: no multiple of the window, odd maps to merge
        images = torch.rand(1, 3, height, width)
        expected = theirs(images)
        assert expected.std() > 0.1
        assert (ours(images) - expected).abs().max() <= 1e-4
    with torch.device("meta"):
        published = Swin.from_name(name)
    assert count_parameters(published) == count_parameters(ours) == count_parameters(theirs)


def test_parameters_and_work_are_the_papers():
    """Liu et al. 2021, table 1: 28 M, 4.5 G; 50 M, 8.7 G; 88 M, 15.4 G multiply-adds."""
    for name, parameters, gmacs in (
        ("swin_t", 28_288_354, 4.5),
        ("swin_s", 49_606_258, 8.7),
        ("swin_b", 87_768_224, 15.4),
    ):
        with torch.device("meta"):
            model = Swin.from_name(name).eval()
            assert count_parameters(model) == parameters
            assert count_flops(model, torch.empty(1, 3, 224, 224)) / 2e9 == pytest.approx(gmacs, abs=0.1)


@torch.inference_mode()
def test_stages_make_a_pyramid_and_every_block_can_be_looked_into():
    model = Swin(SMALL).eval()
    images = torch.rand(3, 1, 28, 20)
    assert [tuple(maps.shape) for maps in model.stage_maps(images)] == [(3, 14, 10, 8), (3, 7, 5, 16)]
    maps = model.attention_maps(images)
    assert [tuple(each.shape) for each in maps] == [(36, 2, 16, 16), (12, 4, 16, 16), (12, 4, 16, 16)]
    with attention_recorded(model):
        observed = model(images)
    torch.testing.assert_close(observed, model(images))


def test_merging_takes_each_square_of_four_together():
    maps = torch.arange(16).view(1, 4, 4, 1)
    assert merge_patches(maps)[0].tolist() == [[[0, 4, 1, 5], [2, 6, 3, 7]], [[8, 12, 9, 13], [10, 14, 11, 15]]]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: merge_patches(torch.zeros(1, 5, 4, 2)), "5 × 4 map cannot be merged two by two: pad it to 6 × 4"),
        (lambda: SwinConfig(depths=(2, 2)), r"depths \(2, 2\) and heads \(3, 6, 12, 24\) must have the same length"),
        (lambda: SwinConfig(heads=(3, 6, 5, 24)), "Stage 2 has 384 features, which 5 heads cannot share equally"),
        (lambda: SwinConfig(window=0), "window is 0, but must be at least 1"),
    ],
)
def test_bad_input_gets_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
