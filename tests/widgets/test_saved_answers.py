"""Answers to a quiz: kept when the cell runs again, dropped when the question changes, never in the way."""

import copy
import errno
import json
import os
from pathlib import Path

import pytest
from samples import QUESTIONS

from course_utils import files
from course_utils.widgets import Predict, Quiz, saved_answers

RIGHT_AT_ONCE = saved_answers.NONE | {"chosen": [0], "attempts": 1, "solved": 1}
WRONG = saved_answers.NONE | {"chosen": [1], "attempts": 1, "solved": None}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return tmp_path / "progress"


def answer(quiz: Quiz, place: int, answered: dict) -> None:
    """What the page does: it replaces the list."""
    quiz.answered = [*quiz.answered[:place], answered, *quiz.answered[place + 1 :]]


def test_answers_stay_when_the_cell_runs_again_and_in_another_kernel_only_their_own_question_changes():
    first, second = Quiz.from_notebook("04"), Quiz.from_notebook(4)
    assert first.answered == [saved_answers.NONE] * len(first.questions)
    answer(first, 0, RIGHT_AT_ONCE)
    answer(second, 2, WRONG)  # has not seen the first one's answer, and leaves it alone
    again = Quiz.from_notebook("04")
    assert again.answered[0] == RIGHT_AT_ONCE
    assert again.answered[2] == WRONG
    assert again.answered[1] == saved_answers.NONE
    assert Quiz.from_notebook("05").answered[0] == saved_answers.NONE


def test_a_prediction_stays_like_an_answer_to_a_quiz_and_a_fresh_one_asks_everybody_again():
    asked = Predict.from_demo("windows")
    assert asked.answered == [saved_answers.NONE]
    asked.answered = [WRONG]
    assert Predict.from_demo("windows").answered == [WRONG]
    assert Predict.from_demo("windows", fresh=True).answered == [saved_answers.NONE]
    assert Predict.from_demo("captions").answered == [saved_answers.NONE]
    (question,) = asked.questions
    assert [each["correct"] for each in question["answers"]] == [False, False, True, False]
    assert len({each["why"] for each in question["answers"]}) == 1


def test_words_are_kept_like_a_choice_and_so_is_an_answer_that_was_shown_without_one():
    asked = Predict.from_notebook("00", "discussion")
    words = saved_answers.NONE | {"text": "By its MLP – and the sum.", "shown": True}
    answer(asked, 1, words)
    answer(asked, 0, saved_answers.NONE | {"shown": True})
    again = Predict.from_notebook(0, "discussion").answered
    assert again == [saved_answers.NONE | {"shown": True}, words, saved_answers.NONE]
    assert Predict.from_notebook("00", "discussion", fresh=True).answered == [saved_answers.NONE] * 3
    answer(asked, 1, words | {"text": "x" * (saved_answers.LONGEST + 1)})
    answer(asked, 1, words | {"text": 1})
    assert Predict.from_notebook("00", "discussion").answered[1] == words


def test_an_answer_that_an_earlier_version_of_the_course_has_saved_is_read(folder):
    answer(Quiz.from_notebook("04"), 0, RIGHT_AT_ONCE)
    (file,) = folder.iterdir()
    file.write_text('{"chosen": [0], "attempts": 1, "solved": 1}')
    assert Quiz.from_notebook("04").answered[0] == RIGHT_AT_ONCE


def test_a_fresh_quiz_and_one_that_is_graded_neither_show_nor_save_answers(monkeypatch, folder):
    answer(Quiz.from_notebook("04"), 0, WRONG)
    quizzes = [Quiz.from_notebook("04", fresh=True)]
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    quizzes.append(Quiz.from_notebook("04"))
    before = sorted(folder.iterdir())
    for quiz in quizzes:
        assert quiz.answered[0] == saved_answers.NONE
        answer(quiz, 1, WRONG)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("change", ["question", "text", "correct", "order"])
def test_answers_to_a_question_that_has_changed_are_dropped(change):
    question = Quiz(QUESTIONS).questions[1]
    saved_answers.write("04", question, RIGHT_AT_ONCE)
    other = copy.deepcopy(question)
    other["answers"][2]["why"] = "Another explanation changes nothing."
    assert saved_answers.read("04", other) == RIGHT_AT_ONCE
    if change == "question":
        other["question"] += " Really?"
    elif change == "order":
        other["answers"].reverse()
    else:
        other["answers"][2][change] = {"text": "6", "correct": True}[change]
    assert saved_answers.read("04", other) == saved_answers.NONE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 9000,
        b"null",
        b"\xff",
        json.dumps(WRONG | {"chosen": [7]}).encode(),
        json.dumps(WRONG | {"chosen": [True]}).encode(),
        json.dumps(WRONG | {"solved": 2}).encode(),
        json.dumps(WRONG | {"attempts": "1"}).encode(),
        json.dumps({"chosen": []}).encode(),
    ],
)
def test_a_damaged_file_counts_as_no_answer_and_is_replaced_by_the_next_one(folder, content):
    answer(Quiz.from_notebook("04"), 0, WRONG)
    (file,) = folder.iterdir()
    file.write_bytes(content)
    quiz = Quiz.from_notebook("04")
    assert quiz.answered[0] == saved_answers.NONE
    answer(quiz, 0, RIGHT_AT_ONCE)
    assert Quiz.from_notebook("04").answered[0] == RIGHT_AT_ONCE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_in_place_of_the_file_does_not_hang(folder):
    answer(Quiz.from_notebook("04"), 0, WRONG)
    (file,) = folder.iterdir()
    file.unlink()
    os.mkfifo(file)
    assert Quiz.from_notebook("04").answered[0] == saved_answers.NONE


@pytest.mark.parametrize("trouble", ["full disk", "a file in place of the folder", "no such home"])
def test_the_page_says_why_answers_could_not_be_saved_and_keeps_them(trouble, folder, monkeypatch):
    if trouble == "full disk":

        def full(path: Path) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(files, "_flush", full)
    elif trouble == "no such home":
        monkeypatch.setenv("COURSE_STATE", "~nosuchuser/state")
    else:
        folder.write_text("")
    quiz = Quiz.from_notebook("04")
    answer(quiz, 0, WRONG)
    assert quiz.answered[0] == WRONG
    assert quiz.unsaved.startswith("Your answers could not be saved (")
    assert quiz.unsaved.endswith("set COURSE_STATE to another folder.")
    assert not folder.is_dir() or not list(folder.iterdir())
    if trouble == "full disk":
        monkeypatch.undo()
        monkeypatch.setenv("COURSE_STATE", str(folder.parent))
        answer(quiz, 1, WRONG)
        assert quiz.unsaved == ""


def test_what_the_page_cannot_have_sent_is_not_saved(folder):
    quiz = Quiz.from_notebook("04")
    answer(quiz, 0, WRONG | {"chosen": [99]})
    quiz.answered = []
    assert not folder.exists()
