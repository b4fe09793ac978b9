"""What the notebooks ask before they answer: every file is sound, and every place is asked for in its notebook."""

import re

import pytest

from course_utils.front_end import FOLDER
from course_utils.lab import notebooks
from course_utils.widgets import Predict

FILES = {path.stem: path for path in sorted((FOLDER / "questions").glob("*.toml"))}
ASKED = re.compile(r'^Predict\.from_notebook\("(\d\d)", "([\w-]+)"\)$', re.MULTILINE)
FOLDED = re.compile(r"<summary>(.*?)</summary>")


def test_every_notebook_asks():
    assert list(FILES) == notebooks.numbers()


@pytest.mark.parametrize("number", FILES)
def test_every_question_is_asked_once_with_options_that_differ(number):
    cells = notebooks.read(notebooks.find(number)).cells
    asked = [place for cell in cells if cell.cell_type == "code" for place in ASKED.findall(cell.source)]
    places = tuple(re.findall(r"^\[\[([\w-]+)\]\]$", FILES[number].read_text(encoding="utf-8"), re.MULTILINE))
    assert asked == [(number, place) for place in dict.fromkeys(places)], "in the order of the notebook"
    letters = []
    for place in set(places):
        for question in Predict.from_notebook(number, place, fresh=True).questions:
            texts = [answer["text"] for answer in question["answers"]]
            assert len(set(texts)) == len(texts)
            letters += ["ABCD"[[answer["correct"] for answer in question["answers"]].index(True)]] if texts else []
    assert all(letters.count(letter) <= 0.6 * len(letters) for letter in "ABCD"), f"{number}: {letters} is a pattern"


@pytest.mark.parametrize("number", FILES)
def test_no_fold_out_answers_a_question_that_nobody_was_asked(number):
    for cell in notebooks.read(notebooks.find(number)).cells:
        for title in FOLDED.findall(cell.source):
            assert not re.search("\\?|[Aa]nswer", title), f"{cell.id}: ask {title!r} with Predict"
        assert not re.search("(before you|then) unfold", cell.source), cell.id
