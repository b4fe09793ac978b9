"""Slides in a browser, opened as files with every other address out of reach, and paged with a clicker's keys alone."""

import re
import sys
from contextlib import contextmanager

import nbformat
import pytest
from ipywidgets.embed import dependency_state
from playwright.sync_api import expect
from pointing import settle

from course_utils.lab import elsewhere, notebooks
from course_utils.paths import ROOT
from course_utils.teaching.site import build_slides, print_slides, slides

sys.path.append(str(ROOT / "tests" / "teaching"))

from as_executed import executed

pytestmark = pytest.mark.browser
DEMOS = {"00": ("colours", "look"), "04": ("patches", "cat"), "08": ("windows", "explorer")}
# Of the slide that is shown: text that is below 1/40 of the height, what is cut off or needs scrolling, where it ends.
LOOK = """() => {
  const slide = document.querySelector("section.present"), found = { small: [], cut: [], low: 0, high: innerHeight };
  const zoom = (element) => (element ? (Number(getComputedStyle(element).zoom) || 1) * zoom(element.parentElement) : 1);
  for (const element of slide.querySelectorAll("*")) {
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (!box.width || !box.height || element.closest("aside, .afv-unseen, mjx-container")) continue;
    if (element.scrollHeight > element.clientHeight + 2 && /auto|scroll|hidden/.test(style.overflowY))
      found.cut.push(element.className);
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own && !element.matches("img, canvas")) continue;
    const size = parseFloat(style.fontSize) * zoom(element), words = element.textContent.trim().slice(0, 40);
    if (own && size < innerHeight / 40 - 0.05) found.small.push(`${words}: 1/${(innerHeight / size).toFixed(1)}`);
    if (box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1) found.cut.push(words);
    if (!element.closest("header")) Object.assign(found, { low: Math.max(found.low, box.bottom) });
    if (element.closest(".body")) Object.assign(found, { high: Math.min(found.high, box.top) });
  }
  return { ...found, low: found.low / innerHeight, high: found.high / innerHeight };
}"""
# Whether the widget of the slide that is shown has been made, and fitted into its place: see fit.js.
SIZED = """() => [...document.querySelectorAll("section.present .shown")].every(
  (place) => place.querySelector(".afv")?.parentElement.style.zoom)"""
PLACE = """() => [...document.querySelectorAll(".slides > section")].findIndex((each) => each.matches(".present"))"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """number → the slides of that notebook, with its demo's widget, made by the cells that students have."""
    folder = tmp_path_factory.mktemp("slides")
    for number, (demo, shown) in DEMOS.items():
        widget = made_by(number, demo)
        notebook = executed(number, {shown: widget.model_id}, dependency_state([widget], drop_defaults=False))
        nbformat.write(notebook, folder / notebooks.find(number).name)
    return {number: build_slides(number, folder / "out", executed=folder) for number in DEMOS}


def made_by(number: str, demo: str):
    *needed, last = (
        cell.source
        for cell in notebooks.read(notebooks.find(number)).cells
        if f"demo:{demo}" in cell.metadata.get("tags", ())
    )
    *lines, widget = last.rstrip().rsplit("\n", 1)
    names: dict = {}
    exec("\n".join([*needed, *lines]), names)
    return eval(widget, names)


@contextmanager
def opened(browser, path, width=1280, height=720, address=""):
    """The page, and what it asked for elsewhere or complained about."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    complaints: list[str] = []

    def gate(route):
        if route.request.url.startswith((path.parent.as_uri(), "data:", "blob:", "about:")):
            return route.continue_()
        complaints.append(route.request.url)
        return route.abort()

    context.route("**/*", gate)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(path.as_uri() + address)
    page.evaluate("() => MathJax.startup.promise")
    page.locator(".afv").first.wait_for(state="attached")
    yield page, complaints
    context.close()


@pytest.mark.parametrize("number", DEMOS)
def test_a_deck_is_paged_with_a_clicker_and_every_slide_can_be_read(number, decks, browser):
    with opened(browser, decks[number]) as (page, complaints):
        form = elsewhere.report_link(f"slides/{decks[number].stem}")
        expect(page.locator("section.present .report a")).to_have_attribute("href", form)
        count = page.locator(".slides > section").count()
        visited, steps = [page.evaluate(PLACE)], 0
        while visited[-1] < count - 1 or page.locator("section.present .fragment:not(.visible)").count():
            if page.locator("section.present.widget").count():
                page.wait_for_function(SIZED)
                settle(page)
            seen = page.evaluate(LOOK)
            heading = page.locator("section.present :is(h1, h2)").inner_text()
            assert seen["small"] == [], heading
            assert seen["cut"] == [], heading
            assert seen["low"] > 0.55 or seen["high"] > 0.3, f"the lower half is empty: {heading}"
            page.keyboard.press("PageDown")
            visited.append(page.evaluate(PLACE))
            steps += 1
            assert steps < 3 * count
        assert sorted(set(visited)) == list(range(count))
        assert complaints == []


def test_a_clickers_keys_and_escape_work_after_a_click_into_a_widget(decks, browser):
    with opened(browser, decks["04"]) as (page, _):
        widget = page.locator("section.present .afv-patches")
        while not widget.is_visible():
            page.keyboard.press("PageDown")
        place = page.evaluate(PLACE)
        expect(page.locator("section.present > header")).to_contain_text("04 Vision transformer · Look")
        canvas = widget.locator("canvas[tabindex]").first
        before = widget.text_content()
        canvas.click()
        page.keyboard.press("ArrowRight")
        expect(widget).not_to_have_text(before)  # the arrow is the widget's,
        assert page.evaluate(PLACE) == place  # not the slides'
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(PLACE) == place - 1
        page.keyboard.press("ArrowRight")
        for key, there in (("PageDown", place), ("PageDown", place + 1), ("PageUp", place), ("PageUp", place)):
            if widget.is_visible():
                canvas.click()
            page.keyboard.press(key)
            assert page.evaluate(PLACE) == there  # the first step shows the answer, the last one hides it


def test_the_speaker_sees_the_notes_in_a_second_window_from_a_file(decks, browser):
    with opened(browser, decks["00"]) as (page, complaints):
        page.keyboard.press("PageDown")
        with page.expect_popup() as popup:
            page.keyboard.press("s")
        notes = popup.value.locator(".speaker-controls-notes .value")
        expect(notes).to_contain_text("Ask first: how many 3 × 3 convolutions")
        page.keyboard.press("PageDown")
        expect(notes).to_contain_text("course demo colours")
        assert complaints == []


def test_the_printed_slides_are_one_page_each_laid_out_as_on_the_screen_with_their_widgets(
    decks, browser, monkeypatch
):
    with opened(browser, decks["08"], address="?print-pdf") as (page, complaints):
        page.wait_for_selector("html[data-printable]", state="attached")
        shown = page.evaluate(
            """() => [...document.querySelectorAll(".pdf-page > section")].map((slide) =>
                 [getComputedStyle(slide).display, slide.querySelector(".afv")?.offsetHeight ?? 0])"""
        )
        assert {display for display, _ in shown} == {"grid"}
        assert sum(height > 200 for _, height in shown) == 1  # its widget
        assert complaints == []

    @contextmanager
    def same_browser():
        yield browser

    monkeypatch.setattr(slides, "open_browser", same_browser)
    pdf = print_slides(decks["08"]).read_bytes()
    assert re.findall(rb"/MediaBox \[0 0 960 540\]", pdf)  # in points: 1280 × 720 pixels
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == len(shown)
