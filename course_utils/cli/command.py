"""What all commands print to, and how they read arguments, except ``course lab``,
which passes them on to JupyterLab."""

import os
import re
from typing import Any

from rich.console import Console
from typer.core import TyperCommand

from course_utils.console import refuse

if not os.environ.get("COLUMNS", "80").strip("0"):  # as of a terminal that does not know its width
    del os.environ["COLUMNS"]  # or Rich would print nothing
console = Console(markup=False, emoji=False)  # it prints paths, in which [new] is no style and :cat: no emoji


class Command(TyperCommand):
    """A command that refuses an empty argument, which would mean the current folder, or the first of all names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises typer.Exit, after a sentence, for ``""`` and for ``--folder=``, as from a variable that is not set."""
        for before, each in zip(["", *args], args, strict=False):
            if not each or re.fullmatch(r"--[\w-]+=", each):
                name = each.rstrip("=") or (before if before.startswith("-") else "An argument")
                refuse(f"{name} is empty: write a value, or leave it out.")
        return super().parse_args(ctx, args)
