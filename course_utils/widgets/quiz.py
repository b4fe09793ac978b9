"""Quiz: questions whose every answer says why it is right or wrong. All notebooks."""

import json
from typing import Any, Self

import anywidget
import traitlets

from course_utils.widgets.front_end import FOLDER, script, style


class Quiz(anywidget.AnyWidget):
    """Shows questions, one or several answers each, with feedback on every answer; no kernel is needed.

    questions: dicts with ``question`` and ``answers``, a list of dicts with ``text``, ``correct`` and ``why``. More
    than one correct answer makes it a question with several. Raises ValueError, naming the question, for one that
    cannot be answered or leaves an answer unexplained.
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
                    f"Question {number} needs a text under 'question' and at least two 'answers': add them."
                )
            if not any(answer.get("correct") for answer in answers):
                raise ValueError(f"Question {number} has no correct answer: mark at least one with 'correct': true.")
            if not all(answer.get("text") and answer.get("why") for answer in answers):
                raise ValueError(
                    f"Question {number} has an answer without 'text' or 'why': each answer is explained."
                )
        super().__init__(questions=questions)

    @classmethod
    def from_notebook(cls, number: str) -> Self:
        """The quiz of notebook ``"04"``. Raises FileNotFoundError, naming those there are, for any other."""
        path = FOLDER / "quizzes" / f"{number}.json"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in path.parent.glob("*.json")))
            raise FileNotFoundError(f"There is no quiz for notebook {number!r}: choose one of {known}.")
        return cls(json.loads(path.read_text(encoding="utf-8")))
