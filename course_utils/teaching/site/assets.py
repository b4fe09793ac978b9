"""Scripts and fonts for the pages: installed by ``make teach`` and copied next to the pages, which fetch nothing."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils import extras
from course_utils.front_end import plain_script
from course_utils.lab.npm import WEB
from course_utils.paths import PACKAGE
from course_utils.teaching.demo.pages import HALL

ANYWIDGET = Path(sys.prefix) / "share" / "jupyter" / "nbextensions" / "anywidget" / "index.js"
SCRIPTS = ("requirejs/require.js", "@jupyter-widgets/html-manager/dist/embed-amd.js", "mathjax/es5/tex-svg-full.js")
MANAGER = "@jupyter-widgets/html-manager/dist"
PATHS = Path(__file__).parent / "source" / "_static" / "anywidget-path.js"
ABORT_SIGNAL = PACKAGE / "lab/jupyter/labextensions/attention-for-vision/static/abort-signal.js"
REVEAL = WEB / "reveal.js" / "dist"


def check_installed(modules: Sequence[str], scripts: Sequence[str] = SCRIPTS) -> None:
    """Raise ModuleNotFoundError or FileNotFoundError, in one sentence, if a part is missing."""
    extras.needs(*modules)
    for script in scripts:
        if not (WEB / script).exists():
            raise FileNotFoundError(f"This needs {script}, and {WEB / script} is not there: run `make teach` first.")


def copy_scripts(static: Path) -> None:
    """Copy the scripts for widgets and formulas into the folder static."""
    static.mkdir(parents=True, exist_ok=True)
    for script in SCRIPTS:
        shutil.copy(WEB / script, static)
    shutil.copy(ANYWIDGET, static / "anywidget.js")
    shutil.copy(PATHS, static)
    shutil.copy(ABORT_SIGNAL, static)
    (static / "light.js").write_text(f"{plain_script('light', HALL)};\n", encoding="utf-8")


def copy_fonts(pages: Path) -> None:
    """Copy the fonts of the widget manager to the two places where its parts look for them."""
    (pages / MANAGER).mkdir(parents=True, exist_ok=True)
    for font in (WEB / MANAGER).glob("*.woff2"):
        shutil.copy(font, pages / MANAGER)
        shutil.copy(font, pages / "@jupyter-widgets")


def copy_reveal(static: Path) -> None:
    """Copy reveal.js, its style and the view for the speaker into static/reveal."""
    (static / "reveal").mkdir(parents=True, exist_ok=True)
    for source in (REVEAL / "reveal.js", REVEAL / "reveal.css", REVEAL.parent / "plugin" / "notes" / "notes.js"):
        shutil.copy(source, static / "reveal")
