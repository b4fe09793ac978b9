"""The camera of ViTExplorer: Chromium's imitation of one, refused, absent, and off when the widget is gone."""

import base64
import json

import pytest
from playwright.sync_api import expect
from samples import build

from course_utils.front_end import plain_script
from course_utils.lab.browser import ARGUMENTS, PATIENCE, chromium
from course_utils.widgets import ViTExplorer

pytestmark = pytest.mark.browser
ADDRESS = "https://widgets.test/"  # a page without a certificate has no camera
PAGE = """<!doctype html><html lang="en"><title>Camera</title><main></main><script>
const devices = navigator.mediaDevices, get = devices?.getUserMedia.bind(devices);
if (devices) devices.getUserMedia = async (wanted) => (globalThis.stream = await get(wanted));
const {traits, bytes} = DATA;
for (const name in bytes) {
  traits[name] = new DataView(Uint8Array.from(atob(bytes[name]), (letter) => letter.charCodeAt(0)).buffer);
}
const widget = SCRIPT;
const model = { get: (name) => traits[name], on() {}, off() {} };
globalThis.gone = widget.render({ model, el: document.querySelector("main") });
</script></html>"""
OFF = "() => globalThis.stream.getTracks().every(({ readyState }) => readyState === 'ended')"


@pytest.fixture(scope="module")
def html() -> str:
    widget = build("ViTExplorer")
    traits = {name: getattr(widget, name) for name in ViTExplorer.class_own_traits(sync=True)}
    sent = {name: base64.b64encode(value).decode() for name, value in traits.items() if isinstance(value, bytes)}
    plain = {name: value for name, value in traits.items() if name not in sent}
    data = json.dumps({"traits": plain, "bytes": sent}).replace("</", "<\\/")
    return PAGE.replace("DATA", data).replace("SCRIPT", plain_script("vit_explorer"))


@pytest.fixture(scope="module")
def open_page(html, browser):
    """open_page(permissions, address): the widget in a browser that imitates a camera."""
    arguments = [*ARGUMENTS, "--use-fake-device-for-media-stream"]
    with browser.browser_type.launch(executable_path=chromium(), args=arguments) as imitating:

        def opened(permissions=(), address=ADDRESS):
            context = imitating.new_context(permissions=list(permissions))
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
            page.goto(address)
            expect(page.locator(".afv-answer figcaption")).to_contain_text("%")
            return page

        yield opened


def test_the_camera_feeds_the_model_until_it_is_pressed_again_or_the_widget_is_gone(open_page):
    page = open_page(["camera"])
    camera = page.get_by_role("button", name="camera")
    camera.click()
    expect(page.locator(".afv-picture figcaption").first).to_have_text("Picture: the camera's picture")
    expect(camera).to_have_attribute("aria-pressed", "true")
    expect(page.locator('[data-fact="done"]')).to_contain_text("The picture is now the camera's picture: the answer ")
    camera.click()
    page.wait_for_function(OFF)
    button = camera.element_handle()
    for before_it_is_allowed in (False, True):
        page.evaluate("() => { globalThis.stream = null; }")
        if before_it_is_allowed:
            button.evaluate("(button) => { button.click(); gone(); }")
        else:
            camera.click()
            expect(camera).to_have_attribute("aria-pressed", "true")
            page.evaluate("() => gone()")
        page.wait_for_function("() => globalThis.stream")
        page.wait_for_function(OFF)
        expect(page.locator("main")).to_be_empty()  # else a notebook keeps every view of a cell that runs again


def test_a_refused_camera_and_a_page_that_may_not_have_one_say_so(open_page):
    page = open_page()
    page.get_by_role("button", name="camera").click()
    expect(page.locator('[data-fact="done"]')).to_contain_text(
        "There is no camera that this page may use: open a picture"
    )
    plain = open_page(address="http://widgets.test/")
    expect(plain.get_by_role("button", name="open a picture")).to_be_visible()
    expect(plain.get_by_role("button", name="camera")).to_have_count(0)
