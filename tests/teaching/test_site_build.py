"""What building the site refuses, that an earlier site is still there afterwards, and what Sphinx is given."""

import re
from dataclasses import replace

import nbformat
import pytest

from course_utils.experiments.claims import findings
from course_utils.lab import notebooks
from course_utils.lab.course import README, entries
from course_utils.teaching.demo import script
from course_utils.teaching.demo.states import STATES, VIEWS
from course_utils.teaching.site import assets, build, build_site, github_repository
from course_utils.teaching.site.pages import NO_WORDS, describe_figures
from course_utils.teaching.site.start_page import start_page


def made(folder, source: str):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    folder.mkdir(exist_ok=True)
    path = folder / notebooks.find("00").name
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def old_site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / ".buildinfo").touch()
    (folder / "index.html").write_text("old")
    return folder


@pytest.mark.slow
def test_a_failing_notebook_and_one_that_was_not_run_leave_the_old_site(old_site, tmp_path, monkeypatch):
    failing = made(tmp_path / "failing", "1 / 0")
    with pytest.raises(ValueError, match=r"was not executed by the course: run `course run 00 --output .*failing`"):
        build_site(["00"], old_site, executed=failing.parent)
    monkeypatch.setattr(build.notebooks, "find", lambda number: failing)
    with pytest.raises(ValueError, match=r"Notebook 00 failed, so nothing was built: [\s\S]*ZeroDivisionError"):
        build_site(["00"], old_site)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".site-")] == []
    assert (old_site / "index.html").read_text() == "old"


def test_the_start_page_has_a_row_for_each_notebook_with_its_minutes_as_they_are(tmp_path, monkeypatch):
    run = {"seconds": 1.0, "peak_bytes": 1, "machine": "a machine", "date": "2026-11-28"}
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A page")], metadata={"course_run": run})
    for number in ("00", "04"):
        nbformat.write(page, tmp_path / notebooks.find(number).name)
    given = {}

    def sphinx(source, made, repository):
        given.update((path.name, path.read_text(encoding="utf-8")) for path in source.glob("*.md"))
        given["index"] = "\n".join(cell.source for cell in notebooks.read(source / "index.ipynb").cells)
        given.update((f"demos/{path.name}", path) for path in (source / "_extra" / "demos").iterdir())
        made.mkdir()

    monkeypatch.setattr(build, "sphinx", sphinx)
    monkeypatch.setattr(build, "entries", lambda: [replace(entry, minutes="45–60") for entry in entries()])
    build_site(["00", "4"], tmp_path / "site", executed=tmp_path)
    rows = [line for line in given["index"].splitlines() if line.startswith("| [")]
    assert [row.partition("]")[0] for row in rows] == ["| [00 Attention recap", "| [04 Vision transformer"]
    counts = {entry.number: len(entry.exercises) for entry in entries()}
    assert [row.rpartition(" | 45–60")[2] for row in rows] == [f" | {counts['00']} |", f" | {counts['04']} |"]
    assert "2 in all, of 45 to 60 minutes each" in given["index"]
    readme = README.read_text(encoding="utf-8")
    for said in re.findall(r"^- \*\*.+", readme.partition("## Start")[0], re.MULTILINE):
        assert said in given["index"], "the README says what the course is"
    for row in re.findall(r"^\| system \|.*\n(?:\|.*\n)+", readme, re.MULTILINE):
        assert row in given["index"], "the README has the table of systems"
    assert "](04_vision_transformer.ipynb)" in given["slides-of-the-lecture.md"]
    assert "](05_vit_vs_cnn.ipynb)" not in given["slides-of-the-lecture.md"]
    assert "](demos.md)" in given["index"]
    assert "\ndemos\n" in given["index"]
    opened = re.findall(r'^\| <a href="(demos/[\w-]+\.html)">', given["demos.md"], re.MULTILINE)
    assert opened == [f"demos/{demo.name}.html" for demo in script.demos()], "in the order of the lecture"
    assert given.keys() >= {*opened, "demos/index.html", "demos/hall.js"}
    assert "```{toctree}\n:hidden:\n:maxdepth: 1\n\nclaims\n00_" in given["index"]  # the first page after the start
    for finding in findings():
        name, decision = finding.claim.name, finding.decision
        (row,) = (line for line in given["claims.md"].splitlines() if line.startswith(f"| `{name}` "))
        assert finding.claim.says in row
        assert f"| **{decision}**" in row
        assert finding.claim.command in row
    assert "## [04 Vision transformer](04_vision_transformer.ipynb)" in given["claims.md"]
    assert "## 05 ViT vs CNN\n" in given["claims.md"]  # not in this book, so without a link


def test_the_first_page_shows_the_first_demos_widget_with_its_state_and_asks_its_question():
    demo = script.demos()[0]
    view = {"version_major": 2, "version_minor": 0, "model_id": "one"}
    shown = nbformat.v4.new_output("display_data", data={VIEWS: view})
    state = {"one": {"state": {"layout": "IPY_MODEL_two"}}, "two": {"state": {}}, "of a quiz": {"state": {}}}
    page = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# A page"),
            nbformat.v4.new_code_cell("Quiz()", outputs=[nbformat.v4.new_output("display_data", data={VIEWS: {}})]),
            nbformat.v4.new_code_cell("Widget()", outputs=[shown], metadata={"tags": [f"demo:{demo.name}"]}),
        ],
        metadata={"widgets": {STATES: {"state": state}}},
    )
    first = start_page({"00": page}, {"00": "00_attention_recap"}, entries(), ())
    before, asked, widget, _ = first.cells
    assert before.source.startswith("# Attention for Vision\n")
    assert demo.question in asked.source
    assert "[Notebook 00](00_attention_recap.ipynb)" in asked.source
    assert (widget.outputs, widget.metadata["tags"]) == ([shown], ["remove-input"])
    assert first.metadata["widgets"][STATES]["state"].keys() == {"one", "two"}


def test_a_link_to_a_notebook_that_is_not_in_the_book_becomes_its_text():
    text = "See [notebook 05](05_vit_vs_cnn.ipynb), [00](00_attention_recap.ipynb) and [a paper](https://arxiv.org)."
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    build.without_links(page, {"05_vit_vs_cnn.ipynb"})
    assert page.cells[0].source == text.replace("[notebook 05](05_vit_vs_cnn.ipynb)", "notebook 05")


def test_a_figure_gets_its_cells_description_where_both_exporters_look_for_it():
    described, bare = (
        nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data={"image/png": "AAAA"})])
        for _ in range(2)
    )
    described.metadata["course"] = {"alt": "A line that doubles."}
    describe_figures(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Text"), described, bare]))
    for cell, text in ((described, "A line that doubles."), (bare, NO_WORDS)):
        assert cell.metadata["mystnb"] == {"image": {"alt": text}}
        assert cell.outputs[0].metadata["image/png"] == {"alt": text}


def test_a_folder_that_is_no_site_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(FileExistsError, match="exists and is not a site"):
        build_site(["00"], tmp_path)
    assert (tmp_path / "thesis.txt").exists()
    (tmp_path / ".buildinfo").touch()
    (tmp_path / ".git").mkdir()  # a branch for GitHub Pages
    with pytest.raises(FileExistsError, match="exists and is a Git repository"):
        build_site(["00"], tmp_path)
    assert (tmp_path / ".git").exists()


def test_a_missing_part_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "WEB", tmp_path / "nowhere")
    with pytest.raises(
        FileNotFoundError, match=r"needs requirejs/require.js, .* is not there: run `make teach` first"
    ):
        build_site(["00"], tmp_path / "site")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="run `make teach` first"):
        build_site(["00"], tmp_path / "site")


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("git@github.com:owner/name.git", "owner/name"),
        ("https://github.com/owner/na.me", "owner/na.me"),
        ("https://example.org/owner/name.git", None),
    ],
)
def test_the_repository_is_read_from_the_remote(address, repository, monkeypatch):
    class Done:
        stdout = address + "\n"

    monkeypatch.setattr(build.subprocess, "run", lambda *_, **__: Done)
    assert github_repository() == repository
