"""The class at a glance: ``course class`` for teachers, and ``course share`` for students who count in it."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from course_utils import extras
from course_utils.cli.command import console
from course_utils.console import sentences
from course_utils.files import Refused, reason

PATIENCE = 10  # seconds to wait for the class view
NOWHERE = (
    "There is no class here: on a hub, type this in a terminal of your own JupyterLab there, or open /services/class/ "
    "on the hub's address; elsewhere, name a folder with the students' progress folders: course class --from FOLDER."
)
REFUSED = (
    "The hub does not show its class to you: your name must be in its COURSE_HUB_INSTRUCTORS, and for --names its "
    "COURSE_HUB_NAMES must be yes (notebooks/INSTRUCTOR.md, “A class on one machine”)."
)


def glance(
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="A folder with a folder per student, such as /home, instead of a hub."),
    ] = None,
    once: Annotated[bool, typer.Option(help="Print the table here, once, instead of opening a page.")] = False,
    claim: Annotated[
        str | None, typer.Option(help="A claim, such as 05.data: print the interval of the students' live runs.")
    ] = None,
    names: Annotated[bool, typer.Option(help="Show who is in a mistake. Not on a projector.")] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on this machine; if it is taken, another.")
    ] = 8867,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """See how far the class is, exercise by exercise, and the two mistakes to talk about.

    Only students who have switched it on with course share on are counted.
    """
    with sentences():
        if claim is not None:
            _on_a_claim(claim, folder, names)
        elif folder is None:
            _on_the_hub(once, names)
        else:
            _in_folder(folder, once, names, port, browser)


def share(
    state: Annotated[
        str | None, typer.Argument(help="on or off. Default: say which it is.", metavar="[on|off]")
    ] = None,
    student: Annotated[
        str | None, typer.Argument(help="Your name or number, which gives your live runs a seed of their own.")
    ] = None,
) -> None:
    """Let your progress count in your instructor's class view, or stop it."""
    from course_utils.exercises import share

    with sentences():
        share(state, student)


def _on_a_claim(name: str, folder: Path | None, names: bool) -> None:
    """Print the interval of the students' live runs on a claim as it shrinks with each student."""
    from course_utils.experiments.claims import claims, find_claim
    from course_utils.teaching.classroom.laboratory import in_folder, laboratory, report

    claim = find_claim(name)
    if not claim.live:
        live = ", ".join(each.name for each in claims() if each.live)
        raise ValueError(f"No live cell of a notebook makes points of {claim.name}: choose one of {live}.")
    found = (
        in_folder(claim, folder)
        if folder
        else laboratory(claim, _hub_says(f"runs.json?claim={claim.name}", names, runs=dict)["runs"])
    )
    for line in report(found, names):
        console.print(line, highlight=False, soft_wrap=True)


def _in_folder(folder: Path, once: bool, names: bool, port: int, browser: bool) -> None:
    """Print the table of the students in a folder, or serve the page until Ctrl-C;
    it reads the folder anew each time."""
    if not once:
        extras.needs("tornado")
    from course_utils.teaching.classroom.catalogue import catalogue
    from course_utils.teaching.classroom.sources import Folder, now
    from course_utils.teaching.classroom.table import table

    words = catalogue()
    source = Folder(folder, words)

    def look(named: bool) -> dict[str, Any]:
        return table(source.students(), words, now(), named)

    seen = look(names)
    if source.private:
        console.print(
            f"{source.private} more do not share their progress, or have a folder that you cannot read: they can type "
            "course share on."
        )
    for student, records in source.damaged.items():
        console.print(
            f"{student if names else 'A student'} has a damaged record of {', '.join(records)}, which is left out: "
            "checking the exercise again writes a new one."
        )
    if once:
        _print(seen)
    else:
        import asyncio

        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(look, names, port, browser))


async def _serve(look: Callable[[bool], dict[str, Any]], names: bool, port: int, browser: bool) -> None:
    import asyncio
    import webbrowser

    from course_utils.teaching.classroom.pages import serve_here

    address = serve_here(look, names, port)
    print(f"The class is at {address}\nCtrl-C ends it.", flush=True)
    if browser:
        webbrowser.open(address)
    await asyncio.Event().wait()


def _on_the_hub(once: bool, names: bool) -> None:
    """Print the hub's table, or where it is."""
    if not once and "COURSE_CLASS" in os.environ:
        print("The class is at /services/class/ on the hub's address: in the hub's menu, Services → class.")
        return
    _print(_hub_says("table.json?", names, students=int, talk=list, notebooks=list))


def _hub_says(asked: str, names: bool, **wanted: type) -> dict[str, Any]:
    """What the class view of this hub answers to its instructors; wanted: the kind of each part that it must have.

    Raises LookupError without a hub and for others, and Refused if the class view does not answer like this.
    """
    import http.client
    import urllib.error
    import urllib.request

    address, token = os.environ.get("COURSE_CLASS"), os.environ.get("JUPYTERHUB_API_TOKEN")
    if not address or not token:
        raise LookupError(NOWHERE)
    page = f"{address}{asked}{'&names=1' if names else ''}"
    try:
        request = urllib.request.Request(page, headers={"Authorization": f"token {token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            said: dict[str, Any] = json.load(answer)
        if not (isinstance(said, dict) and all(isinstance(said.get(name), kind) for name, kind in wanted.items())):
            raise ValueError("its answer is of another kind")
        return said
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError) and error.code == 403:
            raise LookupError(REFUSED) from None
        raise Refused(
            f"The class view at {address} does not answer as it should ({_why(error)}): ask who runs the hub."
        ) from error


def _why(error: Exception) -> str:
    """Why the class view's answer cannot be used, in a few words."""
    import urllib.error

    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, RecursionError)):
        return "it sends another page, perhaps a login"
    return reason(error.reason if type(error) is urllib.error.URLError else error)  # type: ignore[arg-type]


def _print(seen: dict[str, Any]) -> None:
    """The table of every notebook that was begun, and the two mistakes to talk about."""
    one = seen["students"] == 1
    console.print(f"{seen['students']} {'student shares' if one else 'students share'} their progress.")
    for number, talk in enumerate(seen["talk"], 1):
        minutes = talk["minutes"]
        long = f"{minutes} minute{'s' if minutes > 1 else ''} on average" if minutes else "less than a minute"
        about = f"{talk['title']} ({talk['exercise']}): {talk['count']} students, {long}"
        who = f"\n   {', '.join(talk['who'])}" if "who" in talk else ""
        console.print(f"{number}. {talk['sentence']}\n   {about}{who}", highlight=False, soft_wrap=True)
    for notebook in seen["notebooks"]:
        rows = notebook["exercises"]
        if not any(row["passed"] + row["trying"] for row in rows):
            continue
        shown = Table("Exercise", "Passed", "Trying", "Not begun", "Most common mistake", title=notebook["title"])
        for row in rows:
            mistake = row["mistake"]
            said = f"{mistake['count']} × {mistake['sentence']}" if mistake else ""
            counts = (str(row[count]) for count in ("passed", "trying", "waiting"))
            last = "\n".join([said, *([", ".join(row["tries"])] if row.get("tries") else [])])
            shown.add_row(row["name"], *counts, last)
        console.print(shown)
