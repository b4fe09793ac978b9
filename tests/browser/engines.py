"""Firefox and WebKit as Debian has them, under one small set of commands, by selenium."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Protocol

import pytest
from keys import WATCH

PATIENCE = 180  # seconds that anything may take on a busy machine
SIZE = (1280, 1000)
WEBKIT = "webkit2gtk-4.1/MiniBrowser"  # below /usr/lib and the name of the machine's kind


class Tab(Protocol):
    """A page of a browser. Elements are named by CSS selectors; scripts are functions in JavaScript."""

    def go(self, address: str) -> None: ...
    def ask(self, function: str, *values: Any) -> Any: ...
    def click(self, selector: str) -> None: ...
    def type(self, selector: str, key: str) -> None: ...
    def point(self, selector: str, x: float, y: float) -> None: ...


class FirefoxTab:
    """A tab of Firefox, which speaks WebDriver BiDi itself."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.send("session.new", capabilities={})
        self.context = self.send("browsingContext.create", type="tab")["context"]
        size = dict(zip(("width", "height"), SIZE, strict=True))
        self.send("browsingContext.activate", context=self.context)
        self.send("browsingContext.setViewport", context=self.context, viewport=size)

    def send(self, command: str, **parameters: Any) -> Any:
        reply = self.connection.send_cmd(command, parameters)
        assert "error" not in reply, f"Firefox answers {reply}"
        return reply["result"]

    def go(self, address: str) -> None:
        self.send("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def ask(self, function: str, *values: Any) -> Any:
        called = self.send(
            "script.callFunction",
            functionDeclaration=f"async (values) => JSON.stringify(await ({function})(...JSON.parse(values)))",
            arguments=[{"type": "string", "value": json.dumps(values)}],
            target={"context": self.context},
            awaitPromise=True,
        )
        assert called["type"] == "success", called["exceptionDetails"]["text"]
        return json.loads(called["result"].get("value", "null"))

    def act(self, kind: str, *actions: dict[str, Any]) -> None:
        self.send(
            "input.performActions", context=self.context, actions=[{"type": kind, "id": kind, "actions": actions}]
        )

    def point(self, selector: str, x: float, y: float) -> None:
        left, top = self.ask(PLACE, selector, x, y)
        self.act("pointer", {"type": "pointerMove", "x": round(left), "y": round(top)})

    def click(self, selector: str) -> None:
        self.point(selector, 0.5, 0.5)
        self.act("pointer", {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0})

    def type(self, selector: str, key: str) -> None:
        self.ask("selector => document.querySelector(selector).focus()", selector)
        self.act("key", *({"type": f"key{way}", "value": code_of(key)} for way in ("Down", "Up")))


class WebKitTab:
    """A tab of WebKitGTK, by its WebDriver."""

    def __init__(self, driver) -> None:
        self.driver = driver

    def go(self, address: str) -> None:
        self.driver.get(address)

    def ask(self, function: str, *values: Any) -> Any:
        return self.driver.execute_script(f"return ({function})(...arguments)", *values)

    def point(self, selector: str, x: float, y: float) -> None:
        self.act(selector, x, y, lambda pointer: None)

    def click(self, selector: str) -> None:
        self.act(selector, 0.5, 0.5, lambda pointer: pointer.click())

    def act(self, selector: str, x: float, y: float, then: Callable[[Any], object]) -> None:
        from selenium.webdriver.common.actions.action_builder import ActionBuilder

        actions = ActionBuilder(self.driver, duration=0)
        actions.pointer_action.move_to_location(*map(round, self.ask(PLACE, selector, x, y)))
        then(actions.pointer_action)
        actions.perform()

    def type(self, selector: str, key: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(code_of(key))


PLACE = """(selector, x, y) => {
  const element = document.querySelector(selector);
  element.scrollIntoView({ block: "center", behavior: "instant" });
  const { left, top, width, height } = element.getBoundingClientRect();
  return [left + x * width, top + y * height];
}"""


def code_of(key: str) -> str:
    """What stands for a key in WebDriver."""
    from selenium.webdriver.common.keys import Keys

    return getattr(Keys, key.upper().replace("ARROW", "ARROW_"), key)


def until(tab: Tab, function: str, *values: Any) -> Any:
    """Wait until a function in the page returns something true; → that."""
    for _ in range(10 * PATIENCE):
        if found := tab.ask(function, *values):
            return found
        time.sleep(0.1)
    pytest.fail(f"in vain waited for {function} with {values}")


FIRST = """(kind) => {
  const widget = document.querySelector(`.afv.${kind}`);
  const all = [...widget.querySelectorAll(':is(canvas, td)[tabindex="0"], input, button')];
  const control = all.find(one => one.offsetWidth && !one.disabled && one.getAttribute("aria-pressed") !== "true");
  control.dataset.first = kind;
  window.before = watch.seen(widget, control);
  return ["CANVAS", "TD"].includes(control.tagName) || control.type === "range" ? "ArrowLeft" : "Space";
}"""


def silent(tab: Tab) -> list[str]:
    """Which kinds of widgets in a page do not answer a key on their first control. The page has `WATCH`."""
    kinds = tab.ask("() => [...new Set([...document.querySelectorAll('.afv')].map(one => one.classList[1]))]")
    found = []
    for kind in kinds:
        key = tab.ask(FIRST, kind)
        tab.type(f'[data-first="{kind}"]', key)
        changes = """(kind) => watch.changes(document.querySelector(`.afv.${kind}`),
            document.querySelector(`[data-first="${kind}"]`), window.before)"""
        if not tab.ask(changes, kind):
            found.append(kind)
    return found


def watch(tab: Tab) -> None:
    """Give the page the functions of `WATCH`."""
    tab.ask(f"() => {{ {WATCH.read_text(encoding='utf-8')} }}")


@contextmanager
def screen() -> Iterator[str]:
    """The name of a screen that nobody sees. Skips the test without Xvfb."""
    if shutil.which("Xvfb") is None:
        pytest.skip("WebKit needs a screen: `sudo apt-get install xvfb`")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1100x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as told:
        try:
            yield f":{told.readline().strip()}"
        finally:
            server.terminate()
            server.wait()


@contextmanager
def webkit() -> Iterator[WebKitTab]:
    """WebKitGTK's own small browser. Skips the test where it or its driver is missing."""
    driver, browsers = shutil.which("WebKitWebDriver"), list(Path("/usr/lib").glob(f"*/{WEBKIT}"))
    if driver is None or not browsers:
        pytest.skip("WebKitGTK and its driver are missing: `sudo apt-get install webkit2gtk-driver`")
    from selenium import webdriver

    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(browsers[0])
    options.add_argument("--automation")
    with screen() as display:
        environment = {**os.environ, "DISPLAY": display, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        service = webdriver.WebKitGTKService(executable_path=driver, env=environment)
        browser = webdriver.WebKitGTK(options=options, service=service)
        try:
            browser.set_window_size(*SIZE)
            yield WebKitTab(browser)
        finally:
            browser.quit()


@contextmanager
def firefox() -> Iterator[FirefoxTab]:
    """Firefox. Skips the test where it is missing."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("Firefox is missing: `sudo apt-get install firefox-esr`")
    from selenium.webdriver.remote.websocket_connection import WebSocketConnection

    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        screen() as display,
    ):  # headless, it would paint nothing until it is looked at
        command = [path, "--remote-debugging-port=0", "--profile", profile]
        environment = {**os.environ, "DISPLAY": display}
        browser = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            address = next(line.split(" on ")[1].strip() for line in browser.stderr if "BiDi listening on" in line)
            Thread(target=browser.stderr.read, daemon=True).start()  # lest what it says afterwards fill the pipe
            connection = WebSocketConnection(f"{address}/session", PATIENCE, 0.01)
            yield FirefoxTab(connection)
            connection.close()
        finally:
            browser.terminate()
            browser.wait()
