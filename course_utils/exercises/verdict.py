"""What a check can find."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a check amounts to."""

    PASSED = "passed"
    NOT_YET = "not yet"
    NOT_ATTEMPTED = "not attempted"
    NOT_JUDGED = "could not be judged"


class Kind(StrEnum):
    """How it was found, from the outside in."""

    RIGHT = "right"
    BLANK = "still the stub"
    LENT = "the course's own"  # the reference: imported, or checked again after it took the place of a wrong answer
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
    VALUES = "wrong values"  # nothing better is known than by how much
    PROMISE = "promise not kept"
    GRADIENT = "gradient"
    ENGINE = "the check itself failed"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check with its message; right and cases count the cases that agree and those tried.

    ``misconception`` is the stable name of what went wrong, such as ``"00.attend/unscaled"``, when it was recognised.
    """

    outcome: Outcome
    message: str
    kind: Kind
    misconception: str | None = None
    right: int = 0
    cases: int = 0

    @property
    def passed(self) -> bool:
        """Whether the student's function may be used from here on."""
        return self.outcome is Outcome.PASSED
