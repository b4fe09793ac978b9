"""Every notebook from top to bottom, offline, as a student gets it and as solved."""

import re

import pytest

from course_utils import notebooks
from course_utils.exercises import exercises, stub
from course_utils.paths import NOTEBOOKS

pytestmark = pytest.mark.notebook
PATHS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Every download fails at once: nothing listens at the proxy."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


def text_of(cell) -> str:
    texts = []
    for output in cell.get("outputs", []):
        texts.append(output.get("text", ""))
        texts.append(output.get("data", {}).get("text/plain", ""))
    return "\n".join(texts)


@pytest.mark.parametrize("solved", [False, True], ids=["stubs", "solved"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_notebook_runs_offline_within_its_budget_of_memory(path, solved, figures):
    execution = notebooks.execute(path, solved=solved)
    figures.append((f"{path.stem} ({'solved' if solved else 'stubs'})", execution.seconds, execution.peak_bytes))
    assert execution.error is None
    assert 0 < execution.peak_bytes < 3 * 2**30

    checks = [cell for cell in execution.notebook.cells if "check" in cell.metadata.get("course", {})]
    for cell in checks:
        wanted, other = ("passed", "not attempted") if solved else ("not attempted", "passed")
        assert wanted in text_of(cell), cell.id
        assert other not in text_of(cell), cell.id
    for cell in execution.notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", f"{cell.id}: {output.get('text')}"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_exercise_has_its_stub_and_its_check_in_the_notebook(path):
    cells = notebooks.read(path).cells
    stubs = {c.metadata.course["exercise"]: c for c in cells if "exercise" in c.metadata.get("course", {})}
    checks = {c.metadata.course["check"]: c for c in cells if "check" in c.metadata.get("course", {})}
    wanted = {exercise.name for exercise in exercises(path.name[:2])}
    assert set(stubs) == set(checks) == wanted
    assert len(wanted) >= (4 if path.name.startswith("00") else 5)
    for name in wanted:
        assert stubs[name].source.strip() == stub(name).strip()
        function = re.search(r"def (\w+)\(", stubs[name].source).group(1)
        assert checks[name].source.strip() == f'{function} = check("{name}", {function})'
        assert cells.index(checks[name]) == cells.index(stubs[name]) + 1
        assert stubs[name].metadata.nbgrader.solution
        assert checks[name].metadata.nbgrader.grade
        assert checks[name].metadata.nbgrader.points > 0
