"""The encoder block."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.attention import Layer, attend, encoder_block
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb00_attention.cross_slips import linear

Block = Callable[..., Tensor]
Join = Callable[[Tensor, Tensor], Tensor]


def _layers(g: Generator, dim: int) -> tuple[Layer, Layer, Layer, Layer]:
    """Two norms, an attention and an MLP with random weights, in the order of the arguments."""

    def norm() -> Layer:
        gain, shift = 1 + torch.randn(dim, generator=g) / 2, torch.randn(dim, generator=g) / 2
        return lambda tokens: F.layer_norm(tokens, (dim,), gain, shift)

    mix, first, second = linear(g, dim, dim), linear(g, dim, 2 * dim), linear(g, 2 * dim, dim)
    norms = norm(), norm()
    return (
        norms[0],
        lambda tokens: mix(attend(tokens, tokens, tokens)[0]),
        norms[1],
        lambda t: second(F.gelu(first(t))),
    )


def _cases(g: Generator) -> list[Arguments]:
    return [(torch.randn(*shape, generator=g), *_layers(g, shape[-1])) for shape in [(2, 5, 8), (3, 3, 6), (3, 7, 4)]]


def _wild(g: Generator) -> list[Wild]:
    tokens = torch.randn(2, 6, 5, generator=g)
    norm1, _, norm2, _ = _layers(g, 6)
    return [
        Wild(
            "nothing-added",
            (torch.randn(2, 3, 6, generator=g), norm1, torch.zeros_like, norm2, torch.zeros_like),
            "attention and mlp return zeros",
            "Then the tokens come out as they went in.",
        ),
        Wild(
            "transposed-memory",
            (tokens.mT, *_layers(g, 6)),
            "the tokens lie in memory the other way round, as after a transpose",
            "Leave the axes alone: nothing here needs a `view`.",
        ),
        Wild("one-token", (torch.randn(1, 1, 6, generator=g), *_layers(g, 6)), "there is a single token"),
    ]


def _in_place(fn: Block) -> str | None:
    """Backward through the block; everything else that gradients need is looked at elsewhere."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 3, 6, generator=generator, requires_grad=True)
    try:
        fn(tokens, *_layers(generator, 6)).sum().backward()
    except RuntimeError as error:
        if "inplace operation" in str(error):
            return (
                "The numbers are right, but the block could not be trained: tokens that a norm has read, and needs "
                "again for its gradient, are changed afterwards by `+=` or `add_`. Make new ones: `tokens = tokens + …`."
            )
    return None


def _steps(first: Join, second: Join, norms: str = "12") -> Block:
    """Two residual steps; each joins the tokens and the layer's correction in some way."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        norm = {"1": norm1, "2": norm2, "-": lambda tokens: tokens}
        tokens = first(tokens, attention(norm[norms[0]](tokens)))
        return second(tokens, mlp(norm[norms[1]](tokens)))

    return wrong


def _plus(tokens: Tensor, correction: Tensor) -> Tensor:
    return tokens + correction


def _replaced(tokens: Tensor, correction: Tensor) -> Tensor:
    return correction


def _half(tokens: Tensor, correction: Tensor) -> Tensor:
    return tokens + correction / 2


def _post_norm(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def _half_post_norm(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    tokens = tokens + attention(norm1(tokens))
    return norm2(tokens + mlp(tokens))


def _norm_of_correction(both: bool) -> Block:
    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        tokens = tokens + norm1(attention(norm1(tokens) if both else tokens))
        return tokens + norm2(mlp(norm2(tokens) if both else tokens))

    return wrong


def _sum_of_normed(first: bool, second: bool) -> Block:
    """In one step or in both the normalised tokens are carried on."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        normed = norm1(tokens)
        tokens = (normed if first else tokens) + attention(normed)
        normed = norm2(tokens)
        return (normed if second else tokens) + mlp(normed)

    return wrong


def _ending(last: Callable[[Tensor, Tensor, Tensor, Layer, Layer], Tensor]) -> Block:
    """The first step is right; last makes the rest of tokens before and after it and of attention's correction."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        correction = attention(norm1(tokens))
        return last(tokens, tokens + correction, correction, norm2, mlp)

    return wrong


def _mlp_first(norms: str) -> Block:
    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        first, second = (norm1, norm2) if norms == "12" else (norm2, norm1)
        tokens = tokens + mlp(first(tokens))
        return tokens + attention(second(tokens))

    return wrong


def _first_sequence(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    tokens = tokens + attention(norm1(tokens))[0]
    return tokens + mlp(norm2(tokens))


ENCODER_BLOCK = Exercise(
    name="00.encoder_block",
    title="The encoder block",
    reference=encoder_block,
    learns=("tokens",),
    cases=_cases,
    wild=_wild,
    promises=(Promise("can-be-trained", _in_place),),
    hints=(
        "There are two steps of the same form. In each, the tokens go two ways: one leads through a norm and a layer, "
        "the other past both.",
        "At the end of a step the two ways meet in a sum. What comes out of the first step, with `norm1` and "
        "`attention`, is what both ways of the second begin with.",
        "In code each step is one line: `tokens = tokens + …`, and the dots are a layer called on what a norm "
        "returns. They are equations 2 and 3 of Dosovitskiy et al.",
    ),
    misconceptions=(
        Misconception(
            _post_norm,
            "The norm comes after each sum: this is the post-norm block of Vaswani et al. 2017. A ViT normalises "
            "what goes into attention and MLP and leaves the sum alone, so that the residual path is free.",
            name="post-norm",
        ),
        Misconception(
            _half_post_norm,
            "In the second step the norm comes after the sum. Normalise what goes into the MLP, and leave the sum "
            "alone.",
            name="second-step-post-norm",
            also=(_ending(lambda start, middle, correction, norm2, mlp: norm2(middle + mlp(norm2(middle)))),),
        ),
        Misconception(
            _norm_of_correction(both=False),
            "The norms stand behind attention and MLP, on what these return. They belong in front: what attention and "
            "MLP read is normalised.",
            name="norm-of-the-correction",
        ),
        Misconception(
            _norm_of_correction(both=True),
            "Each norm is used twice, before a layer and behind it. Only what attention and MLP read is normalised, not "
            "what they return.",
            name="norm-of-the-correction-too",
        ),
        Misconception(
            _steps(_replaced, _replaced),
            "Nothing is added back: attention and MLP replace the tokens instead of correcting them. Add the "
            "tokens to the result of each of the two steps.",
            name="no-sums",
        ),
        Misconception(
            _steps(_replaced, _plus),
            "The first sum is missing: what attention returns replaces the tokens. Add the tokens to it, as in the "
            "second step.",
            name="first-sum-missing",
        ),
        Misconception(
            _steps(_plus, _replaced),
            "The second sum is missing: the MLP replaces the tokens. Add them to its result, as in the first step.",
            name="second-sum-missing",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: tokens + mlp(norm2(attention(norm1(tokens)))),
            "There is one sum around both steps, so the MLP sees only what attention has returned. Each step has a sum "
            "of its own.",
            name="one-sum-around-both",
        ),
        Misconception(
            _ending(lambda start, middle, correction, norm2, mlp: start + mlp(norm2(middle))),
            "The second sum takes the tokens from before the first step, so attention's correction is lost on the way. "
            "Add what the first step has made.",
            name="second-sum-with-the-start",
        ),
        Misconception(
            _ending(lambda start, middle, correction, norm2, mlp: start + middle + mlp(norm2(middle))),
            "The tokens are added twice: they are in the first step's result already. Add that alone.",
            name="added-twice",
        ),
        Misconception(
            _sum_of_normed(True, True),
            "The sum takes the tokens after the norm, so the original ones are lost. Normalise only what goes into "
            "attention and MLP, and keep the tokens themselves for the sum.",
            name="sum-of-normed",
            also=(
                _sum_of_normed(True, False),
                _sum_of_normed(False, True),
                lambda tokens, norm1, attention, norm2, mlp: encoder_block(
                    norm1(tokens), norm1, attention, norm2, mlp
                ),
            ),
        ),
        Misconception(
            _steps(_plus, _plus, "11"),
            "norm1 is used in both steps. Each step has a norm of its own with its own learned scale: the MLP's is "
            "norm2.",
            name="norm1-twice",
        ),
        Misconception(
            _steps(_plus, _plus, "22"),
            "norm2 is used in both steps. Each step has a norm of its own with its own learned scale: that of attention "
            "is norm1.",
            name="norm2-twice",
        ),
        Misconception(
            _steps(_plus, _plus, "21"),
            "The norms have changed places. norm1 is that of attention, norm2 that of the MLP.",
            name="norms-exchanged",
        ),
        Misconception(
            _ending(lambda start, middle, correction, norm2, mlp: middle + mlp(norm2(start))),
            "The MLP reads the block's input, so it never sees what attention has gathered. Run the second step on "
            "the result of the first.",
            name="parallel",
            also=(
                lambda tokens, norm1, attention, norm2, mlp: (
                    tokens + attention(normed := norm1(tokens)) + mlp(normed)
                ),
            ),
        ),
        Misconception(
            _ending(lambda start, middle, correction, norm2, mlp: middle + mlp(norm2(correction))),
            "The MLP reads only attention's correction, without the tokens. It is to read their sum.",
            name="mlp-of-the-correction",
        ),
        Misconception(
            _mlp_first("21"),
            "The MLP works first and attention second. Exchange comes first, so that the MLP can work on what was "
            "gathered.",
            name="mlp-first",
            also=(_mlp_first("12"),),
        ),
        Misconception(
            _ending(lambda start, middle, correction, norm2, mlp: middle),
            "The second step is missing: the MLP is never called.",
            name="mlp-missing",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: tokens + mlp(norm2(tokens)),
            "The first step is missing: attention is never called, and no token learns of another.",
            name="attention-missing",
        ),
        Misconception(
            _steps(_plus, _plus, "--"),
            "The norms are never called. Normalise what goes into attention and into the MLP.",
            name="no-norms",
        ),
        Misconception(
            _steps(_plus, _plus, "1-"),
            "norm2 is never called: the MLP reads tokens as they are. Normalise what goes into it.",
            name="mlp-without-norm",
        ),
        Misconception(
            _steps(_plus, _plus, "-2"),
            "norm1 is never called: attention reads the tokens as they are. Normalise what goes into it.",
            name="attention-without-norm",
        ),
        Misconception(
            _steps(
                lambda tokens, correction: (tokens + correction) / 2,
                lambda tokens, correction: (tokens + correction) / 2,
            ),
            "The mean is taken of tokens and correction, so the tokens fade from block to block. Add them, and do not "
            "divide.",
            name="mean-for-sum",
        ),
        Misconception(
            _steps(lambda tokens, correction: tokens - correction, lambda tokens, correction: tokens - correction),
            "A correction is subtracted. Corrections are added.",
            name="subtracted",
            also=(_steps(_plus, torch.sub), _steps(torch.sub, _plus)),
        ),
        Misconception(
            _steps(lambda tokens, correction: tokens * correction, lambda tokens, correction: tokens * correction),
            "Tokens and correction are multiplied. They are added, so that a correction of zero changes nothing.",
            name="multiplied",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: encoder_block(tokens, norm1, attention, norm2, mlp) - tokens,
            "The tokens are missing in the result: it is the two corrections alone. Where both are zero, the tokens come "
            "out.",
            name="only-corrections",
        ),
        Misconception(
            _steps(_half, _half),
            "The corrections are halved before they are added. Add them whole.",
            name="corrections-halved",
        ),
        Misconception(
            _first_sequence,
            "`attention(…)[0]` is what attention has made of the first sequence, and it is added to all of the batch. "
            "This attention returns the tokens alone, not a pair.",
            name="first-sequence-for-all",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: (
                (middle := tokens + attention(norm1(tokens))),
                middle + mlp(norm2(middle)),
            ),
            "Both steps' results are returned. Return what the second step makes, alone.",
            name="both-steps-returned",
        ),
    ),
)
