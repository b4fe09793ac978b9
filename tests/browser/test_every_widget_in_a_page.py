"""What holds for every widget in a page without a kernel: errors, styles, keyboard, names, voice, themes, a phone.

The page is what a static export is: the small example's state, and anywidget's own code in ipywidgets' manager.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets.embed import dependency_state, embed_snippet
from keys import ARROWS, WATCH, answering_key, controls, take_back
from playwright.sync_api import BrowserContext, Locator, Page, TimeoutError, expect
from pointing import settle
from samples import ASKED, VIT, build

from course_utils import widgets
from course_utils.front_end import FOLDER
from course_utils.teaching.site.assets import ABORT_SIGNAL, ANYWIDGET, MANAGER, WEB

pytestmark = pytest.mark.browser
ADDRESS = "http://widgets.test/"
FILES = {
    "abort-signal.js": ABORT_SIGNAL,
    "require.js": WEB / "requirejs" / "require.js",
    "embed-amd.js": WEB / MANAGER / "embed-amd.js",
    "anywidget.js": ANYWIDGET,
}
PAGE = """<!doctype html><html lang="en"><title>One widget</title><script src="abort-signal.js"></script>
<script src="require.js"></script>\
<script>requirejs.config({{ paths: {{ anywidget: "/anywidget" }} }});</script><main>{}</main></html>"""


@dataclass
class Shown:
    """A widget in its page. complaints: errors of the page, and what it asked for elsewhere. told: said last."""

    name: str
    page: Page
    widget: Locator
    complaints: list[str] = field(default_factory=list)
    told: str = ""


def show(context: BrowserContext, name: str, views: int = 1, **changes: Any) -> Shown:
    """One widget, shown so many times. changes: to the arguments of its small example."""
    made = [build(name, **changes)] * views
    state = dependency_state(made, drop_defaults=False)  # without those of other tests
    html = PAGE.format(embed_snippet(made, embed_url="embed-amd.js", requirejs=False, state=state))
    page = context.new_page()
    shown = Shown(name, page, page.locator(".afv"))

    def serve(route):
        name = route.request.url.removeprefix(ADDRESS)
        if name in FILES:
            route.fulfill(path=FILES[name])
        elif not name:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif name.startswith(("data:", "blob:")):
            route.continue_()
        else:
            shown.complaints.append(f"it asks for {route.request.url}")
            route.abort()

    page.route("**/*", serve)
    page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    page.on("console", lambda line: line.type == "error" and shown.complaints.append(line.text))
    page.clock.install()
    page.add_init_script(path=WATCH)
    page.goto(ADDRESS)
    with suppress(TimeoutError):
        shown.widget.nth(views - 1).wait_for()
    if not shown.widget.nth(views - 1).is_visible():
        pytest.fail(f"{shown.name} does not appear in the page: {shown.complaints}")
    return shown


@pytest.fixture(scope="module", params=widgets.__all__)
def opened(browser, request):
    context = browser.new_context(viewport={"width": 900, "height": 800})
    shown = show(context, request.param)
    shown.page.evaluate(Axe().axe_script)
    shown.page.evaluate("axe.setup(document)")
    tells_more(shown)  # what it says at first
    yield shown
    context.close()


@pytest.fixture
def shown(opened):
    yield opened
    complaints, opened.complaints = opened.complaints, []
    assert not complaints, f"{opened.name} complains in the browser's console: {complaints}"


def ask(shown: Shown, question: str) -> Any:
    """The answer of a function of watch.js about the widget."""
    return shown.widget.evaluate(f"(widget) => watch.{question}(widget)")


def test_it_appears_under_a_name_and_two_classes(shown):
    classes = shown.widget.get_attribute("class").split()
    assert classes[:-1] == ["afv"], "the root is made by root(name, label, …) of shared.js"
    assert shown.widget.get_attribute("role") == "group"
    assert shown.widget.get_attribute("aria-label"), "root(name, label, …) needs a label that says what the widget is"


def test_its_styles_change_nothing_else_on_the_page(shown):
    own = f".{'.'.join(shown.widget.get_attribute('class').split())}"
    file = FOLDER / f"{getattr(widgets, shown.name).__module__.rpartition('.')[2]}.css"
    strays = shown.page.evaluate("([css, own]) => watch.strays(css, own)", [file.read_text(encoding="utf-8"), own])
    assert not strays, f"every widget brings its styles to the whole page: in {file.name}, nest {strays} under {own}"


def test_tab_reaches_every_control_and_whatever_answers_the_pointer_can_be_reached(shown):
    shown.page.evaluate("document.activeElement.blur()")
    while True:
        shown.page.keyboard.press("Tab")
        if not ask(shown, "advanced"):
            break
    passed, pointed = ask(shown, "unreached"), ask(shown, "pointedOnly")
    assert not passed, f"Tab passes by {passed}"
    assert not pointed, f"the pointer alone is answered, see focusable and onKeys in shared.js: {pointed}"


def test_every_control_has_a_name_and_every_picture_a_text(shown):
    nameless = ask(shown, "nameless")
    assert not nameless, f"a text or an aria-label is missing, with a canvas a role too: {nameless}"


def test_every_canvas_with_focus_answers_an_arrow_key_and_says_so(shown):
    for canvas in shown.widget.locator('canvas[tabindex="0"]:visible').all():
        canvas.focus()
        tells_more(shown)  # what leaving the last one changes
        key = answering_key(shown.widget, canvas.element_handle(), ARROWS)
        label = canvas.get_attribute("aria-label")
        assert key, f"{label!r} answers no arrow key: see onKeys in shared.js"
        assert tells_more(shown), f"{label!r} answers the eye only: see voice() in shared.js"


def test_every_control_answers_a_key_and_the_status_line_speaks(shown):
    dead, spoke = [], False
    for control in controls(shown.widget):
        key = answering_key(shown.widget, control)
        spoke |= tells_more(shown)
        take_back(control, key)
        if key is None:
            dead.append(control)
    for control in dead:  # a view that was chosen already; it is not any more
        if control.is_visible() and control.is_enabled():
            assert answering_key(shown.widget, control), (
                f"nothing changes with {control.evaluate('e => e.outerHTML')}"
            )
    assert spoke, "a screen reader is told nothing of any change: see voice() in shared.js"


def tells_more(shown: Shown) -> bool:
    """Whether a screen reader is told anything but what it was told last."""
    settle(shown.page)  # what a worker answers has been painted
    shown.page.clock.run_for(500)  # the voice waits until the hand has come to rest
    *lines, last = [shown.told, *shown.page.evaluate("watch.told.splice(0)")]
    before, shown.told = shown.told, last
    return any(line != before for line in (*lines, last))


def test_escape_gives_the_keys_back_to_the_page(shown):
    for control in shown.widget.locator('canvas[tabindex="0"], button:enabled, input, td[tabindex="0"]').all()[:3]:
        control.focus()
        control.press("Escape")
        assert shown.page.evaluate("document.activeElement === document.body"), "see root() in shared.js"
    shown.page.evaluate("addEventListener('keydown', ({ key }) => { window.heard = key; })")
    shown.page.keyboard.press("ArrowRight")
    assert shown.page.evaluate("window.heard") == "ArrowRight"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read_in_both_themes(shown, theme):
    look = "(e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    shown.page.emulate_media(color_scheme={"light": "dark", "dark": "light"}[theme])
    other = shown.widget.evaluate(look)
    shown.page.emulate_media(color_scheme=theme)
    ink, ground = shown.widget.evaluate(look)
    assert ink != other[0], "its text has the same colour in both themes: use var(--ink)"
    assert ground != other[1], "its ground has the same colour in both themes: use var(--ground)"
    barriers = [
        (violation["id"], [node["html"][:150] for node in violation["nodes"]])
        for violation in Axe().run(shown.page, "main").response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert not barriers, f"axe-core finds: {barriers}"


def test_it_fits_a_phone(shown):
    shown.page.set_viewport_size({"width": 320, "height": 640})
    wide = ask(shown, "tooWide")
    shown.page.set_viewport_size({"width": 900, "height": 800})
    assert not wide, f"wider than a phone, see @container in the styles of other widgets: {wide}"


LONG = "encoder.layers.encoder_layer_11.self_attention.out_proj.weight"
NAMED = {
    "AttentionExplorer": {"head_names": [LONG] * 3, "special_name": LONG},
    "AugmentationExplorer": {"names": [LONG, LONG + "2"]},
    "MemoryExplorer": {"image_size": 4096, "patch_size": 1, "layers": 1000, "heads": 1000, "batch": 100_000},
    "Predict": {"questions": [ASKED | {"question": LONG, "options": [LONG, "no", "odd"]}]},
    "QuantisationExplorer": {"layers": {LONG: [[1.0, 2.0]]}, "layer": LONG},
    "ViTExplorer": {"model": {LONG: VIT, "b": VIT}, "classes": [LONG] * 3, "names": [LONG] * 2},
}


@pytest.mark.parametrize("name", NAMED)
def test_long_names_and_large_numbers_fit_a_phone(browser, name):
    with browser.new_context(viewport={"width": 320, "height": 640}) as context:
        shown = show(context, name, **NAMED[name])
        wide = shown.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert not wide, f"{wide} pixels too wide: names may be broken anywhere, unless something forbids it"


def test_words_of_twice_the_size_fit_too(shown):
    size = "(widget) => parseFloat(getComputedStyle(widget).fontSize)"
    before = shown.widget.evaluate(size)
    shown.page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    after, wide = shown.widget.evaluate(size), ask(shown, "tooWide")
    shown.page.evaluate("() => { document.documentElement.style.fontSize = ''; }")
    assert after == 2 * before
    assert not wide, f"too wide once a reader has set larger words: {wide}"


def test_two_views_of_a_quiz_show_the_same_choice_and_verdict(browser):
    with browser.new_context() as context:
        shown = show(context, "Quiz", views=2)
        one, other = (view.locator("fieldset").first for view in shown.widget.all())
        one.locator("input").nth(1).check()
        expect(other.locator("input").nth(1)).to_be_checked()
        other.get_by_role("button", name="Check").click()
        for view in (one, other):
            expect(view.locator(".afv-verdict")).to_have_text("Not this one.")
        one.get_by_role("button", name="Try again").click()
        expect(other.locator("input:checked")).to_have_count(0)
        expect(other.locator(".afv-verdict")).to_have_text("")
        assert not shown.complaints
