"""However a run ends, it ends in order: its history can be shown, its weights are finite, its checkpoint is whole."""

import os
import re
import signal
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from small import RECIPE, quarters, same_weights, tiny_vit
from torch.nn import functional as F

from course_utils.training import NotFinite, device, fit, history, last_history
from course_utils.training.task import cross_entropy

DATA = quarters(96)


def press(times=1):
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)


def pressed_in_step(number, times=1):
    """A loss during whose step somebody presses Ctrl-C."""
    steps = iter(range(1000))

    def loss(model, images, labels):
        if next(steps) == number:
            press(times)
        logits = model(images)
        return F.cross_entropy(logits, labels), logits

    return loss


@pytest.fixture
def clock(monkeypatch):
    """The clock of the stop button: it stands still, except that waiting moves it on."""
    time = SimpleNamespace(now=0.0, slept=[], during=lambda: None)

    def sleep(seconds):
        time.during()
        time.slept.append(seconds)
        time.now += seconds

    monkeypatch.setattr(device, "GRACE", 0.6)
    monkeypatch.setattr(device, "time", SimpleNamespace(monotonic=lambda: time.now, sleep=sleep))
    return time


@pytest.mark.parametrize("presses", [2, 4])
def test_several_presses_at_once_stop_as_one_does(presses, tmp_path, clock, capsys):
    model, one = tiny_vit(), tiny_vit()
    ended = fit(model, DATA, None, RECIPE, loss=pressed_in_step(2, presses), folder=tmp_path, on_interrupt="return")
    fit(one, DATA, None, RECIPE, loss=pressed_in_step(2), on_interrupt="return", quiet=True)
    assert ended.interrupted
    assert same_weights(model, one), "the step was not completed"
    assert list(tmp_path.glob("epoch-0000-step-000003"))
    assert f"It was stopped {presses} times; once is enough." in capsys.readouterr().out


def test_a_press_that_comes_late_does_not_hit_the_next_line_of_the_cell(clock):
    clock.during = lambda: press(2)
    assert fit(tiny_vit(), DATA, None, RECIPE, loss=pressed_in_step(1), quiet=True, on_interrupt="return").interrupted
    assert sum(clock.slept) == pytest.approx(0.6)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_while_the_checkpoint_is_saved_nothing_interrupts(clock, tmp_path, monkeypatch):
    saved = []

    def save(folder, state):
        clock.now += 100
        press(2)
        saved.append(state)

    monkeypatch.setattr("course_utils.training.checkpoint.RunFolder.save", save)
    options = dict(folder=tmp_path, quiet=True, on_interrupt="return")
    assert fit(tiny_vit(), DATA, None, RECIPE, loss=pressed_in_step(2), **options).interrupted
    assert len(saved) == 1


def test_a_step_that_does_not_end_is_interrupted_by_a_later_press(clock):
    reached = []

    def loss(model, images, labels):
        press()
        clock.now += 10
        press()
        reached.append("the end of the step")

    assert fit(tiny_vit(), DATA, None, RECIPE, loss=loss, quiet=True, on_interrupt="return").interrupted
    assert not reached


def test_without_a_stop_nothing_waits(clock):
    fit(tiny_vit(), DATA, None, RECIPE, quiet=True)
    assert not clock.slept


def test_in_another_thread_the_signal_is_left_alone():
    threads = [threading.Thread(target=lambda: fit(tiny_vit(), DATA, None, RECIPE, quiet=True))]
    for thread in threads:
        thread.start()
        thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("validated", [False, True])
def test_a_gradient_that_is_not_a_number_in_the_last_step_is_no_success(clip, validated, tmp_path):
    model, start = tiny_vit(), tiny_vit()
    steps = iter(range(1, 100))
    model.head.weight.register_hook(lambda gradient: gradient * (float("nan") if next(steps) == 6 else 1))
    validation = quarters(32, seed=1) if validated else None
    with pytest.raises(NotFinite, match=r"weights are no longer finite at step 6 of 6"):
        fit(model, DATA, validation, replace(RECIPE, clip=clip), folder=tmp_path, quiet=True)
    assert all(weight.isfinite().all() for weight in model.state_dict().values())
    assert same_weights(model, start) is not validated
    (kept,) = tmp_path.glob("epoch-*")
    assert kept.name.startswith("epoch-0001"), "weights that are not finite were saved"


def test_a_stop_right_after_such_a_gradient_saves_nothing(tmp_path):
    model = tiny_vit()
    model.head.weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(NotFinite, match="weights are no longer finite at step 1"):
        fit(model, DATA, None, RECIPE, loss=pressed_in_step(0), folder=tmp_path, quiet=True)
    assert not list(tmp_path.glob("epoch-*"))


def test_the_last_history_can_be_shown_again_however_the_run_ended(monkeypatch):
    monkeypatch.setattr(history, "_last", [])
    with pytest.raises(LookupError, match="Nothing was trained"):
        last_history()
    assert fit(tiny_vit(), DATA, DATA, RECIPE, quiet=True) is last_history()
    assert re.fullmatch(r"2 epochs in \d+ s of training", str(last_history()))
    assert last_history()._repr_html_().count("<tr>") == 3
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_vit(), DATA, None, RECIPE, loss=pressed_in_step(4), quiet=True)
    assert re.fullmatch(r"stopped in epoch 2, after \d+ s of training", str(last_history()))
    with pytest.raises(NotFinite):
        fit(tiny_vit(), DATA, None, RECIPE, loss=lambda m, x, y: (m(x).sum() * torch.nan, m(x)), quiet=True)
    assert str(last_history()).startswith("stopped in epoch 1")
    four = iter([cross_entropy(0.0)] * 4)
    with pytest.raises(StopIteration):
        fit(tiny_vit(), DATA, DATA, RECIPE, loss=lambda *batch: next(four)(*batch), quiet=True)
    assert str(last_history()).startswith("stopped in epoch 2")
    assert last_history()._repr_html_().count("<tr>") == 2
