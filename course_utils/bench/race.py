"""Two or more ways to do the same work, timed in turns, so that a slow moment of the machine meets all of them."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from course_utils.analysis.throughput import time_runs
from course_utils.costs import peak_memory


@dataclass(frozen=True)
class Race:
    """Runs that do the same work, the course's own first, by name."""

    group: str  # of the benchmark, such as "models"
    case: str  # what is done, such as "ViT-Ti/16 at 224, training step of 8 pictures"
    runs: Mapping[str, Callable[[], object]]
    device: str = "cpu"
    pictures: int = 0  # that one run makes or reads, where pictures a second are of interest
    memory: bool = False  # whether to measure the tensors alive at the peak of a run too


@dataclass(frozen=True)
class Result:
    """One run of a race. A ratio above 1 says that the course's own is so many times as fast as this one."""

    group: str
    case: str
    name: str
    seconds: float  # median
    seconds_low: float  # first quartile
    seconds_high: float  # third quartile
    ratio: float | None  # median over the rounds of this one's seconds by our own's of the same round
    ratio_low: float | None
    ratio_high: float | None
    rounds: int
    pictures_per_second: float | None
    peak_bytes: int | None


def run_races(races: Iterable[Race], rounds: int = 9) -> Iterator[Result]:
    """Time each race in that many rounds, after one that is not counted. Raises ValueError for fewer than two."""
    if rounds < 2:
        raise ValueError(f"rounds is {rounds}, but must be at least 2: one figure has no spread.")
    for race in races:
        seconds = time_runs(race.runs, race.device, rounds)
        ours = next(iter(seconds))
        for name, values in seconds.items():
            low, middle, high = quartiles(values)
            ratios: tuple[float | None, ...] = (None, None, None)
            if name != ours:
                ratios = quartiles([theirs / own for theirs, own in zip(values, seconds[ours], strict=True)])
            yield Result(
                group=race.group,
                case=race.case,
                name=name,
                seconds=middle,
                seconds_low=low,
                seconds_high=high,
                ratio=ratios[1],
                ratio_low=ratios[0],
                ratio_high=ratios[2],
                rounds=rounds,
                pictures_per_second=race.pictures / middle if race.pictures else None,
                peak_bytes=peak_memory(race.runs[name]) if race.memory else None,
            )


def quartiles(values: Sequence[float]) -> tuple[float, ...]:
    """First quartile, median and third quartile."""
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))
