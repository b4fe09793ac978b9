"""Commands for teachers: ``course book | slides | load``; ``course grade`` is in ``grade.py``,
``course demo`` in ``demo.py``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from course_utils import files
from course_utils.cli.command import console
from course_utils.cli.student import Numbers
from course_utils.console import quoted, sentences, stopped
from course_utils.paths import MADE
from course_utils.settings import Count, checked
from course_utils.steps import counted


def book(
    numbers: Numbers = None,
    output: Annotated[Path, typer.Option(help="Folder for the site; it replaces an earlier site there.")] = MADE
    / "site",
    executed: Annotated[
        Path | None, typer.Option(help="Executed notebooks from `course run --output`, to skip running them.")
    ] = None,
    repository: Annotated[str | None, typer.Option(help="OWNER/NAME on GitHub, for the buttons.")] = None,
) -> None:
    """Build the static site, where every widget works without a kernel or a network."""
    from course_utils.lab import notebooks
    from course_utils.teaching.site import build_site, github_repository

    with sentences(), stopped():
        files.prepare(output.absolute().parent, 200, "use another --output")
        address = repository or github_repository()
        if address is None:
            console.print(
                "The GitHub repository is unknown, so the pages have no Colab button: use --repository OWNER/NAME."
            )
        chosen = numbers or notebooks.numbers()
        with counted("notebook", len(chosen)) as steps:
            warnings = build_site(chosen, output, executed, address, steps)
    for warning in warnings:
        console.print(warning)
    view = f"python -m http.server --bind 127.0.0.1 -d {quoted(output)}"
    console.print(f"The site is in {output}; view it with `{view}`.", soft_wrap=True)


def slides(
    number: Annotated[str, typer.Argument(help="Number of the notebook.")],
    output: Annotated[Path, typer.Option(help="Folder for the slides.")] = MADE / "slides",
    executed: Annotated[
        Path | None, typer.Option(help="Executed notebooks from `course run --output`, to skip running them.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print them to a PDF, with Chromium.")] = False,
) -> None:
    """Make slides of a notebook with its widgets and the speaker's notes, for any browser, online or offline."""
    from course_utils.teaching.site import build_slides, print_slides

    with sentences(), stopped(), counted("", 1) as steps:
        files.prepare(output, 50, "use another --output")
        steps.next("making slides")
        page = build_slides(number, output, executed, steps.within)
        made = [page, print_slides(page)] if pdf else [page]
    console.print(f"The slides are in {' and '.join(map(str, made))}", soft_wrap=True)


def load(
    kernels: Annotated[list[int], typer.Argument(help="Numbers of kernels at once, such as 1 2 4 8.")],
    notebook: Annotated[str, typer.Option(help="Number of the notebook that they all run.")] = "04",
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Measure nothing: print what classes of so many students need, such as 30 200."),
    ] = False,
) -> None:
    """How many students can this machine serve? Run a notebook in many kernels at once.

    A row is printed as soon as it is measured, so that Ctrl-C loses only the one under way.
    """
    if plan:
        _print_plan(kernels)
        return
    from course_utils.lab import notebooks
    from course_utils.teaching.load_test import HEADING, row, run_together

    failed = False
    with sentences(), stopped():
        path, kernels = notebooks.find(notebook), [checked("kernels", count, Count) for count in kernels]
        print(row(*HEADING), flush=True)
        with counted("load", len(kernels), even=False) as steps:
            for count in kernels:
                steps.next(f"{count} × {path.stem}")
                seen = run_together(path, count)
                failed |= bool(seen.errors)
                with steps.aside():
                    print(row(*seen.figures()), *seen.errors, sep="\n", flush=True)
    if failed:
        raise typer.Exit(1)


def _print_plan(classes: list[int]) -> None:
    """Print what classes of these sizes need, from the shipped figures."""
    from course_utils.teaching import capacity

    with sentences():
        table = Table(*capacity.HEADING)
        for row in capacity.rows(classes):
            table.add_row(*row)
    console.print(table)
    console.print(capacity.sentence(), highlight=False)
