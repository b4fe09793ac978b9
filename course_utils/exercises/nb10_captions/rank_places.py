"""Numbers other than the rank of the right caption."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception

Answer = Callable[[Tensor, Tensor], Tensor]


def of_right(logits: Tensor, right: Tensor) -> Tensor:
    """The right captions' logits, in a column."""
    return logits.gather(1, right[:, None])


def slip(
    above: Callable[[Tensor, Tensor], Tensor] = torch.gt,
    first: int = 1,
    seen: Callable[[Tensor], Tensor] = lambda logits: logits,
    of: Callable[[Tensor, Tensor], Tensor] = of_right,
) -> Answer:
    """The rank with another comparison, another start, other logits or another caption."""

    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        logits = seen(logits)
        return above(logits, of(logits, right)).sum(dim=1) + first

    return wrong


def ranks(logits: Tensor, right: Tensor) -> Tensor:
    """The right ranks."""
    return slip()(logits, right)


def _order(logits: Tensor) -> Tensor:
    return logits.argsort(dim=1, descending=True)


def _best(logits: Tensor, right: Tensor) -> Tensor:
    return logits.argmax(dim=1) == right


def _among(best: int, missed: int | None) -> Answer:
    """The rank among the best few; another number for those further down, or the number of captions (None)."""

    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        found = _order(logits)[:, :best] == right[:, None]
        return torch.where(
            found.any(dim=1), found.int().argmax(dim=1) + 1, logits.shape[1] if missed is None else missed
        )

    return wrong


def _slip_seen(seen: Callable[[Tensor], Tensor]) -> Answer:
    return slip(seen=seen)


def _rounded(decimals: int) -> Answer:
    return slip(seen=lambda logits: logits.round(decimals=decimals))


def _pick_row(fit: Callable[[Tensor, int], Tensor]) -> Answer:
    """`right` as the row and the index of the image as the column."""
    return lambda logits, right: logits[
        fit(right, len(logits)), torch.arange(len(right)).clamp(max=logits.shape[1] - 1)
    ][:, None]


def _recall(best: int, form: Callable[[Tensor], Tensor]) -> Answer:
    return lambda logits, right: form((_order(logits)[:, :best] == right[:, None]).any(dim=1))


PLACES = (
    Misconception(
        "from-zero",
        "The ranks begin with 0. The best caption should have rank 1, so a median rank of 1 means that at least half "
        "of the answers are right.",
        slip(first=0),
    ),
    Misconception(
        "one-too-high", "All ranks are one too high: the best caption gets 2, but should get 1.", slip(above=torch.ge)
    ),
    Misconception(
        "turned-round",
        "The order is reversed: a caption with a small logit comes first. The best one has the largest.",
        slip(above=torch.lt),
        slip(above=torch.lt, first=0),
        slip(above=torch.le),
    ),
    Misconception(
        "best-caption",
        "This is the index of the best caption. Return the rank of the right one.",
        lambda logits, right: logits.argmax(dim=1),
        lambda logits, right: logits.argmax(dim=1) + 1,
    ),
    Misconception(
        "who-stands-there",
        "This is the caption at position `right` of the sorted order. Return the position of caption `right` in it. "
        "(Sorting once gives the first, sorting the order again gives the second.)",
        lambda logits, right: _order(logits).gather(1, right[:, None])[:, 0] + 1,
        lambda logits, right: _order(logits).gather(1, right[:, None])[:, 0],
        lambda logits, right: logits.argsort(dim=1).gather(1, right[:, None])[:, 0] + 1,
        lambda logits, right: logits.argsort(dim=1).gather(1, right[:, None])[:, 0],
    ),
    Misconception(
        "right-or-wrong",
        "This only says whether the right caption is the best, or among the best few. Return its rank.",
        lambda logits, right: _best(logits, right).long(),
        lambda logits, right: (~_best(logits, right)).long(),
        lambda logits, right: (~_best(logits, right)).long() + 1,
        lambda logits, right: _best(logits, right),
        lambda logits, right: ~_best(logits, right),
        lambda logits, right: _best(logits, right).float(),
        lambda logits, right: _best(logits, right).float().mean(),
        *(_recall(best, form) for best in (3, 5) for form in (Tensor.bool, Tensor.long, Tensor.float)),
    ),
    Misconception(
        "distance-of-numbers",
        "This is the difference between the indices of the best and the right caption. Indices have no meaning as "
        "distances: count the captions that are better.",
        lambda logits, right: (logits.argmax(dim=1) - right).abs() + 1,
        lambda logits, right: (logits.argmax(dim=1) - right).abs(),
        lambda logits, right: logits.argmax(dim=1) - right + 1,
    ),
    Misconception(
        "pictures-compete",
        "Here images are ranked for a caption. Rank the right caption among all captions of its image, along the "
        "row.",
        lambda logits, right: (logits[:, right] > of_right(logits, right).mT).sum(dim=0) + 1,
        lambda logits, right: (logits[:, right] > of_right(logits, right).mT).sum(dim=0),
    ),
    Misconception(
        "counted-down-the-columns",
        "The comparisons are counted along the columns, which gives one number per caption. An image is a row.",
        lambda logits, right: (logits > of_right(logits, right)).sum(dim=0) + 1,
        lambda logits, right: (logits > of_right(logits, right)).sum(dim=0),
    ),
    Misconception(
        "diagonal",
        "Caption i is used as the right caption of image i. Use the index in `right`.",
        slip(of=lambda logits, right: logits.diagonal()[:, None]),
    ),
    Misconception(
        "first-for-all",
        "The right caption of the first image is used for all images. Each has its own.",
        slip(of=lambda logits, right: logits[:, right[0]][:, None]),
    ),
    Misconception(
        "columns-of-all",
        "In each row, the right captions of all images are looked up, not only its own. Look up one entry per row.",
        slip(of=lambda logits, right: logits[:, right]),
        slip(of=lambda logits, right: logits[:, right].amax(dim=1, keepdim=True)),
        slip(of=lambda logits, right: logits[:, right].mean(dim=1, keepdim=True)),
    ),
    Misconception(
        "picks-rows",
        "`right` has caption indices, but here it selects rows, which are images. Select a column in each row.",
        slip(of=lambda logits, right: logits[right]),
        slip(of=lambda logits, right: logits[right % len(logits)]),
        slip(of=lambda logits, right: logits[right % len(logits)].amax(dim=1, keepdim=True)),
        slip(of=_pick_row(torch.remainder)),
        slip(of=_pick_row(lambda right, rows: right.clamp(max=rows - 1))),
    ),
    Misconception(
        "not-a-column",
        "The logits of the right captions are a row, so the comparison fails or uses those of other images. They "
        "must be a column, one per row.",
        slip(of=lambda logits, right: of_right(logits, right)[:, 0]),
    ),
    Misconception(
        "right-from-one",
        "The indices in `right` are assumed to begin with 1. They begin with 0.",
        slip(of=lambda logits, right: of_right(logits, (right - 1).clamp(min=0))),
        slip(of=lambda logits, right: of_right(logits, (right - 1) % logits.shape[1])),
    ),
    Misconception(
        "ranks-of-all",
        "These are the ranks of all captions. Return one per image, that of its right caption.",
        lambda logits, right: _order(logits).argsort(dim=1) + 1,
        lambda logits, right: _order(logits).argsort(dim=1),
    ),
    Misconception(
        "the-logit",
        "These are logits, or functions of them. Return the rank of the right caption in its row.",
        lambda logits, right: of_right(logits, right)[:, 0],
        lambda logits, right: logits.softmax(dim=1).gather(1, right[:, None])[:, 0],
        lambda logits, right: logits.amax(dim=1) - of_right(logits, right)[:, 0],
        lambda logits, right: logits.sort(dim=1, descending=True).values.gather(1, right[:, None])[:, 0],
    ),
    Misconception(
        "not-counted",
        "This says which captions are better. Count them and add 1.",
        lambda logits, right: logits > of_right(logits, right),
        lambda logits, right: (logits > of_right(logits, right)).long(),
    ),
    Misconception(
        "not-whole",
        "The ranks are right, but not integers: leave out the conversion to floating point.",
        lambda logits, right: ranks(logits, right).float(),
    ),
    Misconception(
        "share",
        "The rank, or the rank minus 1, is divided by the number of captions. Return the rank itself.",
        lambda logits, right: ranks(logits, right) / logits.shape[1],
        lambda logits, right: (ranks(logits, right) - 1) / logits.shape[1],
    ),
    Misconception(
        "reciprocal",
        "This is the reciprocal rank. Return the rank itself.",
        lambda logits, right: 1 / ranks(logits, right),
    ),
    Misconception(
        "one-number",
        "This is one number for all images. Return one rank per image.",
        lambda logits, right: ranks(logits, right).float().mean(),
        lambda logits, right: ranks(logits, right).median(),
        lambda logits, right: ranks(logits, right).sum(),
        lambda logits, right: (logits > of_right(logits, right)).sum() + 1,
    ),
    Misconception(
        "absolute",
        ("The logits have lost their signs. A very negative logit is very bad: keep the signs."),
        slip(seen=torch.abs),
    ),
    Misconception(
        "rounded",
        "The logits are rounded before the comparison, so close ones become equal. Do not round them.",
        slip(seen=torch.round),
        *map(_slip_seen, (torch.floor, torch.trunc)),
        _rounded(1),
    ),
    Misconception(
        "softmax-over-pictures",
        "A softmax over the images is applied first, which changes the order within a row. Compare the logits.",
        slip(seen=lambda logits: logits.softmax(dim=0)),
    ),
    Misconception(
        "best-few",
        "Only the best few captions are ranked, and a right one that is not among them gets a wrong rank. Rank all "
        "of them.",
        _among(5, 1),
        *(_among(best, missed) for best in (3, 4, 5) for missed in (0, 1, -1, best, best + 1)),
        *(_among(best, None) for best in (3, 4, 5)),
    ),
)
