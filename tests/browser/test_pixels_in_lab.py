"""Notebook 03's widgets in a real JupyterLab: causal maps over pixels, and memory with one token per pixel."""

import pytest
from pointing import colour_at, hover, settle

from course_utils.costs import attention_bytes

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from torch.nn import functional as F
from course_utils import data
from course_utils.models import PixelTransformer, PixelTransformerConfig
from course_utils.widgets import AttentionExplorer, MemoryExplorer
torch.manual_seed(0)
model = PixelTransformer(PixelTransformerConfig(8, 1, 17, dim=16, layers=2, heads=2, mlp_dim=32)).eval()
picture = data.load("digits", "test").images[:1]
AttentionExplorer(F.interpolate(picture, scale_factor=28)[0], model.attention_maps(picture), \
special_tokens=1, special_name="start token")""",
    "MemoryExplorer(image_size=32, patch_size=1, layers=48, heads=16)",
]


def test_a_pixel_sees_nothing_that_comes_after_it_and_memory_counts_pixels(run_cells, picture):
    page = run_cells(CELLS, ".afv-memory")

    attention = page.locator(".afv-attention")
    stage = attention.locator('canvas[data-panel="0"]')
    attention.locator("input[aria-label='strength of the overlay']").fill("100")

    def colour(row: int, column: int) -> list[int]:
        return colour_at(stage, (column + 0.5) / 8, (row + 0.5) / 8)

    hover(stage, 4.5 / 8, 3.5 / 8)
    assert attention.locator('[data-fact="asks"]').first.inner_text() == f"token {1 + 3 * 8 + 4} of 0–64"
    assert attention.locator('[data-fact="even"]').inner_text() == "3.3 % each, over the 30 it sees"
    assert "class token" not in attention.inner_text()
    attention.get_by_role("button", name="ask the start token").click()
    settle(page)
    assert attention.locator('[data-fact="special"]').inner_text() == "100 %"
    attention.get_by_role("button", name="ask the start token").click()
    settle(page)
    nothing = [0, 34, 78]
    assert all(colour(row, column) == nothing for row, column in [(3, 6), (4, 1), (5, 4), (7, 7)])
    assert all(colour(row, column) != nothing for row, column in [(0, 1), (1, 5), (2, 6), (3, 2)])
    stage.press("ArrowDown")
    settle(page)
    assert colour(4, 1) != nothing
    attention.screenshot(path=picture("pixel_attention"))

    memory = page.locator(".afv-memory")
    assert "start token" in memory.inner_text()
    assert "class token" not in memory.inner_text()
    total = memory.locator('[data-field="all"]')
    assert int(total.get_attribute("data-bytes")) == attention_bytes(1025, heads=16, layers=48)
    assert "free memory when it ran" in memory.inner_text()
    memory.locator('[data-input="class_token"]').uncheck()
    assert total.inner_text() == "3 GiB"
    memory.locator('[data-input="patch_size"]').fill("4")
    assert "class token" in memory.inner_text()
    memory.screenshot(path=picture("pixel_memory"))
