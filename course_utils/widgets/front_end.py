"""The browser's half of a widget: its own JavaScript behind what all of them share."""

from pathlib import Path

FOLDER = Path(__file__).parent


def script(name: str) -> str:
    """``shared.js`` and ``name.js`` as one module."""
    return (FOLDER / "shared.js").read_text(encoding="utf-8") + (FOLDER / f"{name}.js").read_text(encoding="utf-8")


STYLE = (FOLDER / "shared.css").read_text(encoding="utf-8")
