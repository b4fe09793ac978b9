"""Libraries that only some commands and cells need: the extras of ``pyproject.toml``."""

import importlib.util

EXTRAS = {
    "lab": ("ipykernel", "jupyterlab", "nbclient"),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "teach": (
        "bleach",
        "jupyterhub",
        "myst_nb",
        "nbconvert",
        "nbgrader",
        "segno",
        "sphinx",
        "sphinx_book_theme",
        "pybtex",
        "sqlalchemy",
        "tornado",
    ),
}


def needs(*libraries: str) -> None:
    """Raise ModuleNotFoundError for the first of the libraries that is not installed, with what installs it."""
    for library in libraries:
        if importlib.util.find_spec(library) is None:
            extra = next(name for name, known in EXTRAS.items() if library in known)
            command = "make teach" if extra == "teach" else "make lab"
            raise ModuleNotFoundError(
                f"{library} is not installed: run `{command}` first, or without make "
                f"`pip install 'attention-for-vision[{extra}]'`.",
                name=library,
            )
