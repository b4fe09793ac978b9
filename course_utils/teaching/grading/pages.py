"""Students' text in the pages of feedback and in formgrader: shown without anything that could act or load."""

import html
import re
from typing import Any

from bleach.sanitizer import Cleaner
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import Bool

LONGEST = 20_000  # characters of a text that are laid out; a longer one is shown as it was written
LONGEST_LINE = 2_000  # characters of a line of code that is coloured, which takes time with its square
SHOWN = 100_000  # characters of a cell in a page
SHOWN_IN_ALL = 1_000_000

TAGS = (
    "a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre s "
    "small span strong sub summary sup table tbody td tfoot th thead tr u ul var"
)
ATTRIBUTES = {  # and what their values may be
    ("a", "href"): r"(https?://|mailto:|#).*",
    ("img", "src"): r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+",
    ("img", "width"): r"\d+",
    ("img", "height"): r"\d+",
    ("ol", "start"): r"\d+",
    ("details", "open"): r".*",
    ("td", "colspan"): r"\d+",
    ("td", "rowspan"): r"\d+",
    ("th", "colspan"): r"\d+",
    ("th", "rowspan"): r"\d+",
    ("span", "class"): r"[a-z]{1,2}\d?",  # of highlighted code
    ("div", "class"): r"highlight",
}
WORDS = ("alt", "title")  # of all tags
ACTIVE = re.compile(
    r"<\s*(?:/\s*)?(script|iframe|frame|object|embed|applet|form|input|button|base|meta|link|style|svg|math|video|audio"
    r")\b|<[^<>]*?\bon[a-z]{3,20}\s*=|(javascript|vbscript)\s*:|data\s*:\s*text/html|\bsrcdoc\s*=",
    re.IGNORECASE,
)


class ShortenCells(Preprocessor):
    """Bounds what a page shows of a cell and of a notebook: laying out text takes time."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Cut long cells, in place."""
        left = SHOWN_IN_ALL
        for cell in nb.cells:
            shown = min(SHOWN, left)
            if len(cell.source) > shown:
                cell.source = f"{cell.source[:shown]}\n… (the rest is in the notebook)"
            left -= min(len(cell.source), shown)
        return nb, resources


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """Jinja's filter of this name for nbconvert's HTML: lay out the text, then leave only harmless tags.

    A text that cannot be laid out, as when an attached picture is missing, is shown as it was written.
    """
    try:
        if len(source) > LONGEST:
            raise ValueError("too long")
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = IPythonRenderer(escape=False, attachments=attachments, exclude_anchor_links=True)
        return _cleaner().clean(MarkdownWithMath(renderer=renderer).render(source))
    except Exception:
        return f"<pre>{html.escape(source)}</pre>"


def highlight_code(source: str, language: str | None = None, metadata: Any = None) -> str:
    """nbconvert's filter of this name for its HTML, but code with a very long line gets no colours."""
    longest = max(map(len, source.split("\n")))
    return str(Highlight2HTML()(source, "text" if longest > LONGEST_LINE else language, metadata))


def is_active(source: str) -> bool:
    """Whether a text contains something that would act or load in a page, such as a script or a form."""
    return len(source) <= LONGEST and ACTIVE.search(source) is not None


def apply(config: Any) -> None:
    """Let the HTML pages made with this configuration show all texts like that, in bounded length, and no raw cells."""
    config.HTMLExporter.filters = {"markdown2html": markdown2html, "highlight_code": highlight_code}
    config.HTMLExporter.raw_mimetypes = ["none"]
    config.HTMLExporter.preprocessors = [ShortenCells]


def _cleaner() -> Cleaner:
    return Cleaner(
        tags=frozenset(TAGS.split()),
        attributes=_is_harmless,
        protocols=frozenset(("http", "https", "mailto", "data")),
        strip=True,
    )


def _is_harmless(tag: str, name: str, value: str) -> bool:
    allowed = ATTRIBUTES.get((tag, name))
    return name in WORDS or (allowed is not None and re.fullmatch(allowed, value.strip()) is not None)
