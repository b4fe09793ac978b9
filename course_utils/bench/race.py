"""Two or more ways to do the same work, timed alternately, so that a slow moment affects all of them."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils.analysis.throughput import time_runs
from course_utils.costs import peak_memory


@dataclass(frozen=True)
class Race:
    """Runs that do the same work, by name; the course's own run is first."""

    group: str  # of the benchmark, such as "models"
    case: str  # the work, such as "ViT-Ti/16 at 224, training step of 8 images"
    runs: Mapping[str, Callable[[], object]]
    device: str = "cpu"
    images: int = 0  # made or read per run, to report images per second
    memory: bool = False  # whether to measure the peak memory too


@dataclass(frozen=True)
class Result:
    """One run of a race. A ratio of 2 means that the course's own run is twice as fast as this one."""

    group: str
    case: str
    name: str
    seconds: float  # median
    seconds_low: float  # first quartile
    seconds_high: float  # third quartile
    ratio: float | None  # median over the rounds of seconds / seconds of our own run in the same round
    ratio_low: float | None
    ratio_high: float | None
    rounds: int
    images_per_second: float | None
    peak_bytes: int | None


def inference(model: nn.Module, images: Tensor) -> Callable[[], object]:
    """A function that runs the model on the images, in evaluation mode."""
    model.eval()
    return torch.inference_mode()(lambda: model(images))


def check_rounds(rounds: int) -> None:
    """Raise ValueError for fewer than two rounds."""
    if rounds < 2:
        raise ValueError(f"rounds is {rounds}, but must be at least 2: a single measurement has no spread.")


def run_races(races: Iterable[Race], rounds: int = 9) -> Iterator[Result]:
    """Time each race in this many rounds, after one warm-up round. Raises ValueError for fewer than two."""
    check_rounds(rounds)
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
                images_per_second=race.images / middle if race.images else None,
                peak_bytes=peak_memory(race.runs[name]) if race.memory else None,
            )


def quartiles(values: Sequence[float]) -> tuple[float, ...]:
    """First quartile, median and third quartile."""
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))
