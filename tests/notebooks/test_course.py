"""The one table of the course, and everything that repeats a part of it."""

import re

import pytest

from course_utils.lab import notebooks
from course_utils.lab.course import README, TABLE, entries, readme_table, with_table
from course_utils.paths import ROOT

ENTRIES = {entry.number: entry for entry in entries()}
ROW = """[[notebook]]
number = "00"
title = "Attention recap"
builds = "masks"
modules = ["costs.py"]
slides = "*Last lecture*"
minutes = "45–60"
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
            "minutes =",
            "author = 'me'\nminutes =",
            "has an unknown key 'author': choose one of number, title, builds, ",
        ),
    ],
)
def test_a_wrong_row_is_one_sentence(line, instead, sentence, tmp_path):
    assert line in ROW
    with pytest.raises(ValueError, match=sentence):
        entries(written(tmp_path, ROW.replace(line, instead)))
