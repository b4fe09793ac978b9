"""Run a student's function, compare it with the reference, and describe the difference in a sentence or two.

The questions, in order: Is it a function? Does it accept the arguments? Does it finish? Does it do anything? Does it
leave its inputs unchanged? Is it right? If not, is it a known misconception, or is there a pattern in the errors?
Does it keep the docstring's other promises? Does an earlier call matter? Do gradients pass through it?
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from course_utils.exercises.as_if import as_if
from course_utils.exercises.changed import changed
from course_utils.exercises.compare import Difference, comparable, describe, difference, tensors_in
from course_utils.exercises.diagnosis import diagnose
from course_utils.exercises.exercise import Arguments, Exercise, Wild, find
from course_utils.exercises.findings import Finding
from course_utils.exercises.gradients import wrong_gradient
from course_utils.exercises.messages import case, failure, other_signature
from course_utils.exercises.observe import Observation, handed_over, observe, observe_one, watch
from course_utils.exercises.other_values import remembers, unused_argument
from course_utils.exercises.right_when import growth, right_when
from course_utils.exercises.time_limit import Stop, TimedOut, Why, run_limited
from course_utils.exercises.undisturbed import undisturbed
from course_utils.exercises.verdict import Kind, Outcome, Verdict

NOT_STOPPED = " It could not be stopped and still runs: restart the kernel when convenient."


def judge(name: str, fn: Any) -> Verdict:
    """The verdict of check on fn, without showing or recording it. Raises UnknownExercise; Ctrl-C interrupts."""
    return examine(find(name), fn)


def examine(exercise: Exercise, fn: Any, observed: list[Observation] | None = None) -> Verdict:
    """Run fn on the exercise's cases and judge it. Raises nothing for any fn; Ctrl-C still interrupts.

    Adds what fn did in each case to observed.
    """
    try:
        # A student's subclass of Tensor must not affect the comparison.
        with undisturbed(), torch._C.DisableTorchFunctionSubclass():
            return _Examination(exercise, fn, [] if observed is None else observed).verdict()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        try:
            reason = f"{type(error).__name__}: {str(error)[:200]}"
        except BaseException:
            reason = type(error).__name__
        return Verdict(
            Outcome.NOT_JUDGED,
            f"The check itself failed on your function ({reason}). This is not your mistake: please report it with "
            "your function's code (README, “Something missing or wrong?”).",
            Kind.ENGINE,
        )


def not_yet(kind: Kind, message: str, misconception: str | None = None, right: int = 0, cases: int = 0) -> Verdict:
    """A verdict on an answer that is not right yet."""
    return Verdict(Outcome.NOT_YET, message, kind, misconception, right, cases)


def given_up(exercise: Exercise, why: Why, seconds: float, rest: str = "") -> Verdict:
    """The verdict on an answer that had not finished within these seconds; rest: more sentences, after a space."""
    name = exercise.function
    if why is Why.COMPUTING:
        return not_yet(
            Kind.TOO_SLOW,
            f"{name} did not finish within {seconds:g} s of computing, so the check gave up: look for a loop that "
            f"never ends, for repeated work, or for a number, text or list that grows too large.{rest}",
        )
    if why is Why.WAITING:
        return not_yet(
            Kind.WAITING,
            f"{name} waits without computing, so the check gave up: look for sleep(), a lock, a file or a "
            f"network that does not respond.{rest}",
        )
    return Verdict(
        Outcome.NOT_JUDGED,
        f"The machine is so busy that the check gave up before {name} had its {seconds:g} s of "
        f"computing: run it again when less is running.{rest}",
        Kind.TOO_SLOW,
    )


class _Examination:
    """The examination of one function; each step returns a verdict or None."""

    def __init__(self, exercise: Exercise, fn: Any, observed: list[Observation]) -> None:
        self.exercise, self.fn, self.observed = exercise, fn, observed
        generator = torch.Generator().manual_seed(0)
        self.plain = [tuple(arguments) for arguments in exercise.cases(generator)]
        self.wild: Sequence[Wild] = tuple(exercise.wild(generator))
        self.cases: list[Arguments] = [*self.plain, *(wild.arguments for wild in self.wild)]

    def verdict(self) -> Verdict:
        looks = (
            self.no_function,
            self.other_signature,
            self.endless,
            self.blank,
            self.changed_input,
            self.wrong,
            self.promise_broken,
            self.remembering,
            self.wrong_gradient,
        )
        for look in looks:
            if found := look():
                return found
        right = len(self.cases)
        return Verdict(
            Outcome.PASSED, f"All {right} cases agree with the course's version.", Kind.RIGHT, None, right, right
        )

    def no_function(self) -> Verdict | None:
        exercise, fn = self.exercise, self.fn
        if not callable(fn):
            return not_yet(
                Kind.NOT_A_FUNCTION,
                f"check received {describe(fn)}, but needs the function itself, without brackets: "
                f'check("{exercise.name}", {exercise.function}).',
            )
        if issubclass(type(fn), type):
            return not_yet(
                Kind.NOT_A_FUNCTION,
                f"check received the class {fn.__name__}, but needs a function or an object that can be called: make "
                f'an object first, check("{exercise.name}", {fn.__name__}()).',
            )
        if getattr(fn, "__code__", None) is exercise.reference.__code__:
            return Verdict(
                Outcome.NOT_ATTEMPTED,
                f"{exercise.function} is the course's version here, not yours: run the cell that defines your "
                f"{exercise.function}, then this one.",
                Kind.LENT,
            )
        return None

    def other_signature(self) -> Verdict | None:
        sentence = other_signature(self.exercise, self.fn)
        return not_yet(Kind.SIGNATURE, sentence, "pattern/signature") if sentence else None

    def endless(self) -> Verdict | None:
        exercise = self.exercise
        given = [handed_over(exercise.arguments, arguments) for arguments in self.cases]
        try:
            run_limited(watch(self.fn, given, self.observed), exercise.seconds)
        except TimedOut as late:
            number = min(len(self.observed), len(self.cases) - 1)
            where = f" It was at {case(exercise, number, self.cases)}."
            return self._given_up(late, where)
        return None

    def _given_up(self, late: TimedOut, where: str) -> Verdict:
        rest = where if late.stopped else where + NOT_STOPPED
        return given_up(self.exercise, late.why, self.exercise.seconds, rest)

    def blank(self) -> Verdict | None:
        if not all(seen.blank for seen in self.observed):
            return None
        name = self.exercise.function
        if self.observed[0].error:
            message = f"Replace the line `raise NotImplementedError` in {name} with your own code."
        else:
            message = f"{name} returns nothing yet: write it, and if it is written, add the missing `return`."
        return Verdict(Outcome.NOT_ATTEMPTED, message, Kind.BLANK)

    def changed_input(self) -> Verdict | None:
        for number, (before, seen) in enumerate(zip(self.cases, self.observed, strict=True)):
            for name, old, new in zip(self.exercise.arguments, before, seen.given, strict=False):
                if what := changed(name, old, new):
                    where = case(self.exercise, number, self.cases)
                    return not_yet(Kind.CHANGED_INPUT, f"{what} This was {where}.", "pattern/changed-input")
        return None

    def wrong(self) -> Verdict | None:
        """If some case is wrong, the most specific verdict on it."""
        exercise = self.exercise
        expected = observe(exercise.reference, self.cases)
        gaps = [
            None if seen.error else difference(seen.result, right.result, exercise.returns)
            for seen, right in zip(self.observed, expected, strict=True)
        ]
        wrong = [number for number, seen in enumerate(self.observed) if seen.error or gaps[number]]
        if not wrong:
            return None
        right, number = len(self.cases) - len(wrong), wrong[0]
        counts = (right, len(self.cases))
        if known := self._misconception(expected, ordinary=number < len(self.plain)):
            return not_yet(Kind.MISCONCEPTION, known.sentence, f"{exercise.name}/{known.name}", *counts)
        if not self.observed[0].error and (found := self._probed(remembers)):
            return not_yet(Kind.PATTERN, found.sentence, f"pattern/{found.name}", *counts)
        where = f"This was {case(exercise, number, self.cases)}"
        where += f"; {right} of {len(self.cases)} cases {'is' if right == 1 else 'are'} right." if right else "."
        kind, sentence, hint = self._first_failure(number, gaps[number])
        if number >= len(self.plain):
            wild = self.wild[number - len(self.plain)]
            message = " ".join(filter(None, (self._right_but(number), wild.advice or hint, sentence, where)))
            return not_yet(Kind.WILD, message, f"{exercise.name}/{wild.name}", *counts)
        if found := self._pattern(expected, kind):
            return not_yet(Kind.PATTERN, f"{found.sentence} {where}", f"pattern/{found.name}", *counts)
        return not_yet(kind, " ".join(filter(None, (sentence, hint, where))), None, *counts)

    def _right_but(self, number: int) -> str:
        """The beginning of a message on an unusual case; empty for an ordinary one."""
        extra = number - len(self.plain)
        return "" if extra < 0 else f"Your answer is right on ordinary inputs, but not when {self.wild[extra].note}."

    def _first_failure(self, number: int, gap: Difference | None) -> tuple[Kind, str, str]:
        error = self.observed[number].error
        if error is not None:
            return Kind.ERROR, failure(self.fn, error), ""
        assert gap is not None
        return gap.kind, gap.sentence, gap.hint

    def _misconception(self, expected: Sequence[Observation], ordinary: bool) -> Finding | None:
        """The misconception with the same results, on the ordinary cases if one of these is wrong, else on all.

        Different spellings of a mistake may differ for a query whose keys are all masked.
        """
        cases = self.plain if ordinary else self.cases
        wrong = [number for number in range(len(cases)) if not self.observed[number].like(expected[number])]
        # Wrong cases come first because most misconceptions can be ruled out there.
        for misconception in self.exercise.misconceptions:
            if any(self._is(spelling, cases, wrong) for spelling in misconception.spellings):
                return Finding(misconception.name, misconception.message)
        return None

    def _is(self, spelling: Callable[..., Any], cases: Sequence[Arguments], wrong: Sequence[int]) -> bool:
        """Whether a misconception returns what the student's function returned, in every case.

        An exception alone is too common to identify a misconception. Either a wrong result must agree, or some result
        and the message of every exception.
        """
        wrong_result = some_result = False
        same_words = True
        for number in [*wrong, *(number for number in range(len(cases)) if number not in wrong)]:
            seen, answer = self.observed[number], observe_one(spelling, cases[number], number)
            if not seen.like(answer):
                return False
            if answer.error is None:
                some_result = True
                wrong_result |= number in wrong
            else:
                same_words &= seen.fails_like(answer)
        return wrong_result or (some_result and same_words)

    def _pattern(self, expected: Sequence[Observation], kind: Kind) -> Finding | None:
        """A pattern in all ordinary cases; an unused or swapped argument explains more than a weak pattern."""
        plain, observed = self.plain, self.observed[: len(self.plain)]
        results = [tensor for seen in observed for tensor in tensors_in(seen.result)]
        if kind not in (Kind.VALUES, Kind.SHAPE, Kind.TYPE, Kind.DTYPE) or not all(map(comparable, results)):
            return None
        found = diagnose(self.exercise, plain, observed, expected[: len(plain)])
        if (found and not found.weak) or kind is not Kind.VALUES or any(seen.error for seen in observed):
            return found
        return (
            self._probed(unused_argument)
            or as_if(self.exercise, plain, observed, expected[: len(plain)])
            or found
            or self._probed(growth if isinstance(expected[0].result, int) else right_when)
        )

    def _probed(self, probe: Callable[..., Finding | None]) -> Finding | None:
        """The finding of a probe that calls the function with arguments other than those of the cases."""
        found: list[Finding | None] = []
        self._limited(lambda: found.append(probe(self.exercise, self.fn, self.plain)))
        return found[0] if found else None

    def remembering(self) -> Verdict | None:
        found, cases = self._probed(partial(remembers, right_everywhere=True)), len(self.cases)
        return not_yet(Kind.PATTERN, found.sentence, f"pattern/{found.name}", cases, cases) if found else None

    def promise_broken(self) -> Verdict | None:
        for promise in self.exercise.promises:
            said: list[str | None] = []

            def look(promise: Any = promise, said: list[str | None] = said) -> None:
                said.append(promise.broken(self.fn))

            failed = self._limited(look)
            if isinstance(failed, TimedOut):
                return self._given_up(failed, "")
            trial = (
                "The numbers are right, but when the check tested another promise of the docstring, your function "
                "failed: "
            )
            sentence = trial + failure(self.fn, failed) if failed else said[0]
            if sentence:
                cases = len(self.cases)
                return not_yet(Kind.PROMISE, sentence, f"{self.exercise.name}/{promise.name}", cases, cases)
        return None

    def wrong_gradient(self) -> Verdict | None:
        exercise, said = self.exercise, list[str]()
        if not exercise.learns and not exercise.frozen:
            return None

        def look() -> None:
            for number, arguments in enumerate(self.cases):
                if sentence := wrong_gradient(exercise, self.fn, arguments):
                    said.append(f"{self._right_but(number)} {sentence}".strip())
                    return

        failed = self._limited(look)
        if isinstance(failed, TimedOut):
            return self._given_up(failed, " It was computing with gradients.")
        sentence = said[0] if said else None
        if failed:
            sentence = (
                "The values are right, but the function fails when its inputs require gradients: "
                f"{failure(self.fn, failed)}"
            )
        cases = len(self.cases)
        return not_yet(Kind.GRADIENT, sentence, "pattern/gradient", cases, cases) if sentence else None

    def _limited(self, look: Callable[[], None]) -> BaseException | None:
        """Run something that calls the student's function within its time limit; returns its exception, or None."""
        raised: list[BaseException] = []

        def steps() -> Any:
            try:
                look()
            except Stop:
                raise
            except BaseException as error:  # SystemExit and KeyboardInterrupt are the student's own here
                raised.append(error)
            yield

        try:
            run_limited(steps(), self.exercise.seconds)
        except TimedOut as late:
            return late
        return raised[0] if raised else None
