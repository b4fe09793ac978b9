"""A notebook as it is really used: cells are run again, renamed, broken or deleted between checks."""

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from torch import Tensor

from course_utils.console import in_notebook, ipython
from course_utils.exercises import guard
from course_utils.exercises.exercise import Exercise, exercises
from course_utils.exercises.own_code import written_raise
from course_utils.exercises.verdict import Kind, Outcome, Verdict


@dataclass(frozen=True)
class _Checked:
    returned: Callable[..., Any]
    passed: bool
    cells: int  # number of cells that this kernel had run


_checked: dict[str, _Checked] = {}


def checked(exercise: Exercise, returned: Callable[..., Any], verdict: Verdict) -> None:
    """Record what the check returned, and when."""
    _checked[exercise.name] = _Checked(returned, verdict.passed, len(_cells()))


def stale(exercise: Exercise, fn: Any) -> Verdict | None:
    """A verdict if fn is what the last check returned, although its cell was run since without defining a new one."""
    last = _checked.get(exercise.name)
    if last is None or fn is not last.returned:
        return None
    rewritten = [cell for cell in _cells()[last.cells : -1] if _is_about(exercise, cell)]
    if not rewritten:
        return None
    name = exercise.function
    names = re.findall(r"^(?:def|class) +(\w+)|^(\w+) *=", rewritten[-1], re.MULTILINE)
    defined = [one or other for one, other in names]
    earlier = "your earlier version" if last.passed else "the course's version"
    if name in defined:
        what = (
            f"The cell that defines {name} was run again, but failed before it defined a new function: fix its error"
        )
    elif defined:
        what = f"Your cell now defines {defined[-1]}, but the check needs {name}: rename it back"
    else:
        what = f"Your cell no longer defines {name}, which the check needs: restore its `def {name}(…)`"
    return Verdict(
        Outcome.NOT_YET,
        f"{what}, run it, then run this cell. Nothing was checked: this cell was given {earlier} again.",
        Kind.STALE,
    )


def _is_about(exercise: Exercise, cell: str) -> bool:
    """Whether a cell belongs to the exercise, by the name that it defines, its arguments, or the stub's docstring."""
    if re.search(rf'check\("{re.escape(exercise.name)}"', cell):
        return False
    signature = r"\s*,\s*".join(rf"{name}\b[^,)]*" for name in exercise.arguments)
    question = (inspect.getdoc(exercise.reference) or "").splitlines()[0]
    return bool(
        re.search(rf"^def +{exercise.function}\b|^def +\w+\(\s*{signature}\s*,?\s*\)", cell, re.MULTILINE)
    ) or (len(question) > 20 and question in cell)


def _cells() -> list[str]:
    """The cells that this kernel has run so far, the current one last; empty outside IPython."""
    shell = ipython()
    return list(shell.user_ns.get("In", [])) if shell is not None else []


def prepare_kernel() -> None:
    """In a notebook's kernel, add a sentence to errors caused by a stub or by a cell that was not run.

    Before that, say why the last kernel ended, if a check is the reason.
    """
    if not in_notebook():
        return
    if sentence := guard.last_words():
        print(sentence, file=sys.stderr)
    shell = ipython()
    name_types(shell)
    if not shell.custom_exceptions:
        shell.set_custom_exc((NotImplementedError, NameError), _explained)


def name_types(shell: Any) -> None:
    """Define the names in stubs' type hints, even in a notebook that does not import them."""
    for name, kind in (("Tensor", Tensor), ("Callable", Callable)):
        shell.user_ns.setdefault(name, kind)


def _explained(
    shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    sentence = _explanation(error)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    if sentence:
        print(sentence, file=sys.stderr)


def _explanation(error: BaseException) -> str | None:
    functions = {exercise.function: exercise.name for exercise in exercises()}
    stub = written_raise(error)
    if stub is not None and stub.co_name in functions:
        name = stub.co_name
        return (
            f"{name} is still a stub. Its check provides the course's version until yours is right: run that cell, "
            f'or restore it if it is gone: {name} = check("{functions[name]}", {name})'
        )
    if isinstance(error, NameError) and error.name in functions:
        name = error.name
        return (
            f"{name} is not defined yet: run the cell that defines it and the one that checks it, or all cells above "
            "(menu Run → Run All Above Selected Cell)."
        )
    return None
