"""Turn an executed notebook into a page, with its run time and an alternative text for every figure."""

from nbformat import NotebookNode

NO_WORDS = "A figure without a description."  # for a cell that is not part of the course


def page_of(notebook: NotebookNode) -> NotebookNode:
    """Add the run time under the title and an alternative text for every figure, in place; → the notebook."""
    run = notebook.metadata["course_run"]
    notebook.cells[0].source += (
        f"\n\n*This page was run from top to bottom on {run['date']} in {run['seconds']:.0f} s, with "
        f"{run['peak_bytes'] / 2**30:.1f} GiB of memory at the peak ({run['machine']}).*"
    )
    return describe_figures(notebook)


def describe_figures(notebook: NotebookNode) -> NotebookNode:
    """Copy each cell's ``course.alt`` to its figures, where MyST-NB and nbconvert read it; in place."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                text = cell.metadata.get("course", {}).get("alt", NO_WORDS)
                cell.metadata["mystnb"] = {"image": {"alt": text}}
                output.metadata["image/png"] = {"alt": text}
    return notebook
