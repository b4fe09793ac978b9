"""A command for authors of the course: ``course exercise``; ``course bench`` is in ``bench.py``."""

from typing import Annotated

import typer

from course_utils.cli.command import console
from course_utils.console import sentences
from course_utils.paths import own_clone


def exercise(
    name: Annotated[str, typer.Argument(help="The exercise, such as 04.patchify.")],
    after: Annotated[str | None, typer.Option(help="Id of the cell after which to put its cells.")] = None,
) -> None:
    """Make or refresh an exercise's cells in its notebook: the stub, and the check with its points for nbgrader."""
    from course_utils import exercises
    from course_utils.lab import notebooks
    from course_utils.lab.exercise_cells import place

    with sentences():
        own_clone("An exercise's cells")
        found = exercises.find(name)
        path = notebooks.find(found.name[:2])
        notebook = notebooks.read(path)
        place(notebook, found, after)
        notebooks.write(notebook, path)
    console.print(
        f"{path.name} has the stub and the check of {found.name}, {found.points} point{'s' * (found.points > 1)}.",
        soft_wrap=True,
    )
