"""``course bench``: how fast the course is, as ratios to the libraries measured side by side in one run."""

from course_utils.bench.race import Race, Result, run_races

__all__ = ["Race", "Result", "run_races"]
