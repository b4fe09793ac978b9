"""Where words go: to a notebook or a terminal; a moment as the clock here shows it, an error as one sentence."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn


def ipython() -> Any:
    """IPython's shell when this runs in one, else None. IPython is not imported for the question."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def in_notebook() -> bool:
    """Whether what is displayed appears in a notebook: this runs in a Jupyter kernel, not in IPython's terminal."""
    return hasattr(ipython(), "kernel")


def local_time(moment: str | None) -> str:
    """A moment in ISO 8601 as day and time here, ``2026-11-28 21:05``; nothing for None."""
    return "" if moment is None else f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


@contextmanager
def sentences() -> Iterator[None]:
    """Inside, an error that is a sentence for the student is printed as one line; exit code 2."""
    try:
        yield
    except (ValueError, OSError, LookupError, ModuleNotFoundError, MemoryError) as error:
        refuse(str(error))


def refuse(sentence: str) -> NoReturn:
    """Print a sentence to the standard error and exit with code 2."""
    import typer  # only here: notebooks import this module, and need no command line

    typer.echo(f"course: {sentence}", err=True)
    raise typer.Exit(2)
