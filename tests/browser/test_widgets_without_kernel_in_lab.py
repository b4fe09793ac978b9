"""A notebook that is opened again: what was answered comes back, and a widget without its kernel says what to do."""

import re

import pytest
from answering import answer_first
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELLS = (
    "import torch\nfrom course_utils.widgets import PatchExplorer, Quiz\nPatchExplorer(torch.rand(3, 32, 32), 8)",
    'Quiz.from_notebook("08")',
    'from course_utils.widgets import Predict\nPredict.from_notebook("04", "look")',
)
MODEL = "A large patch, an eye with the fur around it"  # the model answer to the second question


def save(page):
    unsaved = page.locator(".lm-TabBar-tab.jp-mod-dirty")
    expect(unsaved).to_have_count(1)
    page.locator('.lm-MenuBar-item:has-text("File")').first.click()
    page.locator('.lm-Menu-item[data-command="docmanager:save"]').click()
    expect(unsaved).to_have_count(0)


def test_what_is_there_when_the_notebook_is_opened_again(run_cells, shut_down):
    page = run_cells(CELLS, ".afv-predict")
    quiz, patches = page.locator(".afv-quiz"), page.locator(".afv-patches")
    answer_first(quiz, "08")
    asked = page.locator(".afv-predict")
    asked.locator(".afv-option").nth(1).click()
    expect(asked).not_to_contain_text(MODEL)
    words = asked.get_by_role("textbox", name="Make the patches as large as possible")
    words.fill("One vector per eye.")
    words.press("Shift+Enter")  # keeps the sentence, and leaves the cell alone
    expect(asked).to_contain_text(MODEL)
    said = quiz.locator(".afv-score").inner_text()
    assert said.startswith("1 of ")
    assert not page.get_by_text("needs its kernel").count(), "the still picture stands beside the widget"
    save(page)

    page.reload()  # the kernel is still there, and with it the widgets
    expect(quiz.locator(".afv-score")).to_have_text(said)
    expect(quiz.locator(".afv-verdict").first).to_have_text("Right.")
    expect(quiz.locator("input:checked")).to_have_count(1)
    expect(patches).to_be_visible()
    expect(words).to_have_value("One vector per eye.")
    expect(asked).to_contain_text(MODEL)
    asked.get_by_role("button", name="Ask me again").last.click()
    expect(asked).not_to_contain_text(MODEL)
    expect(words).to_be_editable()
    asked.get_by_role("button", name="Show me anyway").click()
    expect(asked).to_contain_text(MODEL)

    shut_down(page)
    page.reload()
    still = page.locator(".jp-OutputArea-output", has_text="needs its kernel")
    expect(still).to_have_count(3)
    expect(still.first.locator("img")).to_be_visible()
    expect(page.get_by_text("model not found")).to_have_count(0)


SLOW = """from course_utils.widgets import Quiz
class Slow(Quiz):
    _esm = '''export default {
        initialize: () => new Promise((ready) => setTimeout(ready, 4000)),
        render({ el }) { el.textContent = "at last"; },
    }'''
Slow.from_notebook("08")"""
LISTEN = """addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
    window.saidLost ||= document.body.textContent.includes("needs its kernel");
}).observe(document.body, { childList: true, subtree: true, characterData: true }))"""


def test_a_slow_widget_is_never_said_to_be_without_its_kernel_and_a_lost_one_comes_back(run_cells):
    page = run_cells([SLOW, CELLS[0]], ".afv-patches")
    slow, patches = page.get_by_text("at last", exact=True), page.locator(".afv-patches")
    expect(slow).to_be_visible()
    save(page)

    page.add_init_script(LISTEN)
    read, held = [], []  # the notebook, and the requests for its session after that
    page.on("request", lambda request: read.extend(re.findall("contents/.*ipynb.*content=1", request.url)))
    page.route(re.compile("/api/sessions"), lambda route: held.append(route) if read else route.continue_())
    page.reload()
    page.get_by_text("Loading widget...").first.wait_for()
    page.wait_for_timeout(4000)  # longer than the extension waits before it asks
    while held:
        held.pop().continue_()
    page.unroute_all()
    expect(slow).to_be_visible()
    expect(patches).to_be_visible()
    assert not page.evaluate("window.saidLost")

    page.evaluate("""() => {
        const place = document.querySelector(".afv-patches").closest(".jp-OutputArea-output");
        place.textContent = "Error displaying widget: model not found";  // as JupyterLab may on a busy machine
    }""")
    expect(patches).to_be_visible()
    assert not page.evaluate("window.saidLost")
