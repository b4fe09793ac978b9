"""Predict: questions to be answered before reading on, by a choice or in words. All notebooks."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from course_utils.front_end import FOLDER, script, style
from course_utils.settings import Must, checked, shown
from course_utils.widgets.quiz import Questions, file_of
from course_utils.widgets.tensors import as_list, as_names

LETTERS = "ABCD"
Text = Annotated[str, Must("a text that is not empty", bool)]


class Predict(Questions):
    """Asks questions, and shows the answer to each after a choice or a sentence; no kernel is needed.

    questions: dicts with ``question`` and either ``options``, two to four texts with letters from A, ``right``, the
    letter of the right one, and ``reason``; or ``answer``, a model answer to compare one's own words with. Raises
    ValueError, naming the question, for another number of options, an unknown letter and an empty text.
    """

    _esm = script("predict")
    _css = style("predict")

    def __init__(self, questions: Sequence[Mapping[str, Any]]) -> None:
        asked = [_asked(each, number) for number, each in enumerate(as_list(questions, "questions"), 1)]
        if not asked:
            raise ValueError("There are no questions: pass a list with at least one.")
        super().__init__(asked)

    @classmethod
    def from_notebook(cls, number: str | int, place: str, *, fresh: bool = False) -> Self:
        """The questions at a place of a notebook, such as ``("04", "look")``, with the answers that the student gave.

        Answers are saved with the student's progress. fresh: see `Quiz.from_notebook`. Raises FileNotFoundError if the
        notebook has no questions, and ValueError for an unknown place, with the names of those that exist.
        """
        file = file_of("questions", number)
        places = tomllib.loads(file.read_text(encoding="utf-8"))
        if place not in list(places):  # also what has no hash
            known = ", ".join(places)
            raise ValueError(f"Notebook {file.stem} has no questions called {shown(place)}: choose one of {known}.")
        asked = cls(places[place])
        return asked if fresh else asked.remember(file.stem)

    @classmethod
    def from_demo(cls, name: str, *, fresh: bool = False) -> Self:
        """The question of a lecture's demo, such as ``"windows"``, with the answer that the student gave earlier.

        fresh: see `Quiz.from_notebook`. Raises ValueError, with the names of all demos, for an unknown one.
        """
        rows = {
            row["name"]: row for row in tomllib.loads((FOLDER / "demos.toml").read_text(encoding="utf-8"))["demo"]
        }
        if name not in list(rows):
            raise ValueError(f"There is no demo {shown(name)}: choose one of {', '.join(rows)}.")
        asked = cls([{key: rows[name][key] for key in ("question", "options", "right", "reason")}])
        return asked if fresh else asked.remember(rows[name]["notebook"])


def _asked(question: Any, number: int) -> dict[str, Any]:
    """The question as the page reads it. Raises ValueError if something is missing or wrong."""
    if not isinstance(question, Mapping):
        raise ValueError(f"Question {number} is {shown(question)}, but must be a dict: see the files in questions.")

    def text(key: str) -> Any:
        return checked(f"{key!r} of question {number}", question.get(key), Text)

    if "answer" in question:
        return {"question": text("question"), "answers": [], "answer": text("answer")}
    options = as_names(question.get("options", ()), f"'options' of question {number}")
    letters = LETTERS[: len(options)]
    if not 2 <= len(options) <= len(LETTERS):
        raise ValueError(
            f"Question {number} has {len(options)} options, but must have two to four of them, or an 'answer' in words."
        )
    if text("right") not in tuple(letters):
        raise ValueError(
            f"'right' of question {number} is {shown(question['right'])}, but must be the letter of an option: "
            f"{', '.join(letters)}."
        )
    answers = [
        {"text": option, "why": text("reason"), "correct": letter == question["right"]}
        for letter, option in zip(letters, options, strict=True)
    ]
    return {"question": text("question"), "answers": answers}
