"""The book's first page after the start: what the lecture claims, and what was found, from the ledger."""

import re
from collections.abc import Mapping

from course_utils.experiments.claims import Finding, by_chance, findings
from course_utils.experiments.claims_shown import all_in_all, decided_by, found, took, wanted
from course_utils.experiments.verdict import Decision
from course_utils.lab.course import entries, markdown_table

HEADING = ("the claim", "found", "so it is")
INTRODUCTION = """# What the lecture claims, and what was found

Claims of the lecture that can be wrong, some that follow from them or go with them, and what our runs, a computation \
or the published figures say of each. Most claims predict an effect above zero. One rule decides them: **equivalent** \
if its 95 % interval lies within ± the smallest effect of interest, whatever its sign; otherwise **supported** if the \
interval lies wholly above zero, **contradicted** if wholly below, and **undecided** if neither. A claim that two \
things are *equal* is **supported** within ± the smallest effect, and **contradicted** outside it. A computed or \
published number is its own interval. `course claims NAME` says more about each claim: its rule, and its reason. The \
command below a claim makes its figures anew; beside it is the time on one core.
"""


def claims_page(names: Mapping[str, str]) -> str:
    """The page in Markdown. names: number of each notebook in the book → the name of its page, for the links."""
    every = list(findings())
    parts = [INTRODUCTION, f"{all_in_all(every)} {by_chance(every)}\n"]
    for entry in entries():
        own = [each for each in every if each.claim.notebook == entry.number]
        if own:
            page, title = names.get(entry.number, ""), f"{entry.number} {entry.title}"
            rows = [HEADING, *(_row(each, page) for each in own)]
            parts.append(f'## {_link(title, page)}\n\n<div class="claims">\n\n{markdown_table(rows)}\n</div>\n')
    return "\n".join(parts)


def _row(each: Finding, page: str) -> tuple[str, str, str]:
    """A claim with its place in the lecture and the notebook, its data and its command; what was found; the verdict."""
    claim = each.claim
    why = f" ({claim.cause})" if each.decision is Decision.CONTRADICTED and claim.cause else ""
    more = f": {wanted(each)}" if wanted(each) else ""
    place = f"*{claim.slide}*; {_link(f'“{claim.section}”', page, claim.section)}"
    again = f"`{claim.command}`" + (f", {took(each)}" if took(each) else "")
    return (
        f"`{claim.name}` {claim.says}<br><small>{place} · {claim.dataset}; {decided_by(each)} · {again}</small>",
        re.sub(r"(?<!\w)-(?=\d)", "−", found(each)),
        f"**{each.decision}**{why}{more}",
    )


def _link(text: str, page: str, section: str = "") -> str:
    """The text, as a link if the book has that page; section: the heading that it leads to,
    in the words of MyST's anchors."""
    place = re.sub(r"[^\w-]", "", section.lower().replace(" ", "-"))
    return f"[{text}]({page}.ipynb{place and f'#{place}'})" if page else text
