"""The book's first page after the start: what the lecture claims, and what was found, from the ledger."""

from collections.abc import Mapping

from course_utils.experiments.claims import by_chance, findings
from course_utils.experiments.claims_shown import all_in_all, decided_by, found, took, wanted
from course_utils.experiments.verdict import Decision
from course_utils.lab.course import entries, markdown_table

HEADING = ("the claim", "tested on", "found", "so it is", "again")
INTRODUCTION = """# What the lecture claims, and what was found

Every claim of the lecture that can be wrong, and what our runs, a computation or the published figures say of it. An effect \
is the difference that the claim predicts to be above zero, with its 95 % interval. One rule decides all: \
**supported** and **contradicted** mean that the interval lies wholly above or below zero, **equivalent** that it lies within \
the smallest effect of interest, and **undecided** everything else. `course claims NAME` says more about each claim: its rule, \
its reason, and the command that makes its figures anew.
"""


def claims_page(names: Mapping[str, str]) -> str:
    """The page in Markdown. names: number of each notebook in the book → the name of its page, for the links."""
    parts, every = [INTRODUCTION], list(findings())
    for entry in entries():
        own = [each for each in every if each.claim.notebook == entry.number]
        if not own:
            continue
        page, title = names.get(entry.number), f"{entry.number} {entry.title}"
        rows = [HEADING]
        for each in own:
            claim = each.claim
            why = f" ({claim.cause})" if each.decision is Decision.CONTRADICTED and claim.cause else ""
            more = f" {wanted(each)}" if wanted(each) else ""
            rows.append(
                (
                    f"`{claim.name}` {claim.says} *{claim.slide}*; section “{claim.section}”",
                    f"{claim.dataset}; {decided_by(each)}",
                    found(each),
                    f"**{each.decision}**{why}{more}",
                    f"`{claim.command}`" + (f", {took(each)}" if took(each) else ""),
                )
            )
        parts.append(f"## {f'[{title}]({page}.ipynb)' if page else title}\n\n{markdown_table(rows)}")
    parts.append(f"{all_in_all(every)} {by_chance(every)}\n")
    return "\n".join(parts)
