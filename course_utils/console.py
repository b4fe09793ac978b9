"""Output to a notebook or a terminal: times in local time, errors as one sentence."""

import errno
import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def sentences() -> Iterator[None]:
    """Print an error meant for the student as one line, and exit with code 2."""
    try:
        yield
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


def first_line(error: Exception) -> str:
    """What an error of a library says, for the brackets in a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def printable() -> None:
    """Let the terminal replace characters that it does not have, instead of ending the command with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def refuse(sentence: str) -> NoReturn:
    """Print a sentence to standard error and exit with code 2."""
    import typer  # only here: notebooks import this module and do not need the command line

    typer.echo(f"course: {sentence}", err=True)
    raise typer.Exit(2)
