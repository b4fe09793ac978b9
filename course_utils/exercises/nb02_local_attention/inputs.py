"""The arguments for the local attention exercises."""

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention.local import inside_map
from course_utils.exercises.exercise import Arguments, Wild


def _inside(height: int, width: int, size: int) -> Tensor:
    return inside_map(torch.empty(1, height, width), size)


def cases(g: Generator) -> list[Arguments]:
    """Ordinary arguments: no, one and two axes in front; values and keys of different lengths; any kind of prior."""

    def case(leading: tuple[int, ...], height: int, width: int, size: int, dim: int, value_dim: int) -> Arguments:
        positions, neighbours = height * width, size**2
        query = torch.randn(*leading, positions, dim, generator=g)
        key = torch.randn(*leading, positions, neighbours, dim, generator=g)
        value = torch.randn(*leading, positions, neighbours, value_dim, generator=g)
        return query, key, value, _inside(height, width, size)

    def prior(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    return [
        (*case((), 5, 3, 5, 16, 17), prior(15, 25)),
        case((2, 3), 3, 4, 3, 8, 5),
        (*case((1, 2), 4, 4, 3, 6, 7), prior(16, 9)),
        (*case((2, 3), 2, 5, 3, 4, 4), prior(2, 3, 10, 9)),
        case((2,), 3, 3, 3, 4, 5),
    ]


def wild(g: Generator) -> list[Wild]:
    """Scores whose exponential overflows, tensors from rearrange, and axes of length one."""

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    loud = torch.tensor([-10.0, 10.0])[:, None, None] + 0.5 * some(2, 9, 4)
    edge = _inside(1, 2, 3)
    near = rearrange(some(2, 3, 12, 25), "b d p n -> b p n d")
    return [
        Wild(
            "large-scores",
            (10 + 0.1 * some(2, 4), loud * edge[..., None], some(2, 9, 3), edge),
            "scores are near 200 or −200",
            "Use `softmax`, which first subtracts the largest score, and mask with −inf before it: any other number "
            "may be larger than a score.",
        ),
        Wild(
            "permuted-memory",
            (some(2, 3, 12).mT, near, 2 * near, _inside(3, 4, 5), some(2, 25, 12).mT),
            "the arguments come from `rearrange`, so they are in another memory order",
            "Use `.reshape` or `einsum` instead of `.view`.",
        ),
        Wild(
            "nothing-hidden",
            (
                some(1, 12, 8),
                some(1, 12, 25, 8),
                some(1, 12, 25, 1),
                torch.ones(12, 25, dtype=torch.bool),
                some(1, 12, 25),
            ),
            "no neighbour is masked, and each value is a single number",
            "An axis of length one is still an axis.",
        ),
        Wild(
            "one-position",
            (some(1, 1, 2), some(1, 1, 9, 2), some(1, 1, 9, 2), _inside(1, 1, 3), some(1, 9)),
            "there is one position, and only the centre of its neighbourhood exists",
            "An axis of length one is still an axis.",
        ),
    ]
