"""Which kernel Jupyter would start, whether JupyterLab can show widgets,
and whether npm's packages for teachers are there."""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from course_utils.lab.doctor.finding import Finding
from course_utils.lab.doctor.installation import installation
from course_utils.lab.npm import WEB
from course_utils.lab.server import lab_environment

FRONT_ENDS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")  # JupyterLab's parts of ipywidgets and anywidget
PLAIN_NAMES = {
    "python",
    "python3",
    f"python{sys.version_info[0]}.{sys.version_info[1]}",
}  # Jupyter puts its own Python in their place


def kernel() -> Iterator[Finding]:
    """The kernel that Jupyter starts for our notebooks must use the Python in which the course is installed."""
    if not _has("jupyter_client"):
        return
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    if not _has("ipykernel"):
        yield Finding("Kernel", f"no ipykernel in {sys.prefix}", installation().adding("lab"), needed=True)
        return
    try:
        with patch.dict(os.environ, lab_environment()):
            found = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        yield Finding("Kernel", f"none in {sys.prefix}", installation().again, needed=True)
        return
    python = (found.argv or ["nothing"])[0]
    if python in PLAIN_NAMES or _in_this_environment(python):
        yield Finding("Kernel", f"{found.display_name}, in {sys.prefix}")
        return
    remedy = f"remove {found.resource_dir}, which hides the course's kernel, or start JupyterLab with `course lab`."
    yield Finding("Kernel", f"{found.display_name} starts {python}, another Python", remedy, needed=True)


def _in_this_environment(python: str) -> bool:
    try:
        return os.path.samefile(Path(python).parent, Path(sys.executable).parent) and os.path.isfile(python)
    except OSError:
        return False


def widgets() -> Iterator[Finding]:
    """JupyterLab shows widgets only with the front ends of ipywidgets and of anywidget, switched on."""
    if not _has("jupyterlab"):
        return
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    with patch.dict(os.environ, lab_environment()):
        folders, settings = jupyter_path("labextensions"), jupyter_config_path()
    packages = {name: [Path(folder, name, "package.json") for folder in folders] for name in FRONT_ENDS}
    versions = {name: next(filter(None, map(_json, paths)), {}).get("version") for name, paths in packages.items()}
    if missing := [name for name, version in versions.items() if version is None]:
        yield Finding("Widgets", f"JupyterLab lacks {' and '.join(missing)}", installation().again, needed=True)
        return
    pages = [Path(folder, "labconfig", "page_config.json") for folder in settings]
    off = [
        (name, page) for page in pages for name in FRONT_ENDS if _json(page).get("disabledExtensions", {}).get(name)
    ]
    seen = ", ".join(f"{name} {version}" for name, version in versions.items())
    if off:
        name, page = off[0]
        yield Finding("Widgets", f"{name} is switched off in {page}", f"run `jupyter labextension enable {name}`.")
    else:
        yield Finding("Widgets", seen)


def scripts() -> Iterator[Finding]:
    """npm and its packages: only if the packages for teachers are there, because the site and the hub need both."""
    if not _has("nbgrader"):
        return
    if (WEB / "reveal.js").is_dir():
        yield Finding("Scripts for teaching", f"in {WEB}")
    elif shutil.which("npm") is None:
        yield Finding("Scripts for teaching", "no npm", "install Node.js with npm, then run `make teach`.")
    else:
        yield Finding("Scripts for teaching", f"not in {WEB}", "run `make teach`.")


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _json(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file; an empty one if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
