"""A deck: which slides a notebook becomes, one Markdown file per notebook in ``decks``.

``# Look`` begins a section, whose name stands on top of its slides; ``## Heading`` begins a slide. Below it stand:

- a sentence or two; what follows a line ``. . .``, words or a cell, appears one step later;
- ``![](id)``: what the notebook's cell of that id shows, or ``![figure](id)`` and ``![printed](id)`` if it shows more;
- after a line ``Note:``, what only the speaker reads.
"""

import re
from dataclasses import dataclass
from pathlib import Path

DECKS = Path(__file__).parent / "decks"
_SHOWN = re.compile(r"^!\[(|figure|printed)\]\(([\w-]+)\)\n?", re.MULTILINE)
_PAUSE = ". . .\n"


@dataclass(frozen=True)
class Slide:
    """One idea: a heading, a few words, at most one cell to show, and more words one step later; all in Markdown.

    part: "figure" or "printed" if only this part of what the cell shows is wanted. later: whether the cell, too,
    appears one step later. notes: for the speaker.
    """

    section: str
    heading: str
    words: str
    answer: str = ""
    cell: str | None = None
    part: str = ""
    later: bool = False
    notes: str = ""


def deck_of(number: str) -> list[Slide]:
    """The slides of the notebook ``"04"``, in order. Raises FileNotFoundError if it has no deck; see `slides_in`."""
    path = DECKS / f"{number}.md"
    if not path.exists():
        raise FileNotFoundError(f"Notebook {number} has no slides: write {path}, like the files beside it.")
    return slides_in(path.read_text(encoding="utf-8"))


def slides_in(text: str) -> list[Slide]:
    """The slides of a deck's text. Raises ValueError for words outside a slide and for a slide with two cells."""
    section, slides = "", []
    for part in re.split(r"^(?=##? )", text, flags=re.MULTILINE):
        level, _, rest = part.partition(" ")
        heading, _, body = rest.partition("\n")
        if level == "##":
            slides.append(_slide(section, heading.strip(), body))
        elif part.strip() and (level != "#" or body.strip()):
            raise ValueError(f"{part.strip().splitlines()[-1]!r} is on no slide: put a line `## Heading` above it.")
        else:
            section = heading.strip()
    return slides


def _slide(section: str, heading: str, body: str) -> Slide:
    body, _, notes = body.partition("\nNote:")
    cells = _SHOWN.findall(body)
    if len(cells) > 1:
        raise ValueError(f"The slide {heading!r} shows {len(cells)} cells: make a slide of each.")
    part, cell = cells[0] if cells else ("", None)
    words, _, answer = (piece.strip() for piece in _SHOWN.sub("", body).partition(_PAUSE))
    later = bool(cell) and _PAUSE in body and body.index(_PAUSE) < body.index(f"({cell})")
    return Slide(section, heading, words, answer, cell, part, later, notes.strip())
