"""What a cell of an executed notebook shows on a slide, as HTML: a widget, a figure, what it printed, or an exercise."""

import ast
import base64
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from nbformat import NotebookNode

from course_utils.plots.text import WIDE
from course_utils.teaching.demo.states import STATES, VIEWS
from course_utils.teaching.site.pages import NO_WORDS

_MACHINE = re.compile(r"(?:^|[\s\"'(])(?:~|[A-Za-z]:)?[/\\]\w|^Downloading\b", re.MULTILINE)  # a path, a download


@dataclass(frozen=True)
class Shown:
    """HTML, how the slide is laid out ("widget", "wide", "tall", "printed" or "exercise"), and the widget's model."""

    layout: str
    html: str
    model: str | None = None


def shown(cell: NotebookNode, part: str = "") -> Shown | None:
    """What the cell shows: its widget, else its figure, else what it printed; None if there is nothing to see.

    part: "figure" or "printed" if only that is wanted.
    """
    data = [output.data for output in cell.get("outputs", ()) if "data" in output]
    for kind, show in _KINDS[part]:
        for each in data:
            if kind in each:
                return show(each[kind], cell)
    return _printed(cell)


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
    """What the cell printed, without errors and warnings, and without lines about this machine's files."""
    streams = (output.text for output in cell.get("outputs", ()) if output.get("name") == "stdout")
    lines = [line.rpartition("\r")[2].rstrip() for line in "".join(streams).strip("\n").split("\n")]
    lines = [line for line in lines if not _MACHINE.search(line)]
    return Shown("printed", _text("\n".join(lines))) if any(lines) else None


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
    return json.dumps(value, separators=(",", ":")).replace("</", "<\\/")


def states(notebook: NotebookNode, models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The saved state of these widgets and of what they refer to, and of no other; models: with what each begins.

    Raises ValueError if one is missing.
    """
    saved = notebook.metadata.get("widgets", {}).get(STATES, {"state": {}})
    needed: dict[str, Any] = {}
    waiting = list(models)
    while waiting:
        model = waiting.pop()
        if model not in saved["state"]:
            raise ValueError("The notebook was saved without its widgets: run it again with `course run --output`.")
        if model not in needed:
            state = {**saved["state"][model]["state"], **models.get(model, {})}
            needed[model] = {**saved["state"][model], "state": state}
            waiting += re.findall(r"IPY_MODEL_(\w+)", json.dumps(state))
    return {**saved, "state": needed}
