"""``course bench``: the speed of the course, relative to other libraries measured in the same run."""

from course_utils.bench.race import Race, Result, run_races

__all__ = ["Race", "Result", "run_races"]
