"""The explorer of captions in a real JupyterLab: its numbers are torch's, by pointer and keys, without a kernel."""

import pytest
import torch
from pointing import fits_a_phone, hover, settle

from course_utils.data.captions import CAPTIONS, caption_numbers
from course_utils.data.shapes import make_shapes
from course_utils.models.image_text import contrastive_loss
from course_utils.training import load_checkpoint

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from course_utils.data.captions import CAPTIONS, caption_numbers
from course_utils.data.shapes import make_shapes
from course_utils.training import load_checkpoint
from course_utils.widgets import CaptionExplorer
model, _ = load_checkpoint("captions")
pictures = make_shapes(6, seed=4)
captions = [CAPTIONS[number] for number in caption_numbers(pictures)]
with torch.no_grad():
    cosines = model.embed_images(pictures.images) @ model.embed_captions(model.tokenise(captions)).mT""",
    "CaptionExplorer(pictures.images, captions, cosines, right=range(6))",
]


def cosines() -> torch.Tensor:
    model, _ = load_checkpoint("captions")
    pictures = make_shapes(6, seed=4)
    captions = [CAPTIONS[number] for number in caption_numbers(pictures)]
    assert len(set(captions)) == 6
    with torch.no_grad():
        return model.embed_images(pictures.images) @ model.embed_captions(model.tokenise(captions)).mT


def test_its_numbers_are_torchs_by_pointer_and_keys_without_a_kernel(run_cells, picture, shut_down):
    page = run_cells(CELLS, ".afv-captions")
    widget = page.locator(".afv-captions")
    matrix, slider = widget.locator("canvas[tabindex]"), widget.locator("input[type=range]")
    fact = lambda name: widget.locator(f'[data-fact="{name}"]').inner_text()  # noqa: E731
    share = lambda text: float(text.removesuffix(" %").removeprefix("< ")) / 100  # noqa: E731
    values = cosines()

    def compare(row: int, column: int, temperature: float) -> None:
        logits = values / temperature
        assert float(fact("cosine").replace("−", "-")) == pytest.approx(values[row, column].item(), abs=6e-4)
        assert float(fact("logit").replace("−", "-")) == pytest.approx(logits[row, column].item(), abs=6e-3)
        assert share(fact("row")) == pytest.approx(logits.softmax(1)[row, column].item(), rel=0.03, abs=1e-4)
        assert share(fact("column")) == pytest.approx(logits.softmax(0)[row, column].item(), rel=0.03, abs=1e-4)
        loss = contrastive_loss(logits, torch.eye(6, dtype=torch.bool))
        assert float(fact("loss")) == pytest.approx(loss.item(), abs=1e-4)

    compare(0, 0, 0.07)
    hover(matrix, 4.5 / 7, (2.5 + 0.45) / 6.45)  # the third image, the fourth caption
    compare(2, 3, 0.07)
    bars = widget.locator('[data-list="row"] b').all_inner_texts()
    assert sum(share(text) for text in bars) == pytest.approx(1, abs=0.01)

    shut_down(page)
    matrix.focus()
    for key in ("ArrowDown", "ArrowLeft", "ArrowLeft"):
        matrix.press(key)
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    settle(page)
    compare(3, 1, 0.316)  # 10^(−1/2)
    widget.locator('[data-view="column"]').click()
    widget.locator('[data-list="column"] button').nth(1).click()
    settle(page)
    compare(1, 1, 0.316)
    page.wait_for_function(  # what a screen reader is told
        "(line) => line.textContent.startsWith('image 2 and')", arg=widget.locator("[role=status]").element_handle()
    )
    widget.get_by_role("button", name="show the right pairs").click()
    settle(page)
    assert fact("loss") == "hidden"
    widget.get_by_role("button", name="show the right pairs").click()
    slider.focus()
    slider.press("PageDown")
    slider.press("PageDown")
    widget.locator('[data-view="cosine"]').click()
    page.mouse.move(0, 0)
    settle(page)
    widget.screenshot(path=picture("caption_explorer"))

    assert fits_a_phone(widget)
