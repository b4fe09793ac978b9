"""The browser side of a widget: the shared JavaScript and CSS, then its own. All notebooks."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)


def script(name: str) -> str:
    """``name.js`` after the files of this folder that it imports, as one module: anywidget loads only one file."""
    modules: dict[str, str] = {}

    def add(module: str) -> None:
        text = joined(f"{module}.js")
        for imported in IMPORT.findall(text):
            if imported not in modules:
                add(imported)
        modules[module] = IMPORT.sub("", text)

    add(name)
    return "\n".join(modules.values())


def style(name: str) -> str:
    """``shared.css`` and ``name.css``."""
    return joined("shared.css", f"{name}.css")


def joined(*files: str) -> str:
    """The concatenated texts of files in this folder."""
    return "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in files)
