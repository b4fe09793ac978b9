"""Two processes train as one process does with the same global batch.

Started by torchrun, which ``accelerate launch`` itself uses for several GPUs; for several CPU processes it would need
MPI. They talk through gloo.
"""

import csv
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

SCRIPT = """
import sys
from dataclasses import replace
import torch
torch.set_num_threads(1)
from accelerate import PartialState
from small import RECIPE, quarters, tiny_vit
from course_utils.training import fit
from course_utils.training.augment import shift_flip_erase

recipe = replace(RECIPE, epochs=3, augment=shift_flip_erase, ema=0.9)
model, seen = tiny_vit(), []

def loss(model, images, labels):
    seen.append(len(images))
    logits = model(images)
    return torch.nn.functional.cross_entropy(logits, labels), logits

history = fit(model, quarters(320), quarters(100, seed=1), recipe, loss=loss, folder=sys.argv[1] + "-run")
print("saw", sum(seen))
if PartialState().is_main_process:
    print("processes:", PartialState().num_processes)
    history.to_csv(sys.argv[1] + ".csv")
"""


@pytest.mark.slow
def test_two_processes_follow_the_loss_curve_of_one(tmp_path, monkeypatch, capfd):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    for name, value in {"PYTHONPATH": f"{HERE}:{HERE.parent.parent}", "ACCELERATE_USE_CPU": "true"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "1")])
    runpy.run_path(str(script))
    said = {1: capfd.readouterr().out}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ran = subprocess.run([*command, str(script), str(tmp_path / "2")], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    said[2] = ran.stdout
    for count, text in said.items():
        assert f"processes: {count}" in text
        assert text.count(f"saw {3 * 320 // count}\n") == count, "each takes its share"
        assert text.count("done in") == 1, "one process alone reports"
    one, two = (list(csv.DictReader((tmp_path / f"{count}.csv").open())) for count in (1, 2))
    assert len(one) == len(two) == 3
    for ours, theirs in zip(one, two, strict=True):
        for column in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
            assert float(ours[column]) == pytest.approx(float(theirs[column]), rel=1e-4), column
