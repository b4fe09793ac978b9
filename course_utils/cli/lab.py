"""Commands for a student's working copy of the notebooks: ``course lab | reset | update``."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from course_utils import extras
from course_utils.console import sentences
from course_utils.lab import notebooks, serve, working_copy
from course_utils.lab.server import lab_environment, lab_options
from course_utils.paths import NOTEBOOKS, own_clone, state_dir

PASSED_ON = {"ignore_unknown_options": True}  # settings of the command lab: they are Jupyter's

NUMBERED = re.compile(r"(\d+)([._].*)?")  # 04, also with the rest of a notebook's or an exercise's name

Copy = Annotated[Path | None, typer.Option("--folder", help="Your working copy. Default: the one you used last.")]


def lab(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="A folder for your notebooks, the number of the one to open, and options for JupyterLab.",
            metavar="FOLDER NUMBER OPTIONS-FOR-JUPYTERLAB",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port, by default 8888; if it is taken, another.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    edit: Annotated[
        bool, typer.Option("--edit", help="Open the course's own notebooks, to change the course.")
    ] = False,
    named: Annotated[str | None, typer.Option("--folder", help="The folder, as the other commands name it.")] = None,
) -> None:
    """Open your copy of the notebooks in JupyterLab; it is made the first time. What you wrote is never overwritten."""
    with sentences():
        extras.needs("jupyterlab")
        first = [] if named is None else [named and str(working_copy.find(Path(named)))]
        folder, number, passed_on = _understood([*first, *(what or [])])
        shown = notebooks.find(number).name
        if edit and folder:
            raise ValueError(
                f"--edit opens the course's own notebooks, which are not in {folder}: leave one of them out."
            )
        if edit:
            root, opened = own_clone("A notebook in place"), NOTEBOOKS / shown
        else:
            root = working_copy.find(folder)
            working_copy.hand_out(root)
            working_copy.remember(root)
            opened = root / shown
            if new := working_copy.outdated(root):
                numbers = ", ".join(name[:2] for name in new)
                print(f"There is a new version of notebook {numbers}: `course update` brings it.", flush=True)
        log = state_dir() / "lab.log"
        log.parent.mkdir(parents=True, exist_ok=True)
    page = quote(opened.relative_to(root).as_posix())
    options = [*lab_options(root), f"--LabApp.default_url=/lab/tree/{page}"]
    options += [f"--ServerApp.port={port}"] * (port is not None) + ["--no-browser"] * no_browser
    _become_the_server(log, str(root), [*options, *passed_on])


def _understood(what: list[str]) -> tuple[Path | None, str, list[str]]:
    """The folder, the number of the notebook, and what is for JupyterLab: everything from its first option."""
    own = next((place for place, each in enumerate(what) if each.startswith("-")), len(what))
    if "" in what[:own]:
        raise ValueError("A folder or a number is empty: write it, or leave it out.")
    numbers = [found[1] for each in what[:own] if (found := NUMBERED.fullmatch(each))]
    folders = [Path(each) for each in what[:own] if not NUMBERED.fullmatch(each)]
    if len(numbers) > 1 or len(folders) > 1:
        raise ValueError(
            f"{' '.join(what[:own])} is more than one folder and one notebook's number: name one of each."
        )
    if folders and folders[0].suffix == ".ipynb":
        raise ValueError(f"{folders[0]} is a notebook: name its folder and its number, as in `course lab FOLDER 04`.")
    return (folders[0] if folders else None), (numbers[0] if numbers else "00"), what[own:]


def _become_the_server(log: Path, folder: str, options: list[str]) -> None:
    """Replace this process by the server's; where that is impossible, as on Windows, run it in this one."""
    environment = lab_environment()
    if os.name == "posix":
        command = [sys.executable, "-P", "-m", serve.__name__, str(log), folder, *options]
        os.execve(sys.executable, command, environment)
    os.environ.update(environment)
    serve.main(log, folder, options)


def reset(
    numbers: Annotated[list[str], typer.Argument(help="Numbers of notebooks, such as 04.")], folder: Copy = None
) -> None:
    """Replace a notebook of yours by the course's, and keep yours beside it."""
    with sentences():
        place = _existing(folder)
        names = [notebooks.find(number).name for number in numbers]
        with working_copy.alone(place):
            for name in names:
                kept = working_copy.restore(place / name)
                print(
                    f"{place / name} is as the course has it{f'; yours is {kept.name}' if kept else ''}.", flush=True
                )


def update(folder: Copy = None) -> None:
    """Bring your notebooks to the course's newest version, with everything that you wrote in them.

    Save them before; afterwards, reload those that are open in JupyterLab: File, Reload Notebook from Disk.
    """
    from course_utils.lab.update import update

    with sentences():
        place = _existing(folder)
        done = list(_printed(update(place)))
    if not done:
        print(f"{place} is up to date.")
    if not all(done):
        raise typer.Exit(1)


def _printed(said: Iterable[tuple[str, bool]]) -> Iterator[bool]:
    for sentence, done in said:
        print(sentence, flush=True)
        yield done


def _existing(folder: Path | None) -> Path:
    found = working_copy.find(folder)
    if not working_copy.is_one(found):
        raise FileNotFoundError(f"{found} has no notebooks of yours: run `course lab` first, or name their --folder.")
    return found
