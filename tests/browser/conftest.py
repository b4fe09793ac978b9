"""A real JupyterLab and a real browser for the widgets and the notebooks."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import nbformat
import pytest
from engines import PATIENCE, Tab, firefox, webkit
from playwright.sync_api import Browser, Page, expect

from course_utils.lab.browser import open_browser, run_all
from course_utils.lab.server import Lab, running_lab
from course_utils.paths import ROOT

sys.path.append(str(ROOT / "tests" / "widgets"))  # where samples.py is
expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        make = browser.new_context

        def patient(**options):
            context = make(**options)
            context.set_default_timeout(PATIENCE * 1000)
            return context

        browser.new_context = patient
        yield browser


@pytest.fixture(scope="session", params=["firefox", "webkit"])
def tab(request) -> Iterator[Tab]:
    """A page of Firefox, then one of WebKit, if they are installed."""
    with {"firefox": firefox, "webkit": webkit}[request.param]() as tab:
        yield tab


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("notebooks")) as lab:
        yield lab


@pytest.fixture
def run_notebook(browser, lab) -> Iterator[Callable[..., Page]]:
    """run_notebook(path): open a copy in JupyterLab, run all cells, wait until the kernel is idle; → the page."""
    pages = []

    def run(
        path: Path, seconds: float = PATIENCE, theme: str = "light", width: int = 1280, height: int = 1000
    ) -> Page:
        copied = lab.folder / path.name
        if path != copied:
            shutil.copy(path, copied)
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        page = context.new_page()
        pages.append(context)
        page.goto(lab.address(path.name))
        run_all(page, seconds)
        return page

    yield run
    for context in pages:
        context.close()


@pytest.fixture
def run_cells(run_notebook, lab, request) -> Callable[[Sequence[str], str], Page]:
    """run_cells(sources, awaited): a notebook of these code cells, run; → the page, once it shows the CSS selector."""

    def run(sources: Sequence[str], awaited: str) -> Page:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        path = lab.folder / f"{request.path.stem}.ipynb"
        nbformat.write(notebook, path)
        page = run_notebook(path)
        page.locator(awaited).wait_for()
        return page

    return run


@pytest.fixture
def shut_down() -> Callable[[Page], None]:
    """shut_down(page): end the notebook's kernel; what answers after this needs none."""

    def end(page: Page) -> None:
        page.locator('.lm-MenuBar-item:has-text("Kernel")').first.click()
        page.locator('.lm-Menu-item[data-command="kernelmenu:shutdown"]').click()
        expect(page.locator(".jp-KernelName:visible")).to_have_text("No Kernel")

    return end


@pytest.fixture
def picture(tmp_path) -> Callable[[str], Path]:
    """Where a screenshot goes: docs/images when COURSE_SCREENSHOTS=1, else a folder that is thrown away."""
    kept = os.environ.get("COURSE_SCREENSHOTS") == "1"

    def path(name: str) -> Path:
        return (ROOT / "docs" / "images" if kept else tmp_path) / f"{name}.png"

    return path
