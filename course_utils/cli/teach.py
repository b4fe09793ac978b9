"""Commands for teachers: ``course book | slides | load | demo``; ``course grade`` is in ``grade.py``."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich import get_console
from rich.table import Table

from course_utils import files
from course_utils.cli.student import Numbers
from course_utils.console import sentences
from course_utils.lab.server import run_server
from course_utils.paths import NOTEBOOKS, ROOT

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
) -> None:
    """Make slides of a notebook with its widgets, for any browser, online or offline."""
    from course_utils.teaching.site import build_slides

    with sentences(), console.status("making slides"):
        files.prepare(output, 50, "use another --output")
        page = build_slides(number, output, executed)
    console.print(f"The slides are in {page}", soft_wrap=True)


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


def demo(
    name: Annotated[str | None, typer.Argument(help="A widget. Default: list the names.")] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on this machine; if it is taken, the next free one.")
    ] = 8866,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Show one widget on the whole screen, for a lecture."""
    from course_utils.lab import notebooks
    from course_utils.teaching import demo

    if name is None:
        table = Table("Demo", "Notebook", "What it shows")
        for each in demo.demos():
            table.add_row(each.name, each.notebook.number, demo.DEMOS[each.name])
        console.print(table)
        return
    with sentences(), TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.ipynb"
        command = demo.voila_command(path, port, browser)
        notebooks.write(demo.notebook_of(name), path)
        raise typer.Exit(run_server(command, NOTEBOOKS, demo.voila_environment()))
