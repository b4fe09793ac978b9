"""A notebook that is opened again: quiz answers come back, and a widget without its kernel says what to do."""

import pytest
from answering import answer_first
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELLS = (
    "import torch\nfrom course_utils.widgets import PatchExplorer, Quiz\nPatchExplorer(torch.rand(3, 32, 32), 8)",
    'Quiz.from_notebook("08")',
)


def test_what_is_there_when_the_notebook_is_opened_again(run_cells, shut_down):
    page = run_cells(CELLS, ".afv-quiz")
    quiz, patches = page.locator(".afv-quiz"), page.locator(".afv-patches")
    answer_first(quiz, "08")
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

    shut_down(page)
    page.reload()
    still = page.locator(".jp-OutputArea-output", has_text="needs its kernel")
    expect(still).to_have_count(2)
    expect(still.first.locator("img")).to_be_visible()
    expect(page.get_by_text("model not found")).to_have_count(0)
