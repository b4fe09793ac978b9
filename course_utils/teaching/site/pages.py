"""From an executed notebook to a page: its run time, and an alternative text for every figure."""

from nbformat import NotebookNode

NO_WORDS = "A figure without a description."  # of a cell that is not the course's own


def page_of(notebook: NotebookNode) -> NotebookNode:
    """The notebook with its run time under the title and an alternative text for every figure; changed in place."""
    run = notebook.metadata["course_run"]
    notebook.cells[0].source += (
        f"\n\n*This page was run from top to bottom on {run['date']} in {run['seconds']:.0f} s, with "
        f"{run['peak_bytes'] / 2**30:.1f} GiB of memory at the peak ({run['machine']}).*"
    )
    return describe_figures(notebook)


def describe_figures(notebook: NotebookNode) -> NotebookNode:
    """Put each cell's ``course.alt`` with its figures, where MyST-NB and nbconvert look; changed in place."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                text = cell.metadata.get("course", {}).get("alt", NO_WORDS)
                cell.metadata["mystnb"] = {"image": {"alt": text}}
                output.metadata["image/png"] = {"alt": text}
    return notebook
