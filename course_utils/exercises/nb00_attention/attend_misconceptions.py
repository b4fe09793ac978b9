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
        "softmax-over-queries",
        "The softmax runs over the queries: it makes columns that sum to one, not rows. Each query shares out its "
        "attention among the keys, so take the last axis.",
        slip(normalise=lambda scores: scores.softmax(-2)),
        *slips.with_every_mask(lambda scores: scores.softmax(-2)),
        *slips.with_every_slip_of_the_mask(normalise=lambda scores: scores.softmax(-2)),
    ),
    Misconception(
        "softmax-axis-from-the-front",
        "The softmax runs over an axis counted from the front, and that is the keys only for some shapes. There "
        "may be any number of axes in front: count from the back.",
        slip(normalise=lambda scores: scores.softmax(1)),
        *slips.with_every_mask(lambda scores: scores.softmax(1)),
        *slips.with_every_mask(lambda scores: scores.softmax(0)),
        slip(normalise=lambda scores: scores.softmax(2)),
    ),
    Misconception(
        "softmax-without-an-axis",
        "The softmax is not told its axis, and what PyTorch then chooses is not always the keys. Name it: dim=….",
        slip(normalise=lambda scores: scores.softmax(0 if scores.ndim == 3 else 1)),
        *slips.with_every_mask(lambda scores: scores.softmax(0 if scores.ndim == 3 else 1)),
    ),
    Misconception(
        "one-softmax-for-all",
        "One softmax is shared by several queries, so a row does not sum to one by itself. Every query has a weight "
        "of one of its own to share out: take the last axis only.",
        slip(normalise=lambda scores: scores.flatten(-2).softmax(-1).view_as(scores)),
        slip(normalise=lambda scores: scores.flatten().softmax(-1).view_as(scores)),
    ),
    Misconception(
        "no-softmax",
        "The scores are used as weights, without a softmax. They can be negative and do not sum to one, so the "
        "output is no weighted mean: put a softmax over the keys in between.",
        slip(normalise=lambda scores: scores),
        *slips.with_every_fill(lambda scores: scores),
    ),
    Misconception(
        "hard-attention",
        "Each query takes the value of its best key alone. A softmax gives a share to every key that may be seen, and "
        "only the largest to the best.",
        slip(normalise=slips.hard),
    ),
    Misconception(
        "not-normalised",
        "The weights are exp of the scores, and no row sums to one. Something is still to be divided by: that is "
        "the other half of a softmax.",
        slip(normalise=torch.exp),
    ),
    Misconception(
        "sigmoid",
        "Each score goes through a sigmoid of its own, so a row does not sum to one. A softmax shares out one weight "
        "among all the keys.",
        slip(normalise=torch.sigmoid),
        slip(normalise=torch.sigmoid, hide=slips.unmasked, hide_weights=slips.times),
    ),
    Misconception(
        "shares-without-exp",
        "Each row of scores is divided by its sum. Scores can be negative, and then so are these shares: take exp "
        "first, which is what a softmax does.",
        slip(normalise=slips.unequal_shares, hide=slips.fill(0)),
    ),
    Misconception(
        "log-softmax",
        "The weights are the logarithms of shares, and those are negative. A mean needs the shares: softmax, not "
        "log_softmax.",
        slip(normalise=lambda scores: scores.log_softmax(-1)),
        *slips.with_every_fill(lambda scores: scores.log_softmax(-1)),
        slip(normalise=lambda scores: scores.log_softmax(-1), hide_weights=slips.fill(0)),
    ),
    Misconception(
        "softmax-twice",
        "A second softmax is taken, of the weights, which makes them more alike. One is enough.",
        slip(normalise=lambda scores: scores.softmax(-1).softmax(-1)),
        slip(normalise=lambda scores: scores.softmax(-1).softmax(-1), hide_weights=slips.times),
        slip(mix=lambda weights, value, key: (weights.softmax(-1) @ value, weights)),
        slip(mix=lambda weights, value, key: (weights @ value, weights.softmax(-1))),
        slip(hide=slips.unmasked, hide_weights=lambda weights, mask: (weights * mask).softmax(-1)),
        slip(hide=slips.unmasked, hide_weights=lambda weights, mask: weights.masked_fill(~mask, -1e30).softmax(-1)),
    ),
    Misconception(
        "mask-turned-round",
        "The mask is inverted: keys that may be seen are hidden. True means that a query may look, so what is to be "
        "hidden is where `~mask` is True.",
        slip(hide=slips.fill(-1e30, turned=True)),
        slip(hide=slips.unmasked, hide_weights=lambda weights, mask: weights * ~mask),
    ),
    Misconception(
        "mask-inverted-once",
        "The mask is used twice, before the softmax and after it, and in one of the two places it is inverted. "
        "Together they hide every key, and all weights are zero: use `~mask` in both.",
        slip(hide_weights=lambda weights, mask: weights.masked_fill(mask, 0)),
        slip(hide=slips.fill(-1e30, turned=True), hide_weights=slips.times),
    ),
    Misconception(
        "mask-unused",
        "The mask has no effect: every query still looks at every key. Use it on the scores, before the softmax, "
        "and keep what `masked_fill` or `where` returns.",
        slip(hide=slips.unmasked),
    ),
    Misconception(
        "mask-after-the-softmax",
        "The mask is used only after the softmax, on the weights, and what is left of a row no longer sums to one. "
        "Hide the scores before the softmax, which then shares the whole weight among the keys that are left.",
        slip(hide=slips.unmasked, hide_weights=slips.times),
        slips.only_part_masked(
            slip(hide=slips.unmasked, hide_weights=slips.times), weights=slip(hide=slips.unmasked)
        ),
    ),
    Misconception(
        "weights-filled",
        "The very negative number is put into the weights, where it is no share of anything. It belongs in the "
        "scores, before the softmax, which turns it into a zero.",
        slip(hide=slips.unmasked, hide_weights=slips.fill(-1e30)),
        *tuple(slip(hide=slips.unmasked, hide_weights=slips.fill(number)) for number in slips.FILLS),
    ),
    Misconception(
        "hidden-scores-zero",
        "The hidden scores are set to zero, or very nearly, before the softmax. But exp(0) is one, so those keys "
        "still take a share from the others: only a very negative number leaves them nothing. 1e-9 is almost zero; "
        "-1e9 is very negative.",
        slip(hide=slips.times),
        slip(hide=slips.times, hide_weights=slips.times),
    ),
    Misconception(
        "mask-added",
        "The mask only shifts some scores by one, so hidden keys still take a share in the softmax. A boolean mask "
        "says where to fill in a very negative number.",
        slip(hide=lambda scores, mask: scores + mask),
        slip(hide=lambda scores, mask: scores + mask, hide_weights=slips.times),
        slip(hide=lambda scores, mask: scores + ~mask),
    ),
    Misconception(
        "fill-not-low-enough",
        "The scores of the hidden keys are low, but not low enough: those keys still take a share in the softmax. "
        "That share must be zero beside any score, so fill with −∞ or something like −10³⁰.",
        slip(hide=slips.fill(-1.0)),
        *(slip(hide=slips.fill(-1.0 * number)) for number in (2, 3, 5, 10)),
        slip(hide=slips.fill(-1.0), hide_weights=slips.times),
        slip(hide=slips.fill(-10.0), hide_weights=slips.times),
        *(slip(hide=slips.lowered_by(number)) for number in (2, 5, 10)),
        slip(hide=lambda scores, mask: scores.masked_fill(~mask, scores.min().item())),
    ),
    Misconception(
        "fill-positive",
        "The hidden scores are filled with a huge positive number, so those keys would get the whole weight. The "
        "minus is missing.",
        slip(hide=slips.fill(1e30)),
        slip(hide=slips.fill(math.inf)),
    ),
    Misconception(
        "output-unmasked",
        "The weights that you return are right, but the output was made with others, without the mask. Mix the "
        "values with the weights that you return.",
        slips.only_part_masked(output=slip(hide=slips.unmasked)),
    ),
    Misconception(
        "weights-unmasked",
        "The output is right, but the weights beside it are others, made without the mask. Return those that the "
        "values were mixed with.",
        slips.only_part_masked(weights=slip(hide=slips.unmasked)),
    ),
    Misconception(
        "mask-transposed",
        "The mask is transposed. Its rows belong to the queries and its columns to the keys, like those of the scores.",
        lambda query, key, value, mask=None: attend(query, key, value, None if mask is None else mask.mT),
    ),
    Misconception(
        "causal-by-default",
        "Without a mask your function hides the future all the same. None means that every query may look at "
        "every key.",
        slips.causal_by_default,
    ),
    Misconception(
        "truth-of-the-mask",
        "`if mask:` asks whether a whole tensor is true, which PyTorch refuses to answer. Ask whether there is a "
        "mask: `mask is not None`.",
        slips.truth_of_the_mask,
    ),
    Misconception(
        "mask-as-index",
        "As an index the mask is not broadcast, though it may have fewer or shorter axes than the scores. "
        "`masked_fill` and `torch.where` broadcast it.",
        slips.mask_as_index(everywhere=False),
        slips.mask_as_index(everywhere=True),
    ),
    Misconception(
        "axes-from-the-front",
        "Your function works for one number of axes only. In (..., queries, dim) there may be none, one or several "
        "in front: count from the back, −1 and −2, and multiply with `@`.",
        slips.matrix_product(lambda key: key.transpose(0, 1)),
        slips.matrix_product(lambda key: key.transpose(1, 2)),
        slips.matrix_product(lambda key: key.transpose(2, 3)),
        slips.matrix_product(lambda key: key.permute(0, 2, 1)),
        *(slips.three_axes(spelling) for spelling in ("einsum", "transpose", "mT")),
    ),
    Misconception(
        "all-axes-turned",
        "`.T` reverses the order of all the axes of key, those in front too. Swap only the last two: `.mT`.",
        slips.matrix_product(lambda key: key.permute(*range(key.ndim)[::-1])),
    ),
    Misconception(
        "key-reshaped",
        "The keys are brought into the transposed shape by a reshape, which leaves the numbers in their old order, "
        "so a column is no key. Swap the two axes.",
        slips.matrix_product(lambda key: key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])),
    ),
    Misconception(
        "queries-and-keys-exchanged",
        "Queries and keys are swapped. The scores have a row for each query and a column for each key.",
        lambda query, key, value, mask=None: attend(key, query, value, mask),
    ),
    Misconception(
        "keys-and-values-exchanged",
        "Keys and values are swapped: the queries are compared with the values. The keys make the weights.",
        lambda query, key, value, mask=None: attend(query, value, key, mask),
    ),
    Misconception(
        "weights-transposed",
        "The output is right, but the weights are transposed. A row belongs to a query and sums to one.",
        returning(lambda output, weights: (output, weights.mT)),
    ),
    Misconception(
        "keys-mixed",
        "The weights are right, but they mix the keys. It is the values that are handed over.",
        slip(mix=lambda weights, value, key: (weights @ key, weights)),
    ),
    Misconception(
        "scores-returned",
        "The output is right, but beside it the scores are returned, from before the softmax. Return the weights.",
        slips.scores_for_weights(None),
        *(slips.scores_for_weights(number) for number in slips.FILLS),
        slips.scores_for_weights(None, scaled=False),
    ),
    Misconception(
        "weights-first",
        "The numbers are right, but the weights come first. Return the output first, then the weights.",
        returning(lambda output, weights: (weights, output)),
    ),
    Misconception(
        "only-weights",
        "Only the weights are returned. Mix the values with them, and return both.",
        returning(lambda output, weights: weights),
    ),
    Misconception(
        "only-output",
        "Only the output is returned. Return the weights too, as the second value: we will look at them.",
        returning(lambda output, weights: output),
    ),
)
