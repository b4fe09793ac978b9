"""The widgets in a real JupyterLab: pointer, keyboard, no kernel, speed, themes."""

import statistics

import nbformat
import pytest

from course_utils.costs import attention_bytes

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from torch.nn import functional as F
from course_utils import data
from course_utils.models import ViT, ViTConfig
from course_utils.widgets import AttentionExplorer, MemoryExplorer, PatchExplorer, Quiz
cat = F.interpolate(data.photo("chelsea")[None, :, :, 75:375], size=(224, 224)).clamp(0, 1)[0]""",
    "PatchExplorer(cat, 32)",
    """# token 1 + 14 * row + column looks at its mirror image in layer 2, head 1; everywhere else evenly
maps = torch.full((12, 12, 197, 197), 1 / 197)
mirrored = torch.arange(196).view(14, 14).flip(1).flatten()
maps[1, 0] = 0.1 / 197
maps[1, 0, 1 + torch.arange(196), 1 + mirrored] += 0.9
maps[1, 0, 0, 0] += 0.9
AttentionExplorer(cat, maps)""",
    """torch.manual_seed(0)
colours = F.adaptive_avg_pool2d(cat, 14).flatten(1).mT
coarse = F.adaptive_avg_pool2d(cat, 7).flatten(1).mT
alike = lambda c: (-60 * torch.cdist(c, c) ** 2).softmax(-1)[None, None]
AttentionExplorer(cat, {"patches of 16 pixels": alike(colours), "patches of 32 pixels": alike(coarse)}, special_tokens=0)""",
    "MemoryExplorer(224, 16, 12, 12)",
    'Quiz.from_notebook("04")',
]


@pytest.fixture
def page(run_notebook, lab):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path = lab.folder / "widgets.ipynb"
    nbformat.write(notebook, path)
    page = run_notebook(path)
    page.locator(".afv-quiz").wait_for(timeout=20_000)
    return page


def colour_at(stage, x: float, y: float) -> list[int]:
    """What is painted at a place of a canvas, both in [0, 1]."""
    return stage.evaluate(
        """(c, [x, y]) => [...c.getContext('2d').getImageData(Math.floor(x * c.width), Math.floor(y * c.height), 1, 1).data]""",
        [x, y],
    )


def settle(page) -> None:
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def hover(stage, x: float, y: float) -> None:
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    stage.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    settle(stage.page)


def shut_kernel_down(page) -> None:
    page.locator('.lm-MenuBar-item:has-text("Kernel")').first.click()
    page.locator('.lm-Menu-item[data-command="kernelmenu:shutdown"]').click()
    page.wait_for_timeout(1500)


def test_the_widgets_answer_pointer_and_keys_and_need_no_kernel(page, picture):
    patches = page.locator(".afv-patches")
    stage = patches.locator(".afv-stage")
    hover(stage, 0.5 / 7, 1.5 / 7)
    assert "Patch 8 of 49: row 2, column 1" in patches.locator(".afv-status").inner_text()
    assert "32 · 32 · 3 = 3,072 numbers" in patches.locator(".afv-status").inner_text()
    stage.press("ArrowRight")
    stage.press("ArrowUp")
    settle(page)
    assert "Patch 2 of 49: row 1, column 2" in patches.locator(".afv-status").inner_text()
    patches.locator("select").select_option("56")
    settle(page)
    assert "of 16" in patches.locator(".afv-status").inner_text()
    patches.screenshot(path=picture("patch_explorer"))

    attention = page.locator(".afv-attention").first
    stage = attention.locator(".afv-stage")
    attention.locator("select").select_option("0")
    attention.locator("input[aria-label=layer]").fill("2")
    attention.locator("input[aria-label='strength of the overlay']").fill("100")
    hover(stage, 2.5 / 14, 4.5 / 14)
    words = attention.locator(".afv-status").inner_text()
    assert "row 5, column 3 looks most at row 5, column 12 (90 %)" in words
    assert "layer 2, head 1" in words
    assert colour_at(stage, 11.5 / 14, 4.5 / 14)[:3] == [253, 231, 55]  # the largest weight: yellow
    assert colour_at(stage, 7.5 / 14, 9.5 / 14)[:3] == [0, 34, 78]  # next to nothing: dark blue
    stage.press("ArrowRight")
    settle(page)
    assert "row 5, column 4 looks most at row 5, column 11" in attention.locator(".afv-status").inner_text()
    assert colour_at(stage, 10.5 / 14, 4.5 / 14)[:3] == [253, 231, 55]
    stage.press("c")
    settle(page)
    assert "The class token looks most" in attention.locator(".afv-status").inner_text()
    assert "gives the class token 90 %" in attention.locator(".afv-status").inner_text()
    stage.press("c")

    pair = page.locator(".afv-attention").nth(1)
    first, second = pair.locator(".afv-stage").all()
    before = attention.locator(".afv-status").inner_text()
    hover(first, 0.9, 0.1)
    assert (first.get_attribute("data-query"), second.get_attribute("data-query")) == (str(14 + 12), "6")
    assert attention.locator(".afv-status").inner_text() == before  # the other widget on the page is left alone
    hover(first, 0.42, 0.47)
    pair.screenshot(path=picture("attention_explorer"))

    shut_kernel_down(page)
    hover(stage, 0.5 / 14, 0.5 / 14)
    assert "row 1, column 1 looks most at row 1, column 14" in attention.locator(".afv-status").inner_text()
    assert "Patch" in stage.evaluate("e => e.getAttribute('aria-label')") or stage.get_attribute("aria-label")

    memory = page.locator(".afv-memory")
    number = memory.locator(".afv-number")
    assert int(number.get_attribute("data-bytes")) == attention_bytes(197, heads=12, layers=12)
    memory.get_by_role("button", name="slide: 128 × 128 pixels").click()
    assert int(number.get_attribute("data-bytes")) == attention_bytes(128**2, heads=16, layers=48)
    assert number.inner_text() == "768 GiB"
    memory.get_by_label("patch size").fill("3")
    assert "Patches of 3 do not divide a side of 128 pixels: try 129" in memory.inner_text()
    memory.get_by_role("button", name="slide: 14 × 14 patches").click()
    memory.screenshot(path=picture("memory_explorer"))

    quiz = page.locator(".afv-quiz")
    question = quiz.locator("fieldset").first
    question.get_by_role("button", name="Check").click()
    assert "Choose an answer first" in question.inner_text()
    question.get_by_label("196 × 196").check()
    question.get_by_role("button", name="Check").click()
    assert "Right without the class token" in question.inner_text()
    question.get_by_label("197 × 197").check()
    question.get_by_role("button", name="Check").click()
    assert "✓ Right" in question.inner_text()
    assert "1 of 6 right" in quiz.inner_text()
    quiz.screenshot(path=picture("quiz"))


def test_pointer_to_paint_takes_at_most_a_frame(page, capsys):
    stage = page.locator(".afv-attention .afv-stage").first
    stage.scroll_into_view_if_needed()
    page.evaluate(
        """() => {
            window.delays = [];
            const painted = new MessageChannel();
            let since = null;
            painted.port1.onmessage = () => { window.delays.push(performance.now() - since); since = null; };
            document.addEventListener('pointermove', (event) => {
                if (since !== null) return;
                since = event.timeStamp;
                requestAnimationFrame(() => painted.port2.postMessage(0));  // runs when that frame has been painted
            }, { capture: true });
        }"""
    )
    box = stage.bounding_box()
    for move in range(320):
        x, y = (move * 7 % 97) / 97, (move * 11 % 89) / 89
        page.mouse.move(box["x"] + x * (box["width"] - 2) + 1, box["y"] + y * (box["height"] - 2) + 1)
    settle(page)
    delays = sorted(page.evaluate("window.delays"))
    assert len(delays) >= 200
    p95 = delays[int(0.95 * len(delays))]
    with capsys.disabled():
        print(
            f"\npointer to paint over {len(delays)} moves: median {statistics.median(delays):.1f} ms, p95 {p95:.1f} ms"
        )
    assert p95 <= 16
