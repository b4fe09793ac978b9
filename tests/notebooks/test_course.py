"""The one table of the course, and everything that repeats a part of it."""

import re

import pytest

from course_utils.exercises.listed import listed
from course_utils.lab import notebooks
from course_utils.lab.course import README, TABLE, efforts, entries, readme_table, with_efforts, with_table
from course_utils.paths import NOTEBOOKS, ROOT

ENTRIES = {entry.number: entry for entry in entries()}
ROW = """[[notebook]]
number = "00"
title = "Attention recap"
builds = "masks"
modules = ["costs.py"]
slides = "*Last lecture*"
minutes = "45–60"
exercises = [{ name = "00.attend", difficulty = 2, minutes = 18 }]
"""


def test_every_notebook_has_one_entry_and_every_entry_its_notebook():
    assert [entry.number for entry in entries()] == notebooks.numbers(), (
        f"{TABLE} must have one entry for each notebook, in order: add the missing, remove the superfluous."
    )


def test_every_module_is_there_and_an_experiment_stands_with_its_own_notebook():
    for entry in entries():
        for module in entry.modules:
            assert (ROOT / "course_utils" / module).is_file(), f"{entry.number}: course_utils/{module} does not exist"
            assert re.fullmatch(rf"experiments/nb{entry.number}_\w+\.py|(?!experiments/).+", module), module


def test_the_table_in_the_readme_is_the_one_made_from_it():
    right = readme_table()
    assert right in README.read_text(encoding="utf-8"), (
        f"README's table differs: run `make format`, it should be\n{right}"
    )


def test_the_readme_is_written_by_format_wherever_its_table_stands():
    readme = README.read_text(encoding="utf-8")
    stale = readme.replace("| 45 |", "| 5 |").replace("[`costs.py`]", "[`bytes.py`]")
    assert stale != readme
    assert with_table(stale) == readme
    assert ".venv/bin/python -m course_utils.lab.course" in (ROOT / "Makefile").read_text().replace(
        "$(BIN)", ".venv/bin"
    )


@pytest.mark.parametrize("number", notebooks.numbers())
def test_a_notebook_says_its_number_and_its_minutes_as_the_table_does_and_asks_its_quiz(number):
    first, *others = (cell.source for cell in notebooks.read(notebooks.find(number)).cells)
    assert f'Quiz.from_notebook("{number}")' in others
    assert first.startswith(f"# {number} · ")
    (minutes,) = re.findall(r"^\| \*\*Time\*\* \| about (\S+) minutes with the exercises;", first, re.MULTILINE)
    assert minutes == ENTRIES[number].minutes, f"{TABLE} and the first cell of notebook {number} differ: change one"


def written(folder, text: str):
    path = folder / "course.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_is_read_and_minutes_may_be_a_range(tmp_path):
    (entry,) = entries(written(tmp_path, ROW))
    assert (entry.number, entry.modules, entry.minutes) == ("00", ("costs.py",), "45–60")
    assert [each.effort for each in entry.exercises] == ["●● 18 min"]


def test_every_exercise_has_its_difficulty_and_minutes_and_the_notebook_shows_them():
    shown = efforts()
    assert list(shown) == [exercise.name for exercise in listed()], (
        f"{TABLE} must name the exercises of each notebook in order, with their difficulty and minutes"
    )
    for path in map(notebooks.find, notebooks.numbers()):
        notebook = notebooks.read(path)
        before = [cell.source for cell in notebook.cells]
        assert [cell.source for cell in with_efforts(notebook).cells] == before, f"{path.name}: run `make format`"
        for name in notebooks.exercises_of(notebook):
            assert any(f"**Exercise.** {shown[name]} · " in source for source in before), name


@pytest.mark.parametrize(
    ("line", "instead", "sentence"),
    [
        ('minutes = "45–60"\n', "", "notebook 00 in course.toml has no 'minutes': add it, text."),
        ('number = "00"\n', "", "notebook Attention recap in course.toml has no 'number': add it, text."),
        ('"45–60"', "45", "minutes of notebook 00 in course.toml is 45, but must be text."),
        ('"45–60"', '"45-60"', 'minutes of .* is \'45-60\', but must look like "45" or "45–60"'),
        ('["costs.py"]', '"costs.py"', "modules of .* is 'costs.py', but must be a list."),
        ("builds", "build", "notebook 00 in course.toml has no 'builds'"),
        (
            "difficulty = 2",
            "difficulty = 4",
            "An exercise of notebook 00 .* must have a name, a difficulty from 1 to 3",
        ),
        ("minutes = 18", 'minutes = "18"', "An exercise of notebook 00 in course.toml is {.*'18'"),
        (
            'minutes = "45',
            "author = 'me'\nminutes = \"45",
            "has an unknown key 'author': choose one of number, title, builds, ",
        ),
    ],
)
def test_a_wrong_row_is_one_sentence(line, instead, sentence, tmp_path):
    assert line in ROW
    with pytest.raises(ValueError, match=sentence):
        entries(written(tmp_path, ROW.replace(line, instead)))


@pytest.mark.parametrize("number", notebooks.numbers())
def test_what_a_notebook_says_of_another_links_to_it_in_jupyterlab_and_on_the_site(number):
    for cell in notebooks.read(notebooks.find(number)).cells:
        if cell.cell_type == "markdown":
            for text, target in re.findall(r"\[([^\]]*)\]\((?!https?:|#)([^)]*)\)", cell.source):
                assert (NOTEBOOKS / target).is_file(), f"{cell.id}: [{text}]({target})"
                assert target.startswith(re.findall(r"\d\d", text)[0]), f"{cell.id}: [{text}]({target})"
            plain = re.sub(r"\[[^\]]*\]\([^)]*\)", "", cell.source)
            said = set(re.findall(r"[Nn]otebooks?(?: (?:and|to))? (\d\d)", plain)) - {number}
            assert not said, f"{cell.id}: write [notebook {min(said, default='')}](…) with the notebook's file name"
