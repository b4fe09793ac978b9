"""A correction that starts at zero, learns alone, and can be put into the weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.experiments.runs import small_resnet
from course_utils.few_shot.lora import LoRA, add_lora, lora_linear, merge_lora
from course_utils.models import ResNet


def network() -> tuple[ResNet, torch.Tensor]:
    torch.manual_seed(0)
    return ResNet(small_resnet(7)).eval(), torch.rand(3, 3, 32, 32)


def stir(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, LoRA):
            nn.init.normal_(module.up)


def test_at_the_start_logits_are_those_of_the_frozen_network():
    model, images = network()
    before = model(images)
    assert torch.equal(add_lora(model)(images), before)
    stir(model)
    assert (model(images) - before).abs().max() > 0.1


def test_merged_the_network_has_its_old_shape_and_the_corrected_logits():
    model, images = network()
    names, before = list(model.state_dict()), model(images)
    stir(add_lora(model, rank=3, alpha=6.0))
    corrected = model(images)
    assert list(merge_lora(model).state_dict()) == names
    assert torch.allclose(model(images), corrected, atol=1e-4 * corrected.abs().max().item())
    assert not torch.allclose(model(images), before, atol=0.1)


@pytest.mark.parametrize("layer", [nn.Linear(3, 2), nn.Conv2d(3, 2, 3)])
def test_a_wrapped_layer_is_frozen_by_itself(layer):
    assert {name for name, each in LoRA(layer).named_parameters() if each.requires_grad} == {"down", "up"}


def test_only_the_corrections_learn():
    model, images = network()
    add_lora(model)
    stir(model)
    model(images).square().sum().backward()
    learned = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learned == {name for name, _ in model.named_parameters() if name.endswith((".down", ".up"))}
    assert len(learned) == 2 * sum(isinstance(m, nn.Conv2d | nn.Linear) for m in model.modules())


def test_the_layer_and_the_function_of_the_exercise_agree():
    torch.manual_seed(0)
    layer = nn.Linear(6, 5)
    wrapped = LoRA(layer, rank=2, alpha=3.0)
    nn.init.normal_(wrapped.up)
    inputs = torch.randn(4, 6)
    expected = lora_linear(inputs, layer.weight, layer.bias, wrapped.down, wrapped.up, 3.0)
    assert torch.allclose(wrapped(inputs), expected, atol=1e-6)
    full = F.linear(inputs, layer.weight + 1.5 * wrapped.up @ wrapped.down, layer.bias)
    assert torch.allclose(expected, full, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: LoRA(nn.Linear(2, 2), rank=0), ValueError, "rank is 0, but must be at least 1"),
        (lambda: LoRA(nn.ReLU()), TypeError, "not a ReLU"),
        (lambda: LoRA(nn.Conv2d(4, 4, 3, groups=2)), ValueError, "has 2 groups"),
    ],
)
def test_what_it_cannot_wrap_is_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()
