"""Notebook 06's widgets in a real JupyterLab: sliders, keys, words, no kernel, a phone's width."""

import pytest
from pointing import fits_a_phone, hover, settle

pytestmark = pytest.mark.browser

CELLS = [
    """import csv, torch
from torch.nn import functional as F
from course_utils import data
from course_utils.paths import DATA
from course_utils.training.rand_augment import variations
from course_utils.widgets import AugmentationExplorer, AugRegGrid
pictures = torch.stack([F.interpolate(data.photo(name)[None], size=(72, 72), antialias=True, mode="bilinear")[0] \
for name in ("chelsea", "coffee")]).clamp(0, 1)
pictures[0, :, :4, :4], pictures[1, :, :4, :4] = 1.0, 0.0
magnitudes = [0, 10, 20, 30]
changed, transforms = variations(pictures, 3, magnitudes, samples=4)
AugmentationExplorer(pictures, ["cat", "coffee"], changed, magnitudes, transforms)""",
    """rows = list(csv.DictReader((DATA / "papers" / "steiner_augreg.csv").open()))
original = {row["model"]: float(row["value"]) for row in rows if row["augmentation"] == "original"}
rows = [row for row in rows if row["augmentation"] != "original"]
models, levels = list(dict.fromkeys(row["model"] for row in rows)), \
list(dict.fromkeys(row["augmentation"] for row in rows))
values = torch.tensor([float(row["value"]) for row in rows]).view(len(models), 2, len(levels))
AugRegGrid(values, models, levels, original=original)""",
]


@pytest.fixture
def page(run_cells):
    return run_cells(CELLS, ".afv-augreg")


def corner(canvas) -> list[int]:
    return canvas.evaluate("c => [...c.getContext('2d').getImageData(1, 1, 1, 1).data]")[:3]


def whole(canvas) -> str:
    return canvas.evaluate("c => c.toDataURL()")


def test_mixup_and_rand_augment_follow_sliders_and_keys_and_need_no_kernel(page, picture, shut_down):
    widget = page.locator(".afv-augment")
    mixed = widget.locator('canvas[data-panel="mixed"]')
    fact = lambda name: widget.locator(f'[data-fact="{name}"]').inner_text()  # noqa: E731
    slider = lambda name: widget.locator("label", has=page.get_by_label(name, exact=True))  # noqa: E731
    value = lambda name: slider(name).locator("output").inner_text()  # noqa: E731
    assert value("λ") == "0.70"
    assert "cat" in fact("targets")
    assert "0.30" in fact("targets")
    assert all(abs(level - 0.7 * 255) <= 2 for level in corner(mixed))  # white and black, seven to three
    assert fact("beta") == "λ within 0.1 of 0 or 1: 26 % of the time"  # for α = 0.8

    mixed.scroll_into_view_if_needed()
    mixed.press("ArrowLeft")
    mixed.press("ArrowLeft")
    settle(page)
    assert value("λ") == "0.60"
    assert all(abs(level - 0.6 * 255) <= 2 for level in corner(mixed))
    hover(mixed, 0.5 / 72, 0.5 / 72)
    assert fact("pixel").endswith("0.60 · 1.00 + 0.40 · 0.00 = 0.60")
    slider("λ").locator("input").press("ArrowRight")
    settle(page)
    assert value("λ") == "0.61"
    widget.locator('[data-input="other"]').select_option("0")
    settle(page)
    assert "1.00" in fact("targets")
    assert "coffee" not in fact("targets")
    widget.locator('[data-input="other"]').select_option("1")

    first = widget.locator('canvas[data-sample="0"]')
    captions = widget.locator(".afv-samples figcaption")
    assert value("N, transforms per image") == "2"
    before, one_caption = whole(first), captions.first.inner_text()
    assert one_caption.count(", then ") == 1
    pictures = [whole(widget.locator(f'canvas[data-sample="{n}"]')) for n in range(4)]
    assert len(set(pictures)) == 4
    first.press("ArrowRight")
    settle(page)
    assert value("M, magnitude") == "30"
    assert captions.first.inner_text() == one_caption
    assert whole(first) != before

    shut_down(page)
    first.press("ArrowDown")
    first.press("ArrowDown")
    settle(page)
    assert captions.first.inner_text() == "as it is"
    assert corner(first) == [255, 255, 255]
    first.press("ArrowUp")
    first.press("ArrowUp")
    page.wait_for_function(
        "(line) => line.textContent.includes('N 2 and M 30')", arg=widget.locator("[role=status]").element_handle()
    )
    widget.screenshot(path=picture("augmentation_explorer"))
    assert fits_a_phone(widget)


def test_every_cell_of_the_grid_is_told_in_words_in_four_views(page, picture):
    widget = page.locator(".afv-augreg")
    words = widget.locator('[data-fact="words"]')
    cell = lambda row, half, level: widget.locator(f'[data-cell="{row},{half},{level}"]')  # noqa: E731
    assert widget.locator("td[data-cell]").count() == 9 * 14
    assert widget.locator("td.afv-best").count() == 13  # a best in every row, in three rows more than one

    cell(6, 1, 4).scroll_into_view_if_needed()
    cell(6, 1, 4).hover()
    settle(page)
    assert words.inner_text().startswith("B/16, med2, regularisation 0.1: 83 %. The best of its row.")
    assert "regularisation adds 2 points" in words.inner_text()
    assert "The original paper has 77.9 %: this is 5.1 points more." in words.inner_text()
    cell(6, 1, 4).click()
    for key in ("ArrowUp",) * 9 + ("End",):
        page.keyboard.press(key)
    settle(page)
    assert words.inner_text().startswith("R+Ti/16, heavy2, regularisation 0.1: 61 %.")
    assert "The best of its row is 73 % (light1, no regularisation; light2, no regularisation)" in words.inner_text()
    assert "regularisation costs 7 points" in words.inner_text()
    widget.screenshot(path=picture("augreg_grid"))

    widget.locator('[data-view="effect"]').click()
    settle(page)
    assert widget.locator("td[data-cell]").count() == 63
    assert cell(1, 1, 4).inner_text() == "−11"
    assert cell(4, 1, 0).inner_text() == "+6"
    shown = widget.locator("td[data-cell]").all_inner_texts()
    assert sum(text.startswith("+") for text in shown) == 40
    assert sum(text.startswith("−") for text in shown) == 22
    colour = lambda where: where.evaluate("e => getComputedStyle(e).backgroundColor")  # noqa: E731
    assert colour(cell(1, 1, 4)) == "rgb(0, 90, 160)"

    widget.locator('[data-view="original"]').click()
    settle(page)
    assert widget.locator("td.afv-none").count() == 7 * 14
    assert cell(7, 1, 4).inner_text() == "+2.5"
    widget.locator('[data-view="below"]').click()
    settle(page)
    assert cell(0, 1, 6).inner_text() == "−12"
    assert fits_a_phone(widget)
