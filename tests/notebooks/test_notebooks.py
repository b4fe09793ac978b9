"""Every notebook from top to bottom, offline, half solved: every second exercise is still a stub."""

import base64
import json
import re
from functools import cache

import calls
import pytest
import short_runs

from course_utils.bench.budget import budgets
from course_utils.exercises import exercises
from course_utils.lab import notebooks
from course_utils.paths import NOTEBOOKS
from course_utils.teaching.demo.pages import write_pages as write_demos
from course_utils.teaching.demo.states import STATES
from course_utils.teaching.site.assets import copy_scripts
from course_utils.teaching.site.light import lighten, too_heavy

pytestmark = pytest.mark.notebook
PATHS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """path → the folder that is to hold the kinds of its execution's calls."""
    return {path: tmp_path_factory.mktemp(path.stem) for path in PATHS}


@pytest.fixture(scope="module")
def executions(recordings):
    """executions(path): the notebook's one execution for all the tests, offline, with its trainings cut short."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            environment.setenv(name, "http://127.0.0.1:9")  # nothing listens there: every download fails at once

        @cache
        def execution(path):
            kernel = calls.recording(recordings[path])
            short_runs.cut_in(recordings[path])
            return notebooks.execute(path, solved=half_of(path), cell_seconds=3600, environment=kernel)

        yield execution


def half_of(path) -> list[str]:
    """Every second exercise; all of them solved, and none, is what the tests of grading run."""
    return notebooks.exercises_of(notebooks.read(path))[1::2]


def text_of(cell) -> str:
    texts = []
    for output in cell.get("outputs", []):
        texts.append(output.get("text", ""))
        texts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(texts)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_notebook_runs_offline_half_solved_within_its_budget_of_memory(path, executions, figures):
    execution = executions(path)
    figures.append((path.stem, execution.seconds, execution.peak_bytes))
    assert execution.error is None
    assert 0 < execution.peak_bytes < budgets()["notebook_gib"] * 2**30

    checks = [cell for cell in execution.notebook.cells if "check" in cell.metadata.get("course", {})]
    for cell in checks:
        solved = cell.metadata.course["check"] in half_of(path)
        wanted, other = ("passed", "not attempted") if solved else ("not attempted", "passed")
        assert wanted in text_of(cell), cell.id
        assert other not in text_of(cell), cell.id
    for cell in execution.notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", f"{cell.id}: {output.get('text')}"
        drawn = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        described = "alt" in cell.metadata.get("course", {})
        assert drawn == described, f"{cell.id}: course.alt in a cell's metadata says what its figure shows"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_whatever_the_notebook_hands_to_a_function_its_check_has_tried(path, executions, recordings):
    assert executions(path).error is None
    names = {exercise.name for exercise in exercises(path.name[:2])}
    seen = calls.seen(recordings[path])
    uncalled = names - {kind.split(":")[0] for kind in seen}
    assert not uncalled, f"No cell of {path.name} calls what the check of {uncalled} returned: add one that does."
    lacking = seen - set().union(*map(calls.tried, names))
    assert not lacking, (
        f"{path.name} calls exercises in ways that their checks do not try: add to cases or wild what is listed.\n"
        + "\n".join(sorted(lacking))
    )


def test_the_book_of_these_notebooks_is_light(executions, tmp_path):
    """Each page with what its widgets carry, and the whole site but for the files of Sphinx's theme."""
    for path in PATHS:
        write_page(executions(path).notebook, tmp_path / f"{path.stem}.html")
    lighten(tmp_path)
    copy_scripts(tmp_path / "_static")
    write_demos(tmp_path / "demos")
    assert too_heavy(tmp_path) == []


def write_page(notebook, page) -> None:
    """About what Sphinx writes: text and outputs, figures in files, and the state of all widgets."""
    cells = json.loads(json.dumps(notebook.cells))
    for cell in cells:
        if "remove-output" in cell["metadata"].get("tags", ()):
            cell["outputs"] = []
        for number, output in enumerate(cell.get("outputs", ())):
            if figure := output.get("data", {}).pop("image/png", None):
                page.with_name(f"{page.stem}-{cell['id']}-{number}.png").write_bytes(base64.b64decode(figure))
    state = json.dumps(notebook.metadata["widgets"][STATES]).replace("</", "<\\/")
    page.write_text(f'{json.dumps(cells)}<script type="{STATES}">{state}</script>', encoding="utf-8")


def test_every_row_of_the_map_points_to_a_section_and_every_notebook_is_on_it():
    rows = re.findall(
        r"^\| (.+) \| \[(\d\d)\]\((\S+)\) \| (.+) \|$", (NOTEBOOKS / "README.md").read_text(), re.MULTILINE
    )
    assert {row[1:3] for row in rows} == {(path.name[:2], path.name) for path in PATHS}, (
        "notebooks/README.md must have rows for each notebook, linked as [04](04_vision_transformer.ipynb)"
    )
    headings = {
        path.name: {
            line.lstrip("# ")
            for cell in notebooks.read(path).cells
            if cell.cell_type == "markdown"
            for line in cell.source.splitlines()
            if line.startswith("##")
        }
        for path in PATHS
    }
    for subject, _, notebook, section in rows:
        assert section in headings[notebook], f"{subject}: {notebook} has no section {section!r}"
    lines = [line for line in (NOTEBOOKS / "README.md").read_text().splitlines() if line.startswith("| ")]
    assert len(lines) == len(rows) + 4  # two heads and two rules: no row escapes the pattern above
