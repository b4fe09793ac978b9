"""The widgets in a real JupyterLab: pointer, keyboard, no kernel, themes."""

import pytest
from pointing import colour_at, fits_a_phone, hover, settle

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
AttentionExplorer(cat, {"patches of 16 pixels": alike(colours), "patches of 32 pixels": alike(coarse)}, \
special_tokens=0)""",
    "MemoryExplorer(224, 16, 12, 12)",
    'Quiz.from_notebook("04")',
]


@pytest.fixture
def page(run_cells):
    return run_cells(CELLS, ".afv-quiz")


def fact(widget, name: str) -> str:
    return widget.locator(f'[data-fact="{name}"]').first.inner_text()


def test_the_widgets_answer_pointer_and_keys_and_need_no_kernel(page, picture, shut_down):
    patches = page.locator(".afv-patches")
    whole, _, vector, sequence = patches.locator("canvas").all()
    hover(whole, 0.5 / 7, 1.5 / 7)
    assert (fact(patches, "place"), fact(patches, "row-column")) == ("7 of 0–48", "1, 0")
    assert fact(patches, "length") == "3,072 numbers"
    whole.press("ArrowRight")
    whole.press("ArrowUp")
    settle(page)
    assert (fact(patches, "place"), fact(patches, "row-column")) == ("1 of 0–48", "0, 1")
    hover(vector, 0.5 / 1024, 0.5)
    red = page.evaluate("(e) => e.textContent", patches.locator(".afv-values").element_handle())
    assert red.startswith("pixel 0, 0 of the patch: entry 0 red ")
    sequence.press("ArrowRight")
    settle(page)
    assert fact(patches, "place") == "2 of 0–48"
    patches.get_by_text("56", exact=True).click()
    settle(page)
    assert fact(patches, "count") == "16 patches"
    patches.get_by_text("16", exact=True).click()
    hover(whole, 4.5 / 14, 5.5 / 14)
    patches.screenshot(path=picture("patch_explorer"))

    attention = page.locator(".afv-attention").first
    overlay = attention.locator('canvas[data-panel="0"]')
    attention.locator('[data-map="0"]').click()
    attention.locator("input[aria-label=layer]").fill("1")
    attention.locator("input[aria-label='strength of the overlay']").fill("100")
    hover(overlay, 2.5 / 14, 4.5 / 14)
    assert fact(attention, "asks") == f"token {1 + 4 * 14 + 2} of 0–196"
    assert fact(attention, "most") == "row 4, column 11: 90.0 %"
    assert attention.locator("figcaption").nth(1).inner_text() == "layer 1, head 0"
    assert colour_at(overlay, 11.5 / 14, 4.5 / 14) == [254, 232, 56]  # the largest weight: yellow
    assert colour_at(overlay, 7.5 / 14, 9.5 / 14) == [0, 34, 78]  # next to nothing: dark blue
    overlay.press("ArrowRight")
    settle(page)
    assert fact(attention, "most").startswith("row 4, column 10")
    assert colour_at(overlay, 10.5 / 14, 4.5 / 14) == [254, 232, 56]
    overlay.press("Enter")  # the query is held: the pointer now reads weights
    hover(overlay, 10.5 / 14, 4.5 / 14)
    assert fact(attention, "read") == "row 4, column 10: 90.0 %"
    overlay.press("Enter")
    overlay.press("c")
    settle(page)
    assert (fact(attention, "asks"), fact(attention, "special")) == ("token 0 of 0–196", "90.0 %")
    page.wait_for_function(  # what a screen reader is told
        "(line) => line.textContent.includes('class token looks most at')",
        arg=attention.locator("[role=status]").element_handle(),
    )
    overlay.press("c")
    settle(page)

    pair = page.locator(".afv-attention").nth(1)
    _, first, second = pair.locator("canvas[data-panel]").all()
    before = attention.locator("dl").inner_text()
    hover(first, 0.9, 0.1)
    asked = [each.inner_text() for each in pair.locator('[data-fact="asks"]').all()]
    assert asked == [f"token {14 + 12} of 0–195", "token 6 of 0–48"]
    assert attention.locator("dl").inner_text() == before  # the other widget on the page is left alone
    pair.get_by_role("button", name="own scale per map").click()
    hover(second, 0.32, 0.42)
    pair.screenshot(path=picture("attention_explorer"))

    shut_down(page)
    hover(overlay, 0.5 / 14, 0.5 / 14)
    assert fact(attention, "most").startswith("row 0, column 13")

    memory = page.locator(".afv-memory")
    total = memory.locator('[data-field="all"]')
    assert int(total.get_attribute("data-bytes")) == attention_bytes(197, heads=12, layers=12)
    memory.get_by_role("button", name="slide: pixels, R = 128").click()
    assert int(total.get_attribute("data-bytes")) == attention_bytes(128**2, heads=16, layers=48)
    assert total.inner_text() == "768 GiB"
    memory.locator('[data-input="patch_size"]').fill("3")
    assert "Patches of 3 pixels do not divide 128 pixels: try 2 or 4." in memory.get_by_role("alert").inner_text()
    assert not total.is_visible()
    memory.get_by_role("button", name="slide: 14×14 patches").click()
    memory.screenshot(path=picture("memory_explorer"))

    quiz = page.locator(".afv-quiz")
    question = quiz.locator("fieldset").first
    assert question.get_by_role("button", name="Check").is_disabled()
    question.get_by_label("196 × 196").check()
    question.get_by_role("button", name="Check").click()
    assert "Right without the class token" in question.inner_text()
    question.get_by_label("197 × 197").check()
    assert "Right without the class token" not in question.inner_text()
    question.get_by_role("button", name="Check").click()
    assert "✓ right" in question.inner_text()
    assert "1 of 6 right, 0 at the first attempt" in quiz.inner_text()
    quiz.screenshot(path=picture("quiz"))


def test_the_widgets_fit_a_phone(page):
    for widget in page.locator(".afv").all():
        assert fits_a_phone(widget), widget.get_attribute("aria-label")


SLOW = """import anywidget, traitlets
class Slow(anywidget.AnyWidget):
    word = traitlets.Unicode("nothing").tag(sync=True)
    _esm = '''export default {
        initialize: () => new Promise((ready) => setTimeout(ready, 4000)),
        render({ model, el }) {
            const show = () => { el.textContent = `heard ${model.get("word")}`; };
            model.on("change:word", show);
            show();
        },
    }'''
slow = Slow()
slow"""


def test_a_widget_that_is_later_than_anywidget_waits_still_hears_of_its_kernel(run_cells):
    run_cells([SLOW, 'import time; time.sleep(5); slow.word = "all"'], ".jp-OutputArea-output >> text=heard all")
