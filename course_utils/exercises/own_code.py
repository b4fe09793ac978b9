"""A student's own code: find it behind a partial or an object, and find where an error came from."""

import dis
import functools
import inspect
import linecache
import re
import traceback
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any


def code_of(fn: Any) -> CodeType | None:
    """The code of a function, a partial, a bound method or a callable object; None if it is written in C."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    fn = inspect.unwrap(fn)
    fn = getattr(fn, "__func__", fn)
    code = getattr(fn, "__code__", None)
    if code is None and not isinstance(fn, type) and callable(fn):
        code = getattr(type(fn).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None


def raised_in(error: BaseException | None) -> CodeType | None:
    """The code that contains the error's ``raise`` statement; None if the error comes from a call into C."""
    if error is None or error.__traceback__ is None:
        return None
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    code = last.tb_frame.f_code
    return code if code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"] else None


def written_raise(error: BaseException | None) -> CodeType | None:
    """The code that contains the line ``raise NotImplementedError``; None for any other error.

    PyTorch raises it too, for a dtype that an operation does not support; then there is no such line.
    """
    return raised_in(error) if isinstance(error, NotImplementedError) else None


def does_nothing(code: CodeType | None) -> bool:
    """Whether a function's body has only constants: a docstring, ``pass``, ``...`` or ``return None``."""
    return code is not None and {step.opname for step in dis.get_instructions(code)} <= _NOTHING


_NOTHING = {"RESUME", "LOAD_CONST", "LOAD_SMALL_INT", "RETURN_VALUE", "RETURN_CONST", "NOP", "COPY_FREE_VARS"}


def place_of(fn: Callable[..., Any], error: BaseException) -> str | None:
    """``line 3 of your function: `x.view(2)` ``: the last line of the student's own code in the error's traceback."""
    code = code_of(fn)
    if code is None:
        return None
    lines = [(frame.f_code, number) for frame, number in traceback.walk_tb(error.__traceback__) if number]
    own = [(where, number) for where, number in lines if where.co_filename == code.co_filename]
    if not own:
        return None
    where, number = own[-1]
    return _place(code, where in _codes(code), where.co_name, number)


def place_in(fn: Callable[..., Any], dump: str) -> str | None:
    """The same from what faulthandler writes about a process: most recent calls first, without the source."""
    code = code_of(fn)
    if code is None:
        return None
    file = code.co_filename.encode("ascii", "backslashreplace").decode()
    found = re.search(rf'^  File "{re.escape(file)}", line (\d+) in (?!<module>)(.+)$', dump, re.MULTILINE)
    if found is None:
        return None
    number, name = int(found[1]), found[2]
    return _place(code, name in {own.co_name for own in _codes(code)}, name, number)


def _place(code: CodeType, within: bool, name: str, number: int) -> str:
    line = linecache.getline(code.co_filename, number).strip().removesuffix("\\").rstrip()
    place = f"line {number - code.co_firstlineno + 1} of your function" if within else f"`{name}`"
    return f"{place}: `{line}`" if line else place


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of the functions defined inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def reason_of(error: BaseException) -> str:
    """The line of an exception's message that says why; empty if there is none."""
    lines = [line.strip() for line in message_of(error).splitlines() if line.strip()] or [""]
    # einops puts the context first and the reason last.
    return lines[-1] if type(error).__module__.startswith("einops") else lines[0]


def message_of(error: BaseException | None) -> str:
    """The message of an exception; empty if even that fails."""
    try:
        return str(error).strip()
    except Exception:
        return ""
