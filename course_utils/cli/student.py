"""Commands for students: ``course lab | run | check | solve | data | train | doctor``."""

import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import get_console
from rich.table import Table
from typer.core import TyperArgument, TyperCommand

from course_utils.console import local_time, sentences
from course_utils.lab.server import lab_command, lab_environment
from course_utils.paths import ROOT

console = get_console()

Numbers = Annotated[list[str] | None, typer.Argument(help="Notebook numbers, such as 00 04. Default: all.")]

data = typer.Typer(help="Where the datasets are, and how to get them.", no_args_is_help=True)


def lab(notebook: Annotated[str, typer.Argument(help="Number of the notebook to open.")] = "00") -> None:
    """Open JupyterLab at a notebook."""
    from course_utils.lab import notebooks

    with sentences():
        path = notebooks.find(notebook)
    raise typer.Exit(subprocess.call([*lab_command(), str(path)], cwd=ROOT, env=lab_environment()))


def run(
    numbers: Numbers = None,
    solved: Annotated[bool, typer.Option(help="Run them with every exercise solved.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for the executed notebooks.")] = None,
) -> None:
    """Execute notebooks without opening them; print time and memory. Your progress does not change."""
    import nbformat

    from course_utils.lab import notebooks

    with sentences():
        paths = [notebooks.find(number) for number in numbers or notebooks.numbers()]
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
    table = Table("Notebook", "Code cells", "Seconds", "Peak memory", "Result")
    failed = False
    for path in paths:
        with console.status(f"running {path.name}"):
            names = notebooks.exercises_of(notebooks.read(path)) if solved else []
            execution = notebooks.execute(path, solved=names)
        failed |= execution.error is not None
        table.add_row(
            path.stem,
            str(execution.cells),
            f"{execution.seconds:.0f}",
            f"{execution.peak_bytes / 2**30:.2f} GiB",
            "failed" if execution.error else "ran",
        )
        if execution.error:
            console.print(execution.error, markup=False)
        if output is not None:
            nbformat.write(execution.notebook, output / path.name)
    console.print(table)
    if failed:
        raise typer.Exit(1)


def check(numbers: Numbers = None) -> None:
    """Show how far you are with the exercises."""
    from course_utils import exercises
    from course_utils.lab import notebooks

    with sentences():
        chosen = [notebooks.find(number).name[:2] for number in numbers or notebooks.numbers()]
    rows = [row for row in exercises.progress() if row.name[:2] in chosen]
    table = Table("Exercise", "Title", "State", "Attempts", "Last attempt")
    for row in rows:
        table.add_row(row.name, row.title, row.status, str(row.attempts), local_time(row.tried_at))
    console.print(table)
    for row in rows:
        if row.status == "tried":
            console.print(f"{row.name}: {row.message}", markup=False, soft_wrap=True)
    passed, tried = (sum(row.status == status for row in rows) for status in ("passed", "tried"))
    console.print(f"{passed} of {len(rows)} passed, {tried} tried but not passed yet.")


def solve(
    what: Annotated[str, typer.Argument(help="A notebook (04) or one exercise (04.patchify).")],
    output: Annotated[Path, typer.Option(help="Folder for the solved notebook.")] = ROOT / "solved",
    force: Annotated[bool, typer.Option(help="Overwrite an earlier solved notebook.")] = False,
) -> None:
    """Print the solution of an exercise, or write a solved copy of a notebook."""
    import nbformat

    from course_utils import exercises
    from course_utils.lab import notebooks

    with sentences():
        if "." in what:
            print(exercises.solution(what), end="")
            return
        path = notebooks.find(what)
        target = output / path.name
        if target.exists() and not force:
            raise FileExistsError(f"{target} exists already: add --force to overwrite it.")
        notebook = notebooks.read(path)
        solved = notebooks.solve(notebook, notebooks.exercises_of(notebook))
        output.mkdir(parents=True, exist_ok=True)
        nbformat.write(solved, target)
    console.print(f"Wrote {target}", soft_wrap=True)


@data.command("status")
def data_status() -> None:
    """List the datasets and where each was found."""
    from course_utils.data import status

    table = Table("Dataset", "Where", "What to do")
    for row in status():
        table.add_row(row.name, row.where, row.remedy)
    console.print(table)


class _Fetch(TyperCommand):
    """Looks up the datasets only when its help is shown, so that ``course`` starts without PyTorch."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from course_utils.data import downloads

        (argument,) = (param for param in self.params if isinstance(param, TyperArgument))
        argument.help = f"{' or '.join(downloads())}."
        super().format_help(ctx, formatter)


@data.command("fetch", cls=_Fetch)
def data_fetch(name: str) -> None:
    """Download a dataset into data/ and verify its checksum."""
    from course_utils.data import fetch

    with sentences():
        console.print(f"{name} is in {fetch(name)}", soft_wrap=True)


def train(
    name: Annotated[str | None, typer.Argument(help="A model or a sweep. Default: list the names.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder for the results; a rerun continues there.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs instead of the recipe's; models only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the recipe's; models only.")] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Folder of the teacher's run, if not the default; distilled models only.")
    ] = None,
) -> None:
    """Train a model, or make the table of a sweep. The same command continues an interrupted run."""
    from course_utils.experiments import SWEEPS, run_named, run_names, run_sweep

    if name is None:
        print("\n".join(run_names()))
        return
    with sentences():
        if name not in SWEEPS:
            run_named(name, folder=folder, epochs=epochs, seed=seed, teacher=teacher)
        elif epochs is not None or seed is not None or teacher is not None:
            raise ValueError(
                f"--epochs, --seed and --teacher cannot be used with {name}, whose points have their own."
            )
        else:
            console.print(f"The table is {run_sweep(name, folder)}", soft_wrap=True)


def doctor() -> None:
    """Check that everything is ready; print what is missing and what to do."""
    from course_utils.lab.doctor import examine

    table = Table("Subject", "Seen", "What to do")
    broken = False
    for finding in examine():
        table.add_row(finding.subject, finding.seen, finding.remedy)
        broken |= bool(finding.needed and finding.remedy)
    console.print(table)
    if broken:
        raise typer.Exit(1)
