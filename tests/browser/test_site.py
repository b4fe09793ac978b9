"""The static site in a real browser, with every other host out of reach: widgets, mathematics, search,
themes, phone.
"""

import http.server
import re
import threading
from functools import partial
from html import unescape
from urllib.parse import quote, unquote, urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from engines import silent, until, watch
from keys import WATCH, answering_key, controls
from playwright.sync_api import expect

from course_utils import widgets
from course_utils.lab import notebooks
from course_utils.teaching.demo import script
from course_utils.teaching.demo.cells import notebook_of
from course_utils.teaching.site import api, build_site

pytestmark = pytest.mark.browser
PAGES = ("00_attention_recap", "04_vision_transformer")
DISTILLATION = """import torch
from course_utils import data
from course_utils.widgets import DistillationExplorer
pictures = data.load("digits", "test").select(slice(0, 3))
teacher, student = 3 * torch.randn(2, 3, 10)
DistillationExplorer(pictures.images, teacher, student, pictures.labels, pictures.classes)"""
CHECK = """from course_utils.exercises import check
def patchify(images, patch_size):
    raise NotImplementedError
patchify = check("04.patchify", patchify)"""
TABLE = """from course_utils import tables
tables.show([{f"a long heading {n}": "unbreakable" * 2 for n in range(9)}], "A wide table")"""
PREDICT = 'from course_utils.widgets import Predict\n\nPredict.from_notebook("04", "look", fresh=True)'
QUIZ = 'from course_utils.widgets import Quiz\nQuiz.from_notebook("04")'
FIGURE = """import matplotlib.pyplot as plt
plt.plot([1, 2, 4])
plt.title("Doubling")
plt.show()"""
DEMOS = [demo.name for demo in script.demos() if demo.name == demo.cells]  # others show the same widget
SHOWN = "A line over three points, which doubles twice."


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder of a site of two notebooks: every widget of the course on the one, only text on the other."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "executed").mkdir()
    texts = {
        name: [cell for cell in notebooks.read(notebooks.find(name[:2])).cells if cell.cell_type == "markdown"]
        for name in PAGES
    }
    cells = [*texts[PAGES[0]], nbformat.v4.new_code_cell(FIGURE, metadata={"course": {"alt": SHOWN}})]
    for name in DEMOS:
        if name != "distillation":  # the same widget without its minute of training
            cells += notebook_of(name).cells
            cells[-1].metadata["tags"] = [f"demo:{name}"]
    cells += [
        nbformat.v4.new_code_cell(DISTILLATION),
        nbformat.v4.new_code_cell(QUIZ, metadata={"tags": ["hide-input"]}),
        nbformat.v4.new_code_cell(PREDICT),
    ]
    other = [*texts[PAGES[1]], nbformat.v4.new_code_cell(CHECK), nbformat.v4.new_code_cell(TABLE)]
    for name, content in zip(PAGES, (cells, other), strict=True):
        metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=content, metadata=metadata), folder / f"{name}.ipynb")
        execution = notebooks.execute(folder / f"{name}.ipynb")
        assert execution.error is None
        nbformat.write(execution.notebook, folder / "executed" / f"{name}.ipynb")
    site = folder / "served" / "course"
    assert build_site(["00", "04"], site, executed=folder / "executed", repository="owner/name") == []
    return site


@pytest.fixture(scope="module")
def site(built):
    """Address of that site."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(built.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/course/"
    server.shutdown()


@pytest.fixture
def open_page(browser, site):
    """open_page(name, theme, width): the page, with every request to another host refused; none may be made."""
    elsewhere, failed, contexts = [], [], []

    def open_one(name: str, theme: str = "light", width: int = 1280):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()

        def gate(route):
            if route.request.url.startswith((site, "data:", "blob:")):
                route.continue_()
            else:
                elsewhere.append(route.request.url)
                route.abort()

        page.add_init_script(path=WATCH)
        page.route("**/*", gate)
        page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
        page.goto(f"{site}{name}")
        if name.startswith(PAGES[0]):
            arrived(page)
        assert elsewhere == []
        assert failed == []
        page.elsewhere, page.site = elsewhere, site
        return page

    yield open_one
    for context in contexts:
        context.close()


def arrived(page) -> None:
    """Wait for all widgets and formulas of the first page."""
    expect(page.locator(".afv")).to_have_count(len(DEMOS) + 2)
    page.wait_for_function("document.querySelectorAll('mjx-container').length > 0")


def test_every_widget_answers_without_a_kernel(open_page):
    page = open_page(f"{PAGES[0]}.html")
    kinds = set()
    for widget in page.locator(".afv").all():
        kinds.add(widget.get_attribute("class"))
        assert any(answering_key(widget, control) for control in controls(widget)), widget.get_attribute("aria-label")
    assert len(kinds) == len(widgets.__all__), "a widget has no demo"
    assert page.elsewhere == []


def test_the_page_says_how_it_was_run_and_its_figure_has_words(open_page):
    page = open_page(f"{PAGES[0]}.html")
    expect(page.get_by_text("This page was run from top to bottom on")).to_be_visible()
    (alternative,) = {image.get_attribute("alt") for image in page.locator(".cell_output img").all()}
    assert alternative == SHOWN
    folded = page.locator("details", has_text="Quiz.from_notebook")
    expect(folded.locator("pre")).not_to_be_visible()
    folded.locator("summary").click()
    expect(folded.locator("pre")).to_be_visible()
    colab = page.locator('a[href^="https://colab.research.google.com/github/owner/name/blob/main/notebooks/"]')
    assert colab.first.get_attribute("href").endswith(f"{PAGES[0]}.ipynb")


def links_in(html: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'<a\s[^>]*?href="([^"]*)"', html)]


def test_no_link_within_the_site_leads_nowhere(built):
    pages = {path.resolve(): path.read_text(encoding="utf-8") for path in built.rglob("*.html")}
    places = {path: set(re.findall(r'\sid="([^"]+)"', html)) for path, html in pages.items()}
    for path, html in pages.items():
        for address in links_in(html):
            parts = urlsplit(address)
            if not parts.scheme and not parts.netloc:
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                assert target.exists(), f"{path.name} links to {address}"
                found = not parts.fragment or target not in places or unquote(parts.fragment) in places[target]
                assert found, f"{path.name} links to {address}, a place that is not there"


def test_the_librarys_names_lead_to_their_entries_and_these_to_the_source_and_the_sections(built):
    page = (built / f"{PAGES[0]}.html").read_text(encoding="utf-8")
    linked = {
        re.sub("<[^>]+>", "", inside): address
        for address, inside in re.findall(r'<a class="api" href="([^"]+)">(.*?)</a>', page)
    }
    written = api.written_in(nbformat.read(built.parents[1] / "executed" / f"{PAGES[0]}.ipynb", as_version=4))
    assert linked.keys() == written.keys()
    assert all(address.endswith(f"#{written[name]}") or "#module-" in address for name, address in linked.items())
    assert linked["AttentionExplorer"] == (
        "api/widgets.html#course_utils.widgets.attention_explorer.AttentionExplorer"
    )
    entry = (built / "api" / "widgets.html").read_text(encoding="utf-8").partition('explorer.AttentionExplorer"')[2]
    assert re.search(r'href="\.\./_modules/course_utils/widgets/attention_explorer\.html#[^"]+"', entry)
    assert re.search(rf'href="\.\./{PAGES[0]}\.html#[^"]+"', entry)
    assert "AttentionExplorer" in (built / "genindex.html").read_text(encoding="utf-8")


def test_citations_and_terms_lead_to_their_entries_and_every_page_to_the_form_for_mistakes(built):
    page = links_in((built / f"{PAGES[0]}.html").read_text(encoding="utf-8"))
    assert "references.html#dong2021" in page
    assert page.count("glossary.html#term-softmax") == 1, "only the first use links"
    form = "https://github.com/owner/name/issues/new?template=mistake.yml&where="
    for path in built.rglob("*.html"):
        if not {"demos", "_static"} & set(path.parts):
            name = path.relative_to(built).with_suffix("").as_posix()
            (report,) = [link for link in links_in(path.read_text(encoding="utf-8")) if link.startswith(form)]
            assert report.removeprefix(form).startswith(f"{quote(name, safe='')}&version=")


def test_tables_and_panels_of_widgets_keep_their_layout_in_the_theme(open_page):
    page = open_page(f"{PAGES[0]}.html")
    grid = page.locator(".afv-augreg table").first
    heads = grid.locator("thead tr").nth(1).locator("th:not(.afv-gap)")
    widths = heads.evaluate_all("all => all.map(e => [e.getBoundingClientRect().width, e.scrollWidth])")
    assert max(width for width, _ in widths) - min(width for width, _ in widths) < 1, "columns are uneven"
    assert all(needed <= width + 0.5 for width, needed in widths), "the names of levels run together"
    room = grid.locator("tbody td:not(.afv-gap)").evaluate_all(
        """cells => cells.map(cell => {
            const [range, box] = [document.createRange(), cell.getBoundingClientRect()];
            range.selectNodeContents(cell);
            const text = range.getBoundingClientRect();
            const star = cell.classList.contains("afv-best") ? 10 : 0;
            return Math.min(text.left - box.left, box.right - text.right - star);
        })"""
    )
    assert min(room) >= 4, "a number touches the edge of its cell"

    bars = page.locator(".afv-distillation .afv-of-teacher i").evaluate_all(
        "all => all.map(e => [parseFloat(e.style.width), e.offsetWidth, e.parentElement.offsetWidth])"
    )
    for percent, width, whole in bars:
        assert whole > 40
        assert abs(width - percent / 100 * whole) <= 1

    for name, count in (("attention", 3), ("windows", 3)):
        panels = page.locator(f".afv-{name}:has(.afv-panels > :nth-child({count})) .afv-panels").first
        tops = panels.locator("canvas").evaluate_all("all => all.map(e => e.getBoundingClientRect().top)")
        assert len(tops) == count
        assert max(tops) - min(tops) < 1, f"the maps of {name} are not side by side"


def test_the_demos_are_opened_from_the_start_page(open_page):
    page = open_page("index.html")
    widget = page.locator(".afv")
    expect(widget).to_have_count(1)
    expect(page.get_by_text(script.demos()[0].question)).to_be_visible()
    assert any(answering_key(widget, control) for control in controls(widget)), "the first page is alive"
    page.locator("article").get_by_role("link", name="demos", exact=True).click()
    expect(page.locator("article td a")).to_have_text([demo.name for demo in script.demos()])
    page.locator("article").get_by_role("link", name="windows").click()
    expect(page.locator("#question")).to_have_text(script.find("windows").question)
    page.keyboard.press("PageDown")
    expect(page.locator("#reason")).to_contain_text(script.find("windows").reason)
    assert page.elsewhere == []


def test_search_themes_and_the_way_through_the_pages(open_page):
    page = open_page("search.html?q=softmax")
    expect(page.locator("#search-results li").first).to_be_visible()
    page.locator(f"#search-results a[href*='{PAGES[0]}']").first.click()
    page.wait_for_url(f"**/{PAGES[0]}.html**")
    ground = page.locator(".afv").first.evaluate("e => getComputedStyle(e).backgroundColor")
    matrix = page.locator(".afv-captions canvas[tabindex]").first
    matrix.scroll_into_view_if_needed()
    numbers = matrix.evaluate("canvas => canvas.toDataURL()")  # in the colour of the page's text
    page.locator(".theme-switch-button:visible").click()
    page.locator('.dropdown-menu.show :text("Dark")').click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator(".afv").first.evaluate("e => getComputedStyle(e).backgroundColor") != ground
    painted = "before => document.querySelector('.afv-captions canvas[tabindex]').toDataURL() !== before"
    page.wait_for_function(painted, arg=numbers)
    page.locator(".next-page, .right-next").first.click()
    page.wait_for_url(f"**/{PAGES[1]}.html")
    assert page.locator("html").get_attribute("data-theme") == "dark"  # and it stays
    page.locator(".left-prev, .prev-page").first.click()
    page.wait_for_url(f"**/{PAGES[0]}.html")


def test_the_keyboard_reaches_a_widget_and_moves_it(open_page):
    page = open_page(f"{PAGES[0]}.html")
    widget = page.locator(".afv-attention").first
    inside = lambda: widget.evaluate("e => e.contains(document.activeElement)")  # noqa: E731
    widget.locator("canvas[tabindex]").first.focus()
    page.keyboard.press("Shift+Tab")
    assert not inside()
    page.keyboard.press("Tab")
    assert inside()
    assert answering_key(widget, page.evaluate_handle("document.activeElement").as_element(), ["ArrowDown"])


def test_a_link_into_a_page_and_a_reload_keep_their_place(open_page):
    page = open_page(f"{PAGES[0]}.html")
    last = page.locator(".bd-article section[id]").last
    name = last.get_attribute("id")
    top = "name => document.getElementById(name).getBoundingClientRect().top"
    page.goto("about:blank")
    page.goto(f"{page.site}{PAGES[0]}.html#{name}")
    arrived(page)
    landed = page.evaluate(top, name)
    assert 0 <= landed < 200 or page.evaluate("innerHeight + scrollY + 1 > document.documentElement.scrollHeight")

    page.mouse.wheel(0, -3000)
    page.wait_for_function(
        "([name, before]) => document.getElementById(name).getBoundingClientRect().top > before", arg=[name, landed]
    )
    page.wait_for_function(
        """() => {
            const [name, top] = history.state ?? [document.body.querySelector("[id]").id, NaN];
            return Math.abs(document.getElementById(name).getBoundingClientRect().top - top) < 1;
        }"""
    )
    left = page.evaluate(top, name)
    page.reload()
    arrived(page)
    assert abs(page.evaluate(top, name) - left) < 5


def test_paper_is_white_and_neither_code_nor_a_row_is_cut(open_page):
    page = open_page(f"{PAGES[0]}.html", "dark", 720)
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("html").get_attribute("data-theme") == "light"
    cut = page.locator(".bd-article pre").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)"
    )
    assert cut == []
    tables = page.locator(".bd-article table:not(.afv table)")
    assert tables.count()
    for table in tables.all():  # what scrolls, or may not break, is cut where the page ends
        assert table.evaluate("t => [getComputedStyle(t).display, getComputedStyle(t).breakInside]") == [
            "table",
            "auto",
        ]
        assert table.locator("tr").first.evaluate("row => getComputedStyle(row).breakInside") == "avoid"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("html").get_attribute("data-theme") == "dark"


@pytest.mark.other_browsers
def test_every_widget_answers_in_other_browsers(tab, site):
    tab.go(f"{site}{PAGES[0]}.html")
    until(tab, "count => document.querySelectorAll('.afv').length === count", len(DEMOS) + 2)
    until(tab, "() => document.querySelectorAll('mjx-container').length > 0")
    watch(tab)
    assert silent(tab) == []


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
@pytest.mark.parametrize("name", ["index", "demos", *PAGES])
def test_no_serious_barrier_and_no_sideways_scrolling(open_page, name, theme, width):
    page = open_page(f"{name}.html", theme, width)
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for widget in page.locator(".afv").all():
        assert widget.bounding_box()["width"] <= width
    assert barriers(page) == []


def test_a_check_can_be_read_in_the_dark(open_page):
    page = open_page(f"{PAGES[1]}.html", "dark")
    card = page.locator(".text_html", has_text="not attempted yet")
    inks = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    assert card.evaluate(inks) == [page.locator(".bd-article p").first.evaluate(inks)[0], "rgba(0, 0, 0, 0)"]


def barriers(page) -> list[tuple[str, list[str]]]:
    """The serious ones that axe-core finds, each with where, once no colour is on its way to another any more."""
    page.evaluate(
        "Promise.allSettled(document.getAnimations().map((each) => each instanceof CSSTransition && each.finished))"
    )
    return [
        (violation["id"], [node["html"][:150] for node in violation["nodes"]])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def test_the_pages_beside_the_notebooks_have_no_serious_barrier_and_fit_a_phone(open_page):
    page = open_page("glossary.html", "dark")
    for name in ("claims", "glossary", "references", "accessibility", "genindex", "api/widgets"):
        page.goto(f"{page.site}{name}.html")
        page.set_viewport_size({"width": 1280, "height": 844})
        page.emulate_media(color_scheme="dark")
        assert barriers(page) == [], name
        page.set_viewport_size({"width": 390, "height": 844})
        page.emulate_media(color_scheme="light")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        assert barriers(page) == [], name
