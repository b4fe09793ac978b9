"""Commands for students: ``course run | check | solve | data | doctor``; others are in ``lab.py`` and ``train.py``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Column, Table
from typer.core import TyperArgument

from course_utils import extras, files
from course_utils.cli.command import Command, console
from course_utils.console import in_words, local_time, sentences, stopped
from course_utils.steps import counted

Numbers = Annotated[list[str] | None, typer.Argument(help="Notebook numbers, such as 00 04. Default: all.")]

data = typer.Typer(help="Where datasets and trained weights are, and how to get them.", no_args_is_help=True)


def run(
    numbers: Numbers = None,
    solved: Annotated[bool, typer.Option(help="Run them with every exercise solved.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for the executed notebooks.")] = None,
) -> None:
    """Execute notebooks without opening them; print time and memory. Your progress does not change.

    A number is the course's own notebook; to run yours, name its file.
    """
    from course_utils import exercises
    from course_utils.lab import notebooks

    with sentences():
        extras.needs("nbclient", "ipykernel")
        paths = [notebooks.named(each) for each in numbers or notebooks.numbers()]
        if output is not None:
            _refuse_to_replace(paths, output)
            files.prepare(output, 10 * len(paths), "use another --output")
        names = {path: notebooks.exercises_of(notebooks.read(path)) if solved else [] for path in paths}
        for name in chain.from_iterable(names.values()):
            exercises.find(name)  # an old notebook may have one that the course has no more
    table = Table("Notebook", "Code cells", "Seconds", "Peak memory", "Result")
    failed = False
    with stopped(), _printed_at_the_end(table), counted("notebook", len(paths)) as steps:
        for path in paths:
            steps.next(path.stem)
            execution = notebooks.execute(path, solved=names[path], started=steps.within)
            failed |= execution.error is not None
            table.add_row(
                path.stem,
                str(execution.cells),
                f"{execution.seconds:.0f}",
                f"{execution.peak_bytes / 2**30:.2f} GiB",
                "failed" if execution.error else "ran",
            )
            try:
                if output is not None:
                    notebooks.write(execution.notebook, output / path.name)
                not_written = ""
            except OSError as error:
                failed, not_written = True, in_words(error)
            with steps.aside():
                for said in filter(None, (execution.error, not_written)):
                    console.print(said, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _refuse_to_replace(paths: list[Path], output: Path) -> None:
    """Raise ValueError where a notebook would replace one that somebody works on, the course's,
    or another of this run."""
    from course_utils.lab import notebooks, working_copy

    resolved = set(map(files.real, paths))
    ours = {files.real(notebooks.find(number)) for number in notebooks.numbers()}
    for path in sorted(resolved):
        if working_copy.is_one(output) or files.real(output / path.name) in resolved | ours:
            raise ValueError(f"{output / path.name} would be replaced: use another --output.")
    if len({path.name for path in resolved}) < len(resolved):
        raise ValueError(
            "Two of these notebooks have the same name: run them one after the other, each with its --output."
        )


@contextmanager
def _printed_at_the_end(table: Table) -> Iterator[None]:
    """Print a table after the block, also of work that was stopped."""
    try:
        yield
    finally:
        if table.rows:
            console.print(table)


def check(numbers: Numbers = None) -> None:
    """Show how far you are with the exercises."""
    from course_utils import exercises
    from course_utils.lab import notebooks
    from course_utils.lab.course import efforts

    with sentences():
        shown = efforts()
        chosen = [notebooks.find(number).name[:2] for number in numbers or notebooks.numbers()]
        rows = [row for row in exercises.progress() if row.name[:2] in chosen]
    headings = ("Exercise", "Title and effort", "State", "Attempts", "Last attempt")
    table = Table(*(Column(each, overflow="fold") for each in headings))
    for row in rows:
        title = f"{row.title} {shown[row.name]}"
        table.add_row(row.name, title, row.status, str(row.attempts), local_time(row.tried_at))
    console.print(table)
    for row in rows:
        if row.status in ("tried", "unreadable"):
            console.print(f"{row.name}: {row.message}", soft_wrap=True)
    passed, tried = (sum(row.status == status for row in rows) for status in ("passed", "tried"))
    console.print(f"{passed} of {len(rows)} passed, {tried} tried but not passed yet.")


def solve(
    what: Annotated[str, typer.Argument(help="A notebook (04) or one exercise (04.patchify).")],
    output: Annotated[
        Path | None, typer.Option(help="Folder for the solved notebook. Default: solved, beside your notebooks.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Overwrite an earlier solved notebook.")] = False,
) -> None:
    """Print the solution of an exercise, or write a solved copy of a notebook."""
    from course_utils import exercises
    from course_utils.lab import notebooks, working_copy

    with sentences():
        if "." in what:
            print(exercises.solution(what), end="")
            return
        path = notebooks.find(what)
        output = output or working_copy.find() / "solved"
        _refuse_to_replace([path], output)
        target = output / path.name
        if target.exists() and not force:
            raise FileExistsError(f"{target} exists already: add --force to overwrite it.")
        notebook = notebooks.read(path)
        solved = notebooks.solve(notebook, notebooks.exercises_of(notebook))
        files.prepare(output, 1, "use another --output")
        notebooks.write(solved, target)
    console.print(f"Wrote {target}", soft_wrap=True)


@data.command("status", cls=Command)
def data_status() -> None:
    """List the datasets and the trained weights, and where each was found."""
    from course_utils.data import status
    from course_utils.models import packaged

    table = Table("Dataset or weights", Column("Where", overflow="fold"), "What to do")
    for row in status():
        table.add_row(row.name, row.where, row.remedy)
    for card in packaged.cards().values():
        table.add_row(card.name, *packaged.whereabouts(card))
    console.print(table)


class _Fetch(Command):
    """Looks up the datasets only when its help is shown, so that ``course`` starts without PyTorch."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        (argument,) = (param for param in self.params if isinstance(param, TyperArgument))
        argument.help = f"{' or '.join(_fetched_by())}."
        super().format_help(ctx, formatter)


@data.command("fetch", cls=_Fetch)
def data_fetch(name: str) -> None:
    """Download a dataset, or trained weights, and verify the checksum."""
    with sentences():
        if name not in (by := _fetched_by()):
            raise ValueError(f"There is no dataset {name!r} to download: choose one of {', '.join(by)}.")
        console.print(f"{name} is in {by[name](name)}", soft_wrap=True)


def _fetched_by() -> dict[str, Callable[[str], Path]]:
    """Name of each dataset or weights that can be downloaded → the function that does it."""
    from course_utils.data import downloads, fetch
    from course_utils.models import packaged

    return {**dict.fromkeys(downloads(), fetch), **dict.fromkeys(packaged.cards(), packaged.fetch)}


def doctor(
    report: Annotated[
        bool, typer.Option("--report", help="Print a block to paste, without names of users and their folders.")
    ] = False,
) -> None:
    """Check that everything is ready; print what is missing, what to do, and a verdict."""
    from course_utils.lab.doctor import examine, pasted, verdict

    if report:
        findings = list(examine())
        print(pasted(findings))
    else:
        table, findings = Table("Subject", Column("Seen", overflow="fold"), "What to do"), []
        with Live(table, console=console, transient=True):  # each row as soon as it is known
            for finding in examine():
                findings.append(finding)
                table.add_row(finding.subject, finding.seen, finding.remedy)
        console.print(table)
        console.print(verdict(findings), soft_wrap=True)
    if any(finding.needed and finding.remedy for finding in findings):
        raise typer.Exit(1)
