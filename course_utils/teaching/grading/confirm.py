"""What a student's process says of an exercise, judged again: a pass is not trusted but computed here."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from torch import Tensor

from course_utils.exercises import Exercise, Kind, Outcome, Verdict, find
from course_utils.exercises.compare import difference
from course_utils.exercises.engine import not_yet
from course_utils.exercises.gradients import gradient_difference, gradients
from course_utils.exercises.observe import observe
from course_utils.exercises.undisturbed import undisturbed
from course_utils.teaching.grading.student_process import SHOWN


def confirmed(exercise: Exercise, found: Mapping[str, Any]) -> Verdict:
    """The verdict in a message of the student's process, or another one if it claims a pass that is none.

    Raises an exception of any kind for what is not the message of a verdict.
    """
    misconception = None if found["misconception"] is None else text(found["misconception"])
    verdict = Verdict(Outcome(found["outcome"]), text(found["message"]), Kind(found["kind"]), misconception)
    if not verdict.passed:
        return verdict
    if found["borrowed"] is not False:
        sentence = "calls the course's own version, so it shows nothing of your own: write it out."
        return Verdict(Outcome.NOT_ATTEMPTED, f"{exercise.function} {sentence}", Kind.LENT)
    return _gap(exercise, found["results"], found["gradients"]) or verdict


def _gap(exercise: Exercise, results: Sequence[Any], found: Sequence[Mapping[str, Tensor]]) -> Verdict | None:
    """A verdict if the results or the gradients are not the reference's.

    Promises of the docstring cannot be judged again here, because what they test is the call and not its result.
    """
    disturbed = "Code in this notebook disturbs the examination."
    right, steep = _expected(exercise.name)
    for mine, theirs in zip(results, right, strict=True):
        if gap := difference(mine, theirs, exercise.returns):
            return not_yet(gap.kind, f"{gap.sentence} {disturbed}")
    if len(found) != len(steep):
        return not_yet(Kind.GRADIENT, f"The gradients are missing. {disturbed}")
    for one, other in zip(found, steep, strict=True):
        if sentence := gradient_difference(exercise, one, other):
            return not_yet(Kind.GRADIENT, f"{sentence} {disturbed}")
    return None


@cache
def _expected(exercise_name: str) -> tuple[list[Any], list[dict[str, Tensor]]]:
    """The reference's results in all cases, and its gradients if the exercise tests them."""
    exercise = find(exercise_name)
    with undisturbed():
        results = [seen.result for seen in observe(exercise.reference, exercise.all_cases())]
        tested = exercise.all_cases() if exercise.learns or exercise.frozen else ()
        return results, [gradients(exercise, exercise.reference, case)[1] for case in tested]


def text(value: Any) -> str:
    """Text of limited length, for a file. Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    return value[: 2 * SHOWN].encode(errors="replace").decode()
