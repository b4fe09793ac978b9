"""What ``course doctor`` says about one subject."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was checked, what was found and, if there is a problem, what to do.

    needed: the course cannot run without it. optional: nothing is wrong, but the remedy would allow more.
    """

    subject: str
    seen: str
    remedy: str = ""
    needed: bool = False
    optional: bool = False
