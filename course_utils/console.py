"""What a command says: tables on one console, and errors as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

import typer
from rich.console import Console

console = Console()


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
    typer.echo(f"course: {sentence}", err=True)
    raise typer.Exit(2)
