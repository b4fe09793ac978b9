"""The bibliography: one entry of ``notebooks/references.bib`` for each work that a text of the course cites.

Texts cite as the pages show it, "Vaswani et al. 2017" or "Abnar & Zuidema 2020"; a letter behind the year tells two
works of the same people apart, "Touvron et al. 2021b".
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from course_utils.paths import NOTEBOOKS

if TYPE_CHECKING:
    from pybtex.database import Entry

BIBLIOGRAPHY = NOTEBOOKS / "references.bib"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NAME = r"(?:van den )?[A-Z][a-zà-ž’-]+(?:[A-Z][a-z]+)?"
CITED = re.compile(rf"\b(?!(?:{MONTHS})\b){_NAME}(?:\s+et\s+al\.|\s+&\s+{_NAME})?,?\s+(?:19|20)\d\d[a-z]?\b")
PAGE = """# References

Every work that a notebook, a docstring, a widget or a table of the course cites, as it is cited there.

```{eval-rst}
.. bibliography::
   :all:
```
"""


@cache
def labels() -> dict[str, str]:
    """How a text cites each work, such as "Vaswani et al. 2017" → its key in the bibliography."""
    from pybtex.database import parse_file

    return {label(entry): key for key, entry in parse_file(str(BIBLIOGRAPHY)).entries.items()}


def label(entry: "Entry") -> str:
    """ "Student 1908", "Abnar & Zuidema 2020" or, from three people on, "Vaswani et al. 2017"."""
    first, *others = entry.persons["author"]
    name = " ".join((*first.prelast_names, *first.last_names))
    if len(others) == 1 and str(others[0]) != "others":
        name += f" & {' '.join((*others[0].prelast_names, *others[0].last_names))}"
    elif others:
        name += " et al."
    letter = re.search(r"\d([a-z])$", entry.key)
    return f"{name} {entry.fields['year']}{letter[1] if letter else ''}"


def cited(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a text cites something, and the label of it."""
    for found in CITED.finditer(text):
        yield *found.span(), re.sub(r",?\s+", " ", found[0])


def arxiv(text: str) -> set[str]:
    """The numbers of arXiv in a text."""
    return set(re.findall(r"arxiv(?:\.org/abs/|:\s?)(\d{4}\.\d{4,5})", text, re.IGNORECASE))
