"""The encoder's input: class token and positions."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.models.vit import sequence

Answer = Callable[[Tensor, Tensor, Tensor], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    return [
        tuple(torch.randn(*shape, generator=g) for shape in ((batch, n, dim), (1, 1, dim), (1, n + 1, dim)))
        for batch, n, dim in [(2, 5, 8), (1, 9, 4), (3, 4, 6), (5, 4, 5)]
    ]


def _wild(g: Generator) -> list[Wild]:
    class_token, positions = torch.randn(1, 1, 4, generator=g), torch.randn(1, 7, 4, generator=g)
    return [
        Wild(
            "transposed-memory",
            (torch.randn(2, 4, 6, generator=g).mT, class_token, positions),
            "the patches are stored feature by feature, as after a convolution and `flatten(2).mT`",
            "`view` depends on the memory order; `reshape`, `cat` and `+` do not.",
        ),
        Wild(
            "expanded-memory",
            (torch.randn(1, 6, 4, generator=g).expand(3, -1, -1), class_token, positions),
            "one sequence is repeated with `expand`, which does not copy",
            "`view` depends on the memory order; `reshape`, `cat` and `+` do not.",
        ),
        Wild(
            "one-patch",
            (torch.randn(2, 1, 4, generator=g), class_token, positions[:, :2]),
            "there is a single patch",
            "The sequence then has two tokens.",
        ),
    ]


def _slip(join: Answer) -> Answer:
    """A mistake in joining the three, with the class token already expanded."""
    return lambda patches, class_token, positions: join(
        patches, class_token.expand(patches.shape[0], -1, -1), positions
    )


def _then(change: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """The class token in front, then a mistake with the positions."""
    return _slip(lambda patches, first, positions: change(torch.cat([first, patches], 1), positions))


SEQUENCE = Exercise(
    name="04.sequence",
    title="Class token and positions",
    points=2,
    reference=sequence,
    learns=("patches", "class_token", "positions"),
    cases=_cases,
    wild=_wild,
    hints=(
        "The class token is one more token, and it is the same for every image of the batch.",
        "`class_token.expand(len(patches), -1, -1)` repeats it for the whole batch without copying; "
        "`torch.cat` along the axis of the tokens puts it in front.",
        "There is one position more than there are patches. So join the class token first, and then add the positions.",
    ),
    misconceptions=(
        Misconception(
            "class-token-last",
            "The class token comes at the end of the sequence. Put it first: the head reads token 0, and the "
            "weights of published ViTs expect it there.",
            _slip(lambda patches, first, positions: torch.cat([patches, first], 1) + positions),
            _slip(
                lambda patches, first, positions: torch.cat([patches + positions[:, 1:], first + positions[:, :1]], 1)
            ),
            _slip(lambda patches, first, positions: torch.cat([patches, first], 1)),
        ),
        Misconception(
            "class-token-without-position",
            "The class token gets no position. It has one: there is one position more than there are patches.",
            _slip(lambda patches, first, positions: torch.cat([first, patches + positions[:, 1:]], 1)),
            _slip(lambda patches, first, positions: torch.cat([first, patches + positions[:, :-1]], 1)),
        ),
        Misconception(
            "positions-moved",
            "The positions are added, but not each to its own token. Position i belongs to token i of the finished "
            "sequence.",
            _then(lambda tokens, positions: tokens + positions.roll(1, 1)),
            _then(lambda tokens, positions: tokens + positions.roll(-1, 1)),
            _then(lambda tokens, positions: tokens + positions.flip(1)),
        ),
        Misconception(
            "patches-without-position",
            "Only the class token gets a position. The patches need theirs too: without it the encoder sees a set.",
            _slip(lambda patches, first, positions: torch.cat([first + positions[:, :1], patches], 1)),
        ),
        Misconception(
            "one-position-for-all",
            "The same vector is added to every token, so the tokens have no distinct positions. Add position i to "
            "token i.",
            _then(lambda tokens, positions: tokens + positions[:, :1]),
            _then(lambda tokens, positions: tokens + positions[:, -1:]),
            _then(lambda tokens, positions: tokens + positions.mean(1, keepdim=True)),
            _then(lambda tokens, positions: tokens + positions.sum(1, keepdim=True)),
        ),
        Misconception(
            "no-positions",
            "The positions are not added. Without them the encoder cannot distinguish an image from its shuffled "
            "patches.",
            _then(lambda tokens, positions: tokens),
        ),
        Misconception(
            "positions-twice",
            "Some tokens, or all of them, get their position twice. Add the positions once, to the finished "
            "sequence.",
            _then(lambda tokens, positions: tokens + 2 * positions),
            _slip(lambda patches, first, positions: torch.cat([first, patches + positions[:, 1:]], 1) + positions),
            _slip(lambda patches, first, positions: torch.cat([first + positions[:, :1], patches], 1) + positions),
        ),
        Misconception(
            "multiplied",
            "The tokens are multiplied by the positions. Equation 1 of Dosovitskiy et al. is a sum: a position "
            "shifts a token, it does not scale it.",
            _then(lambda tokens, positions: tokens * positions),
        ),
        Misconception(
            "subtracted",
            "The positions are subtracted. Equation 1 of Dosovitskiy et al. is a sum.",
            _then(lambda tokens, positions: tokens - positions),
        ),
        Misconception(
            "positions-appended",
            "The positions are appended, as extra features or as extra tokens. Add them to the tokens: equation 1 of "
            "Dosovitskiy et al. is a sum.",
            _then(lambda tokens, positions: torch.cat([tokens, positions.expand_as(tokens)], -1)),
            _then(lambda tokens, positions: torch.cat([tokens, positions.expand_as(tokens)], 1)),
        ),
        Misconception(
            "no-class-token",
            "The class token is not in your result: it is missing, or replaced by something else, such as zeros or "
            "the mean of the patches. It is a separate token and comes first.",
            _slip(lambda patches, first, positions: patches + positions[:, 1:]),
            _slip(lambda patches, first, positions: patches + positions[:, :-1]),
            lambda patches, class_token, positions: F.pad(patches, (0, 0, 1, 0)) + positions,
            lambda patches, class_token, positions: (
                torch.cat([patches.mean(1, keepdim=True), patches], 1) + positions
            ),
            lambda patches, class_token, positions: (
                torch.cat([torch.ones_like(patches[:, :1]), patches], 1) + positions
            ),
        ),
        Misconception(
            "class-token-added-to-patches",
            "The class token is added to every patch. It is a separate token: join it to the sequence with "
            "torch.cat, and do not change the patches.",
            _slip(lambda patches, first, positions: patches + first + positions[:, 1:]),
            _slip(lambda patches, first, positions: patches + first + positions[:, :-1]),
            _slip(lambda patches, first, positions: torch.cat([first, patches + first], 1) + positions),
        ),
        Misconception(
            "patch-replaced",
            "A patch is lost when the class token joins the sequence. The sequence has one token more than there are "
            "patches.",
            _slip(lambda patches, first, positions: torch.cat([first, patches[:, 1:]], 1) + positions[:, :-1]),
            _slip(lambda patches, first, positions: torch.cat([first, patches[:, 1:]], 1) + positions[:, 1:]),
            _slip(lambda patches, first, positions: torch.cat([first, patches[:, :-1]], 1) + positions[:, :-1]),
        ),
        Misconception(
            "class-token-not-repeated",
            "This works only for a batch of one image: torch.cat does not repeat the class token. Expand it to the "
            "batch size first.",
            lambda patches, class_token, positions: torch.cat([class_token, patches], 1) + positions,
        ),
        Misconception(
            "first-image-only",
            "Only the first image of the batch is left. Every image has its own sequence.",
            lambda patches, class_token, positions: torch.cat([class_token, patches[:1]], 1) + positions,
        ),
        Misconception(
            "wrong-axis",
            "The class token is joined along the wrong axis, so it is not a token of the sequence. The tokens are on "
            "axis 1.",
            _slip(lambda patches, first, positions: torch.cat([first.expand_as(patches), patches], 0)),
            _slip(lambda patches, first, positions: torch.cat([first.expand_as(patches), patches], -1)),
            lambda patches, class_token, positions: torch.cat([class_token.expand_as(patches[:1]), patches], 0),
            _slip(
                lambda patches, first, positions: torch.cat(
                    [first.expand_as(patches), patches + positions[:, 1:]], -1
                )
            ),
        ),
        Misconception(
            "tokens-scaled",
            "Tokens are multiplied or divided by the square root of dim before the positions are added. The original "
            "transformer for text scales its embeddings like this; equation 1 of Dosovitskiy et al. does not.",
            _then(lambda tokens, positions: tokens * tokens.shape[-1] ** 0.5 + positions),
            _slip(
                lambda patches, first, positions: (
                    torch.cat([first, patches * patches.shape[-1] ** 0.5], 1) + positions
                )
            ),
            _then(lambda tokens, positions: tokens / tokens.shape[-1] ** 0.5 + positions),
        ),
        Misconception(
            "normalised",
            "The sequence is normalised, before or after the positions are added. The blocks do that: each begins "
            "with its own norm.",
            _then(lambda tokens, positions: F.layer_norm(tokens + positions, tokens.shape[-1:])),
            _then(lambda tokens, positions: F.normalize(tokens + positions, dim=-1)),
            _then(lambda tokens, positions: F.layer_norm(tokens, tokens.shape[-1:]) + positions),
        ),
    ),
)
