"""The cells of a notebook that name the repository: links to Colab and Kaggle and the installation there, under the
title, and at the end the link with which a reader reports a mistake.

All are made from the address and the version in ``pyproject.toml``; ``make format`` writes them.
"""

import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from course_utils.lab import notebooks
from course_utils.paths import NAME, ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

LINKS, INSTALL, REPORT = "open-elsewhere", "install", "report"  # the ids of the cells
HIDDEN = {"tags": ["remove-cell"], "jupyter": {"source_hidden": True}}  # on the pages of the site, and in JupyterLab


def repository() -> str:
    """Address of the course's repository, such as ``https://github.com/OWNER/attention-for-vision``."""
    return str(_project()["urls"]["Repository"]).rstrip("/")


def report_link(where: str, address: str | None = None) -> str:
    """Where a reader reports a mistake: the repository's form, filled in with the place and the course's version.

    where: the notebook or the page. address: of the repository, if it is not the one in ``pyproject.toml``.
    """
    filled_in = {"template": "mistake.yml", "where": where, "version": _project()["version"]}
    return f"{address or repository()}/issues/new?{urlencode(filled_in)}"


def _project() -> dict[str, Any]:
    """Version and addresses of the project: from the file or, in an installed course, from its package."""
    file = ROOT / "pyproject.toml"
    if file.exists():
        project: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        return project
    about = metadata(NAME)
    urls = dict(each.split(", ", 1) for each in about.get_all("Project-URL") or [])
    return {"version": about["Version"], "urls": urls}


def cells(file: str) -> "list[NotebookNode]":
    """The three cells of the notebook with that file name; the last one stands at its end."""
    from nbformat.v4 import new_code_cell, new_markdown_cell  # only here: every command imports this module

    address = repository()
    page = f"{address}/blob/main/notebooks/{file}"
    colab = f"https://colab.research.google.com/github{urlsplit(page).path}"
    kaggle = f"https://www.kaggle.com/kernels/welcome?src={page}"
    links = f"Without installing anything: [open in Colab]({colab}) or [open in Kaggle]({kaggle})."
    install = (
        "# Installs the course where it is missing: on Colab and Kaggle, once per session.\n"
        "from importlib.util import find_spec\n\n"
        'if not find_spec("course_utils"):\n'
        f'    source = "git+{address}"\n'
        "    !pip freeze | grep == > /tmp/kept.txt  # nothing that is there is replaced\n"
        '    %pip install --quiet -c /tmp/kept.txt "attention-for-vision[onnx] @ {source}"'
    )
    report = (
        f"Found a mistake, or a sentence that is hard to understand? [Report it]({report_link(Path(file).stem)})."
    )
    return [
        new_markdown_cell(links, id=LINKS, metadata={"tags": HIDDEN["tags"]}),
        new_code_cell(install, id=INSTALL, metadata=HIDDEN),
        new_markdown_cell(report, id=REPORT, metadata={"tags": HIDDEN["tags"]}),
    ]


def place(notebook: "NotebookNode", file: str) -> "NotebookNode":
    """Put the cells under the title and at the end, in place of what was made before; → the notebook."""
    title, *others = (cell for cell in notebook.cells if cell.id not in (LINKS, INSTALL, REPORT))
    *first, last = cells(file)
    notebook.cells = [title, *first, *others, last]
    return notebook


def main() -> None:
    """Write the cells into every notebook in which they are missing or out of date."""
    for number in notebooks.numbers():
        path = notebooks.find(number)
        notebook = notebooks.read(path)
        before = list(notebook.cells)
        if place(notebook, path.name).cells != before:
            notebooks.write(notebook, path)


if __name__ == "__main__":
    main()
