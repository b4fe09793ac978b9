"""The possible results of a check."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The result of a check."""

    PASSED = "passed"
    NOT_YET = "not yet"
    NOT_ATTEMPTED = "not attempted"
    NOT_JUDGED = "could not be judged"


class Kind(StrEnum):
    """How the result was found, in the order of the examination."""

    RIGHT = "right"
    BLANK = "still the stub"
    LENT = "the course's own"  # the reference: imported, or checked again after it replaced a wrong answer
    STALE = "an earlier function"
    NOT_A_FUNCTION = "not a function"
    SIGNATURE = "other arguments"
    TOO_SLOW = "too slow"
    WAITING = "waiting"
    CHANGED_INPUT = "input changed"
    MISCONCEPTION = "known misconception"
    PATTERN = "pattern of the differences"
    WILD = "right on ordinary inputs only"
    ERROR = "error"
    TYPE = "wrong type"
    SHAPE = "wrong shape"
    DTYPE = "wrong dtype"
    NOT_FINITE = "not finite"
    VALUES = "wrong values"  # only the size of the error is known
    PROMISE = "promise not kept"
    GRADIENT = "gradient"
    ENGINE = "the check itself failed"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check with its message; right and cases are the numbers of right cases and of all cases.

    ``misconception`` is the stable name of the mistake, such as ``"00.attend/unscaled"``, if it was recognised.
    """

    outcome: Outcome
    message: str
    kind: Kind
    misconception: str | None = None
    right: int = 0
    cases: int = 0

    @property
    def passed(self) -> bool:
        """Whether the student's function may be used from now on."""
        return self.outcome is Outcome.PASSED
