"""Every position of a map becomes a token."""

from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention import flatten_positions
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    return [(torch.randn(*shape, generator=g),) for shape in [(2, 3, 4, 5), (1, 8, 6, 2), (3, 2, 5, 1), (2, 4, 3, 3)]]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "channels-last-memory",
            (torch.randn(2, 4, 5, 3, generator=g).permute(0, 3, 1, 2),),
            "the channels already come last in memory, as convolutions may leave them",
            "`reshape`, `flatten` and `rearrange` work in any memory order; `as_strided`, and `view` on axes that "
            "are not contiguous, do not.",
        ),
        Wild(
            "cut-out",
            (torch.randn(2, 3, 4, 7, generator=g)[..., 1:-1],),
            "the map is a crop of a wider one, so its rows are not contiguous in memory",
            "`reshape`, `flatten` and `rearrange` work in any memory order; `view` on axes that are not contiguous "
            "does not.",
        ),
        Wild(
            "one-place",
            (torch.randn(1, 3, 1, 1, generator=g),),
            ("the map has a single position"),
            "It is still an axis.",
        ),
        Wild(
            "one-channel",
            (torch.randn(2, 1, 2, 3, generator=g),),
            "there is a single channel",
            "It is still an axis.",
        ),
    ]


def _as(pattern: str) -> Callable[[Tensor], Tensor]:
    return lambda features: rearrange(features, pattern)


def _then(change: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    """The right tokens, and something done to them."""
    return lambda features: change(flatten_positions(features))


def _square(axis: int) -> Callable[[Tensor], Tensor]:
    """The number of positions of a square map."""
    return lambda features: features.permute(0, 2, 3, 1).reshape(
        len(features), features.shape[axis] ** 2, features.shape[1]
    )


FLATTEN_POSITIONS = Exercise(
    name="01.flatten_positions",
    title="Positions become tokens",
    reference=flatten_positions,
    learns=("features",),
    cases=_cases,
    wild=_wild,
    hints=(
        "What is one token? The vector of all channels at one position. How many positions are there?",
        "Height and width become one axis, and the channels go last.",
        'In the einops pattern, the left side is `"b c h w"`. On the right, brackets join two axes; the '
        "slower-varying one comes first inside them.",
    ),
    misconceptions=(
        Misconception(
            "bare-reshape",
            "A bare reshape keeps the memory order, in which all positions of the first channel come first, so these "
            "tokens mix positions of one channel. Change the order of the axes with rearrange.",
            lambda features: features.reshape(features.shape[0], -1, features.shape[1]),
        ),
        Misconception(
            "channels-as-tokens",
            "Every channel became a token, with one feature per position. It is the other way round: a token is a "
            "position and its features are the channels, so c goes last.",
            _as("b c h w -> b c (h w)"),
            _as("b c h w -> b c (w h)"),
        ),
        Misconception(
            "down-the-columns",
            "The positions go column by column. Raster order goes row by row: "
            "the height axis comes before the width axis.",
            _as("b c h w -> b (w h) c"),
        ),
        Misconception(
            "batch-in-the-tokens",
            "The images of the batch became one long sequence, so each would attend to all the others. The batch "
            "keeps its own axis.",
            _as("b c h w -> (b h w) c"),
            _as("b c h w -> 1 (b h w) c"),
            _as("b c h w -> (h w b) c"),
        ),
        Misconception(
            "still-a-grid",
            "The channels are last, but the positions still form a grid. Attention needs one sequence: join h and w.",
            _as("b c h w -> b h w c"),
            _as("b c h w -> b w h c"),
        ),
        Misconception(
            "everything-joined",
            "A whole image is joined into one axis. Join only the positions; the channels keep their own axis.",
            _as("b c h w -> b (c h w)"),
            _as("b c h w -> b (h w c)"),
        ),
        Misconception(
            "channels-joined-with-places",
            "The channels are joined with the rows or the columns. Join the rows and the columns.",
            _as("b c h w -> b (c h) w"),
            _as("b c h w -> b (h c) w"),
            _as("b c h w -> b w (c h)"),
            _as("b c h w -> b h (c w)"),
            _as("b c h w -> b h (w c)"),
        ),
        Misconception(
            "cut-before-the-channels-are-last",
            "Axes are swapped, but the channels are not last before the reshape, so these tokens mix positions. Move "
            "the channels after height and width first.",
            lambda features: features.transpose(1, 2).reshape(features.shape[0], -1, features.shape[1]),
            lambda features: features.mT.reshape(features.shape[0], -1, features.shape[1]),
            lambda features: features.permute(0, 3, 1, 2).reshape(features.shape[0], -1, features.shape[1]),
        ),
        Misconception(
            "batch-second",
            "The tokens come before the batch. The batch stays first: (batch, height · width, channels).",
            _as("b c h w -> (h w) b c"),
        ),
        Misconception(
            "batch-last",
            "The axes are in a different order from (batch, height · width, channels). Channels go last, the batch "
            "stays first.",
            _as("b c h w -> (h w) c b"),
            _as("b c h w -> c (h w) b"),
            _as("b c h w -> c b (h w)"),
        ),
        Misconception(
            "first-picture-only",
            "Only the first image of the batch is returned. Leave the batch axis alone.",
            _then(lambda tokens: tokens[:1]),
            _then(lambda tokens: tokens[0]),
        ),
        Misconception(
            "squeezed",
            "An axis of length one is lost, as happens with `squeeze`. A batch of one image is still a batch.",
            _then(lambda tokens: tokens.squeeze(0)),
            _then(torch.squeeze),
            lambda features: features.squeeze().flatten(-2).transpose(-2, -1),
        ),
        Misconception(
            "last-place-first",
            "The last position comes first. Raster order starts at the top left.",
            _then(lambda tokens: tokens.flip(1)),
        ),
        Misconception(
            "mean-over-places",
            "The mean is taken over all positions. Do not average: every position becomes a token.",
            _then(lambda tokens: tokens.mean(1, keepdim=True)),
            _then(lambda tokens: tokens.mean(1)),
        ),
        Misconception(
            "mean-over-a-side",
            "The mean is taken over the rows or the columns. Do not average: every position becomes a token.",
            lambda features: features.mean(2).mT,
            lambda features: features.mean(3).mT,
            lambda features: features.mean(2),
            lambda features: features.mean(3),
        ),
        Misconception(
            "one-token-more",
            "There is one token more than there are positions. A CNN has no class token: every token is a position.",
            _then(lambda tokens: torch.cat([torch.zeros_like(tokens[:, :1]), tokens], 1)),
            _then(lambda tokens: torch.cat([tokens.mean(1, keepdim=True), tokens], 1)),
        ),
        Misconception(
            "one-axis-more",
            "The tokens are right, but there is an extra axis. Three are enough: (batch, height · width, channels).",
            _then(lambda tokens: tokens[:, None]),
            _then(lambda tokens: tokens[..., None]),
            _then(lambda tokens: tokens[None]),
        ),
        Misconception(
            "square-maps-only",
            "The number of positions is that of a square map. Height and width may differ.",
            _square(2),
            _square(3),
        ),
        Misconception(
            "separate-tensors",
            "The tokens are right, but they are separate tensors. Stack them into one, along axis 1.",
            _then(lambda tokens: list(tokens.unbind(1))),
        ),
    ),
)
