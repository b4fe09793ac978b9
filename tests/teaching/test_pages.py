"""Whatever a student writes into a text cell: the pages for feedback and formgrader show it, and it does nothing."""

import time
from html.parser import HTMLParser

import pytest

pytest.importorskip("nbgrader", reason="the group of dependencies `teach` is not installed")

from jinja2 import Environment
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config

from course_utils.lab import notebooks
from course_utils.teaching.grading import pages
from course_utils.teaching.grading.course import note

PICTURE = "iVBORw0KGgo="


def shown(source: str, **attachments) -> str:
    """What a page shows of a text cell."""
    environment = Environment()
    environment.filters["markdown2html"] = pages.markdown2html
    cell = new_markdown_cell(source, attachments=attachments) if attachments else new_markdown_cell(source)
    return environment.from_string("{{ cell.source | markdown2html }}").render(cell=cell)


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


ATTACKS = {
    "script": "<script>alert(1)</script>",
    "script in a list": "- a\n\n  <script src='https://evil.example/x.js'></script>",
    "broken script": "<scr<script>ipt>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "svg": "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "svg in a picture": '<img src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+">',
    "link": '<a href="javascript:alert(1)">x</a>',
    "link with a tab": '<a href="java&#9;script:alert(1)">x</a>',
    "link in Markdown": "[x](javascript:alert(1)) <javascript:alert(1)> [y]: javascript:alert(1)",
    "link to data": '<a href="data:text/html,<script>alert(1)</script>">x</a> [x](data:text/html;base64,PHNjcmlwdD4=)',
    "style": '<p style="position:fixed;width:expression(alert(1));background:url(https://evil.example)">x</p>',
    "style sheet": "<style>@import 'https://evil.example/x.css'; body { display: none }</style>",
    "frame": '<iframe srcdoc="<script>alert(1)</script>"></iframe><iframe src=https://evil.example></iframe>',
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "base": '<base href="https://evil.example/">',
    "form": '<form action="https://evil.example"><input name=a autofocus onfocus=alert(1)><button>ok</button></form>',
    "object": "<object data=https://evil.example></object><embed src=https://evil.example>",
    "media": "<video src=https://evil.example onerror=alert(1)></video><audio autoplay onplay=alert(1)>",
    "details": "<details open ontoggle=alert(1)><summary>x</summary>y</details>",
    "picture from elsewhere": "![seen](https://evil.example/pixel.png)",
    "picture from the folder": "![seen](../../source/solutions.png)",
    "table": "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
    "math": r"$<script>alert(1)</script>$ \begin{a}<img src=x onerror=alert(1)>\end{a}",
    "code": "```<img src=x onerror=alert(1)>\n<script>alert(1)</script>\n```",
    "code in a language": "```python\n</code></pre><script>alert(1)</script>\n```",
    "mermaid": "```mermaid\n</pre><script>alert(1)</script>\n```",
    "heading": '# <img src=x onerror=alert(1)> "onmouseover=alert(1)',
    "comment": "<!--><script>alert(1)</script>-->",
    "namespaces": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "template": "<template><script>alert(1)</script></template>"
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "title": '![x](data:image/png;base64,AAAA "\'><script>alert(1)</script>")',
    "class and id": '<div class="modal-backdrop in" id="patchify-check">x</div>',
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_a_text_acts_or_loads(attack):
    for tag, attributes in Elements(shown(ATTACKS[attack])).found:
        assert tag in pages.TAGS.split()
        for name, value in attributes.items():
            assert name in pages.WORDS or (tag, name) in pages.ATTRIBUTES, (tag, name)
            if name == "href":
                assert value.startswith(("https://", "http://", "mailto:", "#")), value
            if name == "src":
                assert value.startswith("data:image/png;base64,"), value
    assert "modal" not in shown(ATTACKS[attack])


def test_the_name_and_the_content_of_an_attachment_stay_a_name_and_a_picture():
    assert f'src="data:image/png;base64,{PICTURE}"' in shown("![a](attachment:a)", a={"image/png": PICTURE})
    name = '"><script>alert(1)</script>'
    page = shown(f"![<b>a</b>](<attachment:{name}>)", **{name: {"image/png": PICTURE}})
    assert "<script" not in page


def test_what_the_course_itself_writes_is_shown_as_it_was(monkeypatch):
    """Only links inside the page, and the sign for a link to a heading, are lost."""
    tags, kept = set(), 0
    for number in notebooks.numbers():
        for cell in notebooks.read(notebooks.find(number)).cells:
            if cell.cell_type == "markdown":
                page = shown(cell.source)
                assert not page.startswith("<pre>"), cell.id
                tags |= {tag for tag, _ in Elements(page).found}
                kept += page.count("<summary>")
                assert page.count("<summary>") == cell.source.count("<summary>")
                assert page.count("$") == cell.source.count("$"), cell.id
    assert {"h1", "h2", "p", "table", "strong", "em", "code", "a", "ul", "ol", "details"} <= tags
    assert kept


def test_what_cannot_be_laid_out_is_shown_as_it_was_written_without_delay():
    assert shown("![lost](attachment:nowhere.png) <b>") == "<pre>![lost](attachment:nowhere.png) &lt;b&gt;</pre>"
    long = [new_markdown_cell("*x*" * pages.SHOWN), *(new_markdown_cell("y" * pages.SHOWN) for _ in range(20))]
    short, _ = pages.ShortenCells().preprocess(new_notebook(cells=long), {})
    assert sum(len(cell.source) for cell in short.cells) < 1.01 * pages.SHOWN_IN_ALL
    assert shown(short.cells[0].source).startswith("<pre>*x*")
    most = pages.LONGEST
    for source in ("[" * most, "<b>" * (most // 3), "$" * most, "`" * most, "*a " * (most // 3), "> " * (most // 2)):
        started = time.process_time()
        assert shown(source)
        assert time.process_time() - started < 60, source[:10]
    started = time.process_time()
    assert not pages.is_active("<" + " " * (most - 1))
    assert time.process_time() - started < 1
    config = Config()
    pages.apply(config)
    code = [new_code_cell("a." * (pages.SHOWN // 2)), new_code_cell("def f(): pass")]
    page, _ = HTMLExporter(config=config).from_notebook_node(new_notebook(cells=code))
    assert time.process_time() - started < 20
    assert page.count("a.") >= pages.SHOWN // 2
    assert '<span class="k">def</span>' in page


def test_a_text_with_a_script_is_noticed_and_an_ordinary_one_is_not():
    for attack in ("script", "image", "svg", "link", "frame", "refresh", "base", "form", "style sheet", "details"):
        assert pages.is_active(ATTACKS[attack]), attack
    for number in notebooks.numbers():
        for cell in notebooks.read(notebooks.find(number)).cells:
            assert cell.cell_type == "code" or not pages.is_active(cell.source), cell.id


def test_a_note_shows_the_name_of_a_file_as_text():
    notebook = new_notebook(metadata={"course": {"notes": []}}, cells=[new_markdown_cell("first")])
    note(notebook, ["<b>a</b>.ipynb was not graded.", "Second."])
    note(notebook, ["Second.", "Third."])
    assert notebook.metadata.course.notes == ["<b>a</b>.ipynb was not graded.", "Second.", "Third."]
    page = shown(notebook.cells[0].source)
    assert "&lt;b&gt;a&lt;/b&gt;.ipynb" in page
    assert page.count("<li>") == 3
    assert notebook.cells[1].source == "first"
