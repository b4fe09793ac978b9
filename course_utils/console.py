"""Output to a notebook or a terminal: times as people say them, errors as one sentence, characters in UTF-8."""

import errno
import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NoReturn


def ipython() -> Any:
    """IPython's shell if this runs in one, else None. It does not import IPython to find out."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def in_notebook() -> bool:
    """Whether output appears in a notebook: true in a Jupyter kernel, false in IPython's terminal."""
    return hasattr(ipython(), "kernel")


def local_time(moment: str | None) -> str:
    """A time in ISO 8601 as local date and time, ``2026-11-28 21:05``; an empty string for None."""
    return "" if moment is None else f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def duration(seconds: float) -> str:
    """``"41 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 5400:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@contextmanager
def sentences() -> Iterator[None]:
    """Print an error meant for the student as one line, and exit with code 2."""
    try:
        yield
    except BrokenPipeError:  # nobody reads what is printed any more: the command ends without a word
        raise
    except OSError as error:
        refuse(in_words(error))
    except (ValueError, LookupError, ModuleNotFoundError, MemoryError) as error:
        refuse(str(error))


def in_words(error: OSError) -> str:
    """An error of the course as it is; one of the system as a sentence: the path, the reason and what to do."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):  # of a copied folder: one for each file
        _, path, reason = error.args[0][0]
    elif error.errno is None:
        return str(error)
    else:
        path, reason = error.filename2 or error.filename or "A file", error.strerror
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        remedy = "choose a folder that you can write to, with the command's option or COURSE_STATE"
    elif error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)) or "No space left" in str(reason):
        remedy = "free some space there"
    else:
        remedy = "check this path"
    return f"{path} cannot be used ({reason}): {remedy}."


def quoted(argument: object) -> str:
    """An argument of a command as one types it, in quotation marks if it has spaces.

    Bytes that are no text are written out, so that every file and console takes it.
    """
    text = str(argument).encode("utf-8", "backslashreplace").decode()
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def with_folder(command: str, folder: object | None) -> str:
    """A command with the --folder that it was given, if any."""
    return command if folder is None else f"{command} --folder {quoted(folder)}"


@contextmanager
def unwarned() -> Iterator[None]:
    """Within the block no warning is shown.

    Not by ``warnings.catch_warnings``: when its blocks overlap in two threads, one thread's filter can stay for good.
    """
    filters: Any = warnings.filters
    ours = ("ignore", None, Warning, None, 0)
    filters.insert(0, ours)
    try:
        yield
    finally:
        with suppress(ValueError):  # somebody has removed all filters meanwhile
            filters.remove(ours)


def first_line(error: Exception) -> str:
    """What an error of a library says, for the brackets in a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def printable() -> None:
    """Write files and pipes in UTF-8, whatever the system's encoding; a terminal replaces characters that it lacks.

    What a closed stream would get is lost.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_WRONLY)
            os.set_inheritable(descriptor, True)  # a kernel that the command starts needs it too
            setattr(sys, name, os.fdopen(descriptor, "w", encoding="utf-8"))
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


@contextmanager
def stopped() -> Iterator[None]:
    """Within the block, SIGTERM stops the work as Ctrl-C does, so that what it has is saved.

    Then one sentence is printed, and the exit code is 130 after Ctrl-C and 143 after SIGTERM.
    """
    import typer

    codes = [128 + signal.SIGINT]

    def terminate(number: int, frame: Any) -> None:
        codes.append(128 + number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script: nohup course train … &
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"course: stopped by {'Ctrl-C' if len(codes) == 1 else 'SIGTERM'}.", err=True)
        raise typer.Exit(codes[-1]) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def refuse(sentence: str) -> NoReturn:
    """Print a sentence to standard error and exit with code 2."""
    import typer  # only here: notebooks import this module and do not need the command line

    typer.echo(f"course: {sentence}", err=True)
    raise typer.Exit(2)
