"""``course slides 04``: a notebook as reveal.js slides that need no kernel and no network."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.files import atomic
from course_utils.lab import notebooks
from course_utils.teaching.site.assets import REVEAL, check_installed, copy_fonts, copy_reveal, copy_scripts
from course_utils.teaching.site.build import executed_notebook
from course_utils.teaching.site.pages import describe_figures

TEMPLATES = Path(__file__).parent / "templates"


def build_slides(number: str, output: Path, executed: Path | None = None) -> Path:
    """Write the slides of a notebook into the folder output; → the page, next to its scripts.

    The notebook is executed first, or read from the folder executed (see `build_site`). Raises ModuleNotFoundError,
    FileNotFoundError and ValueError like `build_site`.
    """
    check_installed(("nbconvert",))
    if not REVEAL.exists():
        raise FileNotFoundError(f"Slides need reveal.js, and {REVEAL} is not there: run `make teach` first.")
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    notebook = arrange(describe_figures(executed_notebook(number, executed)))
    exporter = SlidesExporter(
        template_name="course_slides",
        extra_template_basedirs=[str(TEMPLATES)],
        reveal_url_prefix="_static/reveal",
        reveal_theme="white",
        widget_renderer_url="_static/embed-amd.js",
        config=Config({"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"hide-input"}}}),
    )
    name = notebooks.find(number).stem
    html, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": name}})
    html = html.replace("_static/reveal/dist/", "_static/reveal/")
    copy_scripts(output / "_static")
    copy_reveal(output / "_static")
    copy_fonts(output)
    page = output / f"{name}.html"
    with atomic(page) as partial:
        partial.write_text(html, encoding="utf-8")
    return page


def arrange(notebook: NotebookNode) -> NotebookNode:
    """Assign each cell to a slide, in place; → the notebook.

    A section begins a new slide to the right; its other texts, figures and widgets follow below. The only code on
    slides is the stubs of exercises; checks and cells without visible output are dropped.
    """
    notebook.cells = [part for cell in notebook.cells for part in split(cell)]
    for cell in notebook.cells:
        course = cell.metadata.get("course", {})
        if cell.cell_type == "markdown":
            kind = "slide" if cell.source.startswith(("# ", "## ")) else "subslide"
        elif "exercise" in course:
            kind, cell.outputs = "subslide", []
        elif "check" in course or not any(shows(output) for output in cell.outputs):
            kind = "skip"
        else:
            kind = "subslide"
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        cell.metadata["slideshow"] = {"slide_type": kind}
    return notebook


def split(cell: NotebookNode) -> list[NotebookNode]:
    """A text cell, split where a section begins inside it; any other cell unchanged."""
    if cell.cell_type != "markdown":
        return [cell]
    parts = re.split(r"\n(?=#{1,3} )", cell.source)
    return [nbformat.v4.new_markdown_cell(part) for part in parts if part.strip()]


def shows(output: NotebookNode) -> bool:
    """Whether an output is visible: anything but empty text."""
    return output.output_type in ("display_data", "execute_result") or bool(output.get("text", "").strip())
