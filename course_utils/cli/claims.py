"""``course claims``: what the lecture claims, and what was found."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from course_utils.console import sentences

WIDEST = 100  # columns


def claims(
    what: Annotated[
        str | None, typer.Argument(help="A notebook (07) or a claim (07.teacher), with details. Default: all claims.")
    ] = None,
) -> None:
    """What the lecture claims and what was found: each claim with its interval and verdict, from data/results."""
    with sentences():
        from course_utils.experiments import claims as ledger
        from course_utils.experiments.claims_shown import POWER_LINE, all_in_all, decided_by, details, found, needed

        console = Console(highlight=False, markup=False)
        console.width = min(console.width, WIDEST)
        if what is not None:
            chosen = ledger.claims(what.zfill(2)) or [ledger.find_claim(what)]
            for finding in map(ledger.examine, chosen):
                console.print(*details(finding), sep="\n")
            return
        every = list(ledger.findings())
        table = Table("Claim", "So it is", "What was found, for what the lecture says", show_lines=True)
        for each in every:
            said = f"{found(each)} ({decided_by(each)})\n{each.claim.says}"
            table.add_row(each.claim.name, each.decision, said)
        for column in table.columns[:2]:
            column.no_wrap = True
        console.print(table)
        if open_ones := [each for each in every if each.runs_needed]:
            console.print(POWER_LINE)
            for each in open_ones:
                console.print(f"    {each.claim.name}: {needed(each)}")
        console.print(f"{all_in_all(every)} {ledger.by_chance(every)}")
        console.print("course claims NAME says more about one: its rule, its reason, its command.")
