"""What a command says: tables on one console, and errors as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console

console = Console()


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
