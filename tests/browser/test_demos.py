"""Every demo's script is replayed in the browser: what it says is on the screen, on one screen,
in text that a hall can read.
"""

import os
import re
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from pointing import hover, settle

from course_utils.paths import ROOT
from course_utils.teaching.demo import pages, script
from course_utils.teaching.demo.script import Demo

pytestmark = pytest.mark.browser
DEMOS = {demo.name: demo for demo in script.demos()}
SIZES = ((1920, 1080), (1280, 720), (1024, 768))
ARROWS = {"→": "ArrowRight", "←": "ArrowLeft", "↑": "ArrowUp", "↓": "ArrowDown"}
NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")

# Before anything else: the sizes of words on canvases, in pixels of the page.
PAINTED = """(() => {
    const fill = CanvasRenderingContext2D.prototype.fillText;
    window.painted = [];
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        const { width } = this.canvas.getBoundingClientRect();
        const scale = (this.getTransform().a * width) / this.canvas.width;
        painted.push([parseFloat(this.font) * scale, text]);
        return fill.call(this, text, ...rest);
    };
})()"""
# A widget paints a canvas again when its ink has changed.
REPAINTED = """() => {
  painted.length = 0;
  for (const canvas of document.querySelectorAll(".afv canvas")) canvas.dispatchEvent(new Event("transitionend"));
}"""
# All that can be read: texts, what is in the fields, and what is chosen.
SCREEN = """() => {
    const unseen = [...document.querySelectorAll(".afv-unseen")];
    for (const line of unseen) line.style.display = "none";
    const words = document.body.innerText;
    for (const line of unseen) line.style.display = "";
    const fields = [...document.querySelectorAll("#stage :is(input[type=number], select)")];
    return [words, ...fields.map((field) => field.selectedOptions?.[0].text ?? field.value)].join(" ");
}"""
# The smallest text, and what is cut or scrolls.
LOOK = """() => {
    const sizes = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { parentElement: element, textContent } = walker.currentNode;
        const seen = textContent.trim() && element.checkVisibility({ visibilityProperty: true });
        if (!seen || element.closest(".afv-unseen, script, style, option")) continue;
        sizes.push([parseFloat(getComputedStyle(element).fontSize) * (element.currentCSSZoom ?? 1), textContent]);
    }
    const cut = [document.documentElement, \
...document.querySelectorAll("body, #stage, #options li, #question, #reason")]
        .filter((part) => part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1);
    const [least] = [...sizes, ...painted].sort(([a], [b]) => a - b);
    return { least, cut: cut.map((part) => [part.outerHTML.slice(0, 80), \
part.scrollWidth, part.clientWidth, part.scrollHeight, part.clientHeight].join(" ")) };
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return pages.write_pages(tmp_path_factory.mktemp("stick") / "a demo's stück").parent


@pytest.fixture(scope="module")
def hall(browser, folder):
    """hall(name): the page of a demo, opened from a file. Nothing may fail, nothing is asked for elsewhere."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    wrong = []
    page.add_init_script(PAINTED)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else wrong.append(request.url),
    )

    def open_demo(name: str):
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.goto("about:blank")  # the same page with another end of its address would not be loaded again
        page.goto((folder / f"{name}.html").as_uri())
        page.locator("#stage .afv").wait_for()
        settle(page)
        return page

    yield open_demo
    context.close()
    assert not wrong


def perform(page, action: str) -> None:
    """Do what a step of a script says."""
    stage = page.locator("#stage")
    if action == "show the answer":
        page.keyboard.press("a")
    elif found := re.fullmatch(r"press (\S+)(?: (\d+) times)?", action):
        for _ in range(int(found[2] or 1)):
            page.keyboard.press(ARROWS.get(found[1], found[1]))
    elif found := re.fullmatch(r"click (.+)", action):
        stage.get_by_role("button", name=found[1], exact=True).or_(stage.get_by_role("radio", name=found[1])).click()
    elif found := re.fullmatch(r"(tick|untick) (.+)", action):
        stage.get_by_label(found[2], exact=True).set_checked(found[1] == "tick")
    elif found := re.fullmatch(r"set (.+) to (.+)", action):
        set_control(page, stage.get_by_label(found[1], exact=True), found[2])
    else:
        pytest.fail(f"no action: {action}")
    settle(page)


def set_control(page, control, value: str) -> None:
    """Type a number, choose from a list, or move a slider by its keys until it says so."""
    kind = control.evaluate("(e) => e.type")
    if kind == "number":
        control.fill(value)
    elif kind.startswith("select"):
        control.select_option(label=value)
    else:
        said = control.locator("xpath=..").locator("output")
        for key in ("ArrowLeft", "ArrowRight"):
            for _ in range(120):
                if said.inner_text() == value:
                    return
                before = said.inner_text()
                control.press(key)
                settle(page)
                if said.inner_text() == before:
                    break
        pytest.fail(f"the slider never says {value}: choose a value that it has")


@pytest.mark.parametrize("demo", DEMOS.values(), ids=DEMOS)
def test_the_screen_says_what_the_script_says_and_fits_a_hall(demo: Demo, hall):
    page = hall(demo.name)
    before = page.evaluate(SCREEN)
    assert demo.question in before
    assert demo.reason not in before
    for step in demo.steps:
        if "show the answer" in step.do:
            already = [text for text in step.see if text in before]
            assert not already, f"on the screen before the answer is shown: {already}"
        for action in step.do:
            perform(page, action)
        screen = page.evaluate(SCREEN)
        missing = [text for text in (*step.see, *NUMBER.findall(step.say)) if text not in screen]
        assert not missing, f"after {step.do}, the screen does not say {missing}:\n{screen}"
    assert demo.reason in screen
    assert page.locator("#options .right").get_attribute("data-letter") == demo.right
    for width, height in SIZES:
        for shown in (True, False):
            page.set_viewport_size({"width": width, "height": height})
            page.keyboard.press("a")
            settle(page)
            settle(page)
            page.evaluate(REPAINTED)
            settle(page)
            look = page.evaluate(LOOK)
            assert look["cut"] == [], f"at {width} × {height}, {shown}"
            least, text = look["least"]
            assert least >= height / 40 - 0.1, (
                f"at {width} × {height} {text!r} is 1/{height / least:.0f} of the height"
            )


def test_keys_need_no_click_and_a_clicker_never_dies(hall):
    page = hall("windows")
    status = page.locator("#stage .afv-unseen")
    block = page.locator("#stage figcaption").first
    first = block.inner_text()
    page.keyboard.press("s")
    settle(page)
    assert block.inner_text() != first  # the widget's own key
    page.keyboard.press("r")
    settle(page)
    assert block.inner_text() == first  # the beginning again
    page.locator("#stage canvas").first.click()
    assert status.count() == 1
    answer = page.locator("#reason")
    assert not answer.is_visible()
    page.keyboard.press("PageDown")  # with the focus on a widget that has page keys of its own
    assert answer.is_visible()
    page.keyboard.press("PageUp")
    assert not answer.is_visible()
    page.goto((page.url.partition("#")[0].rpartition("/")[0]) + "/index.html")
    assert page.locator("li").count() == len(DEMOS)
    page.keyboard.press("PageDown")
    page.locator("#stage .afv").wait_for()
    assert page.title().startswith(next(iter(DEMOS)))
    page = hall("windows")
    for _ in range(2):
        page.keyboard.press("PageDown")
    page.wait_for_function("document.title.startsWith('quantisation')")
    page.keyboard.press("p")
    page.wait_for_function("document.title.startsWith('windows')")
    page.keyboard.press("?")
    assert page.get_by_text("freeze the pointer, or release it").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("S")
    settle(page)
    assert block.inner_text() != first  # also after Escape


def test_a_frozen_pointer_lets_go_of_the_pictures_but_not_of_the_controls(hall):
    page = hall("colours")
    canvas, asks = page.locator("#stage canvas").first, page.locator("#stage figcaption").first
    hover(canvas, 0.1, 0.1)
    before = asks.inner_text()
    ring = page.locator("#ring").bounding_box()
    page.keyboard.press("z")
    hover(canvas, 0.9, 0.9)
    canvas.click(position={"x": 9, "y": 9})
    assert asks.inner_text() == before
    assert page.locator("#ring").bounding_box() == ring
    page.keyboard.press("z")
    hover(canvas, 0.9, 0.9)
    assert asks.inner_text() != before


def test_what_is_typed_stays_in_its_field_and_themes_and_sizes_change_the_hall(hall):
    page = hall("memory")
    field = page.get_by_label("heads")
    field.fill("")
    field.press("Control+A")
    page.keyboard.type("12")
    assert field.input_value() == "12"
    page.keyboard.press("PageDown")
    assert page.locator("#reason").is_visible()
    page.keyboard.press("Escape")
    grounds = set()
    for _ in range(3):
        grounds.add(
            page.evaluate("getComputedStyle(document.body).color + getComputedStyle(document.body).backgroundColor")
        )
        page.keyboard.press("t")
    assert len(grounds) == 3
    wide = page.locator("#stage strong").bounding_box()["height"]
    page.keyboard.press("+")
    assert page.locator("#stage strong").bounding_box()["height"] > wide
    page.keyboard.press("-")
    assert page.locator("#stage strong").bounding_box()["height"] == pytest.approx(wide, abs=1)


def test_counted_votes_say_what_to_do_and_bars_wait_for_the_answer(hall):
    page = hall("patches")
    right = DEMOS["patches"].right
    for votes, words in ((1, "Explain once more"), (5, "Convince your neighbour"), (30, "Show the answer")):
        page.keyboard.press("v")
        for field in page.locator("#counts input").all():
            field.fill("2")
        page.locator("#counts label", has_text=right).locator("input").fill(str(votes))
        page.keyboard.press("Enter")
        page.locator("#counts").wait_for(state="hidden")
        assert words in page.locator("#advice").inner_text()
    output = page.locator("#options .right output")
    assert page.locator("#options output").first.is_hidden()
    page.keyboard.press("PageDown")
    assert output.inner_text() == "30 · 83 %"


@pytest.fixture
def vote(tmp_path):
    """The lecturer's and the phones' addresses of `course demo windows --vote`."""
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from course_utils.cli import app; app()",
            "demo",
            "windows",
            "--vote",
            "--no-browser",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "COURSE_STATE": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = "".join(server.stdout.readline() for _ in range(3))
        addresses = re.findall(r"http://\S+", said)
        assert len(addresses) == 2, said + server.stdout.read()
        yield addresses[1], addresses[0]
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0


def test_phones_vote_and_see_the_answer_when_the_hall_does(vote, browser, picture):
    lecturer, phones = vote
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    hall = context.new_page()
    hall.goto(lecturer)
    hall.locator("#stage .afv").wait_for()
    voters = []
    for letter in "CCA":
        voters.append(browser.new_context(viewport={"width": 390, "height": 700}))
        phone = voters[-1].new_page()
        phone.goto(phones)
        phone.get_by_role("button").nth("ABCD".index(letter)).click()
        expect(phone.locator("#told")).to_have_text(f"You voted {letter}. Now look at the screen in front.")
        expect(phone.get_by_role("button").first).to_be_disabled()
    expect(hall.locator("#advice")).to_have_text("3 voted")
    hall.keyboard.press("q")
    assert hall.locator("#code svg").is_visible()
    assert phones in hall.locator("#code").inner_text()
    hall.keyboard.press("Escape")
    hall.keyboard.press("v")
    expect(hall.locator("#advice")).to_have_text("3 votes: 67 % are right. Convince your neighbour, then vote again.")
    assert hall.locator("#options output").first.is_hidden()
    voters.append(browser.new_context())
    late = voters[-1].new_page()
    late.goto(phones)
    expect(late.locator("#told")).to_have_text("The vote is closed. Now look at the screen in front.")
    expect(late.get_by_role("button").first).to_be_disabled()
    hall.keyboard.press("PageDown")
    expect(hall.locator("#options .right output")).to_have_text("2 · 67 %")
    expect(phone.locator("#told")).to_have_text("You voted A. C is right.")
    hall.screenshot(path=picture("demo"))
    hall.keyboard.press("n")  # another question, and everybody may vote again
    expect(phone.get_by_role("heading")).to_have_text(DEMOS["quantisation"].question)
    expect(phone.get_by_role("button").first).to_be_enabled()
    for each in (context, *voters):
        each.close()
