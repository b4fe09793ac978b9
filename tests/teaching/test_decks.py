"""Decks: what their files may say, how many slides they become, and what the speaker reads,
without executing anything.
"""

import json
import re
from html import unescape

import nbformat
import pytest
from as_executed import executed

from course_utils.front_end import FOLDER
from course_utils.lab import notebooks
from course_utils.tables import Table
from course_utils.teaching.demo import script
from course_utils.teaching.demo.states import STATES, VIEWS
from course_utils.teaching.site.deck import deck_of, slides_in
from course_utils.teaching.site.layout import pages_of
from course_utils.teaching.site.shown import as_script, exercise, shown, states

DECK = """# Look

## A figure
Words.
![figure](cat)
Note:
Spoken.

## A question
Well?

. . .

Yes.
![printed](table)
"""


def test_a_deck_is_read_slide_by_slide():
    first, second = slides_in(DECK)
    assert (first.section, first.heading, first.words, first.cell, first.part) == (
        "Look",
        "A figure",
        "Words.",
        "cat",
        "figure",
    )
    assert (first.answer, first.later, first.notes) == ("", False, "Spoken.")
    assert (second.words, second.answer, second.cell, second.part) == ("Well?", "Yes.", "table", "printed")
    assert second.later  # the table stands below the pause, so it appears with the answer


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Words.\n## A slide\n", "'Words.' is on no slide: put a line `## Heading` above it."),
        ("# Look\nWords.\n", "'Words.' is on no slide"),
        ("## Two\n![](a)\n![](b)\n", "The slide 'Two' shows 2 cells: make a slide of each."),
    ],
)
def test_a_wrong_deck_is_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        slides_in(text)


@pytest.mark.parametrize("number", notebooks.numbers())
def test_a_deck_is_short_and_shows_what_its_notebook_has(number):
    pages = list(pages_of(number, executed(number)))
    assert 15 <= len(pages) <= 30
    assert all(page.heading for page in pages)
    assert all(page.section for page in pages[1:])  # the running heading
    for slide in deck_of(number):
        words = f"{slide.heading} {slide.words} {slide.answer}"
        assert len(re.findall(r"\w+", re.sub(r"\$\$.*?\$\$", "", words))) <= 65, f"{number}: {slide.heading}"
        assert len(slide.heading) <= 60, slide.heading
    exercises = [page for page in pages if page.layout == "exercise"]
    assert exercises
    for page in exercises:
        assert "They get wrong" in page.notes, page.heading
        assert "def " in page.body
        assert "NotImplementedError" not in page.body
    questions = [page for page in pages if page.layout == "question"]
    assert len(questions) >= 5
    assert all('<ol class="options">' in page.body and "neighbour" in page.notes for page in questions)
    assert sum(bool(page.notes) for page in pages) >= len(pages) * 2 / 3


def test_a_demo_is_asked_before_it_is_shown_and_answered_behind_one_more_step():
    notebook = executed("08", widgets={"explorer": "abc"})
    question, widget = (
        page for page in pages_of("08", notebook) if "windows" in page.notes and "course demo" in page.notes
    )
    demo = script.find("windows")
    assert question.heading == demo.question
    words = unescape(question.body).replace("\u00a0%", " %")
    assert demo.reason not in words
    assert all(option in words for option in demo.options)
    assert (widget.layout, widget.model, widget.start) == ("widget demo-windows", "abc", demo.start)
    assert f'answer fragment" data-fragment-index="0"><p><strong>{demo.right}</strong>' in widget.body
    assert f"#stage .demo-windows:not(:has(.answer.visible)) :is({', '.join(demo.cover)})" in widget.body


def output(**data):
    return nbformat.v4.new_output("display_data", data=data)


def test_what_is_printed_is_shown_without_warnings_paths_and_downloads():
    lines = (
        'Downloading: "https://host/a.pth" to /root/.cache/a.pth\nread from /usr/share/datasets\n50%\rdone, 4/255\n'
    )
    cell = nbformat.v4.new_code_cell()
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="UserWarning: beware"),
        nbformat.v4.new_output("stream", name="stdout", text=lines),
        nbformat.v4.new_output("error", ename="ValueError", evalue="wrong", traceback=["Traceback …"]),
    ]
    assert re.sub("<[^>]+>", "", shown(cell).html) == "done, 4/255"
    cell.outputs = cell.outputs[:1]
    assert shown(cell) is None


def test_of_several_outputs_the_one_that_is_wanted_is_shown():
    cell = nbformat.v4.new_code_cell(metadata={"course": {"alt": "A <line>."}})
    stream = nbformat.v4.new_output("stream", name="stdout", text="1 < 2\n")
    png = "iVBORw0KGgoAAAANSUhEUgAAA/MAAAExCAYAAAAwQ/I1"  # the header of one of 1011 × 305 pixels
    cell.outputs = [stream, output(**{"image/png": png}), output(**{VIEWS: {"model_id": "m"}})]
    assert (shown(cell).layout, shown(cell).model) == ("widget", "m")
    assert shown(cell, "figure").layout == "wide"
    assert 'alt="A &lt;line&gt;."' in shown(cell, "figure").html
    assert "1 &lt; 2" in shown(cell, "printed").html


def test_prints_and_tables_are_shown_in_their_order_and_as_large_as_both_allow():
    cell = nbformat.v4.new_code_cell()
    html = Table([{"model": "ViT", "million multiply-adds": 1.5}] * 3, "Two <models>")._repr_html_()
    cell.outputs = [
        output(**{"text/html": "<div>something else</div>"}),
        nbformat.v4.new_output("stream", name="stdout", text="before\n"),
        output(**{"text/html": html}),
        nbformat.v4.new_output("stream", name="stdout", text="a line of two dozen characters\n"),
    ]
    page = shown(cell)
    assert page.layout == "printed"
    assert re.sub("<[^>]+>", " ", page.html).split()[:3] == ["before", "Two", "&lt;models&gt;"]
    assert page.html.index("before") < page.html.index("<table") < page.html.index("a line")
    assert "--columns: 30; --rows: 7" in page.html  # two lines, and a table of four rows with its caption
    wide = Table([{"model": "ViT", **{f"million multiply-adds, {n}": n for n in range(4)}}], "Wide")
    cell.outputs = [output(**{"text/html": wide._repr_html_()})]
    assert "--columns: 71; --rows: 5" in shown(cell).html  # its heading takes three lines


def test_an_exercise_is_its_signature_and_the_first_sentence_of_its_contract():
    source = (
        'def f(\n    x: int,\n) -> int:\n    """One of\n    `x`.\n\n    More.\n    """\n    raise NotImplementedError'
    )
    html = exercise(nbformat.v4.new_code_cell(source)).html
    assert re.sub("<[^>]+>", "", html) == "def f(\n    x: int,\n) -&gt; int:One of x."
    assert "--columns: 11; --rows: 3" in html


def test_only_the_widgets_that_are_shown_travel_with_the_slides_each_in_its_starting_state():
    model = {"model_name": "AnyModel", "state": {"layout": "IPY_MODEL_l", "block": 0}}
    saved = {"a": model, "l": {"state": {}}, "other": {"state": {}}}
    notebook = nbformat.v4.new_notebook(metadata={"widgets": {STATES: {"state": saved}}})
    kept = states(notebook, {"a": {"block": 2}})["state"]
    assert set(kept) == {"a", "l"}
    assert kept["a"] == {**model, "state": {"layout": "IPY_MODEL_l", "block": 2}}
    assert json.loads(json.dumps(saved))["a"]["state"]["block"] == 0  # the notebook stays as it was
    with pytest.raises(ValueError, match="saved without its widgets: run it again with `course run --output`"):
        states(nbformat.v4.new_notebook(), {"a": {}})


def test_no_text_of_a_widget_ends_the_script_that_carries_it():
    """A browser reads on after ``<!--`` and ``<script`` until the next but one ``</script>``."""
    state = {"names": ["</script><b>", "<!--<script>"]}
    assert "<" not in as_script(state)
    assert json.loads(as_script(state)) == state


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda cell: cell.update(id="renamed"), "shows 'patchify-figure', but the notebook has no such cell"),
        (lambda cell: cell.update(outputs=[]), "but that cell shows nothing: run the notebook again"),
    ],
)
def test_a_cell_that_is_missing_or_empty_is_named(change, sentence):
    notebook = executed("04")
    change(next(cell for cell in notebook.cells if cell.id == "patchify-figure"))
    with pytest.raises(ValueError, match=sentence):
        list(pages_of("04", notebook))


def test_no_widget_makes_a_section_because_reveal_takes_each_for_a_slide():
    for path in sorted(FOLDER.glob("*.js")):
        assert 'make("section"' not in path.read_text(encoding="utf-8"), (
            f"{path.name}: make a div with a class instead"
        )
