"""Sphinx's extension of the site: makes the pages about the library,
and links citations, terms and the library's names.

The notebooks' source says "Vaswani et al. 2017", "logits" and `attend`, as it reads best in JupyterLab; the links are
added here. sphinx-codeautolink would link names too, but reads each cell with all before it: half a minute for the
book.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle
from sphinx.addnodes import desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util.nodes import make_refnode

from course_utils.lab import elsewhere
from course_utils.teaching.site import api, glossary, references

CITATION = "course-citation"
Found = Iterator[tuple[int, int, pending_xref]]
_KEPT = (nodes.reference, nodes.title, nodes.term, nodes.FixedTextElement, nodes.literal, nodes.math, nodes.raw)


class Links(SphinxTransform):
    """Every citation becomes a link to the bibliography, and each term's first use in a notebook one to the
    glossary."""

    default_priority = 900  # when the page is complete

    def apply(self, **kwargs: Any) -> None:
        """Replace them in all text that is neither code nor mathematics, heading or link."""
        self._each(self._citations)
        if re.match(r"\d\d_", self.env.docname):
            self._new = glossary.words()
            self._each(self._terms)

    def _each(self, find: Callable[[str], Found]) -> None:
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(above, (*_KEPT, pending_xref, desc_signature)) for above in _above(text)):
                _replace(text, find(str(text)))

    def _citations(self, text: str) -> Found:
        for begin, end, label in references.cited(text):
            if key := references.labels().get(label):
                yield begin, end, self._link(text[begin:end], reftype=CITATION, reftarget=key)

    def _terms(self, text: str) -> Found:
        for begin, end, term in glossary.uses(text, self._new):
            del self._new[term]
            link = self._link(text[begin:end], refdomain="std", reftype="term", reftarget=term, refwarn=True)
            link[0]["classes"] = ["term"]
            yield begin, end, link

    def _link(self, text: str, **target: Any) -> pending_xref:
        return pending_xref("", nodes.inline("", text), refdoc=self.env.docname, refexplicit=True, **target)


def _above(node: nodes.Node) -> Iterator[nodes.Node]:
    while node := node.parent:
        yield node


def _replace(text: nodes.Text, links: Found) -> None:
    """Put the links, in order, in place of their parts of the text."""
    parts: list[nodes.Node] = []
    after = 0
    for begin, end, link in links:
        parts += [nodes.Text(text[after:begin]), link]
        after = end
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(text[after:])])


def _citation(app: Sphinx, env: BuildEnvironment, node: pending_xref, inside: nodes.TextElement) -> nodes.Node | None:
    """The link to an entry of the bibliography, which Sphinx cannot resolve itself."""
    if node["reftype"] != CITATION:
        return None
    (entry,) = (each for each in env.get_domain("cite").citations if each.key == node["reftarget"])  # type: ignore[attr-defined]
    return make_refnode(app.builder, node["refdoc"], entry.bibliography_key.docname, entry.citation_id, inside)


class Labels(BaseLabelStyle):
    """The labels of the entries on the page: as the texts cite them."""

    def format_labels(self, sorted_entries: Any) -> Iterator[str]:
        """One label per entry."""
        return map(references.label, sorted_entries)


class CourseStyle(Style):
    """Entries sorted by name and year, with our labels."""

    default_label_style = Labels


def _comment(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """A constant is explained by the comment in its module, not by the docstring of dict or tuple."""
    if what == "data":
        lines[:] = api.comment_on(*name.rsplit(".", 1))


class Code:
    """The library's names in the code of each notebook, which link to their entries."""

    def __init__(self) -> None:
        self.written: dict[str, dict[str, str]] = {}  # page → a name as the notebook writes it → its dotted name

    def read(self, app: Sphinx, _: Any) -> None:
        """Find the names, and write the pages about them for Sphinx to read."""
        paths = sorted(Path(app.srcdir).glob("[0-9][0-9]_*.ipynb"))
        pages = {path.stem: nbformat.read(path, as_version=4) for path in paths}
        api.write_pages(Path(app.srcdir) / "api", {name[:2]: page for name, page in pages.items()})
        self.written = {name: api.written_in(page) for name, page in pages.items()}

    def link(self, app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        """Link the names in a page's HTML, in which Pygments has marked each name."""
        if page == app.config.root_doc:
            context["page_source_suffix"] = ""  # it is made as a notebook, but no button can open it as one
        context["report"] = elsewhere.report_link(page, app.config.html_theme_options.get("repository_url"))
        if "body" in context:  # docutils calls the references a list, and its entries something else
            context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
        if names := self.written.get(page):
            html = {_marked(name): self._address(app, page, dotted) for name, dotted in names.items()}
            longest_first = sorted(html, key=len, reverse=True)
            pattern = re.compile(rf"{_NOT_OF_ANOTHER}(?:{'|'.join(map(re.escape, longest_first))}){_NOT_AN_ARGUMENT}")
            linked = lambda found: f'<a class="api" href="{html[found[0]]}">{found[0]}</a>'  # noqa: E731
            context["body"] = _CODE.sub(lambda block: pattern.sub(linked, block[0]), context["body"])

    def _address(self, app: Sphinx, page: str, dotted: str) -> str:
        entry = app.env.domains.python_domain.objects[dotted]
        return f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"


_CODE = re.compile(r'<div class="highlight-i?python3?\b.*?</pre>', re.DOTALL)
_NOT_OF_ANOTHER, _NOT_AN_ARGUMENT = r'(?<!<span class="o">\.</span>)', r'(?!<span class="o">=</span>)'


def _marked(name: str) -> str:
    """A name as Pygments marks it in a notebook's code."""
    return '<span class="o">.</span>'.join(f'<span class="n">{part}</span>' for part in name.split("."))


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls first."""
    code = Code()
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    app.add_transform(Links)
    app.connect("config-inited", code.read)
    app.connect("html-page-context", code.link)
    app.connect("autodoc-process-docstring", _comment)
    app.connect("missing-reference", _citation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
