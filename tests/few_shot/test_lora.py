"""A correction that starts at zero, learns alone, and can be put into the weights."""

from copy import deepcopy

import pytest
import torch
from timm.layers import Conv2dSame
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


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False),
        nn.Conv2d(3, 4, 3, padding="same", padding_mode="circular"),
        Conv2dSame(3, 4, 3, stride=2),  # TensorFlow's padding, which depends on the size of the input
    ],
)
@pytest.mark.parametrize("side", [7, 8])
def test_a_convolution_keeps_its_own_stride_and_padding(layer, side):
    images = torch.rand(2, 3, side, side)
    wrapped = LoRA(layer, rank=2)
    assert torch.equal(wrapped(images), layer(images))
    nn.init.normal_(wrapped.up)
    corrected = wrapped(images)
    assert torch.allclose(wrapped.merged()(images), corrected, atol=1e-5)


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
        (
            lambda: add_lora(nn.Sequential(nn.Linear(2, 2)), rank=2.5),
            ValueError,
            "rank is 2.5, but must be a whole number",
        ),
        (
            lambda: add_lora(nn.Sequential(nn.Linear(2, 2)), alpha="4"),
            ValueError,
            "alpha is '4', but must be a finite",
        ),
        (lambda: add_lora(nn.Linear), ValueError, "The model is the class Linear"),
        (lambda: merge_lora(None), ValueError, "The model is a NoneType"),
        (lambda: add_lora(nn.Sequential(nn.LazyLinear(2))), ValueError, "layers without a size yet"),
        (lambda: LoRA(nn.LazyLinear(2)), ValueError, "computed or not built yet"),
        (lambda: LoRA(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))), ValueError, "computed or not built"),
        (
            lambda: add_lora(nn.Sequential(nn.LayerNorm(2))),
            ValueError,
            "has no linear layer and no ungrouped convolution",
        ),
        (
            lambda: add_lora(add_lora(nn.Sequential(nn.Linear(2, 2))), rank=2),
            ValueError,
            "of rank 4 and alpha 4 already",
        ),
        (lambda: LoRA(nn.ReLU()), TypeError, "not a ReLU"),
        (lambda: LoRA(nn.Conv2d(4, 4, 3, groups=2)), ValueError, "has 2 groups"),
    ],
)
def test_what_it_cannot_wrap_is_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


class Tied(nn.Module):
    """Uses one layer twice, another layer with the same weights, and an embedding that shares those of a third."""

    def __init__(self):
        super().__init__()
        self.one = self.two = nn.Linear(6, 6)
        self.three = nn.Linear(6, 6)
        self.three.weight = self.one.weight
        self.words = nn.Embedding(6, 6)
        self.out = nn.Linear(6, 6)
        self.out.weight = self.words.weight

    def forward(self, inputs):
        return self.out(self.three(self.two(self.one(inputs + self.words.weight[0]))))


def torchvisions_vit():
    from torchvision.models import VisionTransformer

    return VisionTransformer(16, 8, 1, 2, 16, 16, num_classes=4)


MODELS = {
    "linear": (lambda: nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2)), (3, 6)),
    "a single layer": (lambda: nn.Linear(6, 2), (3, 6)),
    "reflect": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")), (2, 3, 6, 6)),
    "circular": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1, padding_mode="circular")), (2, 3, 6, 6)),
    "same": (lambda: nn.Sequential(nn.Conv2d(3, 4, 4, padding="same", dilation=2)), (2, 3, 9, 9)),
    "grouped and transposed": (
        lambda: nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.ConvTranspose2d(4, 3, 2), nn.Conv2d(3, 3, 1)),
        (2, 4, 6, 6),
    ),
    "tied": (Tied, (3, 6)),
    "torchvision's ViT": (torchvisions_vit, (2, 3, 16, 16)),
    "nn.TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(8, 2, 8, 0.0, batch_first=True), (2, 5, 8)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_it_changes_nothing_then_learns_then_merges_to_the_same_outputs(name, dtype):
    torch.manual_seed(0)
    make, shape = MODELS[name]
    model, inputs = make().eval().to(dtype), torch.rand(shape).to(dtype)
    names, before = list(model.state_dict()), model(inputs)
    model = add_lora(model, rank=2)
    close = dict(atol={torch.bfloat16: 0.1}.get(dtype, 1e-4), rtol=0.02 if dtype == torch.bfloat16 else 1e-4)
    assert torch.allclose(model(inputs), before, **close)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    again = add_lora(model, rank=2)
    assert again is model
    assert [parameter for parameter in model.parameters() if parameter.requires_grad] == learning
    for parameter in learning:
        nn.init.normal_(parameter, std=0.3)
    corrected = model(inputs)
    assert not torch.equal(corrected, before)
    corrected.float().sum().backward()
    # An adapter's part that gets no gradient would be one of a layer that nobody calls.
    assert all(parameter.grad is not None for parameter in learning)
    copied = deepcopy(model)
    copied.load_state_dict(model.state_dict())
    assert torch.equal(copied(inputs), corrected)
    with torch.no_grad():  # where PyTorch's fast paths read the weights themselves
        assert torch.allclose(model(inputs), corrected, **close)
    merged = merge_lora(merge_lora(model))
    assert list(merged.state_dict()) == names
    assert torch.allclose(merged(inputs), corrected, **close)


def test_a_layer_is_not_corrected_twice_by_merging_twice():
    layer = LoRA(nn.Linear(4, 4))
    nn.init.normal_(layer.up)
    once = layer.merged().weight.clone()
    assert torch.equal(layer.merged().weight, once)
    assert torch.equal(layer(torch.eye(4)), layer.layer(torch.eye(4)))


def test_a_refused_call_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for rank in (0, 1.5):
        with pytest.raises(ValueError, match="rank is"):
            add_lora(model, rank)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_its_matrices_have_the_device_and_the_type_of_the_layer():
    for options in ({"device": "meta"}, {"dtype": torch.float64}, {"dtype": torch.bfloat16}):
        layer = nn.Conv2d(3, 2, 3, **options)
        wrapped = LoRA(layer)
        assert {(p.device, p.dtype) for p in wrapped.parameters()} == {(layer.weight.device, layer.weight.dtype)}
