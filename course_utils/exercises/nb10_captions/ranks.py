"""At which place the right caption comes."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.models.image_text import retrieval_ranks


def _cases(g: Generator) -> list[Arguments]:
    return [
        (2 * torch.randn(pictures, captions, generator=g), torch.randint(captions, (pictures,), generator=g))
        for pictures, captions in [(4, 6), (9, 9), (3, 8)]
    ]


def _wild(g: Generator) -> list[Wild]:
    many = torch.randn(2, 300, generator=g)
    logits, right = torch.randn(3, 5, generator=g), torch.tensor([4, 0, 2])
    near = 3 + 1e-5 * torch.arange(5.0)[torch.randperm(5, generator=g)].repeat(3, 1)
    far = torch.tensor([[100.0, -90, -100, 60, -95], [-100, 100, -99, -98, -97], [100, 99, -50, -60, -70]])
    return [
        Wild(
            "one-picture",
            (logits[:1], right[:1]),
            "there is only one picture",
            "Its rank still stands in a row of one.",
        ),
        Wild(
            "transposed-memory",
            (logits.mT, torch.tensor([0, 1, 2, 2, 1])),
            "there are more pictures than captions, and the logits lie in memory column by column",
            "Use `.reshape` where you use `.view`, and take care which axis is which.",
        ),
        Wild(
            "many-captions",
            (many, many.argmin(dim=1)),
            "there are 300 captions and the right one comes last",
            "Rank them all, and count in whole numbers that go far enough, such as int64.",
        ),
        Wild(
            "near-logits",
            (near, right),
            "the logits lie close together",
            "They are no ties: compare with `>`, not with a tolerance, and do not round.",
        ),
        Wild(
            "far-logits",
            (far, torch.tensor([1, 3, 4])),
            "logits reach ±100, as at a temperature of 0.01",
            "A softmax makes all the small ones 0: compare the logits themselves.",
        ),
    ]


def _of_right(logits: Tensor, right: Tensor) -> Tensor:
    return logits.gather(1, right[:, None])


def _slip(
    above: Callable[[Tensor, Tensor], Tensor] = torch.gt,
    first: int = 1,
    seen: Callable[[Tensor], Tensor] = lambda logits: logits,
    of: Callable[[Tensor, Tensor], Tensor] = _of_right,
) -> Callable[[Tensor, Tensor], Tensor]:
    """The rank with another comparison, counted from another number, of other logits or of another caption."""

    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        logits = seen(logits)
        return above(logits, of(logits, right)).sum(dim=1) + first

    return wrong


def _ranks(logits: Tensor, right: Tensor) -> Tensor:
    return _slip()(logits, right)


def _order(logits: Tensor) -> Tensor:
    return logits.argsort(dim=1, descending=True)


def _best(logits: Tensor, right: Tensor) -> Tensor:
    return logits.argmax(dim=1) == right


def _among(best: int) -> Callable[[Tensor, Tensor], Tensor]:
    def wrong(logits: Tensor, right: Tensor) -> Tensor:
        order = _order(logits)[:, :best]
        return (order == right[:, None]).int().argmax(dim=1) + 1

    return wrong


def _recall(best: int, form: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda logits, right: form((_order(logits)[:, :best] == right[:, None]).any(dim=1))


RETRIEVAL_RANKS = Exercise(
    name="10.retrieval_ranks",
    title="At which place is the right caption?",
    reference=retrieval_ranks,
    cases=_cases,
    wild=_wild,
    hints=(
        "You need not sort. What must you count to know at which place a caption comes?",
        "The logit of each picture's right caption is one entry of its row, number `right`: `gather` along dim=1 takes "
        "it, or two lists of indices do, one for the rows and one for the columns.",
        "Compare each row with its own entry, as a column (broadcasting does it), and count along dim=1. From which "
        "number do ranks begin?",
    ),
    misconceptions=(
        Misconception(
            _slip(first=0),
            'The ranks begin with 0. The best caption has rank 1, so that "median rank 1" means: mostly right.',
            name="from-zero",
        ),
        Misconception(
            _slip(above=torch.ge),
            "All ranks are one too high: the right caption is counted among those that are better than itself.",
            name="counts-itself",
        ),
        Misconception(
            _slip(above=torch.lt),
            "The order is turned round: a caption comes first here when its logit is small. The best has the largest.",
            name="turned-round",
            also=(_slip(above=torch.lt, first=0), _slip(above=torch.le)),
        ),
        Misconception(
            lambda logits, right: logits.argmax(dim=1),
            "This is the number of the best caption. Asked is the place of the right one.",
            name="best-caption",
            also=(lambda logits, right: logits.argmax(dim=1) + 1,),
        ),
        Misconception(
            lambda logits, right: _order(logits).gather(1, right[:, None])[:, 0] + 1,
            "This is the caption that stands at place number `right`. Asked is the place at which caption `right` stands. "
            "(Sorting once gives the first, sorting the order again gives the second.)",
            name="who-stands-there",
            also=(
                lambda logits, right: _order(logits).gather(1, right[:, None])[:, 0],
                lambda logits, right: logits.argsort(dim=1).gather(1, right[:, None])[:, 0] + 1,
                lambda logits, right: logits.argsort(dim=1).gather(1, right[:, None])[:, 0],
            ),
        ),
        Misconception(
            lambda logits, right: _best(logits, right).long(),
            "This says only whether the right caption is the best, or among the best few. A rank also says how far off a "
            "wrong answer was.",
            name="right-or-wrong",
            also=(
                lambda logits, right: (~_best(logits, right)).long(),
                lambda logits, right: (~_best(logits, right)).long() + 1,
                lambda logits, right: _best(logits, right),
                lambda logits, right: ~_best(logits, right),
                lambda logits, right: _best(logits, right).float(),
                lambda logits, right: _best(logits, right).float().mean(),
                *(_recall(best, form) for best in (3, 5) for form in (Tensor.bool, Tensor.long, Tensor.float)),
            ),
        ),
        Misconception(
            lambda logits, right: (logits.argmax(dim=1) - right).abs() + 1,
            "This is how far the numbers of the best and of the right caption lie apart. The captions' numbers have no "
            "order: count those that are better.",
            name="distance-of-numbers",
            also=(
                lambda logits, right: (logits.argmax(dim=1) - right).abs(),
                lambda logits, right: logits.argmax(dim=1) - right + 1,
            ),
        ),
        Misconception(
            lambda logits, right: (logits[:, right] > _of_right(logits, right).mT).sum(dim=0) + 1,
            "Pictures compete for a caption here. Asked is the place of a caption among all captions of its own picture, "
            "along its row.",
            name="pictures-compete",
            also=(lambda logits, right: (logits[:, right] > _of_right(logits, right).mT).sum(dim=0),),
        ),
        Misconception(
            lambda logits, right: (logits > _of_right(logits, right)).sum(dim=0) + 1,
            "The comparisons are counted down the columns, which gives a number a caption. A picture is a row.",
            name="counted-down-the-columns",
            also=(lambda logits, right: (logits > _of_right(logits, right)).sum(dim=0),),
        ),
        Misconception(
            _slip(of=lambda logits, right: logits.diagonal()[:, None]),
            "The right caption of picture i is taken to be caption i. Its number stands in `right`.",
            name="diagonal",
        ),
        Misconception(
            _slip(of=lambda logits, right: logits[:, right[0]][:, None]),
            "All pictures are asked for the right caption of the first one. Each has a right caption of its own.",
            name="first-for-all",
        ),
        Misconception(
            _slip(of=lambda logits, right: logits[:, right]),
            "In each row the right captions of all pictures are taken, not of its own only. A row needs one entry.",
            name="columns-of-all",
            also=(
                _slip(of=lambda logits, right: logits[:, right].amax(dim=1, keepdim=True)),
                _slip(of=lambda logits, right: logits[:, right].mean(dim=1, keepdim=True)),
            ),
        ),
        Misconception(
            _slip(of=lambda logits, right: logits[right]),
            "`right` numbers captions, but here it picks rows, which are pictures. Pick a column in each row.",
            name="picks-rows",
            also=(
                _slip(of=lambda logits, right: logits[right % len(logits)]),
                _slip(of=lambda logits, right: logits[right % len(logits)].amax(dim=1, keepdim=True)),
            ),
        ),
        Misconception(
            _slip(of=lambda logits, right: _of_right(logits, right)[:, 0]),
            "The logits of the right captions run along the rows: that fails, or compares with those of other pictures. "
            "They must stand in a column, one a row.",
            name="not-a-column",
        ),
        Misconception(
            _slip(of=lambda logits, right: _of_right(logits, (right - 1).clamp(min=0))),
            "The numbers in `right` are taken to begin with 1. They begin with 0.",
            name="right-from-one",
            also=(_slip(of=lambda logits, right: _of_right(logits, (right - 1) % logits.shape[1])),),
        ),
        Misconception(
            lambda logits, right: _order(logits).argsort(dim=1) + 1,
            "These are the ranks of all captions. Asked is one for each picture, that of its right caption.",
            name="ranks-of-all",
            also=(lambda logits, right: _order(logits).argsort(dim=1),),
        ),
        Misconception(
            lambda logits, right: _of_right(logits, right)[:, 0],
            "These are logits, or numbers made of them. Asked is the place of the right caption's logit in its row.",
            name="the-logit",
            also=(
                lambda logits, right: logits.softmax(dim=1).gather(1, right[:, None])[:, 0],
                lambda logits, right: logits.amax(dim=1) - _of_right(logits, right)[:, 0],
                lambda logits, right: logits.sort(dim=1, descending=True).values.gather(1, right[:, None])[:, 0],
            ),
        ),
        Misconception(
            lambda logits, right: logits > _of_right(logits, right),
            "This says which captions are better, and does not count them yet.",
            name="not-counted",
            also=(lambda logits, right: (logits > _of_right(logits, right)).long(),),
        ),
        Misconception(
            lambda logits, right: _ranks(logits, right).float(),
            "The ranks are right, but not whole numbers: leave out what turns them into floating-point numbers.",
            name="not-whole",
        ),
        Misconception(
            lambda logits, right: _ranks(logits, right) / logits.shape[1],
            "This is a share of the captions, a place divided by their number. Return the places themselves.",
            name="share",
            also=(lambda logits, right: (_ranks(logits, right) - 1) / logits.shape[1],),
        ),
        Misconception(
            lambda logits, right: 1 / _ranks(logits, right),
            "This is one over the rank, as its mean is often reported. Return the rank itself.",
            name="reciprocal",
        ),
        Misconception(
            lambda logits, right: _ranks(logits, right).float().mean(),
            "This is one number for all pictures. Asked is a rank for each.",
            name="one-number",
            also=(
                lambda logits, right: _ranks(logits, right).median(),
                lambda logits, right: _ranks(logits, right).sum(),
                lambda logits, right: (logits > _of_right(logits, right)).sum() + 1,
            ),
        ),
        Misconception(
            _slip(seen=torch.abs),
            "The logits have lost their signs. A very negative logit is a very bad one.",
            name="absolute",
        ),
        Misconception(
            _slip(seen=torch.round),
            "The logits are rounded before they are compared, so near ones become equal.",
            name="rounded",
            also=(_slip(seen=torch.floor), _slip(seen=torch.trunc)),
        ),
        Misconception(
            _slip(seen=lambda logits: logits.softmax(dim=0)),
            "A softmax over the pictures is taken first, which changes the order within a row.",
            name="softmax-over-pictures",
        ),
        Misconception(
            _among(5),
            "Only the best few captions are looked at, and a right one that is not among them gets rank 1. Rank all.",
            name="best-few",
            also=(_among(3),),
        ),
    ),
)
