"""The program ``course``: every command in its panel of the help, and how it ends."""

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from course_utils.cli import bench, classroom, demo, develop, lab, student, teach
from course_utils.cli.claims import claims
from course_utils.cli.command import Command
from course_utils.cli.grade import grade
from course_utils.cli.train import train
from course_utils.console import in_words, printable
from course_utils.paths import NAME


def _say_stopped() -> int:
    """→ the exit code."""
    typer.echo("course: stopped by Ctrl-C.", err=True)
    return 130


class _Group(TyperGroup):
    """Says that Ctrl-C stopped a command that does not say so itself."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(_say_stopped()) from None


class _App(typer.Typer):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        printable()
        try:
            return super().__call__(*arguments, **options)
        except KeyboardInterrupt:  # before the command begins
            sys.exit(_say_stopped())
        except OSError as error:  # of the output itself, as on a full disk
            sys.exit(f"course: {in_words(error)}")


app = _App(cls=_Group, no_args_is_help=True, add_completion=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(version(NAME))
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def main(version: Version = False) -> None:
    """Attention for Vision: a course in notebooks."""


PANELS = {
    "Students": (lab.reset, lab.update, student.run, student.check, student.solve, train, claims, student.doctor),
    "Teachers": (teach.book, teach.slides, demo.demo, teach.load),
    "Developers": (develop.exercise, bench.bench),
}
app.command("lab", rich_help_panel="Students", context_settings=lab.PASSED_ON)(lab.lab)
for panel, commands in PANELS.items():
    for command in commands:
        app.command(cls=Command, rich_help_panel=panel)(command)
app.command("share", cls=Command, rich_help_panel="Students")(classroom.share)
app.command("class", cls=Command, rich_help_panel="Teachers")(classroom.glance)
app.add_typer(student.data, name="data", rich_help_panel="Students")
app.add_typer(grade, name="grade", rich_help_panel="Teachers")
