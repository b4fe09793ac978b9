"""How cells are stored: under names, with texts for their figures, and so that no tool of ours changes either."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from course_utils.lab import notebooks
from course_utils.paths import ROOT

DRAWS = re.compile(r"\bplt\.(show|subplots)\(|\bplots\.show_(?!image\()\w+\(|\bplot=True\b")


@pytest.mark.parametrize("number", notebooks.numbers())
def test_every_cell_has_a_name_of_its_own(number):
    cells = json.loads(notebooks.find(number).read_text(encoding="utf-8"))["cells"]  # nbformat would mend them
    names = [cell["id"] for cell in cells]
    for cell, name in zip(cells, names, strict=True):
        assert re.fullmatch(r"[a-z0-9]*[a-z]{2,}[a-z0-9]*(-[a-z0-9]+)*", name), (
            f"{number}: the id {name!r} says nothing: name the cell for its subject, in words like memory-explorer"
        )
        assert names.count(name) == 1, f"{number}: two cells are called {name}"
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", name)
        assert grade_id == name, f"{number}: nbgrader calls the cell {name} {grade_id}: give it one name"


@pytest.mark.parametrize("number", notebooks.numbers())
def test_every_cell_that_draws_says_in_words_what_its_figure_shows(number):
    """Whether a cell has drawn is known when it has run: test_notebooks asks the same of the pictures themselves."""
    texts = []
    for cell in notebooks.read(notebooks.find(number)).cells:
        alt = cell.metadata.get("course", {}).get("alt")
        drawn = cell.cell_type == "code" and DRAWS.search(cell.source)
        assert bool(drawn) == (alt is not None), (
            f"{number}, cell {cell.id}: describe what a figure shows, and nothing else, in course.alt of its metadata"
        )
        texts += [alt] if alt else []
    for text in texts:
        assert re.fullmatch(r"[A-Z].{60,}\.", text), (
            f"{number}: {text!r} is no description: axes, curves, what is compared"
        )
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("number", notebooks.numbers())
def test_results_stand_in_tables_and_only_the_progress_of_a_training_is_aligned_by_hand(number):
    for cell in notebooks.read(notebooks.find(number)).cells:
        if cell.cell_type == "code" and cell.id != "train":
            aligned = re.search(r"\{[^{}]*:[<>^+]?\d+(\.\d+)?,?[a-z%]?\}|\.[lr]just\(", cell.source)
            assert aligned is None, f"{number}, {cell.id}: show the rows with tables.show, without {aligned[0]}"


def commands() -> dict[str, list[str]]:
    """What `make format` and the hook before a commit run on a notebook."""
    (make,) = re.findall(r"^\t(.*nbstripout.*) notebooks/\*\.ipynb$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    (hook,) = (hook["entry"] for hook in hooks if hook["id"] == "nbstripout")
    return {"make format": shlex.split(make.replace("$(BIN)", ".venv/bin")), "hook": shlex.split(hook)}


@pytest.mark.slow
@pytest.mark.parametrize("place", commands())
def test_stripping_outputs_changes_nothing_else(place, tmp_path):
    """A demo is found by its tags, a cell by its id, a figure's text in the metadata: all are still there."""
    for number in ("04", "10"):
        copy = Path(shutil.copy(notebooks.find(number), tmp_path))
        before = copy.read_bytes()
        notebook = nbformat.read(copy, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="1")], 1
        nbformat.write(notebook, copy)
        subprocess.run([*commands()[place], str(copy)], cwd=ROOT, check=True)
        assert copy.read_bytes() == before, f"{' '.join(commands()[place])} changes more than outputs: --keep-id?"
