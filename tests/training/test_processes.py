"""Two processes of ``accelerate launch`` train as one process does with the same global batch."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

HERE = Path(__file__).parent

SCRIPT = """
import sys
from dataclasses import replace
import torch
torch.set_num_threads(1)
from accelerate import PartialState
from small import RECIPE, quarters, tiny_vit
from course_utils.training import fit, save_weights
from course_utils.training.augment import shift_flip_erase

recipe = replace(RECIPE, epochs=3, augment=shift_flip_erase, ema=0.9)
model = tiny_vit()
history = fit(model, quarters(320), quarters(100, seed=1), recipe, folder=sys.argv[1] + "-run")
if PartialState().is_main_process:
    print("processes:", PartialState().num_processes)
    history.to_csv(sys.argv[1] + ".csv")
    save_weights(model, sys.argv[1] + ".safetensors")
"""


def test_two_processes_follow_the_loss_curve_of_one(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent.parent}", "OMP_NUM_THREADS": "1"}
    launch = "accelerate.commands.launch"
    for count in (1, 2):
        command = [
            sys.executable,
            "-m",
            launch,
            "--cpu",
            "--num_machines=1",
            "--mixed_precision=no",
            "--dynamo_backend=no",
        ]
        command += [f"--num_processes={count}", "--main_process_port=0", str(script), str(tmp_path / str(count))]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
        assert ran.returncode == 0, ran.stderr[-3000:]
        assert f"processes: {count}" in ran.stdout
        assert ran.stdout.count("done in") == 1, "one process alone reports"
    one, two = (list(csv.DictReader((tmp_path / f"{count}.csv").open())) for count in (1, 2))
    assert len(one) == len(two) == 3
    for ours, theirs in zip(one, two, strict=True):
        for column in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
            assert float(ours[column]) == pytest.approx(float(theirs[column]), rel=1e-4), column
    weights = [load_file(tmp_path / f"{count}.safetensors") for count in (1, 2)]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-3, atol=1e-4)
