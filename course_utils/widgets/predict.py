"""Predict: a question to be answered before reading on, such as that of a lecture's demo. All notebooks."""

import tomllib
from collections.abc import Sequence
from typing import Self

from course_utils.front_end import FOLDER, script, style
from course_utils.settings import checked, shown
from course_utils.widgets.quiz import Questions
from course_utils.widgets.tensors import as_names

LETTERS = "ABCD"


class Predict(Questions):
    """Asks one question and shows the right option and its reason after a choice; no kernel is needed.

    options: two to four texts, with letters from A. right: the letter of the right one. Raises ValueError for another
    number of options, an unknown letter and an empty text.
    """

    _esm = script("predict")
    _css = style("predict")

    def __init__(self, question: str, options: Sequence[str], right: str, reason: str) -> None:
        question, right, reason = (
            checked(name, value, str)
            for name, value in {"question": question, "right": right, "reason": reason}.items()
        )
        texts = as_names(options, "options")
        letters = LETTERS[: len(texts)]
        if not 2 <= len(texts) <= len(LETTERS):
            raise ValueError(f"There are {len(texts)} options, but there must be two to four: pass that many.")
        if right not in tuple(letters):
            raise ValueError(f"right is {shown(right)}, but must be the letter of an option: {', '.join(letters)}.")
        answers = [
            {"text": text, "why": reason, "correct": letter == right}
            for letter, text in zip(letters, texts, strict=True)
        ]
        super().__init__([{"question": question, "answers": answers}])

    @classmethod
    def from_demo(cls, name: str, *, fresh: bool = False) -> Self:
        """The question of a lecture's demo, such as ``"windows"``, with the answer that the student gave earlier.

        fresh: see `Quiz.from_notebook`. Raises ValueError, with the names of all demos, for an unknown one.
        """
        rows = {
            row["name"]: row for row in tomllib.loads((FOLDER / "demos.toml").read_text(encoding="utf-8"))["demo"]
        }
        if name not in rows:
            raise ValueError(f"There is no demo {shown(name)}: choose one of {', '.join(rows)}.")
        row = rows[name]
        asked = cls(row["question"], row["options"], row["right"], row["reason"])
        return asked if fresh else asked.remember(row["notebook"])
