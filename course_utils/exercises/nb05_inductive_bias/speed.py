"""Achieved FLOP/s, from FLOPs and times."""

import torch
from torch import Generator, Tensor

from course_utils.analysis.throughput import achieved_flops
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    sizes = [(3, 5), (1, 7), (4, 3), (5, 5), (2, 15)]
    return [
        (torch.randint(1, 10, (operations,), generator=g), 0.5 + 4 * torch.rand(operations, runs, generator=g) ** 3)
        for operations, runs in sizes
    ]


def _wild(g: Generator) -> list[Wild]:
    seconds = 0.5 + 4 * torch.rand(3, 5, generator=g) ** 3
    return [
        Wild(
            "more-than-32-bits",
            (torch.tensor([6_900_000_000, 2_147_483_648, 7]), seconds),
            "an operation takes 2³¹ FLOPs or more, as the notebook's large matrix products do",
            "The FLOPs are int64: do not convert them to a smaller type.",
        ),
        Wild(
            "less-than-a-millisecond",
            (torch.tensor([5, 9, 2]), 1e-5 * 100 ** torch.rand(3, 5, generator=g)),
            "the runs take less than a millisecond, as the notebook's smallest layers do",
            "Do not round the times.",
        ),
        Wild(
            "transposed-memory",
            (torch.tensor([5, 9, 2]), seconds.mT.contiguous().mT),
            "the times are stored column by column, as after a transpose",
            "`view` depends on the memory order; `reshape` does not.",
        ),
        Wild(
            "one-run",
            (torch.tensor([5, 9, 2]), seconds[:, :1]),
            "there is a single run of each operation",
            "Then use that run.",
        ),
        Wild(
            "one-operation",
            (torch.tensor([5]), seconds[:1]),
            "there is a single operation",
            "The result is of shape (1,).",
        ),
    ]


def _middle(seconds: Tensor) -> Tensor:
    return seconds.median(dim=1).values


def _speeds(flops: Tensor, seconds: Tensor) -> Tensor:
    return flops[:, None] / seconds


ACHIEVED_FLOPS = Exercise(
    name="05.achieved_flops",
    title="What the machine achieves",
    points=2,
    reference=achieved_flops,
    cases=_cases,
    wild=_wild,
    hints=(
        "Divide FLOPs by time. Each operation has a row of times; which of them counts?",
        "One run was interrupted and took far too long. It distorts the mean, and the fastest run is too optimistic; "
        "the middle of the sorted times avoids both. What is it called?",
        "`flops / seconds.median(dim=1).…`: this median returns values and indices; which of them are times?",
    ),
    misconceptions=(
        Misconception(
            "mean-of-times",
            "You divide by the mean of the times, which one interrupted run increases. Use the run that has as many "
            "faster ones as slower ones.",
            lambda flops, seconds: flops / seconds.mean(1),
        ),
        Misconception(
            "mean-of-speeds",
            "You take the mean of the speeds, which the fastest runs increase. Use the run that has as many faster "
            "ones as slower ones.",
            lambda flops, seconds: _speeds(flops, seconds).mean(1),
        ),
        Misconception(
            "fastest-run",
            "You take the fastest run, which is too optimistic. Use the run that has as many faster ones as slower "
            "ones.",
            lambda flops, seconds: flops / seconds.amin(1),
        ),
        Misconception(
            "slowest-run",
            "You take the slowest run, which may be an interrupted one. Use the run that has as many faster ones as "
            "slower ones.",
            lambda flops, seconds: flops / seconds.amax(1),
        ),
        Misconception(
            "unsorted",
            "You choose a run by its index, whatever its time. Sort the times first: use the run that has as many "
            "faster ones as slower ones.",
            lambda flops, seconds: flops / seconds[:, 0],
            lambda flops, seconds: flops / seconds[:, -1],
            lambda flops, seconds: flops / seconds[:, seconds.shape[1] // 2],
        ),
        Misconception(
            "beside-the-middle",
            "You do not take the middle of the sorted times. Of n sorted runs, counted from 0, it is run n // 2.",
            lambda flops, seconds: flops / seconds.sort(1).values[:, seconds.shape[1] // 2 - 1],
            lambda flops, seconds: flops / seconds.sort(1).values[:, (seconds.shape[1] // 2 + 1) % seconds.shape[1]],
            lambda flops, seconds: flops / seconds.sort(1, descending=True).values[:, seconds.shape[1] // 2 - 1],
            lambda flops, seconds: flops / seconds.sort(1).values[:, min(1, seconds.shape[1] - 1)],
            lambda flops, seconds: flops / seconds.sort(1).values[:, len(seconds) // 2],
            lambda flops, seconds: flops / seconds.quantile(0.25, dim=1),
            lambda flops, seconds: flops / seconds.quantile(0.75, dim=1),
        ),
        Misconception(
            "fifteen-written-in",
            "The middle of fifteen runs is hard-coded. Read the number of runs from the shape of seconds.",
            lambda flops, seconds: flops / seconds.sort(1).values[:, 7],
            lambda flops, seconds: flops / seconds.kthvalue(8, 1).values,
        ),
        Misconception(
            "a-run-left-out",
            "The first or the last run is left out. All of them count: the warm-up runs are not among them.",
            lambda flops, seconds: flops / seconds[:, 1:].median(1).values,
            lambda flops, seconds: flops / seconds[:, :-1].median(1).values,
            lambda flops, seconds: flops / seconds[:, 1:].mean(1),
        ),
        Misconception(
            "trimmed-mean",
            "Extreme runs are dropped and the rest are averaged. Use a single run, the one with as many faster ones "
            "as slower ones.",
            lambda flops, seconds: flops / seconds.sort(1).values[:, 1:-1].mean(1),
            lambda flops, seconds: flops / seconds.sort(1).values[:, :-1].mean(1),
            lambda flops, seconds: flops / seconds.sort(1).values[:, 1:].mean(1),
        ),
        Misconception(
            "another-mean",
            "This is another kind of mean, and a single interrupted run still changes it. Use the run that has as "
            "many faster ones as slower ones.",
            lambda flops, seconds: flops / seconds.log().mean(1).exp(),
            lambda flops, seconds: flops / ((seconds.amin(1) + seconds.amax(1)) / 2),
            lambda flops, seconds: flops / seconds.square().mean(1).sqrt(),
        ),
        Misconception(
            "times-added",
            "All the times are added, but flops is for one run. Divide by the time of one run.",
            lambda flops, seconds: flops / seconds.sum(1),
        ),
        Misconception(
            "work-of-all-runs",
            "flops is multiplied by the number of runs and divided by the time of one. It is already for one run.",
            lambda flops, seconds: flops * seconds.shape[1] / _middle(seconds),
        ),
        Misconception(
            "turned-over",
            "These are seconds per FLOP: invert the fraction.",
            lambda flops, seconds: _middle(seconds) / flops,
            lambda flops, seconds: seconds.mean(1) / flops,
        ),
        Misconception(
            "multiplied",
            "FLOPs and seconds are multiplied. FLOP/s are FLOPs divided by seconds.",
            lambda flops, seconds: flops * _middle(seconds),
        ),
        Misconception(
            "doubled",
            "The result is twice what it should be. The FLOPs already count a multiply-add as two.",
            lambda flops, seconds: 2 * flops / _middle(seconds),
        ),
        Misconception(
            "halved",
            "The result is half of what it should be, as if multiply-adds were counted. FLOPs count a multiplication "
            "and an addition each.",
            lambda flops, seconds: flops / 2 / _middle(seconds),
        ),
        Misconception(
            "one-median",
            "One time is used for all operations. Divide each operation by its own time.",
            lambda flops, seconds: flops / seconds.median(),
            lambda flops, seconds: flops / seconds.mean(),
            lambda flops, seconds: flops / _middle(seconds).median(),
            lambda flops, seconds: flops / _middle(seconds).mean(),
            lambda flops, seconds: flops / seconds.min(),
            lambda flops, seconds: flops / seconds.max(),
        ),
        Misconception(
            "one-work",
            "One operation's FLOPs, or one sum or mean, is used for all operations. Each has its own.",
            lambda flops, seconds: flops.sum() / _middle(seconds),
            lambda flops, seconds: flops.double().mean() / _middle(seconds),
            lambda flops, seconds: flops.median() / _middle(seconds),
            lambda flops, seconds: flops[0] / _middle(seconds),
        ),
        Misconception(
            "operations-together",
            "All operations are combined, so only one number remains. Return one speed per operation.",
            lambda flops, seconds: flops.sum() / _middle(seconds).sum(),
            lambda flops, seconds: (flops / _middle(seconds)).mean(),
            lambda flops, seconds: (flops / _middle(seconds)).sum(),
            lambda flops, seconds: flops.sum() / seconds.sum(),
            lambda flops, seconds: (flops / _middle(seconds)).median(),
            lambda flops, seconds: (flops / _middle(seconds)).max(),
        ),
        Misconception(
            "wrong-axis",
            "The median runs over the operations, axis 0. The runs of one operation are on axis 1.",
            lambda flops, seconds: flops / seconds.median(0).values,
            lambda flops, seconds: (flops[:, None] / seconds.median(0).values).median(1).values,
            lambda flops, seconds: flops[:, None] / seconds.median(0).values,
            lambda flops, seconds: flops / seconds.median(0, keepdim=True).values,
        ),
        Misconception(
            "sorted-over-operations",
            "The times are sorted over the operations, axis 0. The runs of one operation are on axis 1.",
            lambda flops, seconds: flops / seconds.sort(0).values[:, seconds.shape[1] // 2],
        ),
        Misconception(
            "index-for-time",
            "The FLOPs are divided by the index of a run, not by its time. median returns values first, then "
            "indices.",
            lambda flops, seconds: flops / seconds.median(1).indices,
            lambda flops, seconds: flops / (seconds.median(1).indices + 1),
        ),
        Misconception(
            "giga",
            "These are not FLOP/s but a larger unit, such as GFLOP/s. The notebook divides when it prints.",
            lambda flops, seconds: flops / _middle(seconds) / 1e9,
            *tuple(
                lambda flops, seconds, unit=unit: flops / _middle(seconds) / unit
                for unit in (2**30, 1e12, 1e6, 1e3, 2**40, 2**20)
            ),
        ),
        Misconception(
            "rounded",
            "The speeds are rounded to integers. Divide with `/`, and do not round.",
            lambda flops, seconds: flops // _middle(seconds),
            lambda flops, seconds: (flops / _middle(seconds)).round(),
            lambda flops, seconds: (flops / _middle(seconds)).long(),
            lambda flops, seconds: (flops / _middle(seconds)).int(),
        ),
        Misconception(
            "shares",
            "The speeds are divided by one of them, or by their sum. The notebook divides by the peak itself: return "
            "FLOP/s.",
            lambda flops, seconds: flops / _middle(seconds) / (flops / _middle(seconds)).max(),
            lambda flops, seconds: flops / _middle(seconds) / (flops / _middle(seconds)).sum(),
            lambda flops, seconds: flops / _middle(seconds) / (flops / _middle(seconds))[0],
        ),
        Misconception(
            "only-times",
            "flops is not used. Divide it by the times.",
            lambda flops, seconds: _middle(seconds),
            lambda flops, seconds: 1 / _middle(seconds),
        ),
        Misconception("every-run", "There is one speed per run. Return one per operation.", _speeds),
        Misconception(
            "all-against-all",
            "The FLOPs of every operation are divided by the time of every operation, because one is a column and "
            "the other a row. Both need a single axis, (operations,).",
            lambda flops, seconds: flops / seconds.median(1, keepdim=True).values,
            lambda flops, seconds: flops[:, None] / _middle(seconds),
        ),
    ),
)
