"""``course grade``: prepares a course folder for nbgrader's own commands."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer
from rich import get_console

from course_utils.console import refuse, sentences

console = get_console()
grade = typer.Typer(help="Grade a class with nbgrader.", no_args_is_help=True)

NEXT = """\
{folder} is an nbgrader course of {count} assignments: {first} … {last}.
Hand out the notebooks in {folder}/release, or in an exchange: nbgrader release_assignment {first}
Then, in {folder}:
  nbgrader collect {first}          from the exchange; or copy to submitted/STUDENT/{first}/
  nbgrader autograde '*'
  nbgrader generate_feedback '*'
  nbgrader export                   writes grades.csv"""


@grade.command()
def setup(folder: Annotated[Path, typer.Argument(help="A new folder for the course.")]) -> None:
    """Make an nbgrader course folder with settings, instructor's versions and the notebooks to hand out."""
    if importlib.util.find_spec("nbgrader") is None:
        refuse("nbgrader is not installed: run `make teach` first.")
    from course_utils.teaching.grading import course_folder

    with sentences(), console.status("making the course folder"):
        names = course_folder.make(folder.resolve())
    print(NEXT.format(folder=folder, count=len(names), first=names[0], last=names[-1]))
