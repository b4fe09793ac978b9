"""`course demo` for real: the widget alone, alive, and no request to another host."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from pointing import hover, settle

from course_utils.paths import ROOT

pytestmark = pytest.mark.browser
COURSE = "from course_utils.cli import app; app()"


@pytest.fixture
def address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", COURSE, "demo", "colours", f"--port={port}", "--no-browser"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = ""
        for line in server.stdout:
            said += line
            if found := re.search(r"http://(127\.0\.0\.1|localhost):\d+/", line):
                yield found.group()
                break
        else:
            pytest.fail(said)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def test_a_demo_shows_its_widget_and_asks_no_other_host(address, browser, picture):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    elsewhere = []

    def gate(route):
        url = route.request.url
        if url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            elsewhere.append(url)
            route.abort()

    page.route("**/*", gate)
    page.goto(address)
    widget = page.locator(".afv-attention")
    widget.wait_for()
    asks = widget.locator("figcaption").first
    hover(widget.locator("canvas[tabindex]").first, 0.04, 0.04)
    settle(page)
    before = asks.inner_text()
    hover(widget.locator("canvas[tabindex]").first, 0.96, 0.96)
    settle(page)
    assert asks.inner_text() != before
    assert page.locator(".jp-InputArea, .jp-CodeMirrorEditor").count() == 0  # the widget, and no code
    assert page.get_by_text("needs its kernel").count() == 0  # nor the still picture beside it
    assert elsewhere == []
    page.screenshot(path=picture("demo"))
    context.close()
