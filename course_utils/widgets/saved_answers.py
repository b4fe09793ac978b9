"""Answers to questions that outlive the kernel: one small file per question, with the student's progress.
All notebooks.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_utils import files, paths

NEWER = {"text": "", "shown": False}  # not in files of earlier versions of the course
NONE: dict[str, Any] = {"chosen": [], "attempts": 0, "solved": None, **NEWER}
LONGEST = 1000  # of what is answered in words


def read(notebook: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """What was answered last to a question of a notebook: ``chosen``, the places of the answers, after so many
    ``attempts``, and which of them ``solved`` it; or a ``text``; and whether the answer was ``shown`` without a choice.

    Nothing if it was never answered, if the question or its answers have changed, or if the file cannot be read.
    """
    try:
        with files.opened(_path(notebook, question)) as file:
            answered = NEWER | json.loads(file.read(10_000))
    except (OSError, ValueError, RuntimeError, TypeError):  # no home folder, thousands of brackets, not a dict
        return NONE
    return answered if is_sound(answered, question) else NONE


def write(notebook: str, question: Mapping[str, Any], answered: Mapping[str, Any]) -> str:
    """Save what was answered. Returns a sentence if that is impossible, otherwise ``""``; never raises."""
    try:
        with files.atomic(_path(notebook, question)) as partial:
            partial.write_text(json.dumps(answered), encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        reason = files.reason(error)
        return f"Your answers could not be saved ({reason}): free some space or set COURSE_STATE to another folder."
    return ""


def is_sound(answered: Any, question: Mapping[str, Any]) -> bool:
    """Whether this could be an answer to the question."""
    if not isinstance(answered, dict) or answered.keys() != NONE.keys():
        return False
    chosen, attempts, solved, text, shown = (answered[key] for key in NONE)
    return (
        type(attempts) is int
        and 0 <= attempts < 10**6
        and (solved is None or (type(solved) is int and 1 <= solved <= attempts))
        and isinstance(chosen, list)
        and all(type(each) is int and 0 <= each < len(question["answers"]) for each in chosen)
        and isinstance(text, str)
        and len(text) <= LONGEST
        and isinstance(shown, bool)
    )


def _path(notebook: str, question: Mapping[str, Any]) -> Path:
    asked = json.dumps([question["question"], [(each["text"], each["correct"]) for each in question["answers"]]])
    return paths.state_dir() / "progress" / f"quiz-{notebook}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"
