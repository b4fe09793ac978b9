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
    "count-factor": "The count is off by a factor that depends on the arguments.",
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
    "count-gap": "The count is off by a product of arguments.",
    "signs": "Some numbers have the wrong sign.",
    "reversed": "The numbers are right, but an axis is reversed.",
    "one-too-many": "The right result is returned together with something else.",
    "not-stacked": "The numbers are right, but they are in a list.",
    "other-axis-sums-to-one": "The numbers sum to one over the wrong axis.",
    "from-an-earlier-call": "With other arguments, the result of an earlier call is returned again.",
    "stored": "A later call changes the result of an earlier one.",
    "replaced": "One argument is used in place of another.",
    "uncalled": "One function that is passed has no effect.",
    "diagonal": "Only the diagonal is wrong.",
    "off-diagonal": "Only the diagonal is right.",
    "first-only": "Only the first index along an axis is wrong.",
    "last-only": "Only the last index along an axis is wrong.",
    "all-but-first": "Only the first index along an axis is right.",
    "all-but-last": "Only the last index along an axis is right.",
    "ends": "Only the two ends of an axis are wrong.",
    "hidden-by": "The values are wrong only where a mask is False.",
    "rows-with": "Rows that a mask leaves whole are right, and only other rows are wrong.",
    "one-minus": "Each number is one minus the right one.",
    "inverse": "Each number is one divided by the right one.",
    "exponential": "Each number is exp of the right one.",
    "logarithm": "These are the logarithms of the right numbers.",
    "root": "Each number is the square root of the right one.",
    "square": "Each number is the square of the right one.",
    "absolute": "The signs are lost.",
    "rounded": "The numbers are right but rounded.",
    "floored": "The numbers are right but rounded down.",
    "softmax-again": "A softmax is applied to the right numbers.",
    "log-softmax-again": "A log-softmax is applied to the right numbers.",
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


PROMISES = {  # the name of a promise → what is wrong if it is not kept
    "can-be-trained": "A tensor is changed in place that its gradient still needs.",
    "opens-from-zero": "No gradient reaches the gate while it is zero, so it would stay zero.",
    "layers-take-turns": "Right on its own, but not when two layers take turns: something is stored between calls.",
    "more-than-63-bits": "The numbers are right as long as they fit into 63 bits.",
    "own-formula": "The numbers come from the course's own function.",
    "together": "A transform does not get all the images that chose it, and only those, in one call.",
    "either-of-two-likeliest": "Right, but not if the teacher finds two classes equally likely.",
    "finite-gradient-at-a-prototype": "The gradient is NaN or infinite if a query equals a prototype.",
    "makes-up-times-down": "The product of `up` and `down` is computed, a matrix as large as the weight.",
    "changes-the-callers-tensors": "The function changes `requires_grad` of its caller's tensors.",
    "a-row-for-each-class": "A class without images has no row, or a wrong one.",
}


def known_pattern(name: object) -> str:
    """The name in PATTERNS with which the name of a pattern, such as "pattern/rolled-1", begins; empty if none."""
    pattern = str(name).removeprefix("pattern/")
    return max((each for each in PATTERNS if f"{pattern}-".startswith(f"{each}-")), key=len, default="")


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
        for key in (misconception, f"pattern/{known_pattern(misconception)}", kind):
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
        named |= {each.name: _unkept(each.name) for each in exercise.promises}
        mistakes = {f"{exercise.name}/{name}": Mistake(sentence, True) for name, sentence in named.items()}
        mistakes |= {f"pattern/{name}": Mistake(sentence, True) for name, sentence in PATTERNS.items()}
        mistakes |= {kind: Mistake(sentence, False) for kind, sentence in KINDS.items()}
        words[exercise.name] = Words(exercise.name, exercise.title, notes.get(exercise.name, ""), mistakes)
    return Catalogue(words, {entry.number: entry.title for entry in entries()}, dict(FORMER_NAMES))


def catalogue_of_another_process() -> Catalogue:
    """The same catalogue, made by a process that ends, so that a long-lived one does not keep PyTorch in memory."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=end_with_parent) as pool:
        return pool.submit(catalogue).result()


def _unkept(promise: str) -> str:
    """What is wrong if a promise of this name is not kept."""
    if promise.startswith("refuses-"):
        return f"When {promise.removeprefix('refuses-').replace('-', ' ')}, the promised error is not raised."
    return PROMISES[promise]


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
