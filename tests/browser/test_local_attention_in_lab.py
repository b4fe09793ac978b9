"""The explorer of neighbourhoods in a real JupyterLab: pointer, keys, heads, borders, no kernel, a phone's width."""

import pytest
from pointing import colour_at, fits_a_phone, hover, settle

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from torch.nn import functional as F
from course_utils import data
from course_utils.attention.local import inside_map
from course_utils.widgets import LocalAttentionExplorer
cat = F.interpolate(data.photo("chelsea")[None, :, :, 75:375], size=(112, 112)).clamp(0, 1)[0]""",
    """# head 0 looks one place to the left (where there is one), head 1 evenly at all there are
inside = inside_map(torch.ones(14, 14), 5).view(14, 14, 5, 5)
even = inside / inside.sum((-1, -2), keepdim=True)
left = even.clone()
left[:, 1:] = 0.1 * even[:, 1:]
left[:, 1:, 2, 1] += 0.9
kernel = torch.zeros(5, 5)
kernel[1, 2], kernel[3, 2] = -1, 0.5
LocalAttentionExplorer(cat, torch.stack([left, even]), kernel, head_names=["left", "even"])""",
    "LocalAttentionExplorer(cat, torch.stack([left, even]), kernel.abs() / 2)",
]
YELLOW, BLUE = [254, 232, 56], [0, 90, 160]


@pytest.fixture
def page(run_cells):
    return run_cells(CELLS, '.afv-local:has-text("one scale")')


def colour_of_cell(stage, row: int, column: int) -> list[int]:
    """What is painted in a corner of a cell of a 5 × 5 panel, clear of outlines and figures."""
    return colour_at(stage, (column + 0.2) / 5, (row + 0.2) / 5)


def test_the_neighbourhood_follows_pointer_and_keys_and_needs_no_kernel(page, picture, shut_down):
    widget = page.locator(".afv-local").first
    fact = lambda name: widget.locator(f'[data-fact="{name}"]').inner_text()  # noqa: E731
    whole = widget.locator('canvas[data-panel="image"]')
    kernel, attention = (widget.locator(f'canvas[data-panel="{name}"]') for name in ("convolution", "attention"))

    hover(whole, 7.5 / 14, 5.5 / 14)
    assert fact("position") == "row 5, column 7"
    assert fact("border") == "0 of 25"
    assert fact("most") == "offset 0, −1: 90.4 %"
    assert fact("kernel") == "offset −1, 0, everywhere"
    assert colour_of_cell(attention, 2, 1) == YELLOW  # the largest weight
    assert colour_of_cell(kernel, 1, 2) == BLUE  # the most negative
    before = [colour_of_cell(kernel, row, 2) for row in range(5)]

    whole.press("ArrowUp")
    whole.press("ArrowLeft")
    settle(page)
    assert fact("position") == "row 4, column 6"
    whole.press("h")
    settle(page)
    assert fact("most").endswith("4.0 %")
    assert widget.locator('[data-head="1"]').get_attribute("aria-pressed") == "true"
    assert widget.locator("figcaption").nth(3).inner_text() == "attention, even"

    whole.press("Home")
    for _ in range(4):
        whole.press("ArrowUp")
    settle(page)
    assert fact("position") == "row 0, column 0"
    assert fact("border") == "16 of 25"
    assert fact("centre") == "11.1 %"
    hover(attention, 0.5 / 5, 0.5 / 5)
    assert fact("read") == "offset −2, −2: convolution 0.000, beyond the border: no weight"
    hover(kernel, 2.5 / 5, 3.5 / 5)
    assert fact("read") == "offset +1, 0: convolution 0.500, attention 11.1 %"
    kernel.press("ArrowUp")  # the keys read on from there
    settle(page)
    assert fact("read") == "offset 0, 0: convolution 0.000, attention 11.1 %"
    assert [colour_of_cell(kernel, row, 2) for row in range(5)] == before  # the same everywhere

    shut_down(page)
    widget.locator('[data-head="0"]').click()
    hover(whole, 1.5 / 14, 4.5 / 14)
    assert fact("position") == "row 4, column 1"
    assert fact("most").startswith("offset 0, −1")
    page.wait_for_function(  # what a screen reader is told
        "(line) => line.textContent.includes('5 neighbours are beyond the border')",
        arg=widget.locator("[role=status]").element_handle(),
    )
    widget.screenshot(path=picture("local_attention_explorer"))

    assert fits_a_phone(widget)


def test_kernel_and_attention_are_on_one_scale_when_asked_and_their_numbers_fit(page):
    signed, widget = page.locator(".afv-local").all()
    assert signed.get_by_role("button", name="one scale").count() == 0  # its colours have no negative weights
    whole, _, kernel, attention = widget.locator("canvas[data-panel]").all()
    hover(whole, 7.5 / 14, 5.5 / 14)
    largest, second, most = (
        lambda: colour_of_cell(kernel, 1, 2),
        lambda: colour_of_cell(kernel, 3, 2),
        lambda: colour_of_cell(attention, 2, 1),
    )
    orange = largest()
    whole.press("s")
    settle(page)
    assert widget.get_by_role("button", name="one scale").get_attribute("aria-pressed") == "true"
    assert most() == YELLOW  # 0.904 against 0.5 and 0.25
    assert orange[0] > largest()[0] > second()[0] > 0
    whole.press("h")  # 0.04 everywhere
    settle(page)
    assert largest() == YELLOW
    assert most()[0] < 50
    widget.get_by_role("button", name="one scale").click()
    settle(page)
    assert (largest(), most()) == (orange, YELLOW)

    for width in (900, 688, 420, 340):
        page.add_style_tag(content=f".afv.afv {{ width: {width}px }}")
        settle(page)
        panels = [canvas.bounding_box() for canvas in (kernel, attention)]
        assert min(panel["width"] for panel in panels) >= 5 * 34, width
        if width > 400:
            assert panels[0]["y"] == panels[1]["y"], "kernel and attention are not side by side"
