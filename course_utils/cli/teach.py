"""Commands for teachers: ``course book | slides | load``; ``course grade`` is in ``grade.py``, ``course demo`` in ``demo.py``."""

from pathlib import Path
from typing import Annotated

import typer
from rich import get_console
from rich.table import Table

from course_utils import files
from course_utils.cli.student import Numbers
from course_utils.console import sentences
from course_utils.paths import ROOT

console = get_console()


def book(
    numbers: Numbers = None,
    output: Annotated[Path, typer.Option(help="Folder for the site; it replaces an earlier site there.")] = ROOT
    / "site",
    executed: Annotated[
        Path | None, typer.Option(help="Executed notebooks from `course run --output`, to skip running them.")
    ] = None,
    repository: Annotated[str | None, typer.Option(help="OWNER/NAME on GitHub, for the buttons.")] = None,
) -> None:
    """Build the static site, where every widget works without a kernel or a network."""
    from course_utils.lab import notebooks
    from course_utils.teaching.site import build_site, github_repository

    with sentences():
        files.prepare(output.absolute().parent, 200, "use another --output")
        address = repository or github_repository()
        if address is None:
            console.print(
                "The GitHub repository is unknown, so the pages have no Colab button: use --repository OWNER/NAME."
            )
        with console.status("building the site; running the notebooks takes about twenty minutes"):
            warnings = build_site(numbers or notebooks.numbers(), output, executed, address)
    for warning in warnings:
        console.print(warning, markup=False)
    view = f"python -m http.server --bind 127.0.0.1 -d {output}"
    console.print(f"The site is in {output}; view it with `{view}`.", soft_wrap=True)


def slides(
    number: Annotated[str, typer.Argument(help="Number of the notebook.")],
    output: Annotated[Path, typer.Option(help="Folder for the slides.")] = ROOT / "slides",
    executed: Annotated[
        Path | None, typer.Option(help="Executed notebooks from `course run --output`, to skip running them.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print them to a PDF, with Chromium.")] = False,
) -> None:
    """Make slides of a notebook with its widgets and the speaker's notes, for any browser, online or offline."""
    from course_utils.teaching.site import build_slides, print_slides

    with sentences(), console.status("making slides") as status:
        files.prepare(output, 50, "use another --output")
        page = build_slides(
            number, output, executed, lambda cell, cells: status.update(f"running cell {cell} of {cells}")
        )
        made = [page, print_slides(page)] if pdf else [page]
    console.print(f"The slides are in {' and '.join(map(str, made))}", soft_wrap=True)


def load(
    kernels: Annotated[list[int], typer.Argument(help="Numbers of kernels at once, such as 1 2 4 8.")],
    notebook: Annotated[str, typer.Option(help="Number of the notebook that they all run.")] = "04",
) -> None:
    """How many students can this machine serve? Run a notebook in many kernels at once."""
    from course_utils.lab import notebooks
    from course_utils.teaching.load_test import run_together

    table = Table("Kernels", "Seconds, slowest", "CPU seconds each", "Largest kernel", "All together", "Failed")
    failed = False
    with sentences():
        path = notebooks.find(notebook)
        for count in kernels:
            with console.status(f"{count} × {path.name}"):
                seen = run_together(path, count)
            sizes = (f"{size / 2**30:.2f} GiB" for size in (seen.kernel_bytes, seen.machine_bytes))
            table.add_row(str(count), f"{seen.seconds:.0f}", f"{seen.cpu_seconds:.0f}", *sizes, str(len(seen.errors)))
            failed |= bool(seen.errors)
            for error in seen.errors:
                console.print(error, markup=False)
    console.print(table)
    if failed:
        raise typer.Exit(1)
