"""A notebook that is opened again: what was answered comes back, and a widget without its kernel says what to do."""

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
    unsaved = page.locator(".lm-TabBar-tab.jp-mod-dirty")
    expect(unsaved).to_have_count(1)
    page.locator('.lm-MenuBar-item:has-text("File")').first.click()
    page.locator('.lm-Menu-item[data-command="docmanager:save"]').click()
    expect(unsaved).to_have_count(0)

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
