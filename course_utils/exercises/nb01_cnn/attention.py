"""Places as tokens, attention between them, and attention without a softmax."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention import attend, attend_by_dot_product, flatten_positions
from course_utils.exercises.exercise import Arguments, Exercise, Misconception


def _maps(*shapes: tuple[int, int, int, int]) -> Callable[[Generator], list[Arguments]]:
    return lambda g: [(torch.randn(*shape, generator=g),) for shape in shapes]


def _flatten_as(pattern: str) -> Callable[[Tensor], Tensor]:
    return lambda features: rearrange(features, pattern)


FLATTEN_POSITIONS = Exercise(
    name="01.flatten_positions",
    title="Every place of a map is a token",
    reference=flatten_positions,
    learns=("features",),
    cases=_maps((2, 3, 4, 5), (1, 8, 2, 6), (3, 2, 5, 1)),
    hints=(
        "What is one token? The vector of all channels at one place. How many places are there?",
        "Height and width become one axis, and the channels go last.",
        'As an einops pattern, the left side is `"b c h w"`. On the right, brackets join two axes; the first one in '
        "them is the slow one.",
    ),
    misconceptions=(
        Misconception(
            lambda features: features.reshape(features.shape[0], -1, features.shape[1]),
            "A bare reshape cuts the memory, in which all places of the first channel come first: these tokens mix "
            "places of one channel. The axes have to change their order: name them in rearrange.",
        ),
        Misconception(
            _flatten_as("b c h w -> b c (h w)"),
            "Every channel became a token, with a feature for each place. It is the other way round: a token is a "
            "place, its features are the channels, so c goes last.",
        ),
        Misconception(
            _flatten_as("b c h w -> b (w h) c"),
            "The places run down the columns. Our order is that of reading, row by row: h before w in the brackets.",
        ),
        Misconception(
            _flatten_as("b c h w -> (b h w) c"),
            "The pictures of the batch became one long sequence, so each would look at all the others. The batch "
            "keeps its own axis.",
        ),
        Misconception(
            _flatten_as("b c h w -> b h w c"),
            "The channels are last, but the places still lie in a grid. Attention reads one sequence: join h and w.",
        ),
    ),
)


def attend_2d(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention between all places of a map; `attend` works on tokens, (batch, tokens, dim).

    query and key (batch, dim, height, width), value (batch, value_dim, height, width)
    → output (batch, value_dim, height, width), weights (batch, height · width, height · width): a row for every
    query, places in raster order. Zhang et al. 2019, equations 1 and 2, scores divided by √dim.
    """
    height = query.shape[2]
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (h w) c -> b c h w", h=height), weights


def _attend_2d_cases(g: Generator) -> list[Arguments]:
    def case(batch: int, dim: int, value_dim: int, height: int, width: int) -> Arguments:
        return tuple(torch.randn(batch, channels, height, width, generator=g) for channels in (dim, dim, value_dim))

    return [case(2, 8, 5, 3, 4), case(1, 16, 16, 5, 2), case(2, 4, 3, 1, 6)]


def _attend_2d_slip(
    tokens: str = "b c h w -> b (h w) c",
    look: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] = attend,
    back: Callable[[Tensor, int, int], Tensor] = lambda mixed, h, w: rearrange(mixed, "b (h w) c -> b c h w", h=h),
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Attention on a map with one of its steps replaced."""

    def wrong(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        mixed, weights = look(*(rearrange(part, tokens) for part in (query, key, value)))
        return back(mixed, *query.shape[2:]), weights

    return wrong


def _softmax_over(axes: int | tuple[int, int], scaled: bool = True) -> Callable[..., tuple[Tensor, Tensor]]:
    def look(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        scores = query @ key.mT / (query.shape[-1] ** 0.5 if scaled else 1)
        weights = scores.softmax(axes) if isinstance(axes, int) else scores.flatten(1).softmax(-1).view_as(scores)
        return weights @ value, weights

    return look


def _along_rows(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    mixed, weights = attend(*(rearrange(part, "b c h w -> b h w c") for part in (query, key, value)))
    return rearrange(mixed, "b h w c -> b c h w"), weights


ATTEND_2D = Exercise(
    name="01.attend_2d",
    title="Every place looks at all places",
    reference=attend_2d,
    returns=("output", "weights"),
    learns=("query", "key", "value"),
    points=3,
    cases=_attend_2d_cases,
    hints=(
        "Turn each of the three maps into tokens, as in the exercise before. Then `attend(query, key, value)` does "
        "the rest, and gives the output and the weights.",
        "Its output is (batch, height · width, value_dim): the channels go back to the second axis, and the places "
        "back into a grid.",
        '`rearrange(mixed, "b (h w) c -> b c h w", h=…)` needs the height, because height · width alone does not '
        "say how long a row is.",
    ),
    misconceptions=(
        Misconception(
            _attend_2d_slip(look=_softmax_over(-2)),
            "The softmax runs over the queries, so the columns of the weights sum to one. Each place shares out its "
            "own attention among all places: rows must sum to one, so take the last axis.",
        ),
        Misconception(
            _attend_2d_slip(look=_softmax_over((-2, -1))),
            "The softmax runs over queries and keys together, so one whole matrix sums to one. Every query has a "
            "weight of one of its own to share out: softmax over the last axis only.",
        ),
        Misconception(
            _attend_2d_slip(look=_softmax_over(-1, scaled=False)),
            "The scores are not divided by √dim. SAGAN's equation 1 has no division, but the question here asks for "
            "scaled dot-product attention: use `attend`.",
        ),
        Misconception(
            _attend_2d_slip(tokens="b c h w -> b c (h w)", back=lambda mixed, h, w: mixed.unflatten(-1, (h, w))),
            "The channels look at each other instead of the places. The tokens are the places, so bring the channels "
            "to the last axis before attend.",
        ),
        Misconception(
            _attend_2d_slip(back=lambda mixed, h, w: mixed.reshape(mixed.shape[0], -1, h, w)),
            "The weights are right, but on the way back a bare reshape mixes channels and places. Move the channels "
            "to the second axis with rearrange.",
        ),
        Misconception(
            _attend_2d_slip(back=lambda mixed, h, w: rearrange(mixed, "b (w h) c -> b c h w", h=h)),
            "On the way back the places fill the grid column by column. They were flattened row by row: (h w).",
        ),
        Misconception(
            _along_rows,
            "Each place looks along its own row only: (batch, height) both act as a batch. Join height and width to "
            "one axis first, so that every place meets all others.",
        ),
        Misconception(
            _attend_2d_slip(back=lambda mixed, h, w: mixed),
            "The numbers are right, but the output is still a sequence. Lay the tokens out as a map again, channels "
            "first.",
        ),
    ),
)


def _dot_product_cases(g: Generator) -> list[Arguments]:
    sizes = [(2, 5, 7, 8, 3), (1, 6, 4, 5, 8), (3, 2, 9, 4, 4)]
    return [
        (
            torch.randn(batch, queries, dim, generator=g),
            torch.randn(batch, keys, dim, generator=g),
            torch.randn(batch, keys, value_dim, generator=g),
        )
        for batch, queries, keys, dim, value_dim in sizes
    ]


def _dot_product_slip(weigh: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    def wrong(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = weigh(query, key)
        return weights @ value, weights

    return wrong


DOT_PRODUCT = Exercise(
    name="01.attend_by_dot_product",
    title="Attention without a softmax",
    points=2,
    reference=attend_by_dot_product,
    returns=("output", "weights"),
    learns=("query", "key", "value"),
    cases=_dot_product_cases,
    hints=(
        "The scores are the same as ever, `query @ key.mT`. What is left out is the softmax, and √dim with it.",
        "A sum over more keys would be larger, so it is divided by their number.",
        "The number of keys is `key.shape[-2]`. Return `weights @ value` and the weights.",
    ),
    misconceptions=(
        Misconception(
            _dot_product_slip(lambda query, key: (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)),
            "There is still a softmax. The dot-product block uses the scores themselves as weights, divided by the "
            "number of keys: they may be negative.",
        ),
        Misconception(
            _dot_product_slip(lambda query, key: query @ key.mT),
            "The weights are not divided by anything, so the output would grow with the size of the map. Divide by "
            "the number of keys.",
        ),
        Misconception(
            _dot_product_slip(lambda query, key: query @ key.mT / query.shape[-2]),
            "The weights are divided by the number of queries. What is added up for each query are the keys: their "
            "number counts, and with pooled keys it is another one.",
        ),
        Misconception(
            _dot_product_slip(lambda query, key: query @ key.mT / query.shape[-1] ** 0.5),
            "The weights are divided by √dim, which belongs before a softmax. Here C(x) = N, the number of keys "
            "(Wang et al., section 3.2).",
        ),
        Misconception(
            _dot_product_slip(lambda query, key: query @ key.mT / (query @ key.mT).sum(-1, keepdim=True)),
            "Each row is divided by its sum. Dot products can cancel, so that sum can be near zero: the paper divides "
            "by the number of keys instead, which also simplifies the gradient.",
        ),
        Misconception(
            lambda query, key, value: attend_by_dot_product(query, key, value)[0],
            "Only the output is returned. Return the weights too, as the second value.",
        ),
    ),
)
