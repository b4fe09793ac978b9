"""Looking changes nothing: neither modes, buffers, gradients, hooks nor global random numbers, even after an error."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock
from torchvision.models.resnet import ResNet as TorchvisionResNet

from course_utils.analysis.probes import accuracy_under_shifts
from course_utils.attention import attention_recorded
from course_utils.costs import count_flops, peak_memory
from course_utils.data.captions import CAPTIONS
from course_utils.deployment.export import export_onnx, latencies
from course_utils.experiments.nb10_attacks import answers, objective
from course_utils.experiments.nb10_captions import zero_shot
from course_utils.experiments.runs_captions import CONFIG, ranks_of
from course_utils.few_shot.episodes import fit_head, prototype_head
from course_utils.few_shot.fine_tune import Method, adapt, features_of
from course_utils.models import ImageText, NonLocalResNet, NonLocalResNetConfig, ResNet, ResNetConfig, build
from course_utils.models.convert import from_timm, from_torchvision
from course_utils.robustness.attack import attack
from course_utils.training import Examples, evaluate
from course_utils.training.contrast import Hardening, hardened
from course_utils.training.distill import distilling
from course_utils.training.inputs import check_data, check_fit

CNN = NonLocalResNetConfig("basic", (1, 1), (8, 16), 3, 1, max_pool=False, channels=3, classes=3, after=((1, 0),))
IMAGES = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(8) % 3
DATA = Examples(IMAGES, LABELS)


def recorded(model: Any) -> object:
    with attention_recorded(model):
        return model.attention["1_0"](torch.zeros(1, 16, 4, 4))


def heads(model: Any) -> object:
    features = features_of(model, IMAGES)
    return fit_head(features, LABELS, 3), prototype_head(features[:3])


def from_resnet(model: Any) -> object:
    with torch.random.fork_rng():  # new layers are drawn from the global random numbers
        return NonLocalResNet.from_resnet(model, after=())


def of_notebook_10(model: Any) -> None:
    numbers, same = torch.arange(8), torch.eye(8, dtype=torch.bool)
    words = model.tokenise(CAPTIONS)
    captions = torch.rand(len(CAPTIONS), CONFIG.dim, generator=torch.Generator().manual_seed(0))
    hardened(model, IMAGES, words[:8], same, Hardening(radius=0.1, steps=1), torch.Generator().manual_seed(0))
    attack(objective(model, captions, numbers, "weak"), IMAGES, 0.1, steps=1)
    answers(model, captions, IMAGES)
    zero_shot(model, IMAGES, "colour")
    ranks_of(model, IMAGES, numbers)


LOOKS: dict[str, Callable[[Any], object]] = {
    "attention_maps": lambda model: model.attention_maps(IMAGES),
    "attention_recorded": recorded,
    "count_flops": lambda model: count_flops(model, IMAGES),
    "peak_memory": lambda model: peak_memory(lambda: model.attention_maps(IMAGES)),
    "accuracy_under_shifts": lambda model: accuracy_under_shifts(model, IMAGES, LABELS, (0, 2)),
    "latencies": lambda model: latencies({"model": model}, IMAGES[0], rounds=1),
    "features_of": lambda model: features_of(model, IMAGES),
    "heads": heads,
    "adapt": lambda model: adapt(Method("head"), model, IMAGES, LABELS, 3),
    "evaluate": lambda model: evaluate(model, DATA),
    "check_fit": lambda model: check_fit(model, check_data(DATA, "data"), "data"),
    "distilling": lambda model: distilling(model)(build(CNN, seed=0), IMAGES, LABELS),
    "from_resnet": from_resnet,
    "of_notebook_10": of_notebook_10,
    "from_torchvision": from_torchvision,
    "from_timm": from_timm,
}
MODELS: dict[str, Callable[[], nn.Module]] = {
    "from_resnet": lambda: ResNet(ResNetConfig("basic", (1,), (8,))),
    "of_notebook_10": lambda: ImageText(CONFIG),
    "from_torchvision": lambda: TorchvisionResNet(BasicBlock, [1, 1, 1, 1], num_classes=3),
    "from_timm": lambda: timm.create_model("deit_tiny_patch16_224", img_size=32, depth=1),
}


def partly_frozen(model: nn.Module) -> nn.Module:
    """In training, but for its first norm, whose scale does not learn; one parameter has a gradient, another a hook."""
    norm = next(part for part in model.train().modules() if isinstance(part, nn.BatchNorm2d | nn.LayerNorm))
    norm.eval().requires_grad_(False)
    *_, scale, bias = model.parameters()
    scale.grad = torch.ones_like(scale)
    bias.register_hook(lambda gradient: gradient)
    return model


def state(model: nn.Module) -> dict[str, object]:
    """All that looking must leave as it was."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    numbers = {name: hash(tensor.detach().numpy().tobytes()) for name, tensor in tensors.items()}
    parts, parameters = list(model.modules()), list(model.parameters())
    return {
        "modes": [part.training for part in parts],
        "weights and buffers": numbers,
        "types and devices": [(tensor.requires_grad, tensor.device, tensor.dtype) for tensor in tensors.values()],
        "gradients": [None if parameter.grad is None else parameter.grad.tolist() for parameter in parameters],
        "attributes": [sorted(vars(part)) for part in parts],
        "hooks": [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts],
        "hooks of parameters": [len(parameter._backward_hooks or ()) for parameter in parameters],
        "global settings": (torch.get_rng_state().tolist(), torch.is_grad_enabled(), torch.get_default_dtype()),
    }


@pytest.mark.parametrize("name", LOOKS)
def test_looking_changes_nothing_even_when_it_fails_half_way(name):
    torch.manual_seed(0)
    model = partly_frozen(MODELS.get(name, lambda: NonLocalResNet(CNN))())
    before = state(model)
    LOOKS[name](model)
    assert state(model) == before

    if name == "from_resnet":  # it runs no forward pass
        return
    *_, last = (part for part in model.modules() if list(part.parameters(recurse=False)))
    last.register_forward_pre_hook(lambda *_: 1 / 0)
    before = state(model)
    with pytest.raises((ValueError, ZeroDivisionError)):
        LOOKS[name](model)
    assert state(model) == before


@pytest.mark.slow
def test_an_export_changes_nothing_even_when_it_fails_half_way(tmp_path):
    model = partly_frozen(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2)))
    before = state(model)
    export_onnx(model, torch.zeros(2, 3, 8, 8), tmp_path / "model.onnx")
    assert state(model) == before
    with pytest.raises(ValueError, match="9, 9"):
        export_onnx(model, torch.zeros(2, 3, 9, 9), tmp_path / "other.onnx")
    assert state(model) == before
