"""Output to a notebook or a terminal: times in local time, errors as one sentence."""

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
    except (ValueError, OSError, LookupError, ModuleNotFoundError, MemoryError) as error:
        refuse(str(error))


def refuse(sentence: str) -> NoReturn:
    """Print a sentence to standard error and exit with code 2."""
    import typer  # only here: notebooks import this module and do not need the command line

    typer.echo(f"course: {sentence}", err=True)
    raise typer.Exit(2)
