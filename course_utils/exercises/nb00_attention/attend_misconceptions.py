"""What students believe of attention, as functions, and what to tell them."""

import math

import torch

from course_utils.attention import attend
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb00_attention import attend_slips as slips
from course_utils.exercises.nb00_attention.attend_scale import SCALE
from course_utils.exercises.nb00_attention.attend_slips import returning, slip

MISCONCEPTIONS = (
    *SCALE,
    Misconception(
        slip(normalise=lambda scores: scores.softmax(-2)),
        "The softmax runs over the queries, so the columns of the weights sum to one. Each query shares out "
        "its attention among the keys: rows must sum to one, so take the last axis.",
        name="softmax-over-queries",
        also=(
            *slips.with_every_mask(lambda scores: scores.softmax(-2)),
            *slips.with_every_slip_of_the_mask(normalise=lambda scores: scores.softmax(-2)),
        ),
    ),
    Misconception(
        slip(normalise=lambda scores: scores.softmax(1)),
        "The softmax runs over an axis counted from the front, and that is the keys only for some shapes. There "
        "may be any number of axes in front: count from the back.",
        name="softmax-axis-from-the-front",
        also=(
            *slips.with_every_mask(lambda scores: scores.softmax(1)),
            *slips.with_every_mask(lambda scores: scores.softmax(0)),
            slip(normalise=lambda scores: scores.softmax(2)),
        ),
    ),
    Misconception(
        slip(normalise=lambda scores: scores.softmax(0 if scores.ndim == 3 else 1)),
        "The softmax is not told its axis, and what PyTorch then chooses is not always the keys. Name it: dim=….",
        name="softmax-without-an-axis",
        also=slips.with_every_mask(lambda scores: scores.softmax(0 if scores.ndim == 3 else 1)),
    ),
    Misconception(
        slip(normalise=lambda scores: scores.flatten(-2).softmax(-1).view_as(scores)),
        "One softmax runs over queries and keys together, so a whole matrix sums to one. Every query has a weight "
        "of one of its own to share out: take the last axis only.",
        name="one-softmax-for-all",
        also=(slip(normalise=lambda scores: scores.flatten().softmax(-1).view_as(scores)),),
    ),
    Misconception(
        slip(normalise=lambda scores: scores),
        "The scores are used as weights, without a softmax. They can be negative and do not sum to one, so the "
        "output is no weighted mean: put a softmax over the keys in between.",
        name="no-softmax",
        also=slips.with_every_fill(lambda scores: scores),
    ),
    Misconception(
        slip(normalise=torch.exp),
        "The weights are exp of the scores, and no row sums to one. Something is still to be divided by: that is "
        "the other half of a softmax.",
        name="not-normalised",
    ),
    Misconception(
        slip(normalise=torch.sigmoid),
        "Each score goes through a sigmoid of its own, so a row does not sum to one. A softmax shares one weight out "
        "among all the keys.",
        name="sigmoid",
        also=(slip(normalise=torch.sigmoid, hide=slips.unmasked, hide_weights=slips.times),),
    ),
    Misconception(
        slip(normalise=slips.unequal_shares, hide=slips.fill(0)),
        "Each row of scores is divided by its sum. Scores can be negative, and then so are these shares: take exp "
        "first, which is what a softmax does.",
        name="shares-without-exp",
    ),
    Misconception(
        slip(normalise=lambda scores: scores.log_softmax(-1)),
        "The weights are the logarithms of shares, all of them negative. A mean needs the shares: softmax, not "
        "log_softmax.",
        name="log-softmax",
        also=slips.with_every_fill(lambda scores: scores.log_softmax(-1)),
    ),
    Misconception(
        slip(normalise=lambda scores: scores.softmax(-1).softmax(-1)),
        "A softmax is taken of the weights once more, which makes them nearly equal. One is enough: they sum to "
        "one already.",
        name="softmax-twice",
        also=(
            slip(normalise=lambda scores: scores.softmax(-1).softmax(-1), hide_weights=slips.times),
            slip(mix=lambda weights, value, key: (weights.softmax(-1) @ value, weights)),
            slip(mix=lambda weights, value, key: (weights @ value, weights.softmax(-1))),
            slip(hide=slips.unmasked, hide_weights=lambda weights, mask: (weights * mask).softmax(-1)),
            slip(
                hide=slips.unmasked, hide_weights=lambda weights, mask: weights.masked_fill(~mask, -1e30).softmax(-1)
            ),
        ),
    ),
    Misconception(
        slip(hide=slips.fill(-1e30, turned=True)),
        "The mask is turned round: keys that may be seen are hidden. True means that a query may look, so what is "
        "to be hidden is where `~mask` is True.",
        name="mask-turned-round",
        also=(
            slip(hide=slips.fill(-1e30, turned=True), hide_weights=slips.times),
            slip(hide=slips.unmasked, hide_weights=lambda weights, mask: weights * ~mask),
        ),
    ),
    Misconception(
        slip(hide=slips.unmasked),
        "The mask has no effect: every query still looks at every key. Use it on the scores, before the softmax, "
        "and keep what `masked_fill` or `where` returns.",
        name="mask-unused",
    ),
    Misconception(
        slip(hide=slips.unmasked, hide_weights=slips.times),
        "The mask is used on the weights, after the softmax, so a row that lost a key no longer sums to one. Hide "
        "the scores before the softmax, which then shares the whole weight among the keys that are left.",
        name="mask-after-the-softmax",
        also=(
            slips.only_part_masked(
                slip(hide=slips.unmasked, hide_weights=slips.times), weights=slip(hide=slips.unmasked)
            ),
        ),
    ),
    Misconception(
        slip(hide=slips.unmasked, hide_weights=slips.fill(-1e30)),
        "The very negative number is put into the weights, where it is no share of anything. It belongs into the "
        "scores, before the softmax, which makes a zero of it.",
        name="weights-filled",
        also=tuple(slip(hide=slips.unmasked, hide_weights=slips.fill(number)) for number in slips.FILLS),
    ),
    Misconception(
        slip(hide=slips.times),
        "The hidden scores are set to zero before the softmax, but exp(0) is one: those keys still take a share "
        "from the others. Only a very negative number leaves them nothing.",
        name="hidden-scores-zero",
        also=(slip(hide=slips.times, hide_weights=slips.times),),
    ),
    Misconception(
        slip(hide=lambda scores, mask: scores + mask),
        "The mask only moves the scores by one, so hidden keys still get weight. A boolean mask says where to fill "
        "in a very negative number.",
        name="mask-added",
        also=(
            slip(hide=lambda scores, mask: scores + mask, hide_weights=slips.times),
            slip(hide=lambda scores, mask: scores + ~mask),
        ),
    ),
    Misconception(
        slip(hide=slips.fill(-1.0)),
        "The hidden scores are filled with a number that is not low enough: those keys still get a share. Their "
        "weight must be zero beside any score, so fill with −∞ or something like −10³⁰.",
        name="fill-not-low-enough",
        also=(
            *(slip(hide=slips.fill(-1.0 * number)) for number in (2, 3, 5, 10)),
            slip(hide=slips.fill(-1.0), hide_weights=slips.times),
            slip(hide=slips.fill(-10.0), hide_weights=slips.times),
            slip(hide=lambda scores, mask: scores.masked_fill(~mask, scores.min().item())),
        ),
    ),
    Misconception(
        slip(hide=slips.fill(1e30)),
        "The hidden scores are filled with a huge positive number, so those keys would get the whole weight. The "
        "minus is missing.",
        name="fill-positive",
        also=(slip(hide=slips.fill(math.inf)),),
    ),
    Misconception(
        slips.only_part_masked(output=slip(hide=slips.unmasked)),
        "The weights that you return are right, but the output was made of others, without the mask. Mix the values with "
        "the weights that you return.",
        name="output-unmasked",
    ),
    Misconception(
        slips.only_part_masked(weights=slip(hide=slips.unmasked)),
        "The output is right, but the weights beside it are others, made without the mask. Return those that the values "
        "were mixed with.",
        name="weights-unmasked",
    ),
    Misconception(
        lambda query, key, value, mask=None: attend(query, key, value, None if mask is None else mask.mT),
        "The mask is transposed. Its rows belong to the queries and its columns to the keys, as those of the scores.",
        name="mask-transposed",
    ),
    Misconception(
        slips.causal_by_default,
        "Without a mask your function hides the future all the same. None means that every query may look at "
        "every key.",
        name="causal-by-default",
    ),
    Misconception(
        slips.truth_of_the_mask,
        "`if mask:` asks whether a whole tensor is true, which PyTorch refuses to answer. Ask whether there is a "
        "mask: `mask is not None`.",
        name="truth-of-the-mask",
    ),
    Misconception(
        slips.mask_as_index(everywhere=False),
        "As an index the mask must have the shape of the scores, but it may be smaller and is to be broadcast. "
        "`masked_fill` and `torch.where` do that.",
        name="mask-as-index",
        also=(slips.mask_as_index(everywhere=True),),
    ),
    Misconception(
        slips.matrix_product(lambda key: key.transpose(0, 1)),
        "Your function works for one number of axes only. In (..., queries, dim) there may be none, one or several "
        "in front: count from the back, −1 and −2, and multiply with `@`.",
        name="axes-from-the-front",
        also=(
            slips.matrix_product(lambda key: key.transpose(1, 2)),
            slips.matrix_product(lambda key: key.transpose(2, 3)),
            slips.matrix_product(lambda key: key.permute(0, 2, 1)),
            *(slips.three_axes(spelling) for spelling in ("einsum", "transpose", "mT")),
        ),
    ),
    Misconception(
        slips.matrix_product(lambda key: key.permute(*range(key.ndim)[::-1])),
        "`.T` turns round all the axes of key, those in front too. Exchange the last two only: `.mT`.",
        name="all-axes-turned",
    ),
    Misconception(
        slips.matrix_product(lambda key: key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])),
        "The keys are brought into the transposed shape by a reshape, which leaves the numbers in their old order, "
        "so a column is no key. Exchange the two axes.",
        name="key-reshaped",
    ),
    Misconception(
        lambda query, key, value, mask=None: attend(key, query, value, mask),
        "Queries and keys have changed places. The scores have a row for each query and a column for each key.",
        name="queries-and-keys-exchanged",
    ),
    Misconception(
        lambda query, key, value, mask=None: attend(query, value, key, mask),
        "Keys and values have changed places: the queries are compared with the values. The keys make the weights.",
        name="keys-and-values-exchanged",
    ),
    Misconception(
        returning(lambda output, weights: (output, weights.mT)),
        "The output is right, but the weights are transposed. A row belongs to a query and sums to one.",
        name="weights-transposed",
    ),
    Misconception(
        slip(mix=lambda weights, value, key: (weights @ key, weights)),
        "The weights are right, but they mix the keys. What is handed over are the values.",
        name="keys-mixed",
    ),
    Misconception(
        slips.scores_for_weights(None),
        "The output is right, but beside it the scores are returned, from before the softmax. Return the weights.",
        name="scores-returned",
        also=(
            *(slips.scores_for_weights(number) for number in slips.FILLS),
            slips.scores_for_weights(None, scaled=False),
        ),
    ),
    Misconception(
        returning(lambda output, weights: (weights, output)),
        "The numbers are right, but the weights come first. Return the output first, then the weights.",
        name="weights-first",
    ),
    Misconception(
        returning(lambda output, weights: weights),
        "Only the weights are returned. Mix the values with them, and return both.",
        name="only-weights",
    ),
    Misconception(
        returning(lambda output, weights: output),
        "Only the output is returned. Return the weights too, as the second value: they are what we will look at.",
        name="only-output",
    ),
)
