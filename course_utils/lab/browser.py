"""A headless Chromium, driven by Playwright, and the notebook in a page of JupyterLab."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PATIENCE = 180_000  # milliseconds that a kernel may take to start on a busy machine
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


def chromium() -> str | None:
    """Path of a Chromium-like browser for the browser tests: ``COURSE_CHROMIUM`` or the first one on the PATH."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    chosen = os.environ.get("COURSE_CHROMIUM")
    return shutil.which(chosen) if chosen else next(filter(None, map(shutil.which, names)), None)


@contextmanager
def open_browser() -> Iterator["Browser"]:
    """A browser. Raises FileNotFoundError without a Chromium, and ModuleNotFoundError without Playwright."""
    path = chromium()
    if path is None:
        raise FileNotFoundError(
            "Chromium is needed and was not found: run `sudo apt-get install chromium`, or set COURSE_CHROMIUM to "
            "the path of any Chromium or Chrome."
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def run_all(page: "Page", seconds: float) -> None:
    """Run all cells of the notebook that the page shows, and wait until the kernel is idle."""
    wait_for_kernel(page)
    for _ in range(3):  # a server that has just started may ignore the first command
        order_all(page)
        try:
            page.wait_for_function(
                "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
                ".some(e => /[*0-9]/.test(e.textContent))",
                timeout=8000,
            )
            break
        except Exception:
            page.keyboard.press("Escape")
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.textContent);
            return prompts.length && !prompts.some(text => text.includes('*'));
        }""",
        timeout=seconds * 1000,
    )
    idle(page).wait_for(state="attached", timeout=PATIENCE)


def wait_for_kernel(page: "Page") -> None:
    """Wait until the notebook's kernel has started and is idle."""
    idle(page).wait_for(state="attached", timeout=PATIENCE)
    page.wait_for_timeout(500)


def order_all(page: "Page") -> None:
    """Choose *Run all cells* in the menu."""
    accept = page.locator(".jp-Dialog .jp-mod-accept")  # "Select Kernel", if the command came too early
    if accept.count():
        accept.first.click()
    page.get_by_text("| Idle").first.wait_for()
    page.locator('.lm-MenuBar-item:has-text("Run")').first.click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()


def idle(page: "Page") -> "Locator":
    """The element that JupyterLab shows while the kernel is idle."""
    return page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first
