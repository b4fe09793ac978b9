"""Demos are made of the notebooks' own cells: each has all that it needs and ends with its widget."""

import ast
import subprocess
import sys
from collections import Counter

import nbformat
import pytest

from course_utils import widgets
from course_utils.lab import notebooks
from course_utils.teaching import demo


def widget_of(name: str) -> str:
    """What the last line of a demo calls."""
    last = ast.parse(demo.notebook_of(name).cells[-1].source).body[-1]
    assert isinstance(last, ast.Expr), f"the last cell of demo {name} must end with its widget"
    assert isinstance(last.value, ast.Call)
    return ast.unparse(last.value.func)


def test_every_tag_has_its_entry_and_every_entry_its_tags_in_one_notebook():
    found = Counter(each.name for each in demo.demos())
    assert set(found) <= set(demo.DEMOS), "say in DEMOS of teaching/demo.py what the demo with that tag shows"
    assert set(demo.DEMOS) <= set(found), 'tag the cells that the demo needs: "tags": ["demo:NAME"] in their metadata'
    assert max(found.values()) == 1, f"a demo's cells must all be in one notebook: {found.most_common(1)}"


@pytest.mark.parametrize("name", demo.DEMOS)
def test_a_demo_has_the_cells_that_it_needs_and_ends_with_its_widget(name):
    cells = [cell.source.removeprefix("%%capture\n") for cell in demo.notebook_of(name).cells]
    undefined = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "--quiet", "-"],
        input="\n".join(cells),
        capture_output=True,
        text=True,
    )
    assert not undefined.returncode, f"tag the cell that defines it with demo:{name} too: {undefined.stdout}"
    assert widget_of(name) in widgets.__all__


def test_every_widget_but_the_quiz_has_a_demo():
    assert {widget_of(name) for name in demo.DEMOS} == set(widgets.__all__) - {"Quiz"}, (
        "tag the cells that show the widget with demo:NAME and add NAME to DEMOS of teaching/demo.py"
    )


def test_a_demo_keeps_its_cells_when_others_come_between_and_ids_change(tmp_path, monkeypatch):
    path = tmp_path / notebooks.find("04").name
    notebook = notebooks.read(notebooks.find("04"))
    notebook.cells.insert(3, nbformat.v4.new_code_cell("1 / 0"))
    for number, cell in enumerate(notebook.cells):
        cell.id = str(number)
    nbformat.write(notebook, path)
    before = [cell.source for cell in demo.notebook_of("memory").cells]
    find = notebooks.find
    monkeypatch.setattr(notebooks, "find", lambda number: path if number == "04" else find(number))
    assert [cell.source for cell in demo.notebook_of("memory").cells] == before


def test_an_unknown_demo_and_a_missing_voila_are_one_sentence_each(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no demo 'atention': choose one of attention, "):
        demo.notebook_of("atention")
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="run `make teach` first"):
        demo.voila_command(tmp_path, 0, False)
