"""One thing that the course does, as often as it was measured."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Seconds of every time it was done, the name of its limit in budgets.toml if it has one, bytes at the peak."""

    name: str
    times: tuple[float, ...]
    budget: str | None = None
    peak_bytes: int | None = None
    error: str | None = None

    @property
    def seconds(self) -> float:
        return statistics.median(self.times)
