"""What a cell of an executed notebook shows on a slide, as HTML: a widget, a figure, prints and tables,
or an exercise."""

import ast
import base64
import json
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple
from xml.etree import ElementTree

from nbformat import NotebookNode

from course_utils.plots.text import WIDE
from course_utils.teaching.demo.states import STATES, VIEWS
from course_utils.teaching.site.pages import NO_WORDS

UNWRAPPED = 80  # characters across; more would be too small to read
_MACHINE = re.compile(r"(?:^|[\s\"'(])(?:~|[A-Za-z]:)?[/\\]\w|^Downloading\b", re.MULTILINE)  # a path, a download


@dataclass(frozen=True)
class Shown:
    """HTML, how the slide is laid out ("widget", "wide", "tall", "printed" or "exercise"), and the widget's model."""

    layout: str
    html: str
    model: str | None = None


def shown(cell: NotebookNode, part: str = "") -> Shown | None:
    """What the cell shows: its widget, else its figure, else its prints and tables; None if there is nothing to see.

    part: "figure" or "printed" if only that is wanted.
    """
    data = [output.data for output in cell.get("outputs", ()) if "data" in output]
    for kind, show in _KINDS[part]:
        for each in data:
            if kind in each and (found := show(each[kind], cell)):
                return found
    return _printed(cell)


def views_of(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of an executed cell that are widgets."""
    return [each for each in cell.get("outputs", ()) if VIEWS in each.get("data", {})]


def _widget(view: Any, cell: NotebookNode) -> Shown:
    return Shown("widget", f'<div><script type="{VIEWS}">{as_script(view)}</script></div>', view["model_id"])


def _figure(png: str, cell: NotebookNode) -> Shown:
    width, height = struct.unpack(">II", base64.b64decode(png[:44])[16:24])
    words = escape(cell.metadata.get("course", {}).get("alt", NO_WORDS))
    return Shown(_layout(width / height), f'<img src="data:image/png;base64,{png.strip()}" alt="{words}">')


def _drawing(html: str, cell: NotebookNode) -> Shown | None:
    box = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', html)
    return Shown(_layout(float(box[1]) / float(box[2])), html) if box else None


_FIGURES = (("image/png", _figure), ("text/html", _drawing))
_KINDS = {"": ((VIEWS, _widget), *_FIGURES), "figure": _FIGURES, "printed": ()}


def _layout(aspect: float) -> str:
    return "wide" if aspect >= WIDE else "tall"


def _printed(cell: NotebookNode) -> Shown | None:
    """The cell's prints and tables, without errors and warnings, and without lines about this machine's files."""
    outputs = cell.get("outputs", ())
    pieces = [_lines(each.text) if each.get("name") == "stdout" else _table(each.get("data", {})) for each in outputs]
    seen = [piece for piece in pieces if piece.columns]
    style = (
        f"--columns: {max((piece.columns for piece in seen), default=0)}; --rows: {sum(piece.rows for piece in seen)}"
    )
    html = "".join(piece.html for piece in seen)
    return Shown("printed", f'<div style="{style}">{html}</div>') if seen else None


class _Piece(NamedTuple):
    """HTML, and how many characters it takes across and lines down."""

    html: str = ""
    columns: int = 0
    rows: int = 0


def _lines(text: str) -> _Piece:
    lines = [line.rpartition("\r")[2].rstrip() for line in text.strip("\n").split("\n")]
    lines = [line for line in lines if not _MACHINE.search(line)]
    return _Piece(f"<pre>{escape(chr(10).join(lines))}</pre>", max(map(len, lines), default=0), len(lines))


def _table(data: Mapping[str, str]) -> _Piece:
    """A table of ``course_utils.tables``. In a wide one, headings wrap between their words, into up to three lines."""
    html = data.get("text/html", "")
    if "<table" not in html:
        return _Piece()
    rows = [[cell.text or "" for cell in row] for row in ElementTree.fromstring(html).iter("tr")]
    columns = list(zip(*rows, strict=True))
    whole = sum(max(map(len, column)) + 2 for column in columns)
    if whole <= UNWRAPPED:
        return _Piece(html, whole, len(rows) + 1)
    wrapped = sum(max(map(len, [*heading.split(), *cells])) + 2 for heading, *cells in columns)
    return _Piece(html, wrapped, len(rows) + 3)


def _text(text: str) -> str:
    """Text in a fixed width; the style sheet makes its longest line fit the slide."""
    lines = text.splitlines()
    size = f"--columns: {max(map(len, lines))}; --rows: {len(lines)}"
    return f'<pre style="{size}">{escape(text)}</pre>'


def exercise(cell: NotebookNode) -> Shown:
    """The signature that the students complete, and the first sentence of its docstring."""
    function = next(node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef))
    docstring = function.body[0]
    signature = cell.source.splitlines()[function.lineno - 1 : docstring.lineno - 1]
    contract = " ".join((ast.get_docstring(function) or "").partition("\n\n")[0].split())
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(contract))
    return Shown("exercise", f"{_text(chr(10).join(signature))}<p>{words}</p>")


def as_script(value: Any) -> str:
    """JSON that can stand inside a <script> element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def states(notebook: NotebookNode, models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The saved state of these widgets and of what they refer to, and of no other; models: with what each begins.

    Raises ValueError if one is missing.
    """
    saved = notebook.metadata.get("widgets", {}).get(STATES, {"state": {}})
    try:
        needed = with_referred(saved["state"], models)
    except KeyError:
        advice = "run it again with `course run --output`"
        raise ValueError(f"The notebook was saved without its widgets: {advice}.") from None
    begun = {name: {**each, "state": {**each["state"], **models.get(name, {})}} for name, each in needed.items()}
    return {**saved, "state": begun}


def with_referred(saved: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The saved models of these names and those that they refer to. Raises KeyError if one is missing."""
    needed: dict[str, Any] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = saved[name]
            waiting += re.findall(r"IPY_MODEL_(\w+)", json.dumps(saved[name]["state"]))
    return needed
