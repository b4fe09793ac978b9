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
            "Then the tokens must come out unchanged.",
        ),
        Wild(
            "transposed-memory",
            (tokens.mT, *_layers(g, 6)),
            "the tokens are in another memory order, as after a transpose",
            "Nothing here needs a `view`: leave the axes as they are.",
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
    """Whether the backward pass works; other tests check the gradients themselves."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 3, 6, generator=generator, requires_grad=True)
    try:
        fn(tokens, *_layers(generator, 6)).sum().backward()
    except RuntimeError as error:
        if "inplace operation" in str(error):
            return (
                "The numbers are right, but the block cannot be trained: `+=` or `add_` changes tokens that a norm "
                "still needs for its gradient. Create a new tensor instead: `tokens = tokens + …`."
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
        "There are two steps of the same form. In each, the tokens take two paths: one through a norm and a layer, "
        "the other around both.",
        "At the end of a step, the two paths meet in a sum. The result of the first step, with `norm1` and "
        "`attention`, is the input of both paths of the second.",
        "In code each step is one line: `tokens = tokens + …`, where the dots are a layer applied to the output of a "
        "norm. They are equations 2 and 3 of Dosovitskiy et al.",
    ),
    misconceptions=(
        Misconception(
            "post-norm",
            "The norm comes after each sum: this is the post-norm block of Vaswani et al. 2017. A ViT normalises the "
            "inputs of attention and MLP, not the sum, so the residual path stays free.",
            slips.post_norm,
        ),
        Misconception(
            "second-step-post-norm",
            "In the second step, a norm comes after the sum. Normalise the input of the MLP instead of the sum.",
            slips.post_norm_second,
            slips.ending(lambda start, middle, correction, norm2, mlp: norm2(middle + mlp(norm2(middle)))),
        ),
        Misconception(
            "first-step-post-norm",
            "In the first step, a norm comes after the sum. Normalise the input of attention instead of the sum.",
            slips.post_norm_first(both=False),
            slips.post_norm_first(both=True),
        ),
        Misconception(
            "norms-of-your-own",
            "Your own norm replaces `norm1` or `norm2`, so their learned scale and shift are lost. Call `norm1` and "
            "`norm2`.",
            slips.own_norms("12"),
            slips.own_norms("1"),
            slips.own_norms("2"),
        ),
        Misconception(
            "norm-of-the-correction",
            "The norms are applied to the outputs of attention and MLP. Apply them to their inputs.",
            slips.norm_of_correction(both=False),
        ),
        Misconception(
            "norm-of-the-correction-too",
            "Each norm is used twice, before and after a layer. Normalise only the inputs of attention and MLP, not "
            "their outputs.",
            slips.norm_of_correction(both=True),
        ),
        Misconception(
            "no-sums",
            "There is no residual sum: attention and MLP replace the tokens. Add the tokens to the output of each of "
            "the two layers.",
            slips.steps(slips.replaced, slips.replaced),
        ),
        Misconception(
            "first-sum-missing",
            "The first sum is missing: the output of attention replaces the tokens. Add the tokens to it, as in the "
            "second step.",
            slips.steps(slips.replaced, slips.plus),
        ),
        Misconception(
            "second-sum-missing",
            "The second sum is missing: the output of the MLP replaces the tokens. Add the tokens to it, as in the "
            "first step.",
            slips.steps(slips.plus, slips.replaced),
        ),
        Misconception(
            "one-sum-around-both",
            "There is one sum around both steps, so the MLP sees only the output of attention. Each step has its own "
            "sum.",
            lambda tokens, norm1, attention, norm2, mlp: tokens + mlp(norm2(attention(norm1(tokens)))),
        ),
        Misconception(
            "second-sum-with-the-start",
            "The second sum adds to the tokens from before the first step, so the output of attention reaches "
            "only the MLP. Add to the result of the first step.",
            slips.ending(lambda start, middle, correction, norm2, mlp: start + mlp(norm2(middle))),
        ),
        Misconception(
            "added-twice",
            "The tokens are added twice: the first step's result already contains them. Add only that result.",
            slips.ending(lambda start, middle, correction, norm2, mlp: start + middle + mlp(norm2(middle))),
        ),
        Misconception(
            "sum-of-normed",
            "A sum adds to normalised tokens, so the original ones are lost. Normalise only the inputs of attention "
            "and MLP, and add to the tokens themselves.",
            slips.sum_of_normed(True, True),
            slips.sum_of_normed(True, False),
            slips.sum_of_normed(False, True),
            lambda tokens, norm1, attention, norm2, mlp: encoder_block(norm1(tokens), norm1, attention, norm2, mlp),
        ),
        Misconception(
            "norm1-twice",
            "norm1 is used in both steps. Each step has its own norm with its own learned scale: use norm2 for the "
            "MLP.",
            slips.steps(slips.plus, slips.plus, "11"),
        ),
        Misconception(
            "norm2-twice",
            "norm2 is used in both steps. Each step has its own norm with its own learned scale: use norm1 for "
            "attention.",
            slips.steps(slips.plus, slips.plus, "22"),
        ),
        Misconception(
            "norms-exchanged",
            "The norms are swapped. norm1 is for attention, norm2 for the MLP.",
            slips.steps(slips.plus, slips.plus, "21"),
        ),
        Misconception(
            "parallel",
            "The MLP reads the block's input, so it never sees the output of attention. Apply the second step to the "
            "result of the first.",
            slips.ending(lambda start, middle, correction, norm2, mlp: middle + mlp(norm2(start))),
            lambda tokens, norm1, attention, norm2, mlp: tokens + attention(normed := norm1(tokens)) + mlp(normed),
        ),
        Misconception(
            "mlp-of-the-correction",
            "The MLP reads only the output of attention, without the tokens. It should read the sum of both.",
            slips.ending(lambda start, middle, correction, norm2, mlp: middle + mlp(norm2(correction))),
        ),
        Misconception(
            "mlp-first",
            "The MLP comes first and attention second. Attention comes first, so that the MLP can process what it "
            "gathered.",
            slips.mlp_first("21"),
            slips.mlp_first("12"),
        ),
        Misconception(
            "mlp-missing",
            "The second step has no effect on the result. Call the MLP, and return the sum that contains its output.",
            slips.ending(lambda start, middle, correction, norm2, mlp: middle),
        ),
        Misconception(
            "attention-missing",
            "The first step has no effect on the result, so the tokens exchange nothing. Call attention, and use the "
            "sum that contains its output in the second step.",
            lambda tokens, norm1, attention, norm2, mlp: tokens + mlp(norm2(tokens)),
        ),
        Misconception(
            "no-norms",
            "The norms have no effect. Normalise the inputs of attention and of the MLP: use what `norm1` and `norm2` "
            "return.",
            slips.steps(slips.plus, slips.plus, "--"),
        ),
        Misconception(
            "mlp-without-norm",
            "norm2 has no effect: the MLP reads unnormalised tokens. Pass the MLP what `norm2` returns.",
            slips.steps(slips.plus, slips.plus, "1-"),
        ),
        Misconception(
            "attention-without-norm",
            "norm1 has no effect: attention reads unnormalised tokens. Pass attention what `norm1` returns.",
            slips.steps(slips.plus, slips.plus, "-2"),
        ),
        Misconception(
            "mean-for-sum",
            "Each step takes the mean of the tokens and the layer's output, so the tokens fade from block to block. "
            "Add them without dividing.",
            slips.steps(
                lambda tokens, correction: (tokens + correction) / 2,
                lambda tokens, correction: (tokens + correction) / 2,
            ),
        ),
        Misconception(
            "subtracted",
            "A layer's output is subtracted. Add it.",
            slips.steps(
                lambda tokens, correction: tokens - correction, lambda tokens, correction: tokens - correction
            ),
            slips.steps(slips.plus, torch.sub),
            slips.steps(torch.sub, slips.plus),
        ),
        Misconception(
            "multiplied",
            "The tokens are multiplied by a layer's output. Add it, so that an output of zero changes nothing.",
            slips.steps(
                lambda tokens, correction: tokens * correction, lambda tokens, correction: tokens * correction
            ),
        ),
        Misconception(
            "only-corrections",
            "The tokens are missing from the result: it is only the sum of the two layers' outputs. If both are "
            "zero, the tokens must come out unchanged.",
            lambda tokens, norm1, attention, norm2, mlp: encoder_block(tokens, norm1, attention, norm2, mlp) - tokens,
        ),
        Misconception(
            "corrections-halved",
            "The layers' outputs are halved before they are added. Add them whole.",
            slips.steps(slips.half, slips.half),
        ),
        Misconception(
            "first-sequence-for-all",
            "`attention(…)[0]` is the output for the first sequence, and it is added to the whole batch. This "
            "attention returns only the tokens, not a pair.",
            slips.first_sequence,
        ),
        Misconception(
            "both-steps-returned",
            "The results of both steps are returned. Return only the result of the second step.",
            lambda tokens, norm1, attention, norm2, mlp: (
                (middle := tokens + attention(norm1(tokens))),
                middle + mlp(norm2(middle)),
            ),
        ),
    ),
)
