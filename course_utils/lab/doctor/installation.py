"""How the course was installed, and so which commands mend it: make, uv, conda or pip, or the people who run a hub."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from course_utils.paths import CONTENT, NAME, ROOT


@dataclass(frozen=True)
class Installation:
    """how: in words. again: what installs everything again. add: what adds an extra, with {extra}, or make's {goal}."""

    how: str
    again: str
    add: str

    def adding(self, extra: str) -> str:
        """What adds the packages of an extra, such as "teach"."""
        return self.add.format(extra=extra, goal="teach" if extra == "teach" else "lab")


def installation() -> Installation:
    """The installation that runs."""
    environment, clone = Path(sys.prefix), CONTENT == ROOT and (ROOT / "pyproject.toml").exists()
    where = f"a clone in {ROOT}" if clone else "a package"
    if not os.access(environment, os.W_OK):
        whose = "this hub" if "JUPYTERHUB_USER" in os.environ else f"{environment}"
        ask = f"ask the people who look after {whose} to install"
        return Installation(
            f"{where}, shared in {environment}", f"{ask} the course again.", f"{ask} {NAME}[{{extra}}]."
        )
    if (environment / "conda-meta").is_dir():
        again = "run `conda env update --file environment.yml --prune`." if clone else _pip("--force-reinstall", NAME)
        return Installation(f"{where}, in conda's {environment}", again, _pip(f"'{NAME}[{{extra}}]'"))
    if clone and [*environment.glob(".torch-*"), *environment.glob(".installed*")]:  # the Makefile's marks
        return Installation(f"{where}, by make", "run `make clean lab`.", "run `make {goal}`.")
    if clone and environment == ROOT / ".venv":
        return Installation(f"{where}, by uv", "run `uv sync --reinstall`.", "run `uv sync --extra {extra}`.")
    if {"uv", "tools"} <= set(environment.parts):
        tool = f"run `uv tool install --force '{NAME}"
        return Installation(f"{where}, a tool of uv in {environment}", f"{tool}[lab]'`.", f"{tool}[lab,{{extra}}]'`.")
    again = _pip("--force-reinstall", "--editable .") if clone else _pip("--force-reinstall", f"'{NAME}[lab]'")
    return Installation(f"{where}, by pip in {environment}", again, _pip(f"'{NAME}[{{extra}}]'"))


def _pip(*what: str) -> str:
    return f"run `{Path(sys.executable).name} -m pip install {' '.join(what)}`."
