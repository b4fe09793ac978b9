"""The words of the class view: titles, the sentence of each mistake, and what INSTRUCTOR.md says about an exercise.

Students' servers send names only; whatever is not in the catalogue is not shown, so nobody can write on the page.
"""

import multiprocessing
import re
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from course_utils.paths import NOTEBOOKS
from course_utils.processes import end_with_parent

PATTERNS = {  # the beginning of a pattern's name → the sentence
    "signature": "The function has other arguments than the exercise asks for.",
    "changed-input": "The function changes its input.",
    "gradient": "The values are right, but the gradients are not.",
    "unused": "One argument does not change the result.",
    "swapped": "Two arguments are swapped.",
    "changed": "The result belongs to another value of an argument.",
    "right-when": "The answer is right only for a simple value of an argument.",
    "growth": "The result does not grow as it should with one argument.",
    "count-offset": "The count is off by the same number in every case.",
    "count-factor": "The count is off by the same factor in every case.",
    "factor": "Every number is off by the same factor.",
    "offset": "Every number is off by the same number.",
    "sign": "The numbers are right, but have the wrong sign.",
    "transposed": "The numbers are right, but axes are swapped.",
    "reshaped": "The numbers are right, but the shape is not.",
    "reordered": "The numbers are right, but in a different order along an axis.",
    "rolled": "Everything is moved by one position.",
    "elsewhere": "The right numbers are at the wrong positions.",
    "not-reduced": "A sum or mean over an axis is missing.",
    "softmax-missing": "A softmax is missing.",
    "columns-sum-to-one": "The columns sum to one, but the rows should.",
    "rows-do-not-sum-to-one": "The rows do not sum to one.",
    "turned-round": "True and False are swapped.",
    "part-missing": "Only one part of the result is returned.",
    "parts-swapped": "The parts of the result are in the wrong order.",
    "argument-returned": "The function returns an argument unchanged.",
    "constant": "The result has the same number everywhere.",
    "random": "Two calls with the same arguments return different results.",
    "imprecise": "Every number is nearly right: something is rounded.",
    "dtype": "The numbers are right, but the dtype is not.",
}
KINDS = {  # how a result was found, if no misconception was recognised → the sentence
    "error": "The function raises an error.",
    "not a function": "The check received no function.",
    "too slow": "The function does not finish in time.",
    "waiting": "The function waits without computing.",
    "wrong type": "The result has the wrong type.",
    "wrong shape": "The result has the wrong shape.",
    "wrong dtype": "The result has the wrong dtype.",
    "not finite": "The result holds NaN or infinity.",
    "wrong values": "The numbers are wrong, without a pattern.",
    "pattern of the differences": "The numbers differ in a pattern of their own.",
}


@dataclass(frozen=True)
class Mistake:
    """What the page says about a mistake; recognised: more is known than the kind of the result."""

    sentence: str
    recognised: bool


@dataclass(frozen=True)
class Words:
    """The words for one exercise; mistakes has the names of misconceptions, patterns and kinds as keys."""

    name: str
    title: str
    note: str  # in INSTRUCTOR.md, or empty
    mistakes: Mapping[str, Mistake]

    def mistake(self, misconception: object, kind: object) -> str | None:
        """The key of a mistake in ``mistakes``; None if nothing is known about it."""
        pattern = str(misconception).removeprefix("pattern/")
        begun = max(
            (name for name in PATTERNS if pattern == name or pattern.startswith(f"{name}-")), key=len, default=""
        )
        for key in (misconception, f"pattern/{begun}", kind):
            if isinstance(key, str) and key in self.mistakes:
                return key
        return None


@dataclass(frozen=True)
class Catalogue:
    """The words for all exercises and notebooks, in course order."""

    exercises: Mapping[str, Words]
    notebooks: Mapping[str, str]  # number → title
    former: Mapping[str, str]  # an exercise's name in an earlier edition → its present name

    def exercise(self, name: object) -> Words | None:
        """The words for the exercise with this present or former name, if there is one."""
        return self.exercises.get(self.former.get(name, name)) if isinstance(name, str) else None


def catalogue() -> Catalogue:
    """The catalogue of this course. It imports every exercise, and with them PyTorch."""
    from torch import Generator

    from course_utils.exercises import exercises
    from course_utils.exercises.exercise import FORMER_NAMES
    from course_utils.lab.course import entries

    notes, words = _notes(), {}
    for exercise in exercises():
        wild = exercise.wild(Generator().manual_seed(0))
        named = {each.name: _first_sentence(each.message) for each in exercise.misconceptions}
        named |= {each.name: f"Right on ordinary inputs, but not when {each.note}." for each in wild}
        named |= {
            each.name: f"A promise of the docstring is not kept: {each.name.replace('-', ' ')}."
            for each in exercise.promises
        }
        mistakes = {f"{exercise.name}/{name}": Mistake(sentence, True) for name, sentence in named.items()}
        mistakes |= {f"pattern/{name}": Mistake(sentence, True) for name, sentence in PATTERNS.items()}
        mistakes |= {kind: Mistake(sentence, False) for kind, sentence in KINDS.items()}
        words[exercise.name] = Words(exercise.name, exercise.title, notes.get(exercise.name, ""), mistakes)
    return Catalogue(words, {entry.number: entry.title for entry in entries()}, dict(FORMER_NAMES))


def catalogue_of_another_process() -> Catalogue:
    """The same catalogue, made by a process that ends, so that a long-lived one does not keep PyTorch in memory."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=end_with_parent) as pool:
        return pool.submit(catalogue).result()


def _first_sentence(message: str) -> str:
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", message, maxsplit=1)[0]


def _notes() -> dict[str, str]:
    """Name of an exercise → its line under “They get wrong” in INSTRUCTOR.md."""
    page = NOTEBOOKS / "INSTRUCTOR.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    lines = [
        line
        for part in re.findall(r"^\*\*They get wrong\*\*\n\n((?:- .+\n)+)", text, re.M)
        for line in part.splitlines()
    ]
    return {name: line.removeprefix("- ") for line in lines for name in re.findall(r"`(\d\d\.\w+)`", line)}
