"""The two cells under a notebook's title that let it run on Colab and Kaggle: links to both, and the installation.

Both are made from the repository's address in ``pyproject.toml``; ``make format`` writes them.
"""

import tomllib
from urllib.parse import urlsplit

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils.lab import notebooks
from course_utils.paths import ROOT

LINKS, INSTALL = "open-elsewhere", "install"  # the ids of the cells
HIDDEN = {"tags": ["remove-cell"], "jupyter": {"source_hidden": True}}  # on the pages of the site, and in JupyterLab


def repository() -> str:
    """Address of the course's repository, such as ``https://github.com/OWNER/attention-for-vision``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["urls"]["Repository"]).rstrip("/")


def cells(file: str) -> list[NotebookNode]:
    """The two cells of the notebook with that file name."""
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
    return [
        new_markdown_cell(links, id=LINKS, metadata={"tags": HIDDEN["tags"]}),
        new_code_cell(install, id=INSTALL, metadata=HIDDEN),
    ]


def place(notebook: NotebookNode, file: str) -> NotebookNode:
    """Put the two cells under the title, in place of what was made before; → the notebook."""
    title, *others = (cell for cell in notebook.cells if cell.id not in (LINKS, INSTALL))
    notebook.cells = [title, *cells(file), *others]
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
