"""Firefox and WebKit, where they are installed; and what Chromium can imitate: fingers, forced colours,
older browsers.
"""

import re
import shutil

import nbformat
import pytest
from engines import silent, until
from ipywidgets.embed import dependency_state, embed_snippet
from keys import WATCH
from playwright.sync_api import expect
from pointing import settle
from samples import build

from course_utils import widgets
from course_utils.lab.browser import KERNEL_IDLE
from course_utils.teaching.site.assets import ABORT_SIGNAL, ANYWIDGET, MANAGER, WEB

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ALL = """<!doctype html><html lang="en"><meta charset="utf-8"><title>All widgets</title>
<script>window.wrong = []; addEventListener("error", ({{ message }}) => wrong.push(message));
const tooSlow = /Failed to initialize model/; // within two seconds, on which nothing depends
addEventListener("unhandledrejection", ({{ reason }}) => tooSlow.test(reason) || wrong.push(String(reason)));</script>
<script src="watch.js"></script><script src="abort-signal.js"></script><script src="require.js"></script>
<script>requirejs.config({{ paths: {{ anywidget: new URL("anywidget", document.baseURI).href }} }});</script>
<main>{}</main></html>"""
CELLS = (
    """import torch
from course_utils.widgets import AttentionExplorer, PatchExplorer, Quiz
picture = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
PatchExplorer(picture, 8)""",
    "AttentionExplorer(picture, torch.full((1, 1, 17, 17), 1 / 17))",
    'Quiz.from_notebook("08")',
)
READY = (
    "(count) => document.querySelectorAll('.afv').length === count && "
    "![...document.querySelectorAll('.afv canvas')].some(one => one.offsetWidth && one.width < 2)"
)


@pytest.fixture(scope="module")
def page_of_all(tmp_path_factory):
    """The address of a file with every widget's small example, in a folder with a name as people give them."""
    folder = tmp_path_factory.mktemp("site") / "Übung 1 (vision)"
    folder.mkdir()
    made = [build(name) for name in widgets.__all__]
    state = dependency_state(made, drop_defaults=False)
    html = ALL.format(embed_snippet(made, embed_url="embed-amd.js", requirejs=False, cors=False, state=state))
    (folder / "all.html").write_text(html, encoding="utf-8")
    for file in (WATCH, ABORT_SIGNAL, WEB / "requirejs" / "require.js", WEB / MANAGER / "embed-amd.js"):
        shutil.copy(file, folder)
    shutil.copy(ANYWIDGET, folder / "anywidget.js")
    return (folder / "all.html").as_uri()


@pytest.fixture
def open_all(browser, page_of_all):
    """open_all(**options): that page in Chromium, once all widgets are there; none may have complained."""
    contexts = []

    def open_one(**options):
        context = browser.new_context(viewport={"width": 900, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script("delete AbortSignal.any")  # as in a browser of the year 2023
        page.goto(page_of_all)
        page.wait_for_function(READY, arg=len(widgets.__all__))
        return page

    yield open_one
    for context in contexts:
        assert context.pages[0].evaluate("wrong") == []
        context.close()


@pytest.mark.other_browsers
def test_every_widget_answers_from_a_file(tab, page_of_all):
    tab.go(page_of_all)
    until(tab, READY, len(widgets.__all__))
    assert silent(tab) == []
    assert tab.ask("() => wrong") == []


@pytest.mark.other_browsers
def test_widgets_in_jupyterlab(tab, lab):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, lab.folder / "others.ipynb")
    tab.go(lab.address("others.ipynb"))
    until(tab, KERNEL_IDLE)
    choose(tab, "Run", "runmenu:run-all")
    until(tab, READY, len(CELLS))
    sequence = ".afv-sequence canvas"
    until(tab, PAINTED, sequence)
    tab.point(".afv-patches .afv-image canvas", 0.9, 0.1)
    until(tab, "() => document.querySelector('[data-fact=row-column]').textContent === '0, 7'")
    for key in "dd":
        tab.type(sequence, key)
    assert tab.ask("() => document.querySelectorAll('.jp-CodeCell').length") == len(CELLS)

    before = tab.ask(PICTURE)
    choose(tab, "Settings", "apputils:change-theme", "Theme", "JupyterLab Dark")
    until(tab, f"(before) => ({PICTURE})() !== before", before)  # the names of the channels are written in ink


PICTURE = "() => document.querySelector('.afv-vector canvas').toDataURL()"
PAINTED = """(selector) => {
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 2, canvas.width, 1);
  const last = Array.from({ length: canvas.width }, (_, x) => x).findLast(x => data[4 * x + 3]);
  return last / canvas.width > 0.95;
}"""


def choose(tab, menu: str, command: str, submenu: str = "", name: str = "") -> None:
    """Choose a command in a menu of JupyterLab, or the one of that name in a submenu."""
    mark = """(selector, text) => {
      const found = [...document.querySelectorAll(selector)].find(one => !text || one.textContent.includes(text));
      for (const old of document.querySelectorAll("[data-chosen]")) delete old.dataset.chosen;
      if (found) found.dataset.chosen = "";
      return Boolean(found);
    }"""
    steps = [(".lm-MenuBar-item", menu)]
    steps += [('.lm-Menu-item[data-type="submenu"]', submenu)] if submenu else []
    for selector, text in (*steps, (f'.lm-Menu-item[data-command="{command}"]', name)):
        until(tab, mark, selector, text)
        tab.click("[data-chosen]")


def test_a_finger_points_and_what_it_showed_stays(open_all):
    page = open_all(has_touch=True)
    tap = lambda selector, x, y: page.locator(selector).first.tap(position=at(page, selector, x, y))  # noqa: E731
    asks = page.locator(".afv-attention [data-fact=asks]").first
    attention = '.afv-attention canvas[data-panel="0"]'
    for x, y, token in ((0.1, 0.1, 1), (0.9, 0.1, 4), (0.9, 0.9, 16)):
        tap(attention, x, y)
        page.wait_for_function(
            f"document.querySelector('.afv-attention [data-fact=asks]').textContent.startsWith('token {token} ')"
        )
    page.get_by_role("button", name="hold the query").tap()
    tap(attention, 0.1, 0.9)
    expect(page.locator(".afv-attention [data-fact=read]").first).to_have_text(re.compile("^row 3, column 0"))
    settle(page)
    assert asks.inner_text().startswith("token 16 ")
    assert page.locator(".afv-attention [data-fact=read]").first.inner_text().startswith("row 3, column 0")
    for selector, told, silence in (
        (".afv-vector canvas", ".afv-values", "("),
        ('.afv-local canvas[data-panel="attention"]', ".afv-local [data-fact=read]", "–"),
        ('.afv-augment canvas[data-panel="mixed"]', ".afv-augment [data-fact=pixel]", "Point"),
    ):
        tap(selector, 0.4, 0.4)
        expect(page.locator(told).first).not_to_have_text(re.compile(f"^{re.escape(silence)}"))
        settle(page)
        assert not page.locator(told).first.inner_text().startswith(silence), f"{selector} shows nothing to a finger"


def at(page, selector: str, x: float, y: float) -> dict[str, float]:
    box = page.locator(selector).first.bounding_box()
    return {"x": x * box["width"], "y": y * box["height"]}


def test_colours_that_mean_something_stay_where_the_system_sets_them(open_all):
    page = open_all()
    settle(page)
    painted = page.evaluate(GROUNDS)
    page.emulate_media(forced_colors="active")
    assert page.evaluate(GROUNDS) == painted
    pressed, plain = (
        page.locator(f'.afv button[aria-pressed="{state}"]:not(:focus-visible)').first.evaluate(
            "e => { const { outlineStyle, outlineColor } = getComputedStyle(e); return [outlineStyle, outlineColor]; }"
        )
        for state in ("true", "false")
    )
    assert pressed != plain, "a pressed button looks like the others"


GROUNDS = """() => [...document.querySelectorAll(".afv i, .afv td[data-cell], .afv-bars span")].map(one => {
  const { backgroundColor, backgroundImage, printColorAdjust } = getComputedStyle(one);
  return [one.outerHTML.slice(0, 80), backgroundColor, backgroundImage, printColorAdjust];
})"""


def test_canvases_follow_the_ink_of_the_page(open_all):
    page = open_all(color_scheme="light")
    picture = lambda: page.locator(".afv-beta canvas").evaluate("canvas => canvas.toDataURL()")  # noqa: E731
    before = picture()
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("before => document.querySelector('.afv-beta canvas').toDataURL() !== before", arg=before)
