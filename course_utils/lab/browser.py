"""A headless Chromium, driven by Playwright, and the notebook in a page of JupyterLab."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 180_000  # milliseconds that a kernel may take to start on a busy machine
# What the status bar says. The circle in the notebook's toolbar says idle before there is a kernel, and a command to
# run cells that comes then does nothing.
KERNEL_IDLE = "() => document.getElementById('jp-main-statusbar')?.textContent.includes('| Idle')"
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
    order_all(page)
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.textContent);
            return prompts.some(text => /[0-9]/.test(text)) && !prompts.some(text => text.includes('*'));
        }""",
        timeout=seconds * 1000,
    )
    wait_for_kernel(page)


def wait_for_kernel(page: "Page") -> None:
    """Wait until the notebook's kernel has started and is idle."""
    page.wait_for_function(KERNEL_IDLE, timeout=PATIENCE)


def order_all(page: "Page") -> None:
    """Choose *Run all cells* in the menu."""
    page.locator('.lm-MenuBar-item:has-text("Run")').first.click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
