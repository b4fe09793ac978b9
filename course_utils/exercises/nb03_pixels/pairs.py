"""Inputs and targets of next-pixel prediction."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.models.pixel_transformer import next_pixel_pairs

Two = tuple[Tensor, Tensor]


# The lowest and highest colours do not occur, so that no start token is right by chance.
def _tokens(g: Generator, batch: int, pixels: int, colours: int) -> Tensor:
    return torch.randint(1, colours - 1, (batch, pixels), generator=g)


def _cases(g: Generator) -> list[Arguments]:
    sizes = [(2, 6, 9), (3, 9, 4), (1, 4, 12), (4, 16, 17)]
    return [(_tokens(g, batch, pixels, colours), colours) for batch, pixels, colours in sizes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "one-pixel",
            (_tokens(g, 3, 1, 6), 6),
            "an image has a single pixel",
            "Then the inputs are only the start token, and the targets are that pixel.",
        ),
        Wild(
            "many-colours",
            (torch.tensor([[511, 3, 256, 1]]), 512),
            "the palette has hundreds of colours",
            "Their indices do not fit into 8 bits, and neither does the start token's.",
        ),
        Wild(
            "transposed-memory",
            (_tokens(g, 5, 4, 7).T, 7),
            "tokens has been transposed, so its rows are not contiguous in memory",
            "Use `.reshape` instead of `.view`.",
        ),
    ]


def _inputs(change: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int], Two]:
    """Right targets, other inputs."""
    return lambda tokens, start: (change(tokens, start), tokens)


def _targets(change: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int], Two]:
    """Right inputs, other targets."""
    return lambda tokens, start: (next_pixel_pairs(tokens, start)[0], change(tokens, start))


def _first(tokens: Tensor, start: int) -> Tensor:
    return torch.full_like(tokens[:, :1], start)


def _ahead(tokens: Tensor, start: int) -> Tensor:
    return torch.cat([tokens[:, 1:], _first(tokens, start)], 1)


def _longer(tokens: Tensor, start: int) -> Tensor:
    return torch.cat([_first(tokens, start), tokens], 1)


def _put(place: int | tuple[int, int], moved: int = 0) -> Callable[[Tensor, int], Tensor]:
    """The start token replaces one position of each image, or of one image."""

    def inputs(tokens: Tensor, start: int) -> Tensor:
        inputs = tokens.roll(moved, 1)
        inputs[(slice(None), place) if isinstance(place, int) else place] = start
        return inputs

    return inputs


def _instead(other: int | Callable[[Tensor], int]) -> Callable[[Tensor, int], Two]:
    """Another start token, a fixed one or one computed from the tokens."""
    return _inputs(
        lambda tokens, start: next_pixel_pairs(tokens, other if isinstance(other, int) else other(tokens))[0]
    )


NEXT_PIXEL_PAIRS = Exercise(
    name="03.next_pixel_pairs",
    title="Inputs and targets",
    points=2,
    reference=next_pixel_pairs,
    cases=_cases,
    wild=_wild,
    returns=("inputs", "targets"),
    hints=(
        "The targets are simply the image: the model predicts every pixel once, including the first.",
        "What may the model have read when it predicts pixel 0? Nothing, so it reads the start token instead. And "
        "when it predicts pixel 1?",
        "`torch.full_like(tokens[:, :1], start)` is a column of start tokens; `torch.cat([…, …], dim=1)` puts "
        "it in front of all pixels but the last.",
    ),
    misconceptions=(
        Misconception(
            "no-shift",
            "Inputs and targets are the same, so at each position the model reads the pixel that it must predict and "
            "would learn to copy. What may it have read at that position?",
            _inputs(lambda tokens, start: tokens),
        ),
        Misconception(
            "shifted-to-the-left",
            "The inputs are shifted to the left: at position i the model reads pixel i + 1, the future. What may it "
            "have read when it predicts pixel i?",
            _inputs(_ahead),
            _inputs(lambda tokens, start: tokens.roll(-1, 1)),
        ),
        Misconception(
            "inputs-too-long",
            "The inputs are one longer than the targets. Which pixel is never read, because nothing comes after it?",
            _inputs(_longer),
        ),
        Misconception(
            "start-before-both",
            "Both inputs and targets begin with the start token, so at each position the model reads its target, and "
            "it must predict the start token too. Only the inputs begin with it.",
            lambda tokens, start: (_longer(tokens, start), _longer(tokens, start)),
            lambda tokens, start: (next_pixel_pairs(tokens, start)[0],) * 2,
        ),
        Misconception(
            "last-pixel-first",
            "The last pixel is where the start token should be: the model would see the end of the image before its "
            "beginning.",
            _inputs(lambda tokens, start: tokens.roll(1, 1)),
        ),
        Misconception(
            "first-pixel-twice",
            "The first pixel is read twice, and start is not used: at the first position the model reads its target. "
            "What should it read there instead?",
            _inputs(lambda tokens, start: torch.cat([tokens[:, :1], tokens[:, :-1]], 1)),
        ),
        Misconception(
            "inputs-without-start",
            "The inputs are all pixels but the last, one fewer than the targets. What has the model read when it "
            "predicts the first pixel?",
            _inputs(lambda tokens, start: tokens[:, :-1]),
        ),
        Misconception(
            "first-pixel-replaced",
            "The start token replaces the first pixel, and all others stay where they are, so at every other "
            "position the model still reads its target. The start token goes before the first pixel.",
            _inputs(_put(0)),
        ),
        Misconception(
            "last-pixel-replaced",
            "The start token replaces the last pixel, and all others stay where they are, so at every other position "
            "the model still reads its target. The start token goes before the first pixel.",
            _inputs(_put(-1)),
        ),
        Misconception(
            "no-start-token",
            "This is a shift without a start token, so the first pixel is never predicted. What does the model read "
            "before it predicts the first pixel?",
            lambda tokens, start: (tokens[:, :-1], tokens[:, 1:]),
        ),
        Misconception(
            "both-moved",
            "Both are shifted, inputs to the right and targets to the left, so they are two positions apart. The "
            "targets are the image itself.",
            _targets(_ahead),
            lambda tokens, start: (next_pixel_pairs(tokens, start)[0], tokens.roll(-1, 1)),
            lambda tokens, start: (next_pixel_pairs(tokens, start)[0], F.pad(tokens[:, 1:], (0, 1))),
        ),
        Misconception(
            "targets-moved",
            "The targets are shifted instead of the inputs, so the first position predicts the second pixel. The "
            "targets are the image itself.",
            lambda tokens, start: (tokens, _ahead(tokens, start)),
            lambda tokens, start: (tokens, tokens.roll(-1, 1)),
        ),
        Misconception(
            "targets-too-short",
            "The inputs are right, but the first or the last pixel is missing from the targets. The model predicts "
            "every pixel.",
            _targets(lambda tokens, start: tokens[:, 1:]),
            _targets(lambda tokens, start: tokens[:, :-1]),
        ),
        Misconception(
            "targets-first",
            "Inputs and targets are both right, but in the wrong order: return the inputs first.",
            lambda tokens, start: next_pixel_pairs(tokens, start)[::-1],
        ),
        Misconception(
            "inputs-only",
            "Only the inputs are returned, and they are right. Return the targets too, as the second value.",
            lambda tokens, start: next_pixel_pairs(tokens, start)[0],
        ),
        Misconception(
            "another-start",
            "The inputs do not begin with start, but with another number. If that is a colour of the palette, the "
            "model cannot tell the two apart.",
            _instead(0),
            *map(_instead, (-1, 1, 5, 17)),
            _instead(lambda tokens: int(tokens.max()) + 1),
            _instead(lambda tokens: tokens.shape[1]),
        ),
        Misconception(
            "moved-by-two",
            "The inputs are shifted by two positions. At each position, the last pixel read should be the one just "
            "before.",
            _inputs(lambda tokens, start: F.pad(tokens, (2, 0), value=start)[:, : tokens.shape[1]]),
        ),
        Misconception(
            "along-the-batch",
            "The inputs are shifted from image to image instead of from pixel to pixel: the first axis is the batch.",
            _inputs(lambda tokens, start: torch.cat([torch.full_like(tokens[:1], start), tokens[:-1]])),
            _inputs(lambda tokens, start: tokens.roll(1, 0)),
        ),
        Misconception(
            "first-picture-only",
            "Only the first image begins with the start token. Every image should.",
            _inputs(_put((0, 0), moved=1)),
        ),
        Misconception(
            "across-pictures",
            "The inputs are shifted through the whole batch, so an image begins with the last pixel of the one "
            "before it. Shift within each image, along axis 1: every one begins with the start token.",
            _inputs(lambda tokens, start: _put((0, 0))(tokens.roll(1), start)),
            _inputs(lambda tokens, start: tokens.roll(1)),
        ),
        Misconception(
            "overwritten-while-copying",
            "The pixels are overwritten while they are still being copied, so all inputs after the start token are "
            "the first pixel. Copy from tokens, not from what has already been changed.",
            _inputs(lambda tokens, start: _put(0)(tokens[:, :1].expand_as(tokens).clone(), start)),
        ),
        Misconception(
            "end-token",
            "Inputs and targets are both one position too long: after the last pixel the model predicts another "
            "token, an end token. Every image has the same number of pixels, so no end token is needed.",
            lambda tokens, start: (_longer(tokens, start), torch.cat([tokens, _first(tokens, start)], 1)),
        ),
        Misconception(
            "start-added",
            "The start token is added to a pixel's index. It is a separate token: put it in front.",
            _inputs(lambda tokens, start: torch.cat([(tokens[:, -1:] + start), tokens[:, :-1]], 1)),
            _inputs(lambda tokens, start: torch.cat([tokens[:, :1] + start, tokens[:, 1:]], 1)),
        ),
        Misconception(
            "backwards",
            "The inputs are in reverse order, starting with the last pixel, but the targets are not.",
            _inputs(lambda tokens, start: next_pixel_pairs(tokens.flip(1), start)[0]),
        ),
        Misconception(
            "floats",
            "Colour indices have become floats, but an embedding and cross-entropy both need integers. Give the "
            "column of start tokens the dtype of tokens.",
            _inputs(lambda tokens, start: next_pixel_pairs(tokens, start)[0].float()),
            lambda tokens, start: tuple(part.float() for part in next_pixel_pairs(tokens, start)),
            _targets(lambda tokens, start: tokens.float()),
        ),
    ),
)
