import re
import sys
import time

import nbformat
import pytest
from small import RECIPE, quarters, tiny_vit

from course_utils.lab.notebooks import client_of
from course_utils.paths import ROOT
from course_utils.training import fit
from course_utils.training.progress import Progress, duration


@pytest.mark.notebook
def test_a_notebook_gets_one_line_and_one_picture_however_long_it_trains(tmp_path):
    source = f"""
import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "training")!r}]
from dataclasses import replace
from small import RECIPE, quarters, tiny_vit
from course_utils.training import fit, progress
progress.LINE_SECONDS = progress.FIGURE_SECONDS = 0  # as if it took minutes
progress.FIGURE_SHARE = 1
history = fit(tiny_vit(), quarters(320), quarters(50), replace(RECIPE, epochs=3), plot=True)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    client_of(notebook, timeout=3600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    line, picture = notebook.cells[0].outputs
    assert "done in" in line.data["text/plain"]
    assert set(picture.data) == {"image/png", "text/plain"}
    assert "epoch 3: validation accuracy" in picture.data["text/plain"]


def test_a_terminal_is_told_time_left_loss_accuracy_and_speed_on_one_renewed_line(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("course_utils.training.progress.LINE_SECONDS", 0.0)
    fit(tiny_vit(), quarters(320), quarters(50), RECIPE)
    renewed = capsys.readouterr().out.split("\r")
    told = r"\d+ s left of about \d+ s · .*: epoch 1 of 2 · loss .* · accuracy .* · .* images/s"
    assert any(re.match(told, line) for line in renewed)
    assert sum(line.endswith("\n") for line in renewed) == 3  # two epochs and the end; the others are overwritten


def test_quiet_is_quiet(capsys):
    fit(tiny_vit(), quarters(64), None, RECIPE, quiet=True)
    assert capsys.readouterr() == ("", "")


def test_the_time_left_is_that_of_the_steps_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    lines = []
    monkeypatch.setattr("course_utils.training.progress.Line", lambda: lambda text, last=False: lines.append(text))
    progress = Progress("run", 100, 100, plot=False, quiet=False)
    for step in range(1, 51):
        now[0] += 9.0 if step == 1 else 1.0  # the first step is slow, and must not count
        progress.step(step, 1.0, 0.5, 10)
    assert lines[-1].startswith("50 s left of about 1 min 48 s · run: epoch 1 of 1 · loss")
    assert lines[-1].endswith(" · 10 images/s")


@pytest.mark.parametrize(("seconds", "words"), [(41.4, "41 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations_are_said_as_people_say_them(seconds, words):
    assert duration(seconds) == words
