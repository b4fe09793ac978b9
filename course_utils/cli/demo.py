"""``course demo``: demos of a lecture, in pages that need no kernel."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from course_utils import extras, files
from course_utils.cli.command import console
from course_utils.console import sentences
from course_utils.paths import own_clone, state_dir
from course_utils.teaching.demo import pages, script, states


def demo(
    name: Annotated[str | None, typer.Argument(help="A demo. Default: list all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Open the start page, with all demos.")] = False,
    build: Annotated[
        Path | None, typer.Option(help="Only write all pages into this folder, for example on a USB stick.")
    ] = None,
    vote: Annotated[bool, typer.Option("--vote", help="Let the audience vote with their phones.")] = False,
    host: Annotated[
        str, typer.Option(help="Address of this machine at which phones reach the vote; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the vote; if it is taken, the next free one.")
    ] = 8866,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    renew: Annotated[
        bool, typer.Option("--renew", help="Run the demo's cells and store what its widget shows.")
    ] = False,
) -> None:
    """Show a demo on the whole screen: a question, votes, the answer. It needs no kernel and no network."""
    if not (name or every or build or vote or renew):
        list_demos()
        return
    with sentences():
        chosen = [script.find(name).name] if name else [each.name for each in script.demos()]
        if renew:
            own_clone("What a demo shows")
            for each in chosen:
                with console.status(f"running the cells of {each}"):
                    console.print(f"{each}: {states.renew(each)}", soft_wrap=True)
            return
        folder = build or state_dir() / "demos"
        files.prepare(folder.absolute().parent, 20, "use --build with another folder")
        start = pages.write_pages(folder)
        page = start.with_name(f"{name}.html") if name else start
        if vote:
            extras.needs("segno", "tornado")
            from course_utils.teaching.demo import tally

            tally.run(folder, page.name, host, port, browser)
        elif build or not (browser and webbrowser.open(page.absolute().as_uri())):
            console.print(f"Open {page.absolute().as_uri()} in a browser.", soft_wrap=True)


def list_demos() -> None:
    """Print the demos in the order of the lecture."""
    table = Table("Demo", "Notebook", "What it teaches")
    for each in script.demos():
        table.add_row(each.name, each.notebook, each.teaches)
    console.print(table)
    console.print("Open one with `course demo NAME`, all with `course demo --all`.")
