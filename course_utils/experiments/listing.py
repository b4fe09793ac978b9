"""What ``course train`` can make: each model and table with its data and its measured minutes. Notebooks 01 to 10."""

import importlib
import re
from dataclasses import dataclass

from course_utils.experiments.runs import NAMED
from course_utils.experiments.runs_captions import CAPTION_RUNS, CaptionRun
from course_utils.experiments.sweep import SWEEPS, find_sweep, minutes, read_results


@dataclass(frozen=True)
class Offer:
    """One name for ``course train``. minutes: in words, from the shipped tables;
    empty where nobody has measured them."""

    name: str
    what: str
    data: str
    minutes: str


def offers() -> list[Offer]:
    """Models with a checkpoint, then sweeps, in the order of :func:`~course_utils.experiments.run_names`."""
    measured = _minutes_of_recipes()
    models = [
        Offer(
            name,
            f"{_architecture(run.config)}, {run.recipe.epochs} epochs"
            + f", taught by {run.teacher}" * bool(run.teacher),
            run.dataset,
            measured.get(name, ""),
        )
        for name, run in NAMED.items()
    ]
    captions = [
        Offer(
            name, f"{_architecture(run.config)}, {run.recipe.epochs} epochs{_hardened(run)}", "captioned shapes", ""
        )
        for name, run in CAPTION_RUNS.items()
    ]
    return [*models, *captions, *map(_table, SWEEPS)]


def _architecture(config: object) -> str:
    return type(config).__name__.removesuffix("Config")


def _hardened(run: CaptionRun) -> str:
    return ", on attacked images" * bool(run.hardening.radius) + ", on noisy images" * bool(run.noise)


def _minutes_of_recipes() -> dict[str, str]:
    """Name of a recipe → "39 for 20 epochs", from the table of ``course train sweep-recipes``."""
    try:
        rows = read_results("sweep-recipes")
    except (OSError, ValueError):
        return {}
    return {row["recipe"]: f"{row['minutes']:.0f} for {row['epochs']} epochs" for row in rows}


def _table(name: str) -> Offer:
    about = " ".join((importlib.import_module(SWEEPS[name]).__doc__ or "").split())
    sentence = re.split(r"[.:] (?=Notebook|`)|: notebook|\. |\.$", about)[0]
    try:
        taken = f"{minutes(read_results(name)):.0f}"
    except (OSError, ValueError):  # there is no table, or it is damaged: making it says so
        taken = ""
    return Offer(name, sentence, find_sweep(name).data, taken)
