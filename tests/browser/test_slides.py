"""Slides of a notebook, opened as a file with every other address out of reach."""

import nbformat
import pytest
from playwright.sync_api import expect
from pointing import settle

from course_utils.lab import notebooks
from course_utils.teaching.site import build_slides

pytestmark = pytest.mark.browser
FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 4])\nplt.show()"


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """The page of notebook 04's slides: its texts, its first exercise, one widget and one figure."""
    folder = tmp_path_factory.mktemp("slides")
    path = notebooks.find("04")
    notebook = notebooks.read(path)
    needed = {"imports", "cat", "patchify", "patchify-check", "memory-explorer"}
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "markdown" or cell.id in needed]
    notebook.cells += [nbformat.v4.new_code_cell(FIGURE), nbformat.v4.new_code_cell("silent = 1")]
    nbformat.write(notebook, folder / path.name)
    execution = notebooks.execute(folder / path.name)
    assert execution.error is None
    (folder / "executed").mkdir()
    nbformat.write(execution.notebook, folder / "executed" / path.name)
    return build_slides("04", folder / "out", executed=folder / "executed")


def test_slides_show_sections_figures_and_live_widgets_without_a_network(slides, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    elsewhere, failed = [], []

    def gate(route):
        if route.request.url.startswith((slides.parent.as_uri(), "data:", "blob:")):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    page.route("**/*", gate)
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto(slides.as_uri())
    expect(page.locator(".afv")).to_have_count(2)
    sections = [
        line.lstrip("# ")
        for cell in notebooks.read(notebooks.find("04")).cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    firsts = page.locator(".slides > section > section:first-child h2").all_inner_texts()
    assert [text.rstrip("¶") for text in firsts] == sections  # each begins a slide to the right
    text = page.locator(".slides").evaluate("e => e.textContent")
    assert "def patchify(images: Tensor, patch_size: int) -> Tensor:" in text  # exercises are shown,
    assert "silent = 1" not in text  # other code is not,
    assert "not attempted yet" not in text  # nor are checks
    assert page.locator(".slides img").count() >= 1

    expect(page.locator("section.present h1")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("section.present section.present h2")).to_contain_text(sections[0])
    widget = page.locator(".afv-patches")
    page.evaluate(
        "e => { const s = e.closest('section'), all = [...s.parentElement.parentElement.children];"
        " window.location.hash = `/${all.indexOf(s.parentElement)}/${[...s.parentElement.children].indexOf(s)}`; }",
        widget.element_handle(),
    )
    expect(widget).to_be_visible()
    canvas = widget.locator("canvas[tabindex]").first
    before, place = widget.inner_text(), page.url
    canvas.press("ArrowRight")
    settle(page)
    assert widget.inner_text() != before  # the key is the widget's,
    assert page.url == place  # not the slides'
    assert elsewhere == []
    assert failed == []
    context.close()
