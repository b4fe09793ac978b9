"""Quiz: questions with an explanation for every answer, and what is common to all that asks. All notebooks."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import traitlets

from course_utils.front_end import FOLDER, script, style
from course_utils.settings import checked, shown
from course_utils.widgets import saved_answers
from course_utils.widgets.tensors import as_list
from course_utils.widgets.widget import Widget


class Questions(Widget):
    """Questions whose answers can be remembered."""

    questions = traitlets.List(traitlets.Dict()).tag(sync=True)
    answered = traitlets.List(traitlets.Dict()).tag(sync=True)  # of each question, what was answered last
    unsaved = traitlets.Unicode().tag(sync=True)  # why the answers could not be saved

    def __init__(self, asked: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(questions=asked, answered=[saved_answers.NONE] * len(asked))

    def remember(self, notebook: str) -> Self:
        """Show what the student answered earlier and save new answers, except where a notebook is graded; → itself."""
        if "NBGRADER_EXECUTION" not in os.environ:
            self.answered = [saved_answers.read(notebook, question) for question in self.questions]
            self.observe(lambda change: self._save(notebook, change["old"]), "answered")
        return self

    def _save(self, notebook: str, before: list[dict[str, Any]]) -> None:
        """Save each answer that the page has changed."""
        for question, old, new in zip(self.questions, before, self.answered, strict=False):
            if new != old and saved_answers.is_sound(new, question):
                self.unsaved = saved_answers.write(notebook, question, new)


class Quiz(Questions):
    """Shows multiple-choice questions with feedback on every answer; no kernel is needed.

    questions: dicts with ``question`` and ``answers``, a list of dicts with ``text``, ``correct`` and ``why``. If
    more than one answer is correct, the reader can choose several. Raises ValueError, naming the question, if it has
    no correct answer or an answer without an explanation.
    """

    _esm = script("quiz")
    _css = style("quiz")
    # Of each question the places that are ticked now, [] for none; before the first tick, those answered last.
    ticked = traitlets.List(traitlets.List()).tag(sync=True)

    def __init__(self, questions: Sequence[Mapping[str, Any]]) -> None:
        asked = [_sound(each, number) for number, each in enumerate(as_list(questions, "questions"), 1)]
        if not asked:
            raise ValueError("The quiz has no questions: pass a list with at least one.")
        super().__init__(asked)

    @classmethod
    def from_notebook(cls, number: str | int, *, fresh: bool = False) -> Self:
        """The quiz of a notebook, such as ``"04"``, with the answers that the student gave earlier.

        Answers are saved with the student's progress. fresh: show no earlier answers and save none, for example for a
        class. Raises FileNotFoundError if there is no such quiz, naming those that exist.
        """
        file = file_of("quizzes", number)
        quiz = cls(json.loads(file.read_text(encoding="utf-8")))
        return quiz if fresh else quiz.remember(file.stem)


def file_of(folder: str, number: str | int) -> Path:
    """A notebook's file in a folder of this package. Raises FileNotFoundError, naming those that exist."""
    found = {file.stem: file for file in sorted((FOLDER / folder).iterdir())}
    name = str(number).zfill(2)
    if name not in found:
        raise FileNotFoundError(
            f"There are no {folder} for notebook {shown(number)}: choose one of {', '.join(found)}."
        )
    return found[name]


def _sound(question: Any, number: int) -> dict[str, Any]:
    """The question, with only the fields that the page uses. Raises ValueError if one is missing or wrong."""
    if not isinstance(question, Mapping):
        raise ValueError(f"Question {number} is {shown(question)}, but must be a dict: see the files in quizzes.")
    answers = as_list(question.get("answers", []), f"'answers' of question {number}")
    if not question.get("question") or len(answers) < 2:
        raise ValueError(f"Question {number} lacks a text under 'question' or at least two 'answers': add them.")
    for answer in answers:
        if not isinstance(answer, Mapping) or not answer.get("text") or not answer.get("why"):
            raise ValueError(f"Question {number} has an answer without 'text' or 'why': add them to each answer.")
    found = [
        {
            "text": checked(f"'text' of an answer to question {number}", answer["text"], str),
            "why": checked(f"'why' of an answer to question {number}", answer["why"], str),
            "correct": checked(f"'correct' of an answer to question {number}", answer.get("correct", False), bool),
        }
        for answer in answers
    ]
    if not any(answer["correct"] for answer in found):
        raise ValueError(f"Question {number} has no correct answer: mark at least one with 'correct': true.")
    return {"question": checked(f"'question' of question {number}", question["question"], str), "answers": found}
