"""Is this machine ready for the course? One row per question, each with its remedy, a verdict, and a block to paste."""

from course_utils.lab.doctor.finding import Finding
from course_utils.lab.doctor.findings import examine, pasted, verdict

__all__ = ["Finding", "examine", "pasted", "verdict"]
