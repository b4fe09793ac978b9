"""Promises of a docstring that results do not show: arguments that raise."""

from collections.abc import Callable
from typing import Any

from course_utils.exercises.compare import describe
from course_utils.exercises.exercise import Promise
from course_utils.exercises.observe import copied
from course_utils.exercises.own_code import reason_of


def named(error: Exception) -> str:
    """The kind of an error, with the reason in its message in brackets: "ValueError (size is 0)"."""
    said = reason_of(error)
    return f"{type(error).__name__} ({said[:120]})" if said else type(error).__name__


def refuses(why: str, *arguments: Any, kind: type[Exception] = ValueError) -> Promise:
    """These arguments raise this kind of error. why: "a map of 5 × 6 is cut into windows of 4 × 4"."""

    def broken(fn: Callable[..., Any]) -> str | None:
        try:
            result = fn(*copied(arguments))
        except kind:
            return None
        except Exception as error:
            return (
                f"The numbers are right, but when {why}, it raises {named(error)}. The docstring "
                f"promises a {kind.__name__}: test for this case too, and `raise {kind.__name__}(…)`."
            )
        if isinstance(result, BaseException):
            return f"The numbers are right, but when {why}, the error is returned. Write `raise` instead of `return`."
        return (
            f"The numbers are right, but when {why}, it returns {describe(result)}. The docstring promises a "
            f"{kind.__name__}: test for this case too, and `raise {kind.__name__}(…)`."
        )

    return Promise(f"refuses-{why.replace(' ', '-')}", broken)
