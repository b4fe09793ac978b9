"""Notebook 05's widgets in a real JupyterLab: two ViTs side by side, and the quiz."""

import re

import pytest
from answering import answer_first
from pointing import colour_at, hover, settle

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from course_utils.models import ViT, ViTConfig
from course_utils.widgets import AttentionExplorer, Quiz
torch.manual_seed(0)
vit = ViT(ViTConfig(image_size=28, patch_size=4, channels=1, dim=48, layers=3, heads=3, mlp_dim=96, classes=10)).eval()
picture = torch.rand(1, 1, 28, 28)
itself = torch.full((3, 50, 50), 0.1 / 49)  # every patch looks at itself
itself[:, torch.arange(50), torch.arange(50)] = 0.9
AttentionExplorer(picture[0], {"convolution-like": [itself] * 3, "untrained": vit.attention_maps(picture)})""",
    'Quiz.from_notebook("05")',
]


def test_one_query_is_asked_of_both_models_and_the_quiz_counts(run_cells, picture):
    page = run_cells(CELLS, ".afv-quiz")

    widget = page.locator(".afv-attention")
    first = widget.locator("canvas[data-panel]").nth(1)
    hover(first, 2.5 / 7, 3.5 / 7)
    asks, most = widget.locator('[data-fact="asks"]'), widget.locator('[data-fact="most"]')
    assert asks.all_inner_texts() == [f"token {1 + 3 * 7 + 2} of 0–49"] * 2
    assert most.nth(0).inner_text().startswith("row 3, column 2: 90.0")
    assert not most.nth(1).inner_text().startswith("row 3, column 2: 90.0")
    widget.locator("input[aria-label='strength of the overlay']").fill("100")
    yellow, tops = [254, 232, 56], widget.locator(".afv-scale span:last-child")

    def brightest() -> list[list[int]]:
        """Of each model's panel, red, green and blue of the patch with the largest weight."""
        settle(page)
        places = [re.match(r"row (\d), column (\d)", text) for text in most.all_inner_texts()]
        return [
            colour_at(widget.locator(f'canvas[data-panel="{index}"]'), (int(column) + 0.5) / 7, (int(row) + 0.5) / 7)
            for index, (row, column) in enumerate(place.groups() for place in places)
        ]

    first_colour, second_colour = brightest()  # on a common scale, of the largest weight of both
    assert first_colour == yellow
    assert second_colour[0] < 120  # about 0.04 of 0.9
    assert tops.all_inner_texts() == ["90.0 %", "90.0 %"]
    widget.get_by_role("button", name="own scale per map").click()
    assert brightest() == [yellow, yellow]
    assert tops.nth(1).inner_text() == most.nth(1).inner_text().partition(": ")[2]
    widget.get_by_role("button", name="own scale per map").click()
    widget.screenshot(path=picture("attention_of_two_vits"))

    quiz = page.locator(".afv-quiz")
    answer_first(quiz, "05")
    assert "1 of 6 right" in quiz.inner_text()
