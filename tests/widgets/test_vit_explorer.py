"""What ViTExplorer sends to the page: the weights of the model, its configuration, and what an erased patch becomes."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from samples import HEADLESS, VIT, build, random
from torch import nn

from course_utils.attention import attention_recorded, silenced
from course_utils.few_shot import add_lora
from course_utils.front_end import FOLDER
from course_utils.models import DistilledViT, DistilledViTConfig, RegisterViT, RegisterViTConfig, ViT
from course_utils.models import build as build_model
from course_utils.widgets import ViTExplorer
from course_utils.widgets.vit_kernel import answer
from course_utils.widgets.vit_weights import configuration, packed

SMALL = {
    "image_size": 8,
    "patch_size": 4,
    "channels": 1,
    "dim": 8,
    "layers": 1,
    "heads": 2,
    "mlp_dim": 8,
    "classes": 3,
}


def unpacked(form: str, layout: list, weights: bytes) -> dict[str, np.ndarray]:
    numbers = np.frombuffer(weights, {"float16": "<f2", "float32": "<f4"}[form])
    ends = np.cumsum([count for _, count in layout])
    return dict(zip([name for name, _ in layout], np.split(numbers, ends[:-1]), strict=True))


@pytest.mark.parametrize(
    "model", [VIT, build_model(RegisterViTConfig(**SMALL), 0), build_model(DistilledViTConfig(**SMALL), 0)]
)
def test_every_weight_is_sent_once_under_pytorchs_name(model):
    sent = unpacked(*packed(model))
    special = sent.pop("special_tokens")
    assert np.array_equal(special, model.special_tokens.detach().half().flatten())
    single = {"class_token", "registers", "distillation_token"}
    assert set(sent) == set(model.state_dict()) - single
    for name, numbers in sent.items():
        assert np.array_equal(numbers, model.state_dict()[name].half().flatten()), name


def test_weights_that_half_floats_cannot_hold_are_sent_as_floats():
    model = build_model(VIT.config, seed=0)
    with torch.no_grad():
        model.head.bias[0] = 1e5
    form, layout, weights = packed(model)
    assert form == "float32"
    assert unpacked(form, layout, weights)["head.bias"][0] == 1e5


def test_the_page_learns_what_kind_of_model_it_is():
    for kind, config, special, fused in (
        (ViT, VIT.config, 1, False),
        (DistilledViT, DistilledViTConfig(**SMALL), 2, True),
        (RegisterViT, RegisterViTConfig(**SMALL, registers=3), 4, False),
    ):
        told = configuration(kind(config))
        assert (told["special"], told["fused"], told["dim"]) == (special, fused, 8)


def test_an_erased_patch_gets_the_colour_of_the_borders_which_is_grey_for_a_model_of_one_channel():
    red = torch.tensor([1.0, 0, 0])[:, None, None].expand(1, 3, 8, 8)
    for channels, blank in ((3, [1, 0, 0]), (1, [0.299])):
        model = build_model(replace(VIT.config, channels=channels), seed=0)
        for in_kernel in (None, True):
            widget = ViTExplorer(model, red, ["a", "b", "c"], in_kernel=in_kernel)
            assert widget.config["blank"] == pytest.approx(blank)


def test_weights_with_nan_are_refused_and_compiled_models_and_other_devices_types_and_modes_are_taken():
    expected = build("ViTExplorer").weights
    assert build("ViTExplorer", model=SimpleNamespace(_orig_mod=VIT)).weights == expected  # as torch.compile returns
    assert build("ViTExplorer", model=build_model(VIT.config, seed=0).double().train()).weights == expected
    wrong = build_model(VIT.config, seed=0)
    nn.init.constant_(wrong.head.bias, torch.nan)
    with pytest.raises(ValueError, match=r"The parameter head\.bias has 3 values that are NaN"):
        build("ViTExplorer", model=wrong)


def test_showing_a_model_draws_no_random_numbers_and_leaves_it_in_its_mode():
    model = build_model(VIT.config, seed=0).train()
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    ViTExplorer(model, random(1, 1, 8, 8), ["a", "b", "c"])
    assert torch.equal(torch.rand(1), expected)
    assert model.training


def replies(widget: ViTExplorer, *requests: dict) -> list[tuple[dict, list[bytes]]]:
    """What the kernel sends to a page that asks for these."""
    sent: list = []
    widget.send = lambda content, buffers: sent.append((content, buffers))
    image = np.full(widget.config["channels"] * 64, 0.5, "<f4").tobytes()
    for number, request in enumerate(requests):
        widget._handle_custom_msg(
            {"id": str(number), "model": 0, "changes": {}, "whole": True, **request}, [memoryview(image)]
        )
    return sent


def test_a_model_that_the_page_cannot_compute_runs_in_the_kernel_which_gets_only_positions():
    small = build("ViTExplorer")
    assert not small.in_kernel
    large = ViTExplorer(ViT(ViT.published["vit_s_16"]), random(1, 3, 224, 224), [str(name) for name in range(1000)])
    assert large.in_kernel
    assert [name for name, _ in large.layout_of_weights] == ["positions"]
    for arguments in (
        {"in_kernel": True},
        {"prepare": lambda images: 2 * images},
        {"model": HEADLESS, "classes": []},
    ):
        assert build("ViTExplorer", **arguments).in_kernel


def test_the_kernel_answers_each_page_or_says_why_it_cannot():
    widget = build("ViTExplorer", in_kernel=True, prepare=lambda images: 1 - images)
    (content, buffers), (_, short), wrong = replies(
        widget, {"changes": {"temperature": 3}}, {"whole": False}, {"changes": {"silenced": ["7.0"]}}
    )
    assert content["id"] == "0"
    assert dict(content["layout"]) == {
        **{"logits": [3], "attention": [2, 2, 5, 5], "lens": [3, 3]},
        **{"changed": [4, 5], "embedded": [5, 8], "final": [5, 8]},
    }
    assert [len(each) for each in buffers] == [12, 200, 36, 80, 160, 160]
    expected = answer(VIT, torch.full((1, 8, 8), 0.5), {"temperature": 3}, [0.5], lambda images: 1 - images)
    assert np.allclose(np.frombuffer(buffers[0], "<f4"), expected["logits"])
    with torch.no_grad():
        assert np.allclose(np.frombuffer(short[0], "<f4"), VIT(torch.full((1, 1, 8, 8), 0.5)).numpy(), atol=1e-6)
    assert [len(each) for each in short] == [12, 32]  # logits, class token
    assert wrong == ({"id": "2", "error": wrong[0]["error"]}, [])
    assert wrong[0]["error"].startswith("heads names layer 7")


def test_models_built_alike_are_sent_and_others_answer_from_the_kernel():
    other = build_model(VIT.config, seed=1)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    widget = build("ViTExplorer", model={"one": VIT, "linear": linear, "two": other})
    assert (widget.model_names, widget.same, widget.in_kernel) == (["one", "two", "linear"], 2, False)
    assert widget.weights == build("ViTExplorer").weights + build("ViTExplorer", model=other).weights
    ((content, buffers),) = replies(widget, {"model": 2, "whole": False})
    assert content["layout"] == [["logits", [3]]]
    with torch.no_grad():
        assert np.allclose(np.frombuffer(buffers[0], "<f4"), linear(torch.full((1, 1, 8, 8), 0.5))[0])


class Unsteady(nn.Sequential):
    """Logits, until an error is set."""

    error: Exception | None = None

    def forward(self, images):
        if self.error:
            raise self.error
        return super().forward(images)


@pytest.mark.parametrize(
    "error", [KeyError("layer"), IndexError(), AttributeError("no head\nat all"), StopIteration()]
)
def test_whatever_a_model_raises_the_page_gets_an_answer_with_the_reason(error):
    other = Unsteady(nn.Flatten(), nn.Linear(64, 3))
    widget = build("ViTExplorer", model={"one": VIT, "other": other})
    other.error = error
    ((content, buffers),) = replies(widget, {"model": 1, "whole": False})
    reason = type(error).__name__ + ": " + (str(error).partition("\n")[0] or type(error).__name__)
    assert f"The model other makes no tensor of images of shape (1, 1, 8, 8) ({reason}), but must" in content["error"]
    assert (content["id"], buffers) == ("0", [])
    calls = iter([None])
    widget = build("ViTExplorer", prepare=lambda images: images + len(str(next(calls))))  # once
    ((content, _),) = replies(widget, {})
    assert content["error"] == "The model does not answer (StopIteration: StopIteration)."


def test_a_model_that_was_changed_under_the_widget_says_so():
    for change in (
        lambda model: setattr(model, "head", nn.Identity()),
        lambda model: model.blocks.__delitem__(1),
        lambda model: nn.init.ones_(model.positions),  # of which the page has what they were
    ):
        model = build_model(VIT.config, seed=0)
        widget = build("ViTExplorer", model=model, in_kernel=True)
        change(model)
        ((content, _),) = replies(widget, {})
        assert content["error"].startswith("The model was changed after this widget was made: run")


def test_prepare_may_return_another_precision_and_leaves_the_picture_as_it_is():
    pixels = build("ViTExplorer").pixels
    for prepare in (torch.Tensor.half, torch.Tensor.double, lambda images: images.mul_(0.5)):
        widget = build(
            "ViTExplorer", model={"one": VIT, "linear": Unsteady(nn.Flatten(), nn.Linear(64, 3))}, prepare=prepare
        )
        assert widget.pixels == pixels
        for content, _ in replies(widget, {}, {"model": 1}):
            assert "error" not in content


def altered(change: Callable[[ViT], Any], seed: int = 0) -> ViT:
    model = build_model(VIT.config, seed=seed).eval()
    change(model)
    return model


def other_activation(model: ViT) -> None:
    model.blocks[0].mlp[1] = nn.ReLU()


def other_epsilon(model: ViT) -> None:
    model.norm.eps = 0.1


def zeros(*_: Any) -> torch.Tensor:
    return torch.zeros(1, 5, 8)


def drops_while_training(model: ViT) -> None:
    other_activation(model)
    model.blocks[0].mlp.append(nn.Dropout(0.9))
    model.train()


IN_PARTS = [
    other_activation,
    other_epsilon,
    lambda model: add_lora(model),
    lambda model: model.blocks[0].mlp.register_forward_hook(zeros),
]
AS_A_WHOLE = [
    lambda model: model.blocks[0].register_forward_hook(zeros),
    lambda model: model.register_forward_pre_hook(lambda _, images: (images[0] / 2,)),
    lambda model: setattr(model, "forward", lambda images: images[:, 0, 0, :3]),
    lambda model: setattr(model.blocks[0].attention, "heads", 1),
    lambda model: model.blocks.__delitem__(1),
]


@pytest.mark.parametrize("change", IN_PARTS)
def test_a_model_with_other_layers_is_computed_by_the_kernel_as_it_is(change):
    model = altered(change)
    widget = build("ViTExplorer", model=model)
    assert widget.in_kernel
    ((_, buffers),) = replies(widget, {})
    with torch.no_grad():
        expected = model(torch.full((1, 1, 8, 8), 0.5))[0]
    assert np.allclose(np.frombuffer(buffers[0], "<f4"), expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"in_kernel is False, but .* unchanged layers"):
        build("ViTExplorer", model=model, in_kernel=False)


@pytest.mark.parametrize("change", AS_A_WHOLE)
def test_a_model_that_is_not_the_sum_of_its_layers_is_refused(change):
    with pytest.raises(ValueError, match=r"computes something else than its configuration .*: undo the hook"):
        build("ViTExplorer", model=altered(change))


@pytest.mark.parametrize("change", [*IN_PARTS, *AS_A_WHOLE, drops_while_training])
def test_a_changed_model_answers_beside_an_unchanged_one_but_is_not_looked_into(change):
    model = altered(change)
    widget = build("ViTExplorer", model={"one": VIT, "changed": model})
    assert (widget.same, widget.in_kernel) == (1, False)
    ((_, buffers),) = replies(widget, {"model": 1, "whole": False})
    assert model.training == (change is drops_while_training)
    with torch.no_grad():
        expected = model.eval()(torch.full((1, 1, 8, 8), 0.5))[0]
    assert np.allclose(np.frombuffer(buffers[0], "<f4"), expected, atol=1e-6)


def test_what_changes_nothing_keeps_a_model_in_the_page():
    looking = altered(lambda model: model.blocks[0].register_forward_hook(lambda *_: None))
    dropping = build_model(replace(VIT.config, dropout=0.3, stochastic_depth=0.2), seed=0)
    for each in (looking, dropping, altered(nn.Module.half), altered(nn.Module.bfloat16), altered(nn.Module.train)):
        with silenced(each, [(0, 0)]), attention_recorded(each) as maps:  # which the widget does not take part in
            assert not build("ViTExplorer", model=each).in_kernel
        assert not maps


def test_grey_images_are_shown_to_a_model_of_colours():
    model = build_model(VIT.config.__class__(8, 4, dim=8, layers=1, heads=2, mlp_dim=8, classes=3), seed=0)
    widget = ViTExplorer(model, random(2, 1, 8, 8), ["a", "b", "c"], start=(1, 0))
    assert len(widget.config["blank"]) == 3
    assert widget.start == 1 + 2
    assert widget.names == ["image 0", "image 1"]


def test_every_step_of_the_walk_has_a_reveal_for_each_option_and_names_parts_of_the_page():
    steps = json.loads((FOLDER / "vit_walk.json").read_text(encoding="utf-8"))
    parts = {"picture", "token", "layers", "answer", "changes", "explanation"}
    assert 7 <= len(steps) <= 9
    for step in steps:
        assert len(step["options"]) == len(step["reveal"])
        assert set(step["shows"] + step["covers"]) <= parts
        assert not set(step["shows"]) & set(step["covers"])
