"""Two processes train as one process does with the same global batch.

Started by torchrun, which ``accelerate launch`` itself uses for several GPUs; for several CPU processes it would need
MPI. They talk through gloo.
"""

import csv
import os
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
def test_two_processes_follow_the_loss_curve_of_one(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{HERE}:{HERE.parent.parent}",
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
    }
    for count in (1, 2):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        command += [str(script), str(tmp_path / str(count))]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr[-3000:]
        assert f"processes: {count}" in ran.stdout
        assert ran.stdout.count(f"saw {3 * 320 // count}\n") == count, "each takes its share"
        assert ran.stdout.count("done in") == 1, "one process alone reports"
    one, two = (list(csv.DictReader((tmp_path / f"{count}.csv").open())) for count in (1, 2))
    assert len(one) == len(two) == 3
    for ours, theirs in zip(one, two, strict=True):
        for column in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
            assert float(ours[column]) == pytest.approx(float(theirs[column]), rel=1e-4), column
