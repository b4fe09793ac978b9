"""From an executed notebook to a page: run time, alternative texts, tables and links that hold on the site."""

import re

from nbformat import NotebookNode


def page_of(notebook: NotebookNode) -> NotebookNode:
    """The notebook with its run time under the title and an alternative text for every figure; changed in place."""
    run = notebook.metadata["course_run"]
    notebook.cells[0].source += (
        f"\n\n*This page was run from top to bottom on {run['date']} in {run['seconds']:.0f} s, with "
        f"{run['peak_bytes'] / 2**30:.1f} GiB of memory at the peak ({run['machine']}).*"
    )
    return describe_figures(notebook)


def describe_figures(notebook: NotebookNode) -> NotebookNode:
    """Give every figure an alternative text, where MyST-NB and nbconvert look for it; changed in place."""
    section = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            section = next(reversed(re.findall(r"^#+ +(.+)$", cell.source, re.MULTILINE)), section)
            continue
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                text = figure_text(cell, section)
                cell.metadata["mystnb"] = {"image": {"alt": text}}
                output.metadata["image/png"] = {"alt": text}
    return notebook


def figure_text(cell: NotebookNode, section: str) -> str:
    """What a figure shows, in the words that its own cell gives to titles and axes."""
    words = re.findall(r"(?:title|xlabel|ylabel|label|suptitle)=f?\"([^\"{}]+)\"", cell.source)
    words += re.findall(r"\.(?:set_)?(?:title|xlabel|ylabel)\(f?\"([^\"{}]+)\"", cell.source)
    shown = f": {', '.join(dict.fromkeys(word.replace(chr(92) + 'n', ' ') for word in words))}" if words else ""
    plain = re.sub(r"[*_`$\[\]]", "", section)
    return f"Figure in the section {plain}{shown}. The text around it says what it shows."
