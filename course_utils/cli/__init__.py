"""The command line, ``course``. Each module is a family of commands, such as lab, student, train or teach."""

from typing import Any

import typer

from course_utils.cli import bench, classroom, demo, develop, lab, student, teach
from course_utils.cli.claims import claims
from course_utils.cli.grade import grade
from course_utils.cli.train import train
from course_utils.console import printable


class _App(typer.Typer):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        printable()
        return super().__call__(*arguments, **options)


app = _App(help="Attention for Vision: a course in notebooks.", no_args_is_help=True, add_completion=False)

PANELS = {
    "Students": (lab.reset, lab.update, student.run, student.check, student.solve, train, claims, student.doctor),
    "Teachers": (teach.book, teach.slides, demo.demo, teach.load),
    "Developers": (develop.exercise, bench.bench),
}
app.command("lab", rich_help_panel="Students", context_settings=lab.PASSED_ON)(lab.lab)
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.command("share", rich_help_panel="Students")(classroom.share)
app.command("class", rich_help_panel="Teachers")(classroom.glance)
app.add_typer(student.data, name="data", rich_help_panel="Students")
app.add_typer(grade, name="grade", rich_help_panel="Teachers")
