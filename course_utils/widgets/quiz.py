"""Quiz: questions with an explanation for every answer. All notebooks."""

import json
from typing import Any, Self

import anywidget
import traitlets

from course_utils.widgets.front_end import FOLDER, script, style


class Quiz(anywidget.AnyWidget):
    """Shows multiple-choice questions with feedback on every answer; no kernel is needed.

    questions: dicts with ``question`` and ``answers``, a list of dicts with ``text``, ``correct`` and ``why``. If
    more than one answer is correct, the reader can choose several. Raises ValueError, naming the question, if it has
    no correct answer or an answer without an explanation.
    """

    _esm = script("quiz")
    _css = style("quiz")
    questions = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, questions: list[dict[str, Any]]) -> None:
        if not questions:
            raise ValueError("The quiz has no questions: pass a list with at least one.")
        for number, question in enumerate(questions, 1):
            answers = question.get("answers", [])
            if not question.get("question") or len(answers) < 2:
                raise ValueError(
                    f"Question {number} lacks a text under 'question' or at least two 'answers': add them."
                )
            if not any(answer.get("correct") for answer in answers):
                raise ValueError(f"Question {number} has no correct answer: mark at least one with 'correct': true.")
            if not all(answer.get("text") and answer.get("why") for answer in answers):
                raise ValueError(f"Question {number} has an answer without 'text' or 'why': add them to each answer.")
        super().__init__(questions=questions)

    @classmethod
    def from_notebook(cls, number: str) -> Self:
        """The quiz of a notebook, such as ``"04"``. Raises FileNotFoundError if it has none, naming those that do."""
        path = FOLDER / "quizzes" / f"{number}.json"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in path.parent.glob("*.json")))
            raise FileNotFoundError(f"There is no quiz for notebook {number!r}: choose one of {known}.")
        return cls(json.loads(path.read_text(encoding="utf-8")))
