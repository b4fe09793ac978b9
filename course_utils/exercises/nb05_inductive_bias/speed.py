"""What a machine achieves, from work and times."""

import torch
from torch import Generator

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.throughput import achieved_flops


def _cases(g: Generator) -> list[Arguments]:
    sizes = [(3, 5), (1, 7), (4, 3), (5, 5)]
    return [
        (torch.randint(1, 10, (operations,), generator=g), 0.5 + 4 * torch.rand(operations, runs, generator=g) ** 3)
        for operations, runs in sizes
    ]


ACHIEVED_FLOPS = Exercise(
    name="05.achieved_flops",
    title="What the machine achieves",
    points=2,
    reference=achieved_flops,
    cases=_cases,
    hints=(
        "Work divided by time. Each operation has a row of times; which of them counts?",
        "One run was interrupted and took far too long. The mean believes it, the median does not.",
        "`seconds.median(dim=1)` returns values and indices; take `.values`.",
    ),
    misconceptions=(
        Misconception(
            lambda flops, seconds: flops / seconds.mean(1),
            "The mean of the times: one run that the machine interrupted pulls it up. Take the median.",
        ),
        Misconception(
            lambda flops, seconds: flops / seconds.amin(1),
            "The fastest run flatters the machine. Take the median of the times.",
        ),
        Misconception(
            lambda flops, seconds: flops / seconds.sum(1),
            "All the times are added, but the work was given for one run. Take the median of the times.",
        ),
        Misconception(
            lambda flops, seconds: seconds.median(1).values / flops,
            "Seconds for one FLOP: turn the fraction over.",
        ),
        Misconception(
            lambda flops, seconds: 2 * flops / seconds.median(1).values,
            "Twice too much. The FLOPs already count a multiply-add as two.",
        ),
        Misconception(
            lambda flops, seconds: flops / seconds.median(),
            "One median for all operations together. Each operation is divided by the median of its own row.",
        ),
    ),
)
