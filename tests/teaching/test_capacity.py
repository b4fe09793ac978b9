"""What a class needs follows from the measured figures, and INSTRUCTOR.md says the same."""

import pytest
from typer.testing import CliRunner

from course_utils import cli
from course_utils.teaching import capacity
from course_utils.teaching.capacity import GIB
from course_utils.teaching.load_test import BUDGET, Load


def test_a_plan_follows_from_the_figures(monkeypatch):
    figures = [
        Load(kernels, 60.0, cpu, 3 * GIB, round(all_together * GIB), ())
        for kernels, cpu, all_together in ((1, 50, 3), (2, 54, 4), (4, 45, 8.2))
    ]
    monkeypatch.setattr(capacity, "measured", lambda: figures)
    assert capacity.memory() == 2.5 * GIB  # from two kernels to four, 2.1 GiB each
    seen = capacity.plan(200)
    assert (seen.memory, seen.disk, seen.cores) == (500 * GIB, 200 * GIB, 200 / capacity.STUDENTS_PER_CORE)
    assert seen.busy == 2.0  # 200 × 54 s in an hour and a half
    assert seen.machines == 9  # 24 students fill the 60 GiB of one
    assert capacity.plan(1).cores == 1
    with pytest.raises(ValueError, match=r"^students is 0, but must be 1 or more\.$"):
        capacity.plan(0)


def test_the_shipped_figures_are_of_loads_that_went_well_and_fit_the_limit():
    rows = capacity.measured()
    assert [row.kernels for row in rows] == sorted({row.kernels for row in rows})
    assert not any(row.errors for row in rows)
    assert max(row.kernel_bytes for row in rows) < BUDGET < capacity.MEMORY_LIMIT


def test_instructor_md_shows_the_figures_and_the_plan():
    page = capacity.PAGE.read_text(encoding="utf-8")
    assert [place[1].split()[0] for place in capacity.PLACE.finditer(page)] == ["load", "plan"]
    assert capacity.with_tables(page) == page, "the tables are not up to date: run `make format`"


def test_the_command_prints_the_plan_or_says_what_is_wrong():
    printed = CliRunner().invoke(cli.app, ["load", "--plan", "30", "1000"]).output
    for row in capacity.rows([30, 1000]):
        assert all(figure in printed for figure in row), printed
    assert capacity.sentence() in " ".join(printed.split())
    wrong = CliRunner().invoke(cli.app, ["load", "--plan", "0"])
    assert (wrong.exit_code, "students is 0, but must be 1 or more." in wrong.output) == (2, True)
