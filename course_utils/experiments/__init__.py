"""The experiments behind the notebooks' tables, one module each. Notebooks 01 to 03 and 05 to 10."""

from course_utils.experiments.runs import NAMED, run_named, run_names
from course_utils.experiments.sweep import SWEEPS, interval, read_results, run_sweep

__all__ = ["NAMED", "SWEEPS", "interval", "read_results", "run_named", "run_names", "run_sweep"]
