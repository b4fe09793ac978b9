"""One loop for three tasks: whatever it promises for labels holds for pixels and for pairs."""

import os
import signal
from dataclasses import replace

import pytest
import torch
from small import RECIPE, quarters, same_weights, tiny_vit

from course_utils.models import PixelTransformer, PixelTransformerConfig
from course_utils.models.image_text import ImageText, ImageTextConfig
from course_utils.training import Examples, evaluate, fit
from course_utils.training.contrast import Hardening, Pairing, train_pairs
from course_utils.training.pretrain import PixelPrediction, pretrain


def seeded(build):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build()


def pixels():
    return seeded(
        lambda: PixelTransformer(PixelTransformerConfig(4, 1, 4, 8, 1, 1, mlp_dim=8, causal=False, dropout=0.2))
    )


def pairs():
    return seeded(lambda: ImageText(ImageTextConfig(("a", "b", "c", "d"), 1, 8, (4, 8), 8, 1, 2)))


def learn_labels(model, recipe=RECIPE, **options):
    return fit(model, quarters(96), quarters(32, seed=1), recipe, **options)


def learn_pixels(model, recipe=RECIPE, **options):
    images = quarters(96).images[:, :, ::2, ::2].contiguous()
    return pretrain(model, images, recipe, validation=images[:32], **options)


def learn_pairs(model, recipe=RECIPE, **options):
    data = quarters(96)
    captions = model.tokenise(["a", "b", "c", "d"])
    images = data.images.repeat(1, 3, 1, 1)
    return train_pairs(model, images, data.labels, captions, recipe, hardening=Hardening(0.01, 1), **options)


TASKS = {
    "labels": (lambda: tiny_vit(dropout=0.2), learn_labels),
    "pixels": (pixels, learn_pixels),
    "pairs": (pairs, learn_pairs),
}


@pytest.fixture(params=TASKS)
def task(request):
    return TASKS[request.param]


def press_ctrl_c_in_step(monkeypatch, number):
    """In the middle of that step, counted from 0, as a hand does: by a signal."""
    steps = iter(range(number + 1))
    original = torch.Tensor.backward

    def backward(tensor, *arguments, **more):
        if next(steps, None) == number:
            os.kill(os.getpid(), signal.SIGINT)
        return original(tensor, *arguments, **more)

    monkeypatch.setattr(torch.Tensor, "backward", backward)


def test_after_ctrl_c_the_same_call_ends_with_the_bits_of_an_undisturbed_run(task, tmp_path, monkeypatch, capsys):
    make, learn = task
    whole, model, again = make(), make(), make()
    undisturbed = learn(whole, folder=tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patched:
        press_ctrl_c_in_step(patched, 3)
        with pytest.raises(KeyboardInterrupt):
            learn(model, folder=tmp_path / "run")
    assert "Interrupted in epoch 2 of 2" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "run").glob("epoch-0001-step-*")][-1].endswith("000001")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    continued = learn(again, folder=tmp_path / "run")
    assert "continued in epoch 2" in capsys.readouterr().out
    assert same_weights(again, whole)
    assert [row.train_loss for row in continued.epochs] == [row.train_loss for row in undisturbed.epochs]


def test_asked_to_return_an_interrupted_run_says_so(task, monkeypatch):
    make, learn = task
    press_ctrl_c_in_step(monkeypatch, 1)
    assert learn(make(), quiet=True, on_interrupt="return").interrupted


def test_ctrl_c_during_the_last_evaluation_is_not_swallowed(monkeypatch):
    history = []

    def judge(*_):
        os.kill(os.getpid(), signal.SIGINT)
        return torch.tensor([1.0, 1.0, 1.0])

    monkeypatch.setattr("course_utils.training.task.Classification.judge", judge)
    recipe = replace(RECIPE, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        history.append(learn_labels(tiny_vit(), recipe, quiet=True))
    assert not history


def test_the_whole_gradient_is_clipped(task):
    make, learn = task
    steps = []
    for clip in (None, 1e-12):
        model = make()
        recipe = replace(RECIPE, epochs=1, batch_size=96, clip=clip, weight_decay=0.0, learning_rate=1e-3)
        learn(model, recipe, quiet=True)
        start, end = (torch.cat([p.flatten() for p in one.parameters()]) for one in (make(), model))
        steps.append((end - start).abs().max().item())
    free, clipped = steps  # AdamW divides by the size of the gradient, and by 1e-8 more
    assert free > 50 * clipped


def test_clipping_keeps_the_direction_of_the_whole_gradient():
    start, model = tiny_vit(), tiny_vit()
    recipe = replace(RECIPE, epochs=1, batch_size=96, clip=1e-12, weight_decay=0.0, learning_rate=1e-3)
    learn_labels(model, recipe, quiet=True)
    steps = [(end - begin).norm() for begin, end in zip(start.parameters(), model.parameters(), strict=True)]
    assert max(steps) > 2 * min(steps)  # clipped one by one, all would have the same norm


def test_in_bf16_it_computes_in_bf16_and_the_weights_stay_float32(task):
    make, learn = task
    model, seen = make(), set()
    linear = next(module for module in model.modules() if isinstance(module, torch.nn.Linear))
    linear.register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
    learn(model, replace(RECIPE, epochs=1, precision="bf16"), quiet=True)
    assert torch.bfloat16 in seen
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("interrupted", [False, True])
def test_every_part_comes_back_in_the_mode_in_which_it_was_given(task, interrupted, monkeypatch):
    make, learn = task
    model = make().train()
    list(model.modules())[-1].eval()  # as somebody does who freezes a norm
    modes = [module.training for module in model.modules()]
    trainable = [parameter.requires_grad for parameter in model.parameters()]
    if interrupted:
        press_ctrl_c_in_step(monkeypatch, 1)
    learn(model, quiet=True, on_interrupt="return")
    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()] == trainable


def test_looking_at_a_model_leaves_its_frozen_norms_frozen():
    model = tiny_vit().train()
    model.blocks[0].norm1.eval()
    evaluate(model, quarters(8))
    assert model.training
    assert not model.blocks[0].norm1.training


def test_averaged_weights_are_kept_for_every_task(task):
    make, learn = task
    plain, averaged = make(), make()
    learn(plain, quiet=True)
    learn(averaged, replace(RECIPE, ema=0.9), quiet=True)
    assert not same_weights(plain, averaged)


def test_validation_of_pixels_asks_for_the_same_hidden_ones_each_time():
    history = learn_pixels(pixels(), replace(RECIPE, epochs=3, learning_rate=1e-9), quiet=True)
    assert len({round(row.validation_loss, 5) for row in history.epochs}) == 1


def test_a_caption_that_is_not_there_and_an_empty_set_are_refused():
    model = pairs()
    task = Pairing(
        model.tokenise(["a", "b"]), Hardening(), know_twins=True, loss_of=lambda logits, same: logits.sum()
    )
    with pytest.raises(ValueError, match="names captions 0 to 3, but there are 2"):
        task.check(model, Examples(torch.rand(4, 3, 8, 8), torch.arange(4)), "training data")
    with pytest.raises(ValueError, match="training data is empty"):
        PixelPrediction(causal=True).check(pixels(), torch.rand(0, 1, 4, 4), "training data")


def test_a_task_and_a_loss_together_are_refused():
    with pytest.raises(ValueError, match="leave one out"):
        fit(tiny_vit(), quarters(8), None, RECIPE, loss=lambda *_: None, task=PixelPrediction(causal=True))
