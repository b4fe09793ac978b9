"""Counts of captions other than the better ones in a row."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.rank_places import Answer, of_right, ranks, slip


def _only(seen: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """The rank among the captions whose indices have a given relation to the right one."""

    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        numbers = torch.arange(logits.shape[1])[None]
        return ((logits > of_right(logits, right)) & seen(numbers, right[:, None])).sum(dim=1) + 1

    return wrong


def _searched(descending: bool | None, first: int, right_side: bool = False) -> Answer:
    """Binary search in a row that is not ascending: in descending order, or (None) unsorted."""

    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        row = logits if descending is None else logits.sort(dim=1, descending=descending).values
        return torch.searchsorted(row.contiguous(), of_right(logits, right), right=right_side)[:, 0] + first

    return wrong


COUNTS = (
    Misconception(
        "among-all-logits",
        "Each right caption is compared with the logits of all images. Compare it only with those of its own row.",
        lambda logits, right: (logits.flatten() > of_right(logits, right)).sum(dim=1) + 1,
        lambda logits, right: (logits.flatten() > of_right(logits, right)).sum(dim=1),
        lambda logits, right: (logits.flatten() > logits[0, right][:, None]).sum(dim=1) + 1,
    ),
    Misconception(
        "one-side-only",
        "Only captions on one side of the right one are counted, those with smaller or larger indices. Count all "
        "that have a larger logit.",
        _only(torch.lt),
        _only(torch.gt),
    ),
    Misconception(
        "one-skipped",
        "One caption is never compared, the first or the last. Check where your range begins and ends.",
        _only(lambda numbers, right: numbers > 0),
        _only(lambda numbers, right: numbers < numbers.max()),
    ),
    Misconception(
        "ranks-sorted",
        "These are the right ranks, but sorted. Each must stay at its image's position.",
        lambda logits, right: ranks(logits, right).sort().values,
        lambda logits, right: ranks(logits, right).sort(descending=True).values,
    ),
    Misconception(
        "carried-over",
        "The count continues from each image to the next. Start it at zero for every image.",
        lambda logits, right: (ranks(logits, right) - 1).cumsum(dim=0) + 1,
        lambda logits, right: ranks(logits, right).cumsum(dim=0),
        lambda logits, right: (ranks(logits, right) - 1).cumsum(dim=0),
    ),
    Misconception(
        "first-row-for-all",
        "The logit of each right caption comes from the first image's row. Use the row of its own image.",
        slip(of=lambda logits, right: logits[0, right][:, None]),
        slip(of=lambda logits, right: logits[0, right][:, None], first=0),
    ),
    Misconception(
        "search-in-unsorted",
        "`searchsorted` gets rows that are not ascending, so its result is meaningless. Sort them in ascending "
        "order; then think about which end is the best.",
        _searched(True, 1),
        *tuple(
            _searched(descending, first, right_side)
            for descending in (True, None)
            for first in (0, 1)
            for right_side in (False, True)
        ),
    ),
    Misconception(
        "numbered-from-the-last",
        "This is the rank of another caption, the one that `right` means if captions are numbered from the last one. "
        "(If you sort twice: only the first sorting may descend.)",
        lambda logits, right: ranks(logits, logits.shape[1] - 1 - right),
        lambda logits, right: ranks(logits, logits.shape[1] - 1 - right) - 1,
    ),
    Misconception(
        "compared-with-numbers",
        "The logits are compared with the indices in `right`. Look up the logit of the right caption.",
        slip(of=lambda logits, right: right[:, None]),
        slip(of=lambda logits, right: right[:, None], first=0),
    ),
    Misconception(
        "zero-for-negative",
        "If the right caption's logit is negative, 0 is used instead: the maximum of one number and many zeros. Sum "
        "them instead, or select the number.",
        slip(of=lambda logits, right: (logits * F.one_hot(right, logits.shape[1])).amax(dim=1, keepdim=True)),
    ),
    Misconception(
        "counted-twice",
        "Better captions are counted twice. Count each once and add 1.",
        lambda logits, right: 2 * ranks(logits, right) - 1,
        lambda logits, right: 2 * ranks(logits, right),
        lambda logits, right: 2 * (ranks(logits, right) - 1),
    ),
)
