"""The slides of a deck as HTML: what is on each, in which layout, and what the speaker reads with it."""

import json
import re
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from nbformat import NotebookNode

from course_utils.front_end import FOLDER
from course_utils.lab import notebooks
from course_utils.teaching.demo import script
from course_utils.teaching.demo.cells import demos_of
from course_utils.teaching.demo.script import Demo
from course_utils.teaching.site import notes
from course_utils.teaching.site.deck import Slide, deck_of
from course_utils.teaching.site.shown import exercise, shown, views_of

_NOW, _LATER = '"', ' fragment" data-fragment-index="0"'  # the end of a class attribute: what one more step shows
_HANDS = "Hands, cards or phones first. If 35 to 70 % are right: convince your neighbour, then vote again."


@dataclass(frozen=True)
class Page:
    """One slide as HTML. layout: its class in the style sheet. model: that of its widget;
    start: what it begins with."""

    section: str
    heading: str
    layout: str
    body: str
    notes: str = ""
    model: str | None = None
    start: Mapping[str, Any] = field(default_factory=dict)


def pages_of(number: str, notebook: NotebookNode) -> Iterator[Page]:
    """The title and the slides of the notebook's deck.

    Raises ValueError if the deck names a cell that the notebook does not have or that shows nothing.
    """
    chapter = notes.chapter_of(number)
    yield _title(notebook, chapter)
    cells = {cell.id: cell for cell in notebook.cells}
    deck = deck_of(number)
    headings = _headings(notebook, {slide.cell for slide in deck if slide.cell})
    after = _read_after(notebook)
    for slide in deck:
        cell = cells.get(slide.cell or "")
        if cell is None:
            if slide.cell:
                raise ValueError(
                    f"The slide {slide.heading!r} shows {slide.cell!r}, but the notebook has no such cell."
                )
            yield _words(slide)
            continue
        said = notes.about_section(chapter, headings.get(cell.id, ""))
        if "Quiz.from_notebook" in cell.source:
            yield from _quiz(number, slide.section)
        elif demo := _demo_of(cell):
            yield from _demo(slide, cell, demo)
        else:
            yield _cell(slide, cell, [slide.notes, said, *_mistakes(cell, chapter), after.get(cell.id, "")])


def _title(notebook: NotebookNode, chapter: notes.Chapter) -> Page:
    """The notebook's first lines: its title, and what its readers will do."""
    first = notebook.cells[0].source
    title = first.partition("\n")[0].lstrip("# ")
    goals = first.partition("| **You will** | ")[2].partition(" |\n")[0]
    plan = f"50 minutes: {chapter.plan}" if chapter.plan else ""
    return Page("", _inline(title), "title", _html(f"You will {goals}." if goals else ""), _notes(plan))


def _words(slide: Slide) -> Page:
    layout = "statement" if slide.words else "ask"  # with nothing but a question, which fills the slide
    body = _html(slide.words) + _answer(slide.answer)
    return Page(slide.section, _inline(slide.heading), layout, body, _notes(slide.notes))


def _cell(slide: Slide, cell: NotebookNode, spoken: Sequence[str]) -> Page:
    piece = exercise(cell) if "exercise" in cell.metadata.get("course", {}) else shown(cell, slide.part)
    if piece is None:
        raise ValueError(
            f"The slide {slide.heading!r} shows {slide.cell!r}, but that cell shows nothing: run the notebook again "
            "with `course run --output`."
        )
    place = f'<div class="shown{_LATER if slide.later else _NOW}>{piece.html}</div>'
    body = f'<div class="words">{_html(slide.words)}</div>{place}{_answer(slide.answer)}'
    return Page(slide.section, _inline(slide.heading), piece.layout, body, _notes(*spoken), piece.model)


def _demo(slide: Slide, cell: NotebookNode, demo: Demo) -> Iterator[Page]:
    """The demo's question with its options, then the widget as it begins, its answer covered, then the answer."""
    spoken = _notes(slide.notes, *script.spoken(demo).splitlines())
    yield Page(slide.section, _inline(demo.question), "question", _options(demo.options), spoken + _notes(_HANDS))
    page = _cell(replace(slide, answer=f"**{demo.right}** {demo.reason}"), cell, ())
    layout = f"{page.layout} demo-{demo.name}"
    yield replace(page, layout=layout, body=page.body + _covered(demo), notes=spoken, start=demo.start)


def _covered(demo: Demo) -> str:
    """A style for the demo's slide, without what a hall does not need and, before the answer, what would tell it."""
    slide = f"#stage .demo-{demo.name}"
    cover = ".afv" if "*" in demo.cover else ", ".join(demo.cover)
    rules = [f"{slide} :is({', '.join(demo.hide)}) {{ display: none !important; }}"] if demo.hide else []
    if cover:
        rules.append(f"{slide}:not(:has(.answer.visible)) :is({cover}) {{ visibility: hidden; }}")
    return f"<style>{' '.join(rules)}</style>"


def _demo_of(cell: NotebookNode) -> Demo | None:
    """The demo that this cell shows: the cells before it that the demo also needs show nothing of it."""
    names = demos_of(cell)
    return script.find(names[0]) if names and views_of(cell) else None


def _quiz(number: str, section: str) -> Iterator[Page]:
    """A slide per question; one more step shows the right options and why."""
    questions = json.loads((FOLDER / "quizzes" / f"{number}.json").read_text(encoding="utf-8"))
    for position, question in enumerate(questions, 1):
        answers = list(zip(string.ascii_uppercase, question["answers"], strict=False))
        right = [letter for letter, answer in answers if answer["correct"]]
        reasons = " ".join(f"**{letter}** {answer['why']}" for letter, answer in answers if answer["correct"])
        several = "<p>More than one is right.</p>" if len(right) > 1 else ""
        yield Page(
            f"{section} · question {position} of {len(questions)}",
            _inline(question["question"]),
            "question",
            several + _options([answer["text"] for _, answer in answers], right) + _answer(reasons),
            _notes(_HANDS, *(f"{letter}: {answer['why']}" for letter, answer in answers)),
        )


def _options(options: Sequence[str], right: Sequence[str] = ()) -> str:
    items = (
        f'<li class="{"right" if letter in right else "wrong"}">{_inline(option)}</li>'
        for letter, option in zip(string.ascii_uppercase, options, strict=False)
    )
    return f'<ol class="options">{"".join(items)}</ol>'


def _answer(markdown: str) -> str:
    return f'<div class="answer{_LATER}>{_html(markdown)}</div>' if markdown else ""


def _mistakes(cell: NotebookNode, chapter: notes.Chapter) -> list[str]:
    name = cell.metadata.get("course", {}).get("exercise")
    return [f"They get wrong: {each}" for each in chapter.mistakes if name and f"`{name}`" in each]


def _headings(notebook: NotebookNode, wanted: Collection[str]) -> dict[str, str]:
    """The first cell below each heading, of those wanted, with that heading."""
    heading = ""
    found: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = (notebooks.headings(cell) or [heading])[-1]
        elif cell.id in wanted and heading not in found.values():
            found[cell.id] = heading
    return found


def _read_after(notebook: NotebookNode) -> dict[str, str]:
    """The id of each cell with what the notebook says about it: the text below, up to a heading,
    a question or a task."""
    found = {}
    told = [cell for cell in notebook.cells if "Predict.from_" not in cell.source]  # which stands between the two
    for cell, below in pairwise(told):
        if cell.cell_type == "code" and below.cell_type == "markdown":
            said = re.split(r"^(?:#|<details|\*\*\w|\|)", below.source, maxsplit=1, flags=re.MULTILINE)[0]
            found[cell.id] = said.strip()
    return found


def _notes(*paragraphs: str) -> str:
    return "".join(_html(paragraph) for paragraph in paragraphs if paragraph)


def _html(markdown: str) -> str:
    from nbconvert.filters import markdown2html

    return str(markdown2html(markdown.replace(" %", "\u00a0%")))


def _inline(markdown: str) -> str:
    """Markdown of one paragraph, without the paragraph."""
    return _html(markdown).strip().removeprefix("<p>").removesuffix("</p>")
