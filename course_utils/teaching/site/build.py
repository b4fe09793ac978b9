"""``course book``: execute notebooks, or read executed ones, and build a site from them with Sphinx and MyST-NB."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

from course_utils.console import quoted
from course_utils.files import atomic
from course_utils.lab import elsewhere, notebooks
from course_utils.lab.course import entries
from course_utils.paths import NOTEBOOKS, ROOT
from course_utils.steps import Steps
from course_utils.teaching.demo.pages import write_pages as write_demos
from course_utils.teaching.site import glossary, references
from course_utils.teaching.site.assets import check_installed, copy_fonts, copy_scripts
from course_utils.teaching.site.claims_page import claims_page
from course_utils.teaching.site.demos_page import demos_page
from course_utils.teaching.site.light import lighten, too_heavy
from course_utils.teaching.site.pages import page_of
from course_utils.teaching.site.start_page import start_page

SOURCE = Path(__file__).parent / "source"
MORE = (
    "demos",
    "slides-of-the-lecture",
    "lecture",
    "glossary",
    "references",
    "api/index",
    "accessibility",
    "browsers",
)


def build_site(
    numbers: Sequence[str],
    output: Path,
    executed: Path | None = None,
    repository: str | None = None,
    steps: Steps | None = None,
) -> list[str]:
    """Build the site of these notebooks into the folder output; → Sphinx's warnings.

    Notebooks are executed first, or read from the folder executed, written by ``course run --output``. repository,
    "owner/name" on GitHub, is for the buttons of the pages. steps: the line that tells of each notebook. output gets
    the site only when it is complete. Raises ModuleNotFoundError or FileNotFoundError if a part is not installed, and
    ValueError for a notebook that fails or was not executed.
    """
    check_installed(("sphinx", "myst_nb", "sphinx_book_theme", "pybtex"))
    if output.exists() and (not (output / ".buildinfo").exists() or (output / ".git").exists()):
        what = "is a Git repository" if (output / ".git").exists() else "is not a site"
        raise FileExistsError(f"{output} exists and {what}: choose another folder, or remove it.")
    steps = steps or Steps("notebook", len(numbers))
    pages = {}
    for path in map(notebooks.find, numbers):
        steps.next(path.stem)
        pages[path.name[:2]] = executed_notebook(path.name[:2], executed, steps.within)
    steps.next("writing the pages")
    with TemporaryDirectory() as folder, atomic(output) as made:
        source = Path(folder) / "source"
        shutil.copytree(SOURCE, source)
        copy_scripts(source / "_static")
        copy_fonts(source / "_extra")
        write_demos(source / "_extra" / "demos")
        write_pages(pages, source)
        return sphinx(source, made, repository)


def executed_notebook(
    number: str, folder: Path | None, started: Callable[[int, int], None] | None = None
) -> NotebookNode:
    """Notebook number with its outputs, executed now or read from folder. Raises ValueError if it failed.

    started: see `notebooks.execute`.
    """
    path = notebooks.find(number)
    if folder is not None:
        if not (folder / path.name).exists():
            raise FileNotFoundError(
                f"There is no executed notebook {folder / path.name}: "
                f"run `course run {number} --output {quoted(folder)}`."
            )
        notebook = notebooks.read(folder / path.name)
        if "course_run" not in notebook.metadata:
            raise ValueError(
                f"{folder / path.name} was not executed by the course: "
                f"run `course run {number} --output {quoted(folder)}`."
            )
        return notebook
    execution = notebooks.execute(path, started=started)
    if execution.error:
        raise ValueError(f"Notebook {number} failed, so nothing was built: {execution.error}")
    return execution.notebook


def write_pages(pages: dict[str, NotebookNode], source: Path) -> None:
    """Write all that Sphinx reads: the notebooks, the start page,
    and the pages that are made from tables and documents."""
    names = {number: notebooks.find(number).stem for number in pages}
    absent = {notebooks.find(number).name for number in notebooks.numbers()} - {
        f"{name}.ipynb" for name in names.values()
    }
    for number, notebook in pages.items():
        without_links(notebook, absent)
        nbformat.write(page_of(notebook), source / f"{names[number]}.ipynb")
    nbformat.write(start_page(pages, names, entries(), MORE), source / "index.ipynb")
    (source / "index.md").unlink()
    made = {"claims": claims_page(names), "demos": demos_page(), "glossary": glossary.page(names)}
    for name in ("accessibility", "browsers"):
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        made[name] = text.replace("](../", f"]({elsewhere.repository()}/blob/main/")
    for name, text in {**made, "references": references.PAGE}.items():
        (source / f"{name}.md").write_text(text, encoding="utf-8")
    shutil.copy(references.BIBLIOGRAPHY, source)
    shutil.copy(NOTEBOOKS / "LECTURE.md", source / "lecture.md")
    lines = (NOTEBOOKS / "README.md").read_text(encoding="utf-8").splitlines()
    absent = set(notebooks.numbers()) - set(pages)
    kept = [line for line in lines if not any(f"[{number}](" in line for number in absent)]
    (source / "slides-of-the-lecture.md").write_text("\n".join(kept), encoding="utf-8")


def without_links(notebook: NotebookNode, absent: Collection[str]) -> None:
    """Take the links to notebooks that are not in this book out of the text, which stays; in place."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            link = r"\[([^\]]+)\]\(([^)]+)\)"
            cell.source = re.sub(link, lambda found: found[1] if found[2] in absent else found[0], cell.source)


def sphinx(source: Path, made: Path, repository: str | None) -> list[str]:
    """Run Sphinx; → its warnings, and what is too heavy.
    Raises ValueError, with its last line of output, if it fails."""
    built = source.parent / "html"  # with what Sphinx leaves beside it, which is no part of the site
    environment = {**os.environ, "COURSE_REPOSITORY": repository or ""}
    command = [sys.executable, "-m", "sphinx", "-q", "-j", "auto", "-b", "html"]
    command += ["-d", str(source.parent / "doctrees"), str(source), str(built)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise ValueError(f"Sphinx could not build the site: {done.stderr.strip().splitlines()[-1]}")
    for path in built.rglob("*.map"):  # for who develops the theme
        path.unlink()
    lighten(built)
    shutil.move(built, made)
    return [*(line for line in done.stderr.splitlines() if "WARNING" in line or "ERROR" in line), *too_heavy(made)]


def github_repository() -> str | None:
    """OWNER/NAME of the remote called origin if it is on GitHub, else None."""
    with contextlib.suppress(OSError):
        done = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
        )
        if found := re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?$", done.stdout.strip()):
            return found[1]
    return None
