"""Repeated measurements of one action of the course."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """The seconds of every run, the name of its limit in budgets.toml, if any, and its peak bytes."""

    name: str
    times: tuple[float, ...]
    budget: str | None = None
    peak_bytes: int | None = None
    error: str | None = None

    @property
    def seconds(self) -> float:
        return statistics.median(self.times)
