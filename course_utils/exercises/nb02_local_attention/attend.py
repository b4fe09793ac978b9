"""Attention in a neighbourhood, and the positions in it."""

import math
from collections.abc import Callable

import torch
from einops import einsum, repeat
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.local_attention import local_attend, relative_positions


def _inside(height: int, width: int, size: int) -> Tensor:
    half = size // 2
    offsets = torch.arange(-half, half + 1)
    rows = torch.arange(height)[:, None] + offsets
    columns = torch.arange(width)[:, None] + offsets
    rows, columns = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    return (rows[:, None, :, None] & columns[None, :, None, :]).reshape(height * width, size**2)


def _local_attend_cases(g: Generator) -> list[Arguments]:
    def case(leading: tuple[int, ...], height: int, width: int, size: int, dim: int, prior: bool) -> Arguments:
        positions, neighbours = height * width, size**2
        query = torch.randn(*leading, positions, dim, generator=g)
        key = torch.randn(*leading, positions, neighbours, dim, generator=g)
        value = torch.randn(*leading, positions, neighbours, dim + 1, generator=g)
        inside = _inside(height, width, size)
        if not prior:
            return query, key, value, inside
        return query, key, value, inside, torch.randn(positions, neighbours, generator=g)

    return [
        case((), 5, 3, 5, 16, prior=True),
        case((2, 3), 3, 4, 3, 8, prior=False),
        case((1, 2), 4, 4, 3, 6, prior=True),
        case((2,), 3, 3, 3, 4, prior=False),
    ]


def _local_slip(
    scale: Callable[[Tensor, Tensor], float] = lambda query, key: math.sqrt(query.shape[-1]),
    normalise: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(-1),
    hide: Callable[[Tensor, Tensor], Tensor] = lambda scores, inside: scores.masked_fill(~inside, -math.inf),
    afterwards: Callable[[Tensor, Tensor], Tensor] = lambda weights, inside: weights,
    add: Callable[[Tensor, Tensor, Tensor | float], Tensor] = lambda scores, inside, prior: scores + prior,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Local attention with one of its steps replaced."""

    def wrong(
        query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0
    ) -> tuple[Tensor, Tensor]:
        scores = einsum(query, key, "... p d, ... p n d -> ... p n") / scale(query, key)
        weights = afterwards(normalise(hide(add(scores, inside, prior), inside)), inside)
        return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights

    return wrong


def _prior_on_the_weights(
    query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    _, weights = local_attend(query, key, value, inside)
    weights = weights + prior
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


LOCAL_ATTEND = Exercise(
    name="02.local_attend",
    title="Attention within a neighbourhood",
    reference=local_attend,
    returns=("output", "weights"),
    learns=("query", "key", "value", "prior"),
    points=2,
    cases=_local_attend_cases,
    hints=(
        "It is `attend` of notebook 00, but each position has keys and values of its own. So there is no matrix "
        "product of all with all; for each position p, one dot product with each of its n neighbours.",
        '`einsum(query, key, "... p d, ... p n d -> ... p n")` makes the scores. Divide by √dim, add the prior, hide '
        "what is not inside, then the softmax over the neighbours.",
        "Hide with `scores.masked_fill(~inside, -math.inf)` before the softmax. The output is "
        '`einsum(weights, value, "... p n, ... p n d -> ... p d")`; return it first, then the weights.',
    ),
    misconceptions=(
        Misconception(
            _local_slip(hide=lambda scores, inside: scores),
            "The zeros beyond the border get weight: a score of zero is exp(0) = 1 before the softmax divides. Hide "
            "what is not inside.",
        ),
        Misconception(
            _local_slip(hide=lambda scores, inside: scores, afterwards=lambda weights, inside: weights * inside),
            "The border is hidden after the softmax, so that weights at the border no longer sum to one and the "
            "picture fades there. Hide the scores before it.",
        ),
        Misconception(
            _local_slip(hide=lambda scores, inside: scores.masked_fill(inside, -math.inf)),
            "The mask is turned round: inside is True for the neighbours that exist. Fill where `~inside`.",
        ),
        Misconception(
            _local_slip(hide=lambda scores, inside: scores.masked_fill(~inside, 0)),
            "The hidden scores are set to zero, but exp(0) is one: those neighbours still get weight. Fill them with "
            "-math.inf.",
        ),
        Misconception(
            _local_slip(scale=lambda query, key: 1.0),
            "The scores are not divided by √dim, so they are larger the more features there are, and the softmax is "
            "nearly one-hot.",
        ),
        Misconception(
            _local_slip(scale=lambda query, key: math.sqrt(key.shape[-2])),
            "The scores are divided by the square root of the number of neighbours. What makes a dot product large is "
            "the number of its terms: the last axis.",
        ),
        Misconception(
            _local_slip(normalise=lambda scores: scores.softmax(-2)),
            "The softmax runs over the positions. Each position shares out its weight among its own neighbours: the "
            "last axis.",
        ),
        Misconception(
            _local_slip(add=lambda scores, inside, prior: scores),
            "The prior is not used. It is added to the scores, before the softmax.",
        ),
        Misconception(
            _prior_on_the_weights,
            "The prior is added to the weights. It belongs to the scores: added before the softmax, the weights still "
            "sum to one.",
        ),
        Misconception(
            lambda query, key, value, inside, prior=0.0: local_attend(query, key, value, inside, prior)[::-1],
            "The numbers are right, but the weights come first. Return the output first, then the weights.",
        ),
        Misconception(
            lambda query, key, value, inside, prior=0.0: local_attend(query, key, value, inside, prior)[0],
            "Only the output is returned. Return the weights too, as the second value.",
        ),
    ),
)


def _positions_cases(g: Generator) -> list[Arguments]:
    return [
        (torch.randn(size, dim, generator=g), torch.randn(size, dim, generator=g))
        for size, dim in [(3, 4), (5, 2), (7, 3), (1, 4)]
    ]


def _positions_as(first: str, second: str) -> Callable[[Tensor, Tensor], Tensor]:
    def wrong(rows: Tensor, columns: Tensor) -> Tensor:
        parts = {"rows": rows, "columns": columns}
        size = len(rows)
        made = []
        for text in (first, second):
            name, pattern = text.split(": ")
            other = "j" if pattern.startswith("i") else "i"
            made.append(repeat(parts[name], pattern, **{other: size}))
        return torch.cat(made, dim=-1)

    return wrong


RELATIVE_POSITIONS = Exercise(
    name="02.relative_positions",
    title="A vector for every offset",
    reference=relative_positions,
    learns=("rows", "columns"),
    cases=_positions_cases,
    hints=(
        "There are size² offsets, in raster order: which rows do the first size of them lie in, and which columns?",
        "Each row's vector is wanted size times in a run, and the run of all columns again for every row: `repeat(rows, "
        '"i d -> (i j) d", j=size)` does the first.',
        'The second is `repeat(columns, "j d -> (i j) d", i=size)`; `torch.cat([…, …], dim=-1)` puts them side by '
        "side, the row's first.",
    ),
    misconceptions=(
        Misconception(
            _positions_as("rows: j d -> (i j) d", "columns: i d -> (i j) d"),
            "Rows and columns are swapped: the first size offsets lie in one row of the square, so they share "
            "rows[0].",
        ),
        Misconception(
            _positions_as("columns: j d -> (i j) d", "rows: i d -> (i j) d"),
            "The column's features come first. The paper's order, and ours, is row, then column.",
        ),
        Misconception(
            lambda rows, columns: torch.cat([rows, columns], dim=-1),
            "This pairs row i with column i only: the diagonal of the square. Every row meets every column: size² "
            "vectors.",
        ),
        Misconception(
            lambda rows, columns: (rows[:, None] + columns).flatten(0, 1),
            "Rows and columns are added, so they share their features. Here each has its own half: concatenate.",
        ),
        Misconception(
            lambda rows, columns: torch.stack(
                [torch.cat([row, column]) for row in rows for column in columns]
            ).unflatten(0, (len(rows), -1)),
            "The vectors are right, but still in a square. Give them one axis, in raster order.",
        ),
    ),
)
