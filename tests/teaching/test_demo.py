"""Demos are made of the notebooks' own cells: each has all that it needs and ends with its widget."""

import ast
import subprocess
import sys

import pytest

from course_utils.lab import notebooks
from course_utils.teaching import demo


@pytest.mark.parametrize("name", demo.DEMOS)
def test_a_demo_has_the_cells_that_it_needs_and_ends_with_its_widget(name):
    cells = [cell.source.removeprefix("%%capture\n") for cell in demo.notebook_of(name).cells]
    undefined = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "--quiet", "-"],
        input="\n".join(cells),
        capture_output=True,
        text=True,
    )
    assert not undefined.returncode, undefined.stdout
    last = ast.parse(cells[-1]).body[-1]
    assert isinstance(last, ast.Expr)
    assert isinstance(last.value, ast.Call)
    widgets = {cell_name for cell_name in dir(__import__("course_utils.widgets").widgets) if cell_name[0].isupper()}
    assert last.value.func.id in widgets - {"Quiz"}


def test_every_widget_of_the_notebooks_but_the_quiz_has_a_demo():
    import course_utils.widgets as widgets

    shown = {
        name
        for number in notebooks.numbers()
        for cell in notebooks.read(notebooks.find(number)).cells
        for name in widgets.__all__
        if cell.cell_type == "code" and f"\n{name}(" in f"\n{cell.source}"
    }
    in_demos = {name for key in demo.DEMOS for name in shown if name in demo.notebook_of(key).cells[-1].source}
    assert shown - {"Quiz"} == in_demos


def test_an_unknown_demo_and_a_missing_voila_are_one_sentence_each(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no demo 'atention': choose one of attention, "):
        demo.notebook_of("atention")
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="run `make teach` first"):
        demo.voila_command(tmp_path, 0, False)
