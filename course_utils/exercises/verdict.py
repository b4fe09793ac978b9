"""What a check can find."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The kinds of finding, from the outside in."""

    PASSED = "passed"
    NOT_ATTEMPTED = "not attempted"
    MISCONCEPTION = "known misconception"
    NOT_A_FUNCTION = "not a function"
    SIGNATURE = "other arguments"
    ERROR = "error"
    TOO_SLOW = "too slow"
    CHANGED_INPUT = "input changed"
    TYPE = "wrong type"
    SHAPE = "wrong shape"
    DTYPE = "wrong dtype"
    NOT_FINITE = "not finite"
    VALUES = "wrong values"
    NO_GRADIENT = "no gradient"
    LENT = "the course's own"  # the reference, checked again after it took the place of a wrong answer


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check with its message; right and cases count the cases that agree and those tried."""

    outcome: Outcome
    message: str
    right: int = 0
    cases: int = 0

    @property
    def passed(self) -> bool:
        """Whether the student's function may be used from here on."""
        return self.outcome is Outcome.PASSED
