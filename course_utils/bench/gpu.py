"""``course bench gpu``: one command for a machine with a GPU. Does it compute the same as the CPU, and how fast?

Eight minutes at most. ``--device cpu`` runs the same in small, on a machine without a card.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch

from course_utils.analysis.throughput import devices, time_runs
from course_utils.bench.attention import can_compile, local_races
from course_utils.bench.parity import CONFIGS, VIT, answers, difference, inputs_of, training_step
from course_utils.bench.race import quartiles, run_races
from course_utils.bench.widgets import FIRST
from course_utils.console import first_line
from course_utils.data import DATASETS, make_shapes
from course_utils.experiments.recipes import RECIPES, NamedRun
from course_utils.lab import notebooks
from course_utils.models import build
from course_utils.teaching.demo import cells
from course_utils.training.distill import distilling
from course_utils.training.inputs import Examples
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe

SECONDS = 480.0  # for all parts together
FLOAT32, BF16 = 1e-3, 0.15  # largest difference of logits, in standard deviations of the CPU's
ONE_STEP = 1e-2  # relative difference of a loss after a step of AdamW, which magnifies small gradients
TRAINING_IMAGES = {"fashion_mnist": 55_000, "cifar10": 45_834}  # in the fit split


@dataclass(frozen=True)
class Measurement:
    """A number that was measured on the card, and its limit, if it has one."""

    part: str
    case: str
    value: float | None = None
    unit: str = ""
    limit: float | None = None  # the largest value that is right
    note: str = ""
    failed: bool = False
    card: str = ""

    @property
    def wrong(self) -> str:
        """What is wrong with it, in a sentence; empty if nothing is."""
        if self.failed:
            return f"{self.part}, {self.case}: {self.note}."
        if self.value is not None and self.limit is not None and not self.value <= self.limit:
            return f"{self.part}, {self.case}: {self.value:.3g} {self.unit}, but the limit is {self.limit:g}."
        return ""


@dataclass(frozen=True)
class Size:
    """How much is measured: on a card, or in small on a CPU."""

    images: int
    rounds: int
    steps: int  # of each recipe
    backend: str  # of torch.compile
    maps: tuple[tuple[int, ...], tuple[int, ...], tuple[bool, ...]]  # sides, neighbourhoods, with a backward pass
    notebook: str  # its number; empty: only the cells of the first widget


ON_A_CARD = Size(128, 9, 20, "inductor", ((14, 56), (3, 7), (True,)), "04")
IN_SMALL = Size(4, 2, 1, "eager", ((14,), (3,), (True,)), "")


def card(wanted: str | None) -> str:
    """The device to measure: "cuda" or "mps", whichever there is, unless another one is wanted.

    Raises ValueError if there is none.
    """
    here = devices()
    if wanted is None and len(here) == 1:
        raise ValueError(
            "There is no GPU here, neither CUDA nor MPS: run this on a machine that has one, or try it in small with "
            "--device cpu."
        )
    if wanted is not None and wanted not in here:
        raise ValueError(f"device is {wanted!r}, but this machine has {', '.join(here)}: choose one of these.")
    return wanted or here[-1]


def name_of(device: str) -> str:
    """The card's own name, for the table."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{device}, {platform.processor() or platform.machine()}"


def measurements(device: str, seconds: float = SECONDS) -> Iterator[Measurement]:
    """Part by part, until the time is up; a part that fails is a row with the reason, and the others go on."""
    size = IN_SMALL if device == "cpu" else ON_A_CARD
    ends, name = time.monotonic() + seconds, name_of(device)
    with training_on(device):
        for part, measure in PARTS.items():
            try:
                for row in measure(device, size):
                    yield replace(row, part=part, card=name)
                    if time.monotonic() > ends:
                        break
            except Exception as error:
                yield Measurement(part, "it failed", note=first_line(error), failed=True, card=name)
            if time.monotonic() > ends:
                late = f"not measured: the {seconds / 60:.0f} minutes are over"
                yield Measurement(part, "the rest", note=late, card=name)
                return


def training_on(device: str) -> AbstractContextManager[Any]:
    """In the block, Accelerate and new processes use the CPU if that is the device, even if there is a card."""
    return patch.dict(
        os.environ, {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
    )


# ---- the parts -----------------------------------------------------------------------------------------------------


def parity(device: str, size: Size) -> Iterator[Measurement]:
    """Each model with the same weights and inputs on the CPU and on the card, in float32 without shortcuts."""
    tf32 = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        for number, config in enumerate(CONFIGS):
            name = f"{type(config).__name__.removesuffix('Config')} {number + 1}"
            expected, found = (answers(config, where, size.images) for where in ("cpu", device))
            yield Measurement("", f"{name}: logits", difference(found[0], expected[0]), "std", FLOAT32)
            for what, one, other in zip(("loss", "loss after a step"), found[1:], expected[1:], strict=True):
                limit = FLOAT32 if what == "loss" else ONE_STEP
                yield Measurement("", f"{name}: {what}", (one / other - 1).abs().item(), "relative", limit)
    finally:
        torch.backends.cudnn.allow_tf32 = tf32


def faster(device: str, size: Size, slow: Callable[[], object], fast: Callable[[], object]) -> Measurement:
    """How many times as fast the second function is."""
    seconds = time_runs({"slow": slow, "fast": fast}, device, size.rounds)
    ratios = [one / other for one, other in zip(seconds["slow"], seconds["fast"], strict=True)]
    low, middle, high = quartiles(ratios)
    return Measurement(
        "", "a training step", middle, "× as fast as eager float32", note=f"quartiles {low:.2f} to {high:.2f}"
    )


def bf16(device: str, size: Size) -> Iterator[Measurement]:
    """A ViT under autocast: its logits, and the speed of a training step."""
    model = build(VIT, 0).to(device).eval()
    inputs = inputs_of(model, size.images)
    cast = torch.autocast(device, torch.bfloat16)
    with torch.no_grad():
        expected = model(*inputs)
        with cast:
            found = model(*inputs)
    yield Measurement("", "logits", difference(found.float().cpu(), expected.cpu()), "std", BF16)
    yield faster(device, size, training_step(model, *inputs), cast(training_step(model, *inputs)))


def compiled(device: str, size: Size) -> Iterator[Measurement]:
    """The same ViT compiled: its logits, and the speed of a training step."""
    if size.backend == "inductor" and not can_compile(device):
        yield Measurement("", "logits", note="not measured: torch.compile finds no compiler here")
        return
    model = build(VIT, 0).to(device).eval()
    inputs = inputs_of(model, size.images)
    quick: Any = torch.compile(model, backend=size.backend)
    with torch.no_grad():
        yield Measurement("", "logits", difference(quick(*inputs).cpu(), model(*inputs).cpu()), "std", FLOAT32)
    yield faster(device, size, training_step(model, *inputs), training_step(quick, *inputs))


def attention_kernels(device: str, size: Size) -> Iterator[Measurement]:
    """Local attention in four ways, with flex attention and a convolution: milliseconds and memory."""
    for result in run_races(local_races(device, *size.maps), size.rounds):
        case = f"{result.case}: {result.name}"
        yield Measurement("", case, 1e3 * result.seconds, "ms")
        yield Measurement("", case, (result.peak_bytes or 0) / 2**20, "MiB at most")


def recipes(device: str, size: Size) -> Iterator[Measurement]:
    """The minutes of each long recipe, from a few steps on random images, without torch.compile."""
    for name, run in RECIPES.items():
        batch = run.recipe.batch_size if device != "cpu" else size.images
        recipe = replace(run.recipe, epochs=2, batch_size=batch, compile=False)  # the first epoch warms up
        channels, height, width = DATASETS[run.dataset].shape
        data = Examples(
            torch.rand(batch * size.steps, channels, height, width), torch.arange(batch * size.steps) % 10
        )
        speed = fit(build(run.config, 0), data, None, recipe, loss=untrained_teacher(run), quiet=True)
        images = run.recipe.epochs * TRAINING_IMAGES[run.dataset]
        per_second = speed.epochs[-1].images_per_second
        yield Measurement("", name, images / per_second / 60, "minutes", note=f"{per_second:,.0f} images/s")


def untrained_teacher(run: NamedRun) -> Any:
    """The loss of a distilled run, with a teacher of the right size; None for the others."""
    return None if run.teacher is None else distilling(build(RECIPES[run.teacher].config, 0), "token")


WORKER = """
from accelerate import PartialState
from course_utils.bench.gpu import last_loss
loss = last_loss()
if PartialState().is_main_process:
    print("loss", PartialState().num_processes, loss)
"""


def last_loss() -> float:
    """The last training loss of a short run, in however many processes."""
    shapes = make_shapes(192, seed=0)
    model = build(replace(VIT, patch_size=8, dim=32, layers=1, mlp_dim=32, classes=len(shapes.classes)), 0)
    recipe = Recipe(epochs=2, batch_size=32, precision="float32")
    return fit(model, shapes, None, recipe, quiet=True).epochs[-1].train_loss


def processes(device: str, size: Size) -> Iterator[Measurement]:
    """The same training in one process and in two, as ``accelerate launch`` starts them."""
    if device == "mps" or (device == "cuda" and torch.cuda.device_count() < 2):
        yield Measurement("", "two processes", note="not measured: there is one card")
        return
    losses = []
    with TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(WORKER, encoding="utf-8")
        for count in (1, 2):
            command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
            ran = subprocess.run(
                [*command, str(script)], capture_output=True, encoding="utf-8", errors="replace", timeout=SECONDS / 4
            )
            said = [line.split() for line in ran.stdout.splitlines() if line.startswith("loss ")]
            if ran.returncode or not said or int(said[0][1]) != count:
                reason = (ran.stderr.strip().splitlines() or ["it printed no loss"])[-1]
                raise RuntimeError(f"{count} processes could not train ({reason})")
            losses.append(float(said[0][2]))
    yield Measurement("", "two processes: loss", abs(losses[1] / losses[0] - 1), "relative", FLOAT32)


def notebook(device: str, size: Size) -> Iterator[Measurement]:
    """A notebook from top to bottom on the card."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "widget.ipynb"
        if size.notebook:
            path = notebooks.find(size.notebook)
        else:
            notebooks.write(cells.notebook_of(FIRST), path)
        run = notebooks.execute(path, cell_seconds=int(SECONDS / 4))
    if run.error:
        raise RuntimeError(f"{run.name} failed ({run.error.strip().splitlines()[-1]})")
    outputs = str([cell.get("outputs") for cell in run.notebook.cells])
    if size.notebook and f"on {device} in" not in outputs:
        raise RuntimeError(f"{run.name} trained, but not on {device}")
    yield Measurement("", run.name, run.seconds, "s")


PARTS: Mapping[str, Callable[[str, Size], Iterator[Measurement]]] = {
    "parity": parity,
    "bf16": bf16,
    "compiled": compiled,
    "attention kernels": attention_kernels,
    "recipes": recipes,
    "processes": processes,
    "notebook": notebook,
}
