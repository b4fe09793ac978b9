"""Demos are made of the notebooks' own cells, and of a script whose form is checked; the browser replays it."""

import ast
import base64
import io
import subprocess
import sys
from collections import Counter
from html import escape

import nbformat
import numpy as np
import pytest
from PIL import Image

from course_utils import widgets
from course_utils.lab import elsewhere, notebooks
from course_utils.teaching.demo import cells, instructor, pages, script, states
from course_utils.teaching.demo.script import LETTERS, Demo

DEMOS = {demo.name: demo for demo in script.demos()}
MADE = {demo.cells: demo for demo in script.demos()}  # by cells of their own


def widget_of(name: str) -> str:
    """What the last line of a demo calls."""
    last = ast.parse(cells.notebook_of(name).cells[-1].source).body[-1]
    assert isinstance(last, ast.Expr), f"the last cell of demo {name} must end with its widget"
    assert isinstance(last.value, ast.Call)
    return ast.unparse(last.value.func)


def test_every_tag_has_its_entry_and_every_entry_its_tags_in_its_notebook():
    found = Counter(name for name, _, _ in cells.tagged())
    assert set(found) <= set(MADE), "say in widgets/demos.toml what the demo with that tag asks and shows"
    assert set(MADE) <= set(found), 'tag the cells that the demo needs: "tags": ["demo:NAME"] in their metadata'
    assert max(found.values()) == 1, f"a demo's cells must all be in one notebook: {found.most_common(1)}"
    assert {name: number for name, number, _ in cells.tagged()} == {d.cells: d.notebook for d in DEMOS.values()}


@pytest.mark.parametrize("name", MADE)
def test_a_demo_has_the_cells_that_it_needs_and_ends_with_its_widget(name):
    sources = [cell.source.removeprefix("%%capture\n") for cell in cells.notebook_of(name).cells]
    undefined = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "--quiet", "-"],
        input="\n".join(sources),
        capture_output=True,
        text=True,
    )
    assert not undefined.returncode, f"tag the cell that defines it with demo:{name} too: {undefined.stdout}"
    assert widget_of(name) in widgets.__all__


def test_every_widget_but_those_that_ask_has_a_demo():
    assert {widget_of(name) for name in DEMOS} == set(widgets.__all__) - {"Quiz", "Predict"}, (
        "tag the cells that show the widget with demo:NAME and add NAME to widgets/demos.toml"
    )


def test_a_demo_keeps_its_cells_when_others_come_between_and_ids_change(tmp_path, monkeypatch):
    path = tmp_path / notebooks.find("04").name
    notebook = notebooks.read(notebooks.find("04"))
    notebook.cells.insert(3, nbformat.v4.new_code_cell("1 / 0"))
    for number, cell in enumerate(notebook.cells):
        cell.id = str(number)
    nbformat.write(notebook, path)
    before = [cell.source for cell in cells.notebook_of("memory").cells]
    find = notebooks.find
    monkeypatch.setattr(notebooks, "find", lambda number: path if number == "04" else find(number))
    assert [cell.source for cell in cells.notebook_of("memory").cells] == before


@pytest.mark.parametrize("name", DEMOS)
def test_what_is_stored_is_what_the_cells_make_and_what_the_widget_has(name):
    demo, state = DEMOS[name], states.stored(name)
    remedy = f"run `course demo --renew {name}`"
    assert state["cells"] == cells.fingerprint(cells.cells_of(name)), f"the cells have changed: {remedy}"
    widget = getattr(widgets, widget_of(name))
    own = {trait for trait in widget.class_own_traits(sync=True) if trait[0] != "_"}
    sent = {*state["traits"], *(path[0] for path in (buffer["path"] for buffer in state["buffers"]))}
    assert sent == own, f"the widget has other traits: {remedy}"
    assert {*demo.start, *demo.answer} <= own


@pytest.mark.parametrize("demo", DEMOS.values(), ids=DEMOS)
def test_a_question_fits_the_screen_and_its_script_shows_the_answer(demo: Demo):
    assert len(demo.question) <= 100
    assert len(demo.reason) <= 110
    assert all(len(option) <= 34 for option in demo.options)
    assert len(set(demo.options)) == len(demo.options)
    assert any("show the answer" in step.do for step in demo.steps)
    assert demo.cover or demo.answer, "nothing is covered, and the answer changes nothing: it is on the screen"


def test_no_letter_is_right_most_of_the_time():
    letter, count = Counter(demo.right for demo in DEMOS.values()).most_common(1)[0]
    assert count <= len(DEMOS) / 2, f"{letter} is right in {count} of {len(DEMOS)} demos: change the order of options"
    assert {demo.right for demo in DEMOS.values()} == set(LETTERS)


def test_an_unknown_demo_a_missing_state_and_a_folder_of_others_are_one_sentence_each(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no demo 'atention': choose one of colours, "):
        cells.notebook_of("atention")
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(FileExistsError, match="holds something else than demos: choose another folder"):
        pages.write_pages(tmp_path)
    monkeypatch.setattr(states, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match="run `course demo --renew memory`"):
        states.stored("memory")
    (tmp_path / "memory.json.gz").write_bytes(b"\x1f\x8b half of it")
    with pytest.raises(ValueError, match=r"memory\.json\.gz cannot be read"):
        states.stored("memory")


def test_pages_replace_those_of_last_year_and_nothing_that_was_put_beside_them(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "_texts", lambda: [("index.html", "this year's"), (pages.MARK, "")])
    folder = tmp_path / "stick"
    pages.write_pages(folder)
    (folder / "removed-demo.html").touch()
    (folder / ".DS_Store").touch()
    pages.write_pages(folder)
    assert sorted(path.name for path in folder.iterdir()) == [pages.MARK, "index.html"]
    for name in ("lecture.pdf", "notes/monday.html"):
        mine = folder / name
        mine.parent.mkdir(exist_ok=True)
        mine.touch()
        with pytest.raises(FileExistsError, match="holds something else than demos"):
            pages.write_pages(folder)
        assert mine.exists()
        mine.unlink()


def test_the_pages_are_small_and_name_no_other_host_but_the_form_for_mistakes(tmp_path):
    folder = tmp_path / "stick"
    for _ in range(2):  # pages replace those of last year
        assert pages.write_pages(folder) == folder / "index.html"
    assert {path.stem for path in folder.glob("*.html")} == {"index", *DEMOS}
    report = f'<a href="{escape(elsewhere.report_link("demos"))}">'
    assert report in (folder / "index.html").read_text(encoding="utf-8")
    for path in folder.iterdir():
        assert path.stat().st_size < 4 * 2**20, path
        text = path.read_text(encoding="utf-8")
        assert "//" not in "".join(text.partition('src="')[2::2])[:8]
        assert "https://" not in text.replace(report, "")


def test_the_scripts_in_the_instructors_page_are_those_of_the_table():
    page = instructor.PAGE.read_text(encoding="utf-8")
    assert instructor.with_scripts(page) == page, "run `make format`"
    assert set(instructor.named(page)) == set(DEMOS), "put <!-- demo NAME --> and <!-- /demo --> where it is shown"


def test_a_wrong_table_is_one_sentence(tmp_path, monkeypatch):
    row = '[[demo]]\nname = "x"\nnotebook = "00"\nteaches = ""\nquestion = "?"\noptions = ["1", "2"]\nreason = ""\n'
    for rest, sentence in (
        ('right = "C"\nsteps = []', "2 options and the answer C"),
        ('right = "A"', "demo x in demos.toml is incomplete .'steps'"),
        ('right = "A"\nsteps = []\nrigth = "B"', "unknown key 'rigth'"),
    ):
        table = tmp_path / "demos.toml"
        table.write_text(row + rest)
        monkeypatch.setattr(script, "TABLE", table)
        with pytest.raises(ValueError, match=sentence):
            script.demos.__wrapped__()


@pytest.mark.slow
def test_a_state_is_renewed_by_running_the_cells(tmp_path, monkeypatch):
    before = states.stored("memory")
    monkeypatch.setattr(states, "FOLDER", tmp_path)
    assert states.renew("memory") == tmp_path / "memory.json.gz"
    after = states.stored("memory")
    for state in (before, after):
        state["traits"]["machine"] = {}  # this one's memory
    assert after == before


def test_many_images_travel_as_one_picture_in_their_order():
    images = np.repeat(np.arange(7, dtype=np.uint8)[:, None] * 30, 8 * 16 * 3, axis=1)
    sent = {"path": ["changed"], "encoding": "base64", "data": base64.b64encode(images.tobytes()).decode()}
    made = states.small(sent, {"height": 8, "width": 16})
    assert (made["encoding"], made["count"]) == ("webp", 7)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(made["data"]))).convert("L")).astype(int)
    assert sheet.shape == (24, 48)  # three rows of three
    for number in range(7):
        row, column = divmod(number, 3)
        assert abs(sheet[8 * row + 4, 16 * column + 8] - 30 * number) <= 6
    other = {**sent, "path": ["pixels"]}
    assert states.small(other, {}) is other
