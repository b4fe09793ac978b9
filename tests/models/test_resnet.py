from dataclasses import replace

import pytest
import torch
import torchvision
from torch import nn

from course_utils.costs import count_parameters
from course_utils.models import ResNet, ResNetConfig
from course_utils.models.convert import from_torchvision
from course_utils.models.resnet import receptive_field

NAMES = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
SMALL = ResNetConfig(blocks=(2, 1), widths=(4, 8), stem_kernel=3, stem_stride=1, max_pool=False, classes=3)

THEIRS = {"from_torchvision": lambda: torchvision.models.resnet18(num_classes=5)}


def untrained(name: str, **changes) -> nn.Module:
    """A torchvision ResNet whose normalisations do something: other means, spreads, scales and shifts than at first."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, **changes).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 1.0)
            for values in (module.bias, module.running_mean):
                nn.init.uniform_(values, -0.2, 0.2)
    return model


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_logits_equal_torchvisions(name):
    theirs = untrained(name, num_classes=7)
    ours = from_torchvision(theirs)
    images = torch.rand(2, 3, 64, 48)
    expected = theirs(images)
    assert expected.std() > 0.01
    torch.testing.assert_close(ours(images), expected)
    with torch.device("meta"):
        published = ResNet.from_name(name, classes=7)
    assert count_parameters(published) == count_parameters(theirs)
    assert ours.config == published.config


@torch.inference_mode()
def test_conversion_keeps_channels_and_mode_and_owns_its_weights():
    theirs = untrained("resnet18").train()
    ours = from_torchvision(theirs)
    assert (ours.config.channels, ours.training) == (3, True)
    before = ours.head.bias.clone()
    theirs.fc.bias.add_(1)
    assert torch.equal(ours.head.bias, before)


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("stem", [(3, 1, False), (7, 2, True), (5, 4, False)])
def test_the_receptive_field_by_formula_is_the_one_that_gradients_reach(block, stem):
    kernel, stride, max_pool = stem
    config = replace(SMALL, block=block, stem_kernel=kernel, stem_stride=stride, max_pool=max_pool)
    model = ResNet(config).double().eval()
    for module in model.modules():  # all weights positive: no gradient is stopped by a ReLU or cancels
        if isinstance(module, nn.Conv2d):
            module.weight.data.abs_()
    if max_pool:  # a maximum passes the gradient to one place only; a mean, to all of its window
        model.stem[3] = nn.AvgPool2d(3, stride=2, padding=1)
    images = torch.rand(1, 3, 161, 161, dtype=torch.double, requires_grad=True)
    features = model.features(images)
    middle = features.shape[-1] // 2
    features[0, :, middle, middle].sum().backward()
    reached = images.grad[0].abs().sum(0) > 0
    assert (int(reached.any(0).sum()), int(reached.any(1).sum())) == (receptive_field(config.layers),) * 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"block": "wide"}, "block is 'wide', but must be one of basic, bottleneck"),
        ({"widths": (4,)}, r"blocks \(2, 1\) and widths \(4,\) must have the same length"),
        ({"blocks": (0, 1)}, r"blocks\[0\] is 0, but must be at least 1"),
        ({"stem_kernel": 4}, "stem_kernel is 4, but must be odd"),
        ({"classes": 0}, "classes is 0, but must be at least 1"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused_in_words(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **changes)
