"""Speed of widgets in a real JupyterLab and Chromium: from run to visible, from pointer to paint, a pass of a ViT."""

import base64
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import nbformat
import torch

from course_utils.bench.figure import Figure
from course_utils.front_end import script
from course_utils.lab.browser import open_browser, order_all, wait_for_kernel
from course_utils.lab.server import Lab, running_lab
from course_utils.models import ViT
from course_utils.modes import on_threads
from course_utils.teaching.demo import cells
from course_utils.training import load_checkpoint
from course_utils.widgets import vit_weights

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST = "patches"  # the demo of notebook 04's first widget
LARGEST = """import torch
from course_utils import data
from course_utils.widgets import AttentionExplorer
maps = torch.rand(12, 12, 197, 197, generator=torch.Generator().manual_seed(0)).softmax(-1)
AttentionExplorer(data.photo("chelsea")[:, :224, 75:299], maps)"""  # as many weights as in a ViT-B/16 at 224

# From a move's arrival in the page until the frame that answers it is painted; moves arrive once a frame.
WATCH = """() => {
    window.moves = [];
    const painted = new MessageChannel();
    const waiting = [];
    painted.port1.onmessage = () => window.moves.push(performance.now() - waiting.shift());
    document.addEventListener('pointermove', () => {
        waiting.push(performance.now());
        requestAnimationFrame(() => painted.port2.postMessage(0));  // received after that frame is painted
    }, { capture: true });
}"""

# Milliseconds of passes through a ViT's worker, from asking to the answer.
PASSES = """async ({ config, format, layout, bytes, count }) => {
    const buffer = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0)).buffer;
    const passes = makePasses(config, unpacked(buffer, format, layout));
    const pixels = Float32Array.from({ length: config.channels * config.width * config.height }, \
(_, at) => (at % 256) / 255);
    const times = [];
    for (let pass = 0; pass < count; pass++) {
        const began = performance.now();
        await new Promise((use) => passes.show({ request: { pixels, changes: {}, whole: true }, use }));
        times.push(performance.now() - began);
    }
    passes.stop();
    return times;
}"""


def widget_figures(rounds: int = 3) -> Iterator[Figure]:
    """All figures. Raises FileNotFoundError without Chromium and ModuleNotFoundError without Playwright."""
    with (
        open_browser() as browser,
        TemporaryDirectory(ignore_cleanup_errors=True) as place,
        running_lab(Path(place)) as lab,
    ):
        yield from figures_in(browser, lab, rounds)
        yield from pass_figures(browser, rounds)


def figures_in(browser: "Browser", lab: Lab, rounds: int) -> Iterator[Figure]:
    """Both figures, in a running browser and JupyterLab."""
    seconds = []
    for number in range(rounds + 1):  # the first one is a warm-up of the server and does not count
        name = f"first-{number}.ipynb"
        nbformat.write(cells.notebook_of(FIRST), lab.folder / name)
        page = browser.new_page()
        page.goto(lab.address(name))
        seconds.append(run_to_visible(page))
        page.close()
    yield Figure("run to first widget visible", tuple(seconds[1:]), "first_widget_seconds")

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LARGEST)])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, lab.folder / "largest.ipynb")
    page = browser.new_page()
    page.goto(lab.address("largest.ipynb"))
    run_to_visible(page)
    page.evaluate(WATCH)
    late = tuple(pointer_to_paint(page) for _ in range(rounds))
    page.close()
    yield Figure("pointer to paint, 95th percentile", late, "paint_seconds")


def pass_figures(browser: "Browser", rounds: int) -> Iterator[Figure]:
    """A pass through each ViT that pages of the course compute, and the same pass in PyTorch on one core."""
    shipped = {"Fashion-MNIST": "fashion-vit-small", "CIFAR-10": "cifar-vit-small"}
    models: dict[str, Any] = {name: load_checkpoint(checkpoint)[0] for name, checkpoint in shipped.items()}
    page = browser.new_page()
    page.add_script_tag(
        type="module", content=f"{script('vit_worker')}\nObject.assign(window, {{ makePasses, unpacked }});"
    )
    page.wait_for_function("window.makePasses !== undefined")
    for name, model in models.items():
        in_page = tuple(_latest(page.evaluate(PASSES, _sent(model))) for _ in range(rounds))
        yield Figure(f"a pass of the {name} ViT in the page, 95th percentile", in_page, "pass_seconds")
        yield Figure("the same pass in PyTorch on one core", tuple(_in_pytorch(model) for _ in range(rounds)))
    page.close()


def _sent(model: ViT, count: int = 120) -> dict[str, Any]:
    """What PASSES takes."""
    form, layout, weights = vit_weights.packed(model)
    config = {**vit_weights.configuration(model), "blank": [0.0] * model.config.channels}
    bytes_ = base64.b64encode(weights).decode()
    return {"config": config, "format": form, "layout": layout, "bytes": bytes_, "count": count}


def _latest(milliseconds: list[float]) -> float:
    """The 95th percentile in seconds, without the first passes, in which the browser compiles."""
    return statistics.quantiles(milliseconds[20:], n=20, method="inclusive")[-1] / 1000


def _in_pytorch(model: ViT, count: int = 20) -> float:
    """The median of the seconds of a pass with one thread."""
    c, seconds = model.config, []
    image = torch.zeros(1, c.channels, *c.height_and_width)
    with torch.no_grad(), on_threads(1):
        for _ in range(count):
            began = time.perf_counter()
            model.eval()(image)
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def run_to_visible(page: "Page") -> float:
    """Seconds from the command to run all cells, with an idle kernel, until a widget's canvas is visible."""
    wait_for_kernel(page)
    began = time.perf_counter()
    order_all(page)
    page.locator(".afv canvas").first.wait_for(timeout=60_000)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return time.perf_counter() - began


def pointer_to_paint(page: "Page", moves: int = 320) -> float:
    """The 95th percentile of the seconds of a move over the attention explorer. The page must run WATCH already."""
    stage = page.locator('.afv-attention canvas[data-panel="0"]').first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.evaluate("() => { window.moves.length = 0; }")
    for move in range(moves):
        x, y = (move * 7 % 97) / 97, (move * 11 % 89) / 89
        page.mouse.move(box["x"] + x * (box["width"] - 2) + 1, box["y"] + y * (box["height"] - 2) + 1)
    page.wait_for_timeout(100)
    milliseconds = page.evaluate("window.moves")
    if len(milliseconds) < moves // 2:
        raise OSError(
            f"Only {len(milliseconds)} of {moves} moves reached the page: measure again on an idle machine."
        )
    return statistics.quantiles(milliseconds, n=20, method="inclusive")[-1] / 1000
