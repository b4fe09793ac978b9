"""The browser's half of a widget: its own JavaScript and CSS behind what all of them share. All notebooks."""

from pathlib import Path

FOLDER = Path(__file__).parent


def script(name: str) -> str:
    """``shared.js`` and ``name.js`` as one module."""
    return joined("shared.js", f"{name}.js")


def style(name: str) -> str:
    """``shared.css`` and ``name.css``."""
    return joined("shared.css", f"{name}.css")


def joined(*files: str) -> str:
    """The texts of files of this folder, one after the other."""
    return "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in files)
