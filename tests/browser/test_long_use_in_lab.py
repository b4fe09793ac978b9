"""One notebook in two tabs, and one cell run again and again."""

import re

import pytest
from engines import PATIENCE
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FEW = "import torch\nfrom course_utils.widgets import PatchExplorer\nPatchExplorer(torch.rand(3, 32, 32), 8)"
LIVING = """import torch
from course_utils.training import load_checkpoint
from course_utils.widgets import ViTExplorer
ViTExplorer(load_checkpoint("fashion-vit-small")[0], [torch.zeros(1, 28, 28)], list("0123456789"))"""
RUNS = 10


def answers(page: Page, place: tuple[float, float]) -> None:
    """The explorer follows the pointer to this place, from (0, 0) to (1, 1)."""
    picture = page.locator(".afv-patches .afv-image canvas")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
    row, column = (int(4 * part) for part in reversed(place))
    expect(page.locator(".afv-patches [data-fact=row-column]")).to_have_text(f"{row}, {column}")


def save(page: Page) -> None:
    page.locator('.lm-MenuBar-item:has-text("File")').first.click()
    page.locator('.lm-Menu-item[data-command="docmanager:save"]').click()


def test_a_notebook_in_two_tabs(run_cells):
    first = run_cells([FEW], ".afv-patches")
    answers(first, (0.9, 0.1))
    save(first)
    expect(first.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)

    second = first.context.new_page()
    second.goto(first.url)
    second.locator(".afv-patches").wait_for()
    answers(second, (0.1, 0.9))
    answers(first, (0.9, 0.9))
    for page in (second, first):
        save(page)
        expect(page.locator(".jp-Dialog")).to_have_count(0)


def counted(page: Page) -> dict[str, float]:
    """Nodes of the page, and MB of its heap, after a collection."""
    session = page.context.new_cdp_session(page)
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return {"nodes": metrics["Nodes"], "MB": metrics["JSHeapUsedSize"] / 1e6}


@pytest.mark.parametrize(("source", "shown"), [(FEW, ".afv-patches"), (LIVING, ".afv-vit")], ids=["patches", "vit"])
def test_a_cell_that_runs_again_leaves_little_behind(run_cells, source, shown):
    page = run_cells([source], shown)

    def run(times: int) -> dict[str, float]:
        for _ in range(times):
            prompt = page.locator(".jp-CodeCell .jp-InputPrompt")
            before = prompt.inner_text()
            page.locator(".jp-CodeCell .cm-content").click()
            page.keyboard.press("Control+Enter")
            expect(prompt).not_to_have_text(before)
            expect(prompt).to_have_text(re.compile(r"\[\d+\]"))
            page.locator(shown).wait_for()
        page.wait_for_timeout(1000)
        return counted(page)

    def grown(once: dict[str, float], often: dict[str, float]) -> dict[str, float]:
        return {what: (often[what] - once[what]) / RUNS for what in once}

    once, often = run(3), run(RUNS)
    for _ in range(PATIENCE):  # a busy machine lets go of earlier views and their workers later
        if grown(once, often)["nodes"] < 10 and grown(once, often)["MB"] < 2 and len(page.workers) <= 1:
            break
        page.wait_for_timeout(1000)
        often = counted(page)
    assert grown(once, often)["nodes"] < 10, "an earlier view is still in memory"
    assert grown(once, often)["MB"] < 2
    assert len(page.workers) <= 1, "the worker of an earlier run goes on"
