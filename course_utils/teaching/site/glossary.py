"""The glossary: ``notebooks/glossary.toml``, the terms, symbols and shapes of the course and where each is
introduced."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from course_utils.lab import notebooks
from course_utils.lab.course import markdown_table
from course_utils.paths import NOTEBOOKS

GLOSSARY = NOTEBOOKS / "glossary.toml"


@dataclass(frozen=True)
class Term:
    """One entry. notebook and section: where it is introduced.

    symbol: as in the formulas, between dollar signs. shape: of the tensor, as in the docstrings. axes: what docstrings
    call an axis of this length. unit: of a number. words: other forms that link to it; none links if `plain`, because
    the term is also an everyday word.
    """

    name: str
    says: str
    notebook: str
    section: str
    symbol: str = ""
    shape: str = ""
    unit: str = ""
    axes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    plain: bool = False


@cache
def terms() -> tuple[Term, ...]:
    """All entries, in alphabetical order. Raises TypeError for one with a missing or an unknown key."""
    rows = tomllib.loads(GLOSSARY.read_text(encoding="utf-8"))["term"]
    lists = ("axes", "words")
    made = [Term(**row | {key: tuple(row[key]) for key in lists if key in row}) for row in rows]
    return tuple(sorted(made, key=lambda term: term.name.lower()))


def words() -> dict[str, re.Pattern[str]]:
    """Name of each term that a text can link to → the pattern of its forms."""
    return {
        term.name: re.compile(rf"\b(?:{'|'.join(map(re.escape, (term.name, *term.words)))})s?\b", re.IGNORECASE)
        for term in terms()
        if not term.plain
    }


def uses(text: str, wanted: Mapping[str, re.Pattern[str]]) -> Iterator[tuple[int, int, str]]:
    """Where a text uses each of these terms first, in order; of two that overlap, the longer."""
    found = [(*match.span(), name) for name, pattern in list(wanted.items()) if (match := pattern.search(text))]
    after = 0
    for begin, end, name in sorted(found, key=lambda each: (each[0], -each[1])):
        if begin >= after:
            after = end
            yield begin, end, name


def page(numbers: Collection[str]) -> str:
    """The page in Markdown, with links to the notebooks of these numbers."""
    rows = [("symbol", "term", "shape or unit")]
    rows += [(t.symbol, f"{{term}}`{t.name}`", _size(t) or "–") for t in terms() if t.symbol]
    entries = "\n\n".join(f"{term.name}\n{_indented(_definition(term, numbers))}" for term in terms())
    return f"{HEAD}\n{markdown_table(rows)}\n## Terms\n\n```{{glossary}}\n{entries}\n```\n"


HEAD = """# Glossary

The terms, symbols and shapes of the course. In a notebook, the first use of a term links to here. \
A shape names the axes in order, as the docstrings do: `(batch, tokens, dim)` is a batch of sequences of vectors.

## Symbols
"""


def _size(term: Term) -> str:
    return ", ".join(filter(None, (f"`{term.shape}`" if term.shape else "", term.unit)))


def _definition(term: Term, numbers: Collection[str]) -> str:
    where = f"{term.notebook}, {term.section}"
    if term.notebook in numbers:
        title = re.sub(r"[*`$]", "", term.section)
        where = f"{{ref}}`{term.notebook}, {title} <{notebooks.find(term.notebook).stem}:{title}>`"
    size = " · ".join(filter(None, (term.symbol, _size(term))))
    return f"{term.says}\n\n{size + ' · ' if size else ''}introduced in {where}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
