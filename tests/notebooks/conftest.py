"""The figures of the notebooks' runs, printed at the end of the tests."""

import sys

import pytest

from course_utils.paths import ROOT

sys.path.append(str(ROOT / "tests" / "exercises"))  # where calls.py is

FIGURES = pytest.StashKey[list]()


@pytest.fixture
def figures(request) -> list:
    """Rows (name, seconds, bytes) for the summary."""
    return request.config.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(FIGURES, [])
    if rows:
        terminalreporter.section("notebooks, executed offline")
        for name, seconds, size in rows:
            terminalreporter.line(f"{name:45s}{seconds:6.0f} s{size / 2**30:8.2f} GiB at the peak")
