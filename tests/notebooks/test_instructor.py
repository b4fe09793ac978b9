"""The page for instructors: its plans add up, and what it names exists."""

import re

import pytest

from course_utils.exercises import exercises
from course_utils.lab import notebooks
from course_utils.lab.course import entries
from course_utils.paths import NOTEBOOKS
from course_utils.teaching.demo import script

PAGE = (NOTEBOOKS / "INSTRUCTOR.md").read_text(encoding="utf-8")
DEMOS = {demo.name for demo in script.demos()}
CHAPTERS = dict(re.findall(r"^## (\d\d) · .+\n((?:(?!##? ).*\n)*)", PAGE, re.MULTILINE))


def test_every_notebook_has_its_chapter_under_its_title():
    wanted = [f"{entry.number} · {entry.title}" for entry in entries()]
    assert re.findall(r"^## (\d\d · .+)$", PAGE, re.MULTILINE) == wanted, "titles stand in notebooks/course.toml"


@pytest.mark.parametrize("number", CHAPTERS)
def test_plans_add_up_and_everything_named_exists(number):
    chapter = CHAPTERS[number]
    plans = dict(re.findall(r"^\*\*(\d\d) minutes:\*\* (.+)$", chapter, re.MULTILINE))
    assert list(plans) == ["50", "90"]
    for length, plan in plans.items():
        total = sum(int(step.split()[0]) for step in plan.split(" → "))
        assert total == int(length), (
            f"The plan of {length} minutes in chapter {number} of INSTRUCTOR.md adds up to {total}: change the minutes "
            "of its steps."
        )
    for length, (slack, cuts) in {"50": (5, 4), "90": (9, 9)}.items():
        steps = plans[length].split(" → ")
        assert steps[-1] in {f"{minutes} slack" for minutes in range(slack, 20)}, f"{number}: end the plan with slack"
        marked = sum(int(step.split()[0]) for step in steps if step.endswith(" †"))
        assert marked >= cuts, f"{number}: mark with † what can be left out of the plan of {length} minutes"
    checked = {exercise.name for exercise in exercises(number)}
    unknown = set(re.findall(r"`(\d\d\.\w+)`", chapter)) - checked
    assert not unknown, (
        f"Chapter {number} of INSTRUCTOR.md names {unknown}, which is no exercise of the notebook: take it out, or add "
        "it to EXERCISES."
    )
    missing = checked - set(re.findall(r"exercise `(\d\d\.\w+)`", plans["90"]))
    assert not missing, (
        f"The plan of 90 minutes in chapter {number} of INSTRUCTOR.md has no step for {missing}: add “5 exercise "
        "`NAME`”, with its minutes, and take them from other steps. A lab writes all exercises."
    )
    planned = {name: int(minutes) for minutes, name in re.findall(r"(\d+) exercise `(\d\d\.\w+)`", plans["90"])}
    entry = next(entry for entry in entries() if entry.number == number)
    assert planned == {each.name: each.minutes for each in entry.exercises}, (
        f"The minutes of exercises in chapter {number} of INSTRUCTOR.md differ from notebooks/course.toml: change one."
    )
    short = {name: int(minutes) for minutes, name in re.findall(r"(\d+) exercise `(\d\d\.\w+)`", plans["50"])}
    assert all(minutes >= planned[name] for name, minutes in short.items()), (
        f"Chapter {number}: the plan of 50 minutes gives an exercise less time than notebooks/course.toml."
    )
    assert set(re.findall(r"`course demo ([\w-]+)`", chapter)) <= DEMOS
    headings = {
        line.lstrip("# ")
        for cell in notebooks.read(notebooks.find(number)).cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("##")
    }
    for plan in plans.values():
        for section in re.findall(r"\*([^*]+)\*", plan):
            assert section in headings, section
    assert len(re.findall(r"^- .+`\d\d\.\w+`", chapter, re.MULTILINE)) >= 3  # misconceptions with their checks
    assert "**Discuss.**" in chapter
    assert len(re.findall(r"^\d\. ", chapter, re.MULTILINE)) >= 3  # demos


def test_every_demo_is_shown_in_some_lesson():
    shown = set(re.findall(r"`course demo ([\w-]+)`", PAGE))
    assert shown == DEMOS, "say in INSTRUCTOR.md where in the lesson `course demo NAME` is shown, for every demo"
