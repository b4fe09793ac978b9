"""The explorer of windows in a real JupyterLab; what it says of reach is what gradients of a Swin say."""

import pytest
import torch
from pointing import fits_a_phone, hover, settle

from course_utils.attention.window import partition, shift_mask
from course_utils.models import Swin, SwinConfig

pytestmark = pytest.mark.browser

CELLS = [
    """from torch.nn import functional as F
from course_utils import data
from course_utils.widgets import WindowExplorer
cat = F.interpolate(data.photo("chelsea")[None, :, :, 75:375], size=(256, 256)).clamp(0, 1)[0]""",
    "WindowExplorer(cat, tokens=16, window=4, depths=(2, 2))",
]


@pytest.fixture
def page(run_cells):
    return run_cells(CELLS, ".afv-windows")


def reached(shifted: bool, stages: int, row: int, column: int) -> float:
    """Share of the pixels, one a token, on which a token of the last of so many stages depends in a real Swin."""
    torch.manual_seed(0)
    config = SwinConfig(
        patch_size=1,
        channels=1,
        dim=8,
        depths=(2,) * stages,
        heads=(2,) * stages,
        window=4,
        shifted=shifted,
        classes=2,
    )
    pixels = torch.rand(1, 1, 16, 16, requires_grad=True)
    token = Swin(config).double().stage_maps(pixels.double())[-1][0, row, column]
    (gradient,) = torch.autograd.grad((token * torch.randn(token.shape).double()).sum(), pixels)
    return (gradient != 0).double().mean().item()


def test_windows_follow_pointer_and_keys_and_tell_the_truth_about_reach(page, picture, shut_down):
    widget = page.locator(".afv-windows")
    fact = lambda name: widget.locator(f'[data-fact="{name}"]').inner_text()  # noqa: E731
    percent = lambda name: float(fact(name).removesuffix(" %"))  # noqa: E731
    canvas = widget.locator('canvas[data-panel="windows"]')
    hover(canvas, 1.5 / 16, 5.5 / 16)
    assert fact("token") == "row 5, column 1"
    assert fact("looks") == "16 of 256 tokens"
    assert fact("pieces") == "none"
    assert fact("reach") == "6.3 %"

    canvas.press("PageDown")  # there is no block before the first
    canvas.press("PageUp")
    settle(page)
    assert widget.locator('[data-block="1"]').get_attribute("aria-pressed") == "true"
    place = torch.roll(torch.arange(256).view(1, 16, 16, 1), (-2, -2), dims=(1, 2))
    cut = partition(place, 4)[0, :, :, 0]
    window, within = (cut == 5 * 16 + 1).nonzero()[0].tolist()
    seen = int(shift_mask(16, 16, 4, (2, 2))[window, within].sum())
    assert 0 < seen < 16
    assert fact("looks") == f"{seen} of 256 tokens"
    assert fact("pieces") == f"{16 - seen} tokens from the opposite edge of the image"
    assert percent("reach") == pytest.approx(100 * reached(True, 1, 5, 1), abs=0.051)
    assert percent("still") == pytest.approx(100 * reached(False, 1, 5, 1), abs=0.051)

    widget.locator('[data-block="3"]').click()
    canvas.press("ArrowRight")  # a step is now a token of the merged map
    settle(page)
    assert fact("token") == "row 2, column 1"
    assert fact("map") == "stage 2, 8 × 8 tokens, windows of 4 × 4"
    assert percent("reach") == pytest.approx(100 * reached(True, 2, 2, 1), abs=0.051)
    assert percent("still") == pytest.approx(100 * reached(False, 2, 2, 1), abs=0.051)
    widget.locator('[data-block="2"]').click()
    page.keyboard.press("s")  # whatever has the focus in the widget
    settle(page)
    assert not widget.locator("input[type=checkbox]").is_checked()
    assert percent("reach") == pytest.approx(100 * reached(False, 2, 2, 1), abs=0.051)
    page.keyboard.press("s")
    settle(page)
    assert widget.locator("input[type=checkbox]").is_checked()
    page.keyboard.press("PageDown")
    settle(page)
    assert widget.locator('[data-block="1"]').get_attribute("aria-pressed") == "true"

    shut_down(page)
    widget.locator('[data-block="1"]').click()
    hover(canvas, 1.5 / 16, 1.5 / 16)
    assert fact("token") == "row 1, column 1"
    page.wait_for_function(  # what a screen reader is told
        "(line) => line.textContent.startsWith('Block 2, row 1, column 1: may attend to')",
        arg=widget.locator("[role=status]").element_handle(),
    )
    widget.screenshot(path=picture("window_explorer"))

    assert fits_a_phone(widget)
