"""Notebook 01's widgets in a real JupyterLab: attention between places of a map, with no token but places."""

import pytest
from answering import answer_first
from pointing import hover, settle

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from course_utils import data
from course_utils.models import NonLocalResNet, NonLocalResNetConfig
from course_utils.widgets import AttentionExplorer, Quiz
torch.manual_seed(0)
task = data.same_different(1, size=48, distance=0.72, scale=2)
small = {"blocks": (2,), "widths": (16,), "stem_kernel": 5, "stem_stride": 4, "max_pool": False, "classes": 2}
model = NonLocalResNet(NonLocalResNetConfig(**small, after=((0, 0),))).eval()
across = torch.full((1, 1, 144, 144), 0.2 / 143)  # each place looks at its mirror image
mirrored = torch.arange(144).view(12, 12).flip(1).flatten()
across[0, 0, torch.arange(144), mirrored] = 0.8
AttentionExplorer(task.images[0], {"mirror": across, "untrained": model.attention_maps(task.images)}, \
special_tokens=0)""",
    'Quiz.from_notebook("01")',
]


def test_a_query_on_one_side_shows_where_it_looks_on_the_other(run_cells, picture):
    page = run_cells(CELLS, ".afv-quiz")

    widget = page.locator(".afv-attention")
    mirror = widget.locator("canvas[data-panel]").nth(1)
    hover(mirror, 1.5 / 12, 4.5 / 12)
    asks, most = (widget.locator(f'[data-fact="{name}"]').first for name in ("asks", "most"))
    assert asks.inner_text() == f"token {4 * 12 + 1} of 0–143"
    assert most.inner_text().startswith("row 4, column 10: 80.0")
    mirror.press("ArrowRight")
    settle(page)
    assert most.inner_text().startswith("row 4, column 9: 80.0")
    widget.screenshot(path=picture("attention_in_a_cnn"))

    quiz = page.locator(".afv-quiz")
    answer_first(quiz, "01")
    assert "1 of 6 right" in quiz.inner_text()
