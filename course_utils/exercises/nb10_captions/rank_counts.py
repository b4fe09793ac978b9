"""Counts of other captions than the better ones of a row."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.rank_places import Answer, of_right, ranks, slip


def _only(seen: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """The rank among the captions whose numbers stand in a certain relation to the right one's."""

    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        numbers = torch.arange(logits.shape[1])[None]
        return ((logits > of_right(logits, right)) & seen(numbers, right[:, None])).sum(dim=1) + 1

    return wrong


def _searched(descending: bool | None, first: int, right_side: bool = False) -> Answer:
    """Binary search in a row that does not ascend: in descending order, or (None) as it comes."""

    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        row = logits if descending is None else logits.sort(dim=1, descending=descending).values
        return torch.searchsorted(row.contiguous(), of_right(logits, right), right=right_side)[:, 0] + first

    return wrong


COUNTS = (
    Misconception(
        "among-all-logits",
        "Each right caption is compared with the logits of all pictures. Compare it with those of its own row only.",
        lambda logits, right: (logits.flatten() > of_right(logits, right)).sum(dim=1) + 1,
        lambda logits, right: (logits.flatten() > of_right(logits, right)).sum(dim=1),
        lambda logits, right: (logits.flatten() > logits[0, right][:, None]).sum(dim=1) + 1,
    ),
    Misconception(
        "one-side-only",
        "Only captions on one side of the right one are counted, those with smaller numbers or those with larger ones. "
        "Count all that have a larger logit.",
        _only(torch.lt),
        _only(torch.gt),
    ),
    Misconception(
        "one-skipped",
        "One caption is never compared, the first one or the last. Look at where your range begins and ends.",
        _only(lambda numbers, right: numbers > 0),
        _only(lambda numbers, right: numbers < numbers.max()),
    ),
    Misconception(
        "ranks-sorted",
        "These are the right ranks, but sorted by size. Each must stay at its picture's place.",
        lambda logits, right: ranks(logits, right).sort().values,
        lambda logits, right: ranks(logits, right).sort(descending=True).values,
    ),
    Misconception(
        "carried-over",
        "The count is carried over from each picture to the next. Every picture's count should begin anew.",
        lambda logits, right: (ranks(logits, right) - 1).cumsum(dim=0) + 1,
        lambda logits, right: ranks(logits, right).cumsum(dim=0),
        lambda logits, right: (ranks(logits, right) - 1).cumsum(dim=0),
    ),
    Misconception(
        "first-row-for-all",
        "The logit of each right caption is taken from the first picture's row. Take it from the row of its own picture.",
        slip(of=lambda logits, right: logits[0, right][:, None]),
        slip(of=lambda logits, right: logits[0, right][:, None], first=0),
    ),
    Misconception(
        "search-in-unsorted",
        "`searchsorted` is given rows that do not ascend, and then what it finds means nothing. Sort so that they "
        "ascend; then think about which end is the best.",
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
        "This is the rank of another caption, the one that `right` names when captions are numbered from the last one. "
        "(If you sort twice: only the first sorting may descend.)",
        lambda logits, right: ranks(logits, logits.shape[1] - 1 - right),
        lambda logits, right: ranks(logits, logits.shape[1] - 1 - right) - 1,
    ),
    Misconception(
        "compared-with-numbers",
        "The logits are compared with the numbers in `right`. These say which caption is right: look up its logit.",
        slip(of=lambda logits, right: right[:, None]),
        slip(of=lambda logits, right: right[:, None], first=0),
    ),
    Misconception(
        "zero-for-negative",
        "Where the right caption's logit is negative, 0 is taken in its place: the largest of one number and many zeros. "
        "Add them up instead, or pick the number.",
        slip(of=lambda logits, right: (logits * F.one_hot(right, logits.shape[1])).amax(dim=1, keepdim=True)),
    ),
    Misconception(
        "counted-twice",
        "Better captions are counted twice. Count each once, and add 1.",
        lambda logits, right: 2 * ranks(logits, right) - 1,
        lambda logits, right: 2 * ranks(logits, right),
        lambda logits, right: 2 * (ranks(logits, right) - 1),
    ),
)
