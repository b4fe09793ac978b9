"""The experiments behind the notebooks' tables, one module each. Notebooks 01 to 10."""

from course_utils.experiments.claims_class import class_point, class_seed
from course_utils.experiments.claims_shown import show_claims
from course_utils.experiments.intervals import interval, paired, percents
from course_utils.experiments.runs import NAMED, run_named, run_names
from course_utils.experiments.sweep import SWEEPS, read_results, run_sweep

__all__ = [
    "NAMED",
    "SWEEPS",
    "class_point",
    "class_seed",
    "interval",
    "paired",
    "percents",
    "read_results",
    "run_named",
    "run_names",
    "run_sweep",
    "show_claims",
]
