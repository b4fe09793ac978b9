"""A fault that was injected on purpose, and what the course made of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Injected:
    """What was damaged, how, the outcome in a few words, and what is wrong with that; empty if nothing is."""

    where: str
    what: str
    outcome: str
    wrong: str = ""
