"""The page of the class view, for a class whose progress is in a folder: readable, live without flicker,
by keyboard.
"""

import asyncio
import sys
import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from course_utils.exercises import Kind, Outcome, Verdict, exercises, find, share
from course_utils.exercises.progress import record
from course_utils.teaching.classroom import sources
from course_utils.teaching.classroom.catalogue import catalogue
from course_utils.teaching.classroom.pages import serve_here
from course_utils.teaching.classroom.sources import Folder
from course_utils.teaching.classroom.table import table

pytestmark = pytest.mark.browser
NOW = sources.now()
RIGHT = Verdict(Outcome.PASSED, "Right.", Kind.RIGHT)


def mistaken(name, number=0):
    misconception = find(name).misconceptions[number].name
    return Verdict(Outcome.NOT_YET, "Wrong.", Kind.MISCONCEPTION, f"{name}/{misconception}")


@pytest.fixture
def attempt(tmp_path, monkeypatch):
    """attempt(student, exercise, verdict): one more record in the student's folder, four minutes before NOW."""
    earlier = SimpleNamespace(now=lambda zone: NOW - timedelta(minutes=4), fromisoformat=datetime.fromisoformat)
    monkeypatch.setattr(sys.modules[record.__module__], "datetime", earlier)

    def add(student, name, verdict):
        monkeypatch.setenv("COURSE_STATE", str(tmp_path / student))
        record(name, verdict)

    for number in range(20):
        student = f"student-{number:02d}"
        monkeypatch.setenv("COURSE_STATE", str(tmp_path / student))
        share("on")
        for place, exercise in enumerate(exercises("04")):
            if number > 3 * place:
                add(student, exercise.name, RIGHT if number > 4 * place + 3 else mistaken(exercise.name, number % 3))
    return add


@pytest.fixture
def address(tmp_path, attempt, monkeypatch):
    """The class view of the folder, with names. Its clock stands still, so that minutes stay what they are."""
    monkeypatch.setattr(sources, "now", lambda: NOW)
    words = catalogue()
    folder, loop = Folder(tmp_path, words), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def serve():
        return serve_here(lambda names: table(folder.students(), words, NOW, names), True, 8867)

    yield asyncio.run_coroutine_threadsafe(serve(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def test_a_class_of_twenty_at_a_glance(browser, address, attempt, picture):
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.goto(address)
    assert "token" not in page.url
    expect(page.locator("#status")).to_have_text("live")
    expect(page.locator("#students")).to_have_text("20 students sharing")
    expect(page.locator("#notebook")).to_have_text("Notebook 04 · Vision transformer")
    rows = page.locator("#exercises tr")
    expect(rows).to_have_count(len(exercises("04")))
    expect(rows.last).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("article")).to_have_count(2)
    expect(page.locator("article").first).to_contain_text("3 students, for 4 minutes on average")
    page.screenshot(path=picture("class_view"))
    assert "student-" not in page.content()

    bar = rows.first.locator(".bar")
    expect(bar).to_have_attribute("aria-label", "16 passed, 3 trying, 1 not begun")
    page.evaluate("document.querySelector('#exercises tr').kept = true")
    attempt("student-00", "04.patchify", RIGHT)
    expect(bar).to_have_attribute("aria-label", "17 passed, 3 trying, 0 not begun")
    assert page.evaluate("document.querySelector('#exercises tr').kept"), "the row was made anew, which flickers"

    page.locator("#notebooks button").first.focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#notebook")).to_have_text("Notebook 01 · Attention in CNNs")
    page.locator("#notebooks button").first.press("Enter")
    expect(page.locator("#notebook")).to_contain_text("Notebook 04")
    page.locator("#names").press("Enter")
    expect(page.locator("#talk")).to_contain_text("student-")
    page.locator("#names").press("Enter")
    expect(page.locator("#talk")).not_to_contain_text("student-")

    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        barriers = [found["id"] for found in Axe().run(page).response["violations"]]
        assert not barriers, f"axe-core finds in the {theme} page: {barriers}"
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.context.set_offline(True)
    expect(page.locator("#status")).to_contain_text("No connection: these are the numbers of")
    page.context.set_offline(False)
    expect(page.locator("#status")).to_have_text("live")
