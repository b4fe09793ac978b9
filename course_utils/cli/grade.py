"""``course grade``: prepares a course folder for nbgrader, and grades a class."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from course_utils import extras, files
from course_utils.cli.command import Command, console
from course_utils.console import sentences

grade = typer.Typer(help="Grade a class with nbgrader.", no_args_is_help=True)

NEXT = """\
{folder} is an nbgrader course of {count} assignments: {first} … {last}.
Hand out the notebooks in {folder}/release, or in an exchange: nbgrader release_assignment {first}
Then, in {folder}:
  nbgrader collect {first}          from the exchange; or copy to submitted/STUDENT/{first}/
  course grade run                  grades all submissions, writes feedback/ and grades.csv
{fence}"""


@grade.command(cls=Command)
def setup(folder: Annotated[Path, typer.Argument(help="A new folder for the course.")]) -> None:
    """Make an nbgrader course folder with settings, instructor's versions and the notebooks to hand out."""
    _need_nbgrader()
    from course_utils.teaching.grading import course_folder, fence

    with sentences(), console.status("making the course folder"):
        names = course_folder.make(files.real(folder))
    print(NEXT.format(folder=folder, count=len(names), first=names[0], last=names[-1], fence=fence.described()))


@grade.command(cls=Command)
def run(
    folder: Annotated[Path, typer.Argument(help="The course folder.")] = Path(),
    assignment: Annotated[str, typer.Option(help="Only this assignment, or a pattern such as '0*'.")] = "*",
    student: Annotated[str, typer.Option(help="Only this student, or a pattern.")] = "*",
    force: Annotated[bool, typer.Option("--force", help="Grade again what is graded and unchanged.")] = False,
) -> None:
    """Grade all submissions, write feedback and grades.csv, and list what became of each.

    Skips what is graded and unchanged; after Ctrl-C, the same command continues. Exits with code 1 if a submission
    could not be graded.
    """
    _need_nbgrader()
    from course_utils.teaching.grading import fence
    from course_utils.teaching.grading import run as grading
    from course_utils.teaching.grading.course import State
    from course_utils.teaching.grading.intake import shown

    folder = files.real(folder)
    console.print(fence.described(), style="bold red" if fence.missing() else None, soft_wrap=True)
    try:
        with sentences(), console.status("starting") as status:

            def announce(does: str, who: str, what: str) -> None:
                status.update(escape(f"{does} {shown(who)}, {shown(what)}"))

            outcomes = grading.grade(folder, student, assignment, force, announce)
    except KeyboardInterrupt:
        console.print("Stopped. What was graded stays: the same command continues.")
        raise typer.Exit(130) from None
    rows = [
        (shown(one.student), shown(one.assignment) or "–", _points(one.points, one.most), str(one))
        for one in outcomes
    ]
    rows.insert(0, ("student", "assignment", "points", "state"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))
    print(f"The points are in {folder / grading.GRADES}, the pages for students in {folder / 'feedback'}.")
    if unfinished := [one for one in outcomes if one.state is State.NOT]:
        print(f"{len(unfinished)} of {len(outcomes)} submissions could not be graded.")
        raise typer.Exit(1)


def _need_nbgrader() -> None:
    with sentences():
        extras.needs("nbgrader")


def _points(points: float | None, most: float | None) -> str:
    return "–" if points is None else f"{points:g}/{most:g}"
