"""A student's function against the reference: run, compare, and say in a sentence or two what was seen.

The order is from the outside in: is it a function, does it take the arguments, does it end, is there anything in it,
does it leave its inputs alone, is it right, is it a wrong answer that is known, do gradients pass through it.
"""

from collections.abc import Sequence
from typing import Any

import torch

from course_utils.exercises.compare import describe, difference, same
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.gradients import gradient_lost
from course_utils.exercises.observe import Observation, copied, observe, watch
from course_utils.exercises.verdict import Outcome, Verdict
from course_utils.exercises.words import arguments_of, case, failure, other_signature
from course_utils.exercises.worker import TimedOut, run_limited, undisturbed

NOT_STOPPED = " It could not be stopped: restart the kernel when convenient."


def examine(exercise: Exercise, fn: Any, observed: list[Observation] | None = None) -> Verdict:
    """Run fn on the exercise's cases and judge it. Never raises for what fn is or does; Ctrl-C still interrupts.

    What fn did in each case is added to observed.
    """
    observed = [] if observed is None else observed
    name = exercise.reference.__name__
    if not callable(fn):
        return Verdict(
            Outcome.NOT_A_FUNCTION,
            f"check was given {describe(fn)}, but it needs the function itself, without brackets: "
            f'check("{exercise.name}", {name}).',
        )
    with undisturbed():
        cases = exercise.cases(torch.Generator().manual_seed(0))
        if sentence := other_signature(exercise, fn, cases):
            return Verdict(Outcome.SIGNATURE, sentence)
        try:
            run_limited(watch(fn, copied(cases), observed), exercise.seconds)
        except TimedOut as late:
            number = min(len(observed), len(cases) - 1)
            rest = "" if late.stopped else NOT_STOPPED
            return Verdict(
                Outcome.TOO_SLOW,
                f"{name} did not finish within {exercise.seconds:g} s and was given up: look for a loop that never "
                f"ends. It was at {case(exercise, number, cases)}.{rest}",
            )
        if verdict := _blank(exercise, observed) or _changed_input(exercise, cases, observed):
            return verdict
        verdict = _judge(exercise, fn, cases, observed)
        if verdict.passed and exercise.gradients and (sentence := gradient_lost(exercise, fn, cases[0])):
            return Verdict(Outcome.NO_GRADIENT, sentence, verdict.right, verdict.cases)
        return verdict


def _blank(exercise: Exercise, observed: Sequence[Observation]) -> Verdict | None:
    if not all(seen.blank for seen in observed):
        return None
    name = exercise.reference.__name__
    if observed[0].error:
        message = f"Replace the line `raise NotImplementedError` in {name} with your own code."
    else:
        message = f"{name} returns nothing yet: if it is written, its `return` is missing."
    return Verdict(Outcome.NOT_ATTEMPTED, message)


def _changed_input(exercise: Exercise, cases: Sequence[Arguments], observed: Sequence[Observation]) -> Verdict | None:
    for number, (before, seen) in enumerate(zip(cases, observed, strict=True)):
        for name, old, new in zip(arguments_of(exercise), before, seen.given, strict=False):
            if not same(old, new):
                return Verdict(
                    Outcome.CHANGED_INPUT,
                    f"The function writes into its input {name}, and whoever called it loses their numbers: make a "
                    "new value (`x = x + y`) instead of changing the old one (`x += y`, `x[…] = y`, `x.add_(y)`, "
                    f"`.append`). This was {case(exercise, number, cases)}.",
                )
    return None


def _judge(exercise: Exercise, fn: Any, cases: Sequence[Arguments], observed: Sequence[Observation]) -> Verdict:
    expected = observe(exercise.reference, cases)
    gaps = [
        None if seen.error else difference(seen.result, right.result, exercise.returns)
        for seen, right in zip(observed, expected, strict=True)
    ]
    wrong = [number for number, seen in enumerate(observed) if seen.error or gaps[number]]
    right = len(cases) - len(wrong)
    if not wrong:
        return Verdict(Outcome.PASSED, f"All {right} cases agree with the course's version.", right, right)
    for misconception in exercise.misconceptions:
        answers = observe(misconception.wrong, cases)
        # An exception alone is too common to recognise anyone by: at least one result must agree.
        if any(answer.error is None for answer in answers) and all(map(Observation.like, observed, answers)):
            return Verdict(Outcome.MISCONCEPTION, misconception.message, right, len(cases))
    error, gap = observed[wrong[0]].error, gaps[wrong[0]]
    where = f"This was {case(exercise, wrong[0], cases)}"
    where += f"; {right} of {len(cases)} cases are right." if right else "."
    if error is not None:
        return Verdict(Outcome.ERROR, f"{failure(fn, error)} {where}", right, len(cases))
    assert gap is not None
    return Verdict(gap.kind, f"{gap.sentence} {where}", right, len(cases))
