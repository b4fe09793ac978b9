"""``course bench gpu`` with the CPU as the card, in small: what it compares, when it stops, what it calls wrong."""

import contextlib
import csv
import io
import runpy
import subprocess
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from course_utils import models
from course_utils.bench import gpu
from course_utils.bench.budget import exceeded
from course_utils.bench.gpu import IN_SMALL, Measurement
from course_utils.bench.measure import Measured
from course_utils.cli import app
from course_utils.models.model import MODELS


def test_every_model_is_compared():
    compared = {MODELS[type(config)] for config in gpu.CONFIGS}
    assert {MODELS[config] for config in MODELS if MODELS[config].__name__ in models.__all__} <= compared


def test_a_card_that_computes_as_the_cpu_does_is_right_and_one_that_is_off_is_named(monkeypatch):
    monkeypatch.setattr(gpu, "CONFIGS", gpu.CONFIGS[:1])
    rows = list(gpu.parity("cpu", IN_SMALL))
    assert [row.case for row in rows] == ["ViT 1: logits", "ViT 1: loss", "ViT 1: loss after a step"]
    assert all(row.value == 0 and row.limit for row in rows)
    assert not any(row.wrong for row in rows)
    calls = []
    true = gpu.answers

    def off(config, device, images):
        calls.append(device)
        return tuple((1 + 0.02 * (len(calls) == 2)) * value for value in true(config, device, images))

    monkeypatch.setattr(gpu, "answers", off)
    sentences = list(exceeded(Measured(on_card=list(gpu.parity("cpu", IN_SMALL)))))
    assert len(sentences) == 3
    assert sentences[1].endswith(", ViT 1: loss: 0.02 relative, but the limit is 0.001.")


def test_a_step_changes_the_loss_that_is_compared():
    for config in gpu.CONFIGS:
        logits, loss, after = gpu.answers(config, "cpu", 2)
        assert loss != after
        assert logits.isfinite().all()


@pytest.mark.slow
def test_bf16_and_compiled_logits_are_compared_and_timed():
    for part, limit in ((gpu.bf16, gpu.BF16), (gpu.compiled, gpu.FLOAT32)):
        logits, speed = part("cpu", IN_SMALL)
        assert 0 <= logits.value <= limit == logits.limit
        assert speed.unit == "× as fast as eager float32"
    assert next(iter(gpu.bf16("cpu", IN_SMALL))).value > 0


def test_without_a_compiler_that_is_said(monkeypatch):
    monkeypatch.setattr(gpu, "can_compile", lambda device: False)
    (row,) = gpu.compiled("cpu", gpu.ON_A_CARD)
    assert row.note == "not measured: torch.compile finds no compiler here"


def test_every_recipe_and_every_kernel_is_timed(monkeypatch):
    monkeypatch.setattr(gpu, "RECIPES", {name: gpu.RECIPES[name] for name in ("fashion-resnet", "fashion-distilled")})
    rows = list(gpu.recipes("cpu", IN_SMALL))
    assert [row.case for row in rows] == ["fashion-resnet", "fashion-distilled"]
    speed = float(rows[0].note.split()[0].replace(",", ""))
    assert rows[0].value == pytest.approx(60 * 55_000 / speed / 60, rel=0.05)
    kernels = list(gpu.attention_kernels("cpu", IN_SMALL))
    names = {row.case.rpartition(": ")[2].removesuffix(" (ours)") for row in kernels}
    assert {"unfold", "masked", "tiled", "shifted", "depthwise convolution"} <= names
    assert {row.unit for row in kernels} == {"ms", "MiB at most"}


def test_two_processes_are_compared_with_one(monkeypatch):
    """The script runs here, in one process; that two can train at all is the business of training/test_processes."""

    def run(command, **options):
        count = int(command[-2].partition("=")[2])
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            runpy.run_path(command[-1])
        _, _, loss = said.getvalue().split()
        return subprocess.CompletedProcess(command, 0, f"NOTE\nloss {count} {float(loss) * factor[count]}\n", "")

    monkeypatch.setattr(gpu.subprocess, "run", run)
    factor = {1: 1, 2: 1}
    with gpu.training_on("cpu"):
        (row,) = gpu.processes("cpu", IN_SMALL)
        assert row.value == 0
        factor[2] = 1.01
        (row,) = gpu.processes("cpu", IN_SMALL)
        assert row.value == pytest.approx(0.01)
        assert row.value > row.limit
        monkeypatch.setattr(
            gpu.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "no")
        )
        with pytest.raises(RuntimeError, match=r"^1 processes could not train \(no\)$"):
            list(gpu.processes("cpu", IN_SMALL))


def test_a_part_that_fails_is_a_row_and_the_others_go_on_until_the_time_is_up(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(gpu, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def broken(device, size):
        yield Measurement("", "first", 1.0)
        raise RuntimeError("no kernel image\nfor this card")

    def long(device, size):
        for case in "abc":
            clock.now += 60
            yield Measurement("", case, 1.0)

    monkeypatch.setattr(gpu, "PARTS", {"one": broken, "two": long, "three": long})
    rows = list(gpu.measurements("cpu", seconds=100))
    assert [(row.part, row.case) for row in rows] == [
        ("one", "first"),
        ("one", "it failed"),
        ("two", "a"),
        ("two", "b"),
        ("two", "the rest"),
    ]
    assert list(exceeded(Measured(on_card=rows))) == ["one, it failed: no kernel image."]
    assert "the 2 minutes are over" in rows[-1].note


def test_the_command_writes_one_table_with_the_cards_name(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "PARTS", {"parity": gpu.parity})
    monkeypatch.setattr(gpu, "CONFIGS", gpu.CONFIGS[:1])
    ran = CliRunner().invoke(app, ["bench", "gpu", "--device", "cpu", "--check", "--output", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    (row, *_) = csv.DictReader((tmp_path / "gpu.csv").open(newline="", encoding="utf-8"))
    assert row["card"].startswith("cpu, ")
    assert (row["part"], row["case"], row["limit"]) == ("parity", "ViT 1: logits", "0.001")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gpu"], "There is no GPU here, neither CUDA nor MPS"),
        (["gpu", "--device", "cuda"], "device is 'cuda', but this machine has cpu"),
        (["images", "--device", "cpu"], "--device cpu is for the group gpu alone"),
    ],
)
def test_without_a_card_it_says_so_in_one_sentence(arguments, sentence, monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "devices", lambda: ["cpu"])
    ran = CliRunner().invoke(app, ["bench", *arguments, "--output", str(tmp_path)])
    assert ran.exit_code == 2
    assert sentence in ran.output
    assert not list(tmp_path.iterdir())


def test_the_default_is_the_card_that_there_is(monkeypatch):
    monkeypatch.setattr(gpu, "devices", lambda: ["cpu", "mps"])
    assert gpu.card(None) == "mps"
    assert gpu.card("cpu") == "cpu"
