"""The browser side of widgets and of pages around them: modules joined into one script, and style sheets."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "widgets"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def script(name: str, folder: Path = FOLDER) -> str:
    """``name.js`` after the files of its folder that it imports, as one module: anywidget loads only one file."""
    modules: dict[str, str] = {}

    def add(module: str) -> None:
        text = joined(f"{module}.js", folder=folder)
        for imported in IMPORT.findall(text):
            if imported not in modules:
                add(imported)
        modules[module] = IMPORT.sub("", text)

    add(name)
    return "\n".join(modules.values())


def plain_script(name: str, folder: Path = FOLDER) -> str:
    """The same as an expression of a classic script, whose value is what the module exports as its default.

    Browsers load modules from a server only; a classic script can also be read from a file.
    """
    body = EXPORT.sub("", script(name, folder)).replace("\nexport default ", "\nreturn ")
    return f'(() => {{\n"use strict";\n{body}\n}})()'


def style(name: str) -> str:
    """``shared.css`` and ``name.css``."""
    return joined("shared.css", f"{name}.css")


def joined(*files: str, folder: Path = FOLDER) -> str:
    """The concatenated texts of files in a folder."""
    return "\n".join((folder / file).read_text(encoding="utf-8") for file in files)
