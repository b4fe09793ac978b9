"""``course slides 04``: a notebook as reveal.js slides that need no kernel and no network."""

from collections.abc import Callable
from html import escape
from pathlib import Path

from course_utils.files import atomic
from course_utils.front_end import plain_script
from course_utils.lab import elsewhere, notebooks
from course_utils.lab.browser import PATIENCE, open_browser
from course_utils.lab.course import entries
from course_utils.teaching.demo.pages import HALL
from course_utils.teaching.site.assets import REVEAL, check_installed, copy_fonts, copy_reveal, copy_scripts
from course_utils.teaching.site.build import executed_notebook
from course_utils.teaching.site.layout import pages_of
from course_utils.teaching.site.light import lightened
from course_utils.teaching.site.shown import as_script, states

TEMPLATES = Path(__file__).parent / "templates" / "slides"


def build_slides(
    number: str, output: Path, executed: Path | None = None, started: Callable[[int, int], None] | None = None
) -> Path:
    """Write the slides of a notebook into the folder output; → the page, next to its scripts.

    The notebook is executed first, or read from the folder executed (see `build_site`); started: see
    `notebooks.execute`. Raises ModuleNotFoundError, FileNotFoundError and ValueError like `build_site`.
    """
    check_installed(("nbconvert",))
    if not REVEAL.exists():
        raise FileNotFoundError(f"Slides need reveal.js, and {REVEAL} is not there: run `make teach` first.")
    from jinja2 import Environment, FileSystemLoader

    path = notebooks.find(number)
    entry = next(each for each in entries() if each.number == path.name[:2])
    notebook = executed_notebook(number, executed, started)
    pages = list(pages_of(entry.number, notebook))
    models = {page.model: page.start for page in pages if page.model}
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False).get_template("index.html.j2")
    html = template.render(
        title=escape(f"{entry.number} {entry.title}"),
        report=escape(elsewhere.report_link(f"slides/{path.stem}")),
        pages=pages,
        state=as_script(states(notebook, models)),
    )
    _copy_parts(output)
    page = output / f"{path.stem}.html"
    with atomic(page) as partial:
        partial.write_text(lightened(html, output / "_static"), encoding="utf-8")
    return page


def _copy_parts(output: Path) -> None:
    """Copy the scripts and styles of slides. Widgets look and grow as in the hall, whose stage the slides are."""
    static = output / "_static"
    copy_scripts(static)
    copy_reveal(static)
    copy_fonts(output)
    styles = (TEMPLATES / "slides.css").read_text(encoding="utf-8")
    styles += (HALL / "widgets.css").read_text(encoding="utf-8")
    (static / "slides.css").write_text(styles, encoding="utf-8")
    (static / "slides.js").write_text(plain_script("slides", HALL) + ";\n", encoding="utf-8")


def print_slides(page: Path) -> Path:
    """Print slides to a PDF next to them, one page per slide. Raises FileNotFoundError without a Chromium."""
    check_installed(("playwright",), ())
    pdf = page.with_suffix(".pdf")
    with open_browser() as browser, atomic(pdf) as partial:
        sheet = browser.new_page(viewport={"width": 1280, "height": 720})
        sheet.goto(f"{page.resolve().as_uri()}?print-pdf")
        sheet.wait_for_selector("html[data-printable]", state="attached", timeout=PATIENCE)
        partial.write_bytes(sheet.pdf(prefer_css_page_size=True, print_background=True))
    return pdf
