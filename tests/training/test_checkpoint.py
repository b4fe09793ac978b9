import errno
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from packaging.version import Version
from safetensors import SafetensorError
from small import RECIPE, quarters, same_weights, tiny_vit
from torch.nn import functional as F

from course_utils.training import fit, load_weights
from course_utils.training.checkpoint import Checkpoint, Position, RunFolder

HERE = Path(__file__).parent

# Imports once, then trains in a process of its own for each line it reads, so that a kill costs no new import.
# Augmentation, dropout, averaged weights, two optimisers and a batch that does not divide the data: whatever could
# differ after a resume.
SCRIPT = """
import os, sys
from dataclasses import replace
import torch, torch._dynamo, accelerate
torch.set_num_threads(1)
from small import RECIPE, quarters, tiny_vit
from course_utils.training import fit, save_weights

def noise(images, generator):
    return images + 0.1 * torch.randn(images.shape, generator=generator)

recipe = replace(RECIPE, epochs=12, batch_size=24, augment=noise, ema=0.9, optimiser="muon")
for line in sys.stdin:
    folder = line.strip()
    child = os.fork()
    if child == 0:
        model = tiny_vit(dropout=0.2)
        data = quarters(350), quarters(50, seed=1)
        history = fit(model, *data, recipe, folder=folder, checkpoint_seconds=0.0, quiet=True)
        save_weights(model, folder + ".safetensors")
        history.to_csv(folder + ".csv")
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def trainer():
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent.parent}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 and fork are of Unix")
def test_killed_several_times_the_run_ends_with_the_bits_of_an_undisturbed_one(trainer, tmp_path):
    def begin(folder):
        trainer.stdin.write(f"{folder}\n")
        trainer.stdin.flush()
        return int(trainer.stdout.readline())

    def ended():
        return int(trainer.stdout.readline())

    begin(tmp_path / "whole")
    assert ended() == 0
    reached = []
    for attempt in range(5):
        before = checkpoints(tmp_path / "killed")
        process = begin(tmp_path / "killed")
        while checkpoints(tmp_path / "killed") == before:
            time.sleep(0.002)
        time.sleep(0.007 * attempt)  # somewhere in a step, in a checkpoint, or between
        os.kill(process, signal.SIGKILL)
        assert os.WTERMSIG(ended()) == signal.SIGKILL, "the run ended before it could be killed"
        reached.append(max(checkpoints(tmp_path / "killed")))
    assert reached == sorted(set(reached)), "each run must go on from where the one before was killed"
    begin(tmp_path / "killed")
    assert ended() == 0

    whole, killed = tiny_vit(), tiny_vit()
    load_weights(whole, tmp_path / "whole.safetensors")
    load_weights(killed, tmp_path / "killed.safetensors")
    assert same_weights(whole, killed)
    assert losses(tmp_path / "whole.csv") == losses(tmp_path / "killed.csv")
    assert not list((tmp_path / "killed").glob(".writing*"))


def checkpoints(folder):
    return {path.name for path in folder.glob("epoch-*")}


def losses(path):
    return [line.split(",")[:5] for line in path.read_text().splitlines()]


def run(folder, model, stop_at=None, quiet=True, recipe=RECIPE):
    before = [False] * (stop_at or 0)
    stops = itertools.chain(before, [stop_at is not None], itertools.repeat(False))

    def loss(model, images, labels):
        if next(stops):
            raise KeyboardInterrupt
        logits = model(images)
        return F.cross_entropy(logits, labels), logits

    return fit(
        *(model, quarters(320), quarters(50), recipe),
        **{"folder": folder, "loss": loss, "checkpoint_seconds": 0, "quiet": quiet, "on_interrupt": "return"},
    )


@pytest.mark.skipif(Version(torch.__version__) < Version("2.14"), reason="bf16 on the CPU, seen to differ with 2.11")
def test_in_bf16_too_a_continued_run_ends_with_the_bits_of_an_undisturbed_one(tmp_path):
    recipe, whole, continued = replace(RECIPE, precision="bf16", ema=0.9), tiny_vit(), tiny_vit()
    run(tmp_path / "whole", whole, recipe=recipe)
    assert run(tmp_path / "run", tiny_vit(), stop_at=14, recipe=recipe).interrupted
    run(tmp_path / "run", continued, recipe=recipe)
    assert same_weights(whole, continued)


def test_a_damaged_checkpoint_is_named_kept_aside_and_the_one_before_used(tmp_path):
    undisturbed = tiny_vit()
    run(tmp_path / "whole", undisturbed)
    run(tmp_path / "run", tiny_vit(), stop_at=14)
    last = max((tmp_path / "run").glob("epoch-*"))
    weights = last / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-40] + bytes(40))
    model = tiny_vit()
    with pytest.warns(
        UserWarning, match=rf"{last.name} is damaged \(model.safetensors has changed since it was written\)"
    ):
        history = run(tmp_path / "run", model)
    assert (tmp_path / "run" / f"{last.name}.damaged").is_dir()
    assert not history.interrupted
    assert same_weights(model, undisturbed)


@pytest.mark.parametrize(
    ("was", "now"),
    [('"step": ', '"step": 1'), ("checksum", "chucksum"), (r', "checksum": "\w+"', ""), (r"\{", "["), ("sha", "\0")],
)
def test_a_changed_position_is_noticed_like_changed_weights(tmp_path, was, now):
    run(tmp_path, tiny_vit(), stop_at=14)
    last = max(tmp_path.glob("epoch-*"))
    text = (last / "position.json").read_text()
    (last / "position.json").write_text(re.sub(was, now, text, count=1))
    with pytest.warns(UserWarning, match=f"{last.name} is damaged .*the one before is used"):
        run(tmp_path, tiny_vit(), stop_at=0)


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def full_safetensors(*_, **__):
    raise SafetensorError("Error while serializing: No space left on device (os error 28)")


def full_torch(*_, **__):
    raise RuntimeError("PytorchStreamWriter failed writing file data/1: file write failed")


@pytest.mark.parametrize(
    ("writer", "full"),
    [
        ("course_utils.training.checkpoint.save_file", full_safetensors),
        ("torch.save", full_torch),
        ("os.replace", full_disk),
    ],
)
def test_a_full_disk_costs_the_checkpoints_and_not_the_training(tmp_path, monkeypatch, writer, full):
    undisturbed, model = tiny_vit(), tiny_vit()
    run(tmp_path / "whole", undisturbed)
    run(tmp_path / "full", tiny_vit(), stop_at=3)
    (kept,) = (path.name for path in (tmp_path / "full").glob("epoch-*-000003"))
    monkeypatch.setattr(writer, full)
    with pytest.warns(
        UserWarning, match=r"could not be written to .*full \(.*\), so the training goes on without it"
    ):
        history = run(tmp_path / "full", model)
    assert not history.interrupted
    assert same_weights(model, undisturbed)
    left = sorted(path.name for path in (tmp_path / "full").iterdir())
    assert kept in left
    assert not [name for name in left if name.startswith(".")]


def test_a_folder_in_which_nothing_can_be_written_is_refused_before_the_first_step(tmp_path, monkeypatch):
    data = quarters(100), None
    (tmp_path / "file").write_text("")
    for folder, words in (
        (tmp_path / "file", "it is a file"),
        (tmp_path / "file" / "below", "Not a directory"),
        (tmp_path / ("n" * 300), "File name too long"),
    ):
        with pytest.raises(ValueError, match=f"Nothing can be written to .*{words}.*: choose another folder"):
            fit(tiny_vit(), *data, RECIPE, folder=folder, quiet=True)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(total=1, free=0))
    with pytest.raises(OSError, match="has 0 MiB of free space, but 1 MiB are needed"):
        fit(tiny_vit(), *data, RECIPE, folder=tmp_path / "new", quiet=True)


def test_a_folder_is_trained_in_by_one_process_at_a_time(tmp_path):
    def loss(model, images, labels):
        with pytest.raises(ValueError, match=f"{tmp_path} is being trained in by process {os.getpid()}: wait until"):
            fit(tiny_vit(), quarters(100), None, RECIPE, folder=tmp_path, quiet=True)
        raise KeyboardInterrupt

    ended = []  # a notebook keeps the last error, and with it everything that was alive in fit
    for _ in range(2):  # the first one frees the folder, whatever ended it
        with pytest.raises(KeyboardInterrupt) as stopped:
            fit(tiny_vit(), quarters(100), None, RECIPE, loss=loss, folder=tmp_path, quiet=True)
        ended.append(stopped)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json"]


def with_frozen(part):
    model = tiny_vit()
    model.get_submodule(part).requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("sentence", "change"),
    [
        ("learning_rate 0.005, but this one has 0.001", {"recipe": replace(RECIPE, learning_rate=1e-3)}),
        ("epochs 2, but this one has 3", {"recipe": replace(RECIPE, epochs=3)}),
        ("model dropout 0.0, but this one has 0.5", {"model": tiny_vit(dropout=0.5)}),
        ("data SHA-256", {"train": quarters(100, seed=9)}),
        ("trained parameters", {"model": with_frozen("norm")}),
    ],
)
def test_a_folder_of_another_run_is_refused_and_the_difference_named(tmp_path, sentence, change):
    fit(tiny_vit(), quarters(100), None, RECIPE, folder=tmp_path, quiet=True)
    call = {"model": tiny_vit(), "train": quarters(100), "validation": None, "recipe": RECIPE, **change}
    with pytest.raises(ValueError, match=sentence):
        fit(**call, folder=tmp_path, quiet=True)


def test_a_checkpoint_of_an_unknown_run_is_not_continued(tmp_path):
    fit(tiny_vit(), quarters(100), None, RECIPE, folder=tmp_path, quiet=True)
    (tmp_path / "run.json").unlink()
    with pytest.raises(ValueError, match=r"holds checkpoints, but no run.json, .*: choose another folder, or delete"):
        fit(tiny_vit(), quarters(100), None, replace(RECIPE, learning_rate=1e-4), folder=tmp_path, quiet=True)


def test_checkpoints_are_told_from_other_files_and_kept_in_the_order_of_their_numbers(tmp_path):
    others = ("epoch-0001-loss.png", "epoch-9999.txt", "epoch-plots")
    (tmp_path / "epoch-plots").mkdir()
    for name in others[:2]:
        (tmp_path / name).write_text("somebody's")
    with RunFolder(tmp_path, {}) as folder:
        for epoch in (9998, 9999, 10_000, 10_001):
            folder.save(Checkpoint(Position(epoch), {"weight": torch.zeros(1)}, {}, None))
        assert folder.load().position.epoch == 10_001
    assert {path.name for path in tmp_path.iterdir()} == {
        *(*others, "run.json", "epoch-10000-step-000000", "epoch-10001-step-000000")
    }


def test_a_run_stopped_by_hand_is_continued_and_says_where(tmp_path, capsys):
    assert run(tmp_path, tiny_vit(), stop_at=14).interrupted
    history = run(tmp_path, tiny_vit(), quiet=False)
    assert [row.epoch for row in history.epochs] == [1, 2]
    assert "continued in epoch 2" in capsys.readouterr().out


def test_a_finished_run_is_not_trained_again(tmp_path):
    model, again = tiny_vit(), tiny_vit()
    history = run(tmp_path, model)
    repeated = run(tmp_path, again, stop_at=0)
    assert not repeated.interrupted
    assert repeated.epochs == history.epochs
    assert same_weights(model, again)
