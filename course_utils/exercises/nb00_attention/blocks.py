"""The encoder block."""

import torch
from torch import Generator

from course_utils.attention import Layer, encoder_block
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb00_attention import block_slips as slips
from course_utils.exercises.nb00_attention.layers import mixing, norm, perceptron


def _layers(g: Generator, dim: int) -> tuple[Layer, Layer, Layer, Layer]:
    """Two norms, an attention and an MLP with random weights, in the order of the arguments."""
    return norm(g, dim), mixing(g, dim), norm(g, dim), perceptron(g, dim)


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
            "the tokens lie in memory in another order, as after a transpose",
            "Leave the axes alone: nothing here needs a `view`.",
        ),
        Wild(
            "batch-of-one",
            (torch.randn(1, 5, 6, generator=g), *_layers(g, 6)),
            "there is one sequence in the batch",
            "An axis of length one is still an axis.",
        ),
        Wild(
            "one-token",
            (torch.randn(2, 1, 6, generator=g), *_layers(g, 6)),
            "each sequence is a single token",
            "An axis of length one is still an axis.",
        ),
    ]


def _in_place(fn: slips.Block) -> str | None:
    """Backward through the block; everything else that gradients need is looked at elsewhere."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 3, 6, generator=generator, requires_grad=True)
    try:
        fn(tokens, *_layers(generator, 6)).sum().backward()
    except RuntimeError as error:
        if "inplace operation" in str(error):
            return (
                "The numbers are right, but the block could not be trained: tokens that a norm has read, and needs "
                "again for its gradient, are changed afterwards by `+=` or `add_`. Make new ones: `tokens = tokens + "
                "…`."
            )
    return None


ENCODER_BLOCK = Exercise(
    name="00.encoder_block",
    title="The encoder block",
    reference=encoder_block,
    learns=("tokens", "norm1", "attention", "norm2", "mlp"),
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
            "post-norm",
            "The norm comes after each sum: this is the post-norm block of Vaswani et al. 2017. A ViT normalises "
            "what goes into attention and MLP and leaves the sum alone, so that the residual path is free.",
            slips.post_norm,
        ),
        Misconception(
            "second-step-post-norm",
            "In the second step a norm comes after the sum. Normalise what goes into the MLP, and leave the sum alone.",
            slips.post_norm_second,
            slips.ending(lambda start, middle, correction, norm2, mlp: norm2(middle + mlp(norm2(middle)))),
        ),
        Misconception(
            "first-step-post-norm",
            "In the first step a norm comes after the sum. Normalise what goes into attention, and leave the sum "
            "alone.",
            slips.post_norm_first(both=False),
            slips.post_norm_first(both=True),
        ),
        Misconception(
            "norms-of-your-own",
            "A norm of your own stands in place of `norm1` or `norm2`, whose learned scale and shift are lost. Call "
            "the functions that you are given.",
            slips.own_norms("12"),
            slips.own_norms("1"),
            slips.own_norms("2"),
        ),
        Misconception(
            "norm-of-the-correction",
            "The norms stand behind attention and MLP and change what these return. They belong in front: what "
            "attention and MLP read is normalised.",
            slips.norm_of_correction(both=False),
        ),
        Misconception(
            "norm-of-the-correction-too",
            "Each norm is used twice, before a layer and behind it. Only what attention and MLP read is normalised, "
            "not what they return.",
            slips.norm_of_correction(both=True),
        ),
        Misconception(
            "no-sums",
            "Nothing is added back: attention and MLP replace the tokens instead of correcting them. Add the "
            "tokens to the result of each of the two steps.",
            slips.steps(slips.replaced, slips.replaced),
        ),
        Misconception(
            "first-sum-missing",
            "The first sum is missing: what attention returns replaces the tokens. Add the tokens to it, as in the "
            "second step.",
            slips.steps(slips.replaced, slips.plus),
        ),
        Misconception(
            "second-sum-missing",
            "The second sum is missing: the MLP replaces the tokens. Add them to its result, as in the first step.",
            slips.steps(slips.plus, slips.replaced),
        ),
        Misconception(
            "one-sum-around-both",
            "There is one sum around both steps, so the MLP sees only what attention has returned. Each step has a sum "
            "of its own.",
            lambda tokens, norm1, attention, norm2, mlp: tokens + mlp(norm2(attention(norm1(tokens)))),
        ),
        Misconception(
            "second-sum-with-the-start",
            "The second sum takes the tokens from before the first step, so attention's correction is missing from "
            "it. Add to what the first step has made.",
            slips.ending(lambda start, middle, correction, norm2, mlp: start + mlp(norm2(middle))),
        ),
        Misconception(
            "added-twice",
            "The tokens are added twice: they are in the first step's result already. Add that alone.",
            slips.ending(lambda start, middle, correction, norm2, mlp: start + middle + mlp(norm2(middle))),
        ),
        Misconception(
            "sum-of-normed",
            "A sum takes the tokens after a norm, so the original ones are lost. Normalise only what goes into "
            "attention and MLP, and keep the tokens themselves for the sum.",
            slips.sum_of_normed(True, True),
            slips.sum_of_normed(True, False),
            slips.sum_of_normed(False, True),
            lambda tokens, norm1, attention, norm2, mlp: encoder_block(norm1(tokens), norm1, attention, norm2, mlp),
        ),
        Misconception(
            "norm1-twice",
            "norm1 is used in both steps. Each step has a norm of its own with its own learned scale: the MLP's is "
            "norm2.",
            slips.steps(slips.plus, slips.plus, "11"),
        ),
        Misconception(
            "norm2-twice",
            "norm2 is used in both steps. Each step has a norm of its own with its own learned scale: that of "
            "attention is norm1.",
            slips.steps(slips.plus, slips.plus, "22"),
        ),
        Misconception(
            "norms-exchanged",
            "The norms are swapped. norm1 is that of attention, norm2 that of the MLP.",
            slips.steps(slips.plus, slips.plus, "21"),
        ),
        Misconception(
            "parallel",
            "The MLP reads the block's input, so it never sees what attention has gathered. Run the second step on "
            "the result of the first.",
            slips.ending(lambda start, middle, correction, norm2, mlp: middle + mlp(norm2(start))),
            lambda tokens, norm1, attention, norm2, mlp: tokens + attention(normed := norm1(tokens)) + mlp(normed),
        ),
        Misconception(
            "mlp-of-the-correction",
            "The MLP reads only attention's correction, without the tokens. It should read the sum of both.",
            slips.ending(lambda start, middle, correction, norm2, mlp: middle + mlp(norm2(correction))),
        ),
        Misconception(
            "mlp-first",
            "The MLP works first and attention second. Exchange comes first, so that the MLP can work on what was "
            "gathered.",
            slips.mlp_first("21"),
            slips.mlp_first("12"),
        ),
        Misconception(
            "mlp-missing",
            "The second step is missing: the MLP is never called.",
            slips.ending(lambda start, middle, correction, norm2, mlp: middle),
        ),
        Misconception(
            "attention-missing",
            "The first step is missing: attention is never called, and no token learns of another.",
            lambda tokens, norm1, attention, norm2, mlp: tokens + mlp(norm2(tokens)),
        ),
        Misconception(
            "no-norms",
            "The norms are never called. Normalise what goes into attention and into the MLP.",
            slips.steps(slips.plus, slips.plus, "--"),
        ),
        Misconception(
            "mlp-without-norm",
            "norm2 is never called: the MLP reads the tokens as they are. Normalise what goes into it.",
            slips.steps(slips.plus, slips.plus, "1-"),
        ),
        Misconception(
            "attention-without-norm",
            "norm1 is never called: attention reads the tokens as they are. Normalise what goes into it.",
            slips.steps(slips.plus, slips.plus, "-2"),
        ),
        Misconception(
            "mean-for-sum",
            "The mean is taken of tokens and correction, so the tokens fade from block to block. Add them, and do not "
            "divide.",
            slips.steps(
                lambda tokens, correction: (tokens + correction) / 2,
                lambda tokens, correction: (tokens + correction) / 2,
            ),
        ),
        Misconception(
            "subtracted",
            "A correction is subtracted. Corrections are added.",
            slips.steps(
                lambda tokens, correction: tokens - correction, lambda tokens, correction: tokens - correction
            ),
            slips.steps(slips.plus, torch.sub),
            slips.steps(torch.sub, slips.plus),
        ),
        Misconception(
            "multiplied",
            "Tokens and correction are multiplied. They are added, so that a correction of zero changes nothing.",
            slips.steps(
                lambda tokens, correction: tokens * correction, lambda tokens, correction: tokens * correction
            ),
        ),
        Misconception(
            "only-corrections",
            "The tokens are missing in the result: it is the two corrections alone. Where both are zero, the tokens "
            "must come out unchanged.",
            lambda tokens, norm1, attention, norm2, mlp: encoder_block(tokens, norm1, attention, norm2, mlp) - tokens,
        ),
        Misconception(
            "corrections-halved",
            "The corrections are halved before they are added. Add them whole.",
            slips.steps(slips.half, slips.half),
        ),
        Misconception(
            "first-sequence-for-all",
            "`attention(…)[0]` is what attention has made of the first sequence, and it is added to all of the batch. "
            "This attention returns the tokens alone, not a pair.",
            slips.first_sequence,
        ),
        Misconception(
            "both-steps-returned",
            "Both steps' results are returned. Return what the second step makes, alone.",
            lambda tokens, norm1, attention, norm2, mlp: (
                (middle := tokens + attention(norm1(tokens))),
                middle + mlp(norm2(middle)),
            ),
        ),
    ),
)
