"""Misconceptions about attention: wrong answers as functions, and their messages."""

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
        "The softmax runs over the queries, so the columns sum to one, not the rows. Each query distributes its "
        "attention over the keys: use the last axis.",
        slip(normalise=lambda scores: scores.softmax(-2)),
        *slips.with_every_mask(lambda scores: scores.softmax(-2)),
        *slips.with_every_slip_of_the_mask(normalise=lambda scores: scores.softmax(-2)),
    ),
    Misconception(
        "softmax-axis-from-the-front",
        "The softmax runs over an axis counted from the front, which is the axis of keys only for some shapes. There "
        "may be any number of axes in front: count from the back.",
        slip(normalise=lambda scores: scores.softmax(1)),
        *slips.with_every_mask(lambda scores: scores.softmax(1)),
        *slips.with_every_mask(lambda scores: scores.softmax(0)),
        slip(normalise=lambda scores: scores.softmax(2)),
    ),
    Misconception(
        "softmax-without-an-axis",
        "The softmax has no dim argument, and the axis that PyTorch then chooses is not always the keys. Pass dim=….",
        slip(normalise=lambda scores: scores.softmax(0 if scores.ndim == 3 else 1)),
        *slips.with_every_mask(lambda scores: scores.softmax(0 if scores.ndim == 3 else 1)),
    ),
    Misconception(
        "one-softmax-for-all",
        "One softmax runs over several queries, so a single row does not sum to one. Each query has its own softmax: "
        "use only the last axis.",
        slip(normalise=lambda scores: scores.flatten(-2).softmax(-1).view_as(scores)),
        slip(normalise=lambda scores: scores.flatten().softmax(-1).view_as(scores)),
    ),
    Misconception(
        "no-softmax",
        "The scores are used as weights, without a softmax. They can be negative and do not sum to one, so the "
        "output is not a weighted mean: apply a softmax over the keys.",
        slip(normalise=lambda scores: scores),
        *slips.with_every_fill(lambda scores: scores),
    ),
    Misconception(
        "hard-attention",
        "Each query takes only the value of its best key. A softmax gives some weight to every unmasked key, and the "
        "most to the best.",
        slip(normalise=slips.hard),
    ),
    Misconception(
        "not-normalised",
        "The weights are exp of the scores, and no row sums to one. Divide each row by its sum: that is the other "
        "half of a softmax.",
        slip(normalise=torch.exp),
    ),
    Misconception(
        "sigmoid",
        "Each score goes through a sigmoid, so a row does not sum to one. A softmax distributes a total weight of "
        "one over all the keys.",
        slip(normalise=torch.sigmoid),
        slip(normalise=torch.sigmoid, hide=slips.unmasked, hide_weights=slips.times),
    ),
    Misconception(
        "shares-without-exp",
        "Each row of scores is divided by its sum. Scores can be negative, so these weights can be too: take exp "
        "first, as a softmax does.",
        slip(normalise=slips.unequal_shares, hide=slips.fill(0)),
    ),
    Misconception(
        "log-softmax",
        "The weights are logarithms, which are negative. Use softmax, not log_softmax.",
        slip(normalise=lambda scores: scores.log_softmax(-1)),
        *slips.with_every_fill(lambda scores: scores.log_softmax(-1)),
        slip(normalise=lambda scores: scores.log_softmax(-1), hide_weights=slips.fill(0)),
    ),
    Misconception(
        "softmax-twice",
        "A second softmax is applied to the weights, which makes them more equal. Apply it once.",
        slip(normalise=lambda scores: scores.softmax(-1).softmax(-1)),
        slip(normalise=lambda scores: scores.softmax(-1).softmax(-1), hide_weights=slips.times),
        slip(mix=lambda weights, value, key: (weights.softmax(-1) @ value, weights)),
        slip(mix=lambda weights, value, key: (weights @ value, weights.softmax(-1))),
        slip(hide=slips.unmasked, hide_weights=lambda weights, mask: (weights * mask).softmax(-1)),
        slip(hide=slips.unmasked, hide_weights=lambda weights, mask: weights.masked_fill(~mask, -1e30).softmax(-1)),
    ),
    Misconception(
        "mask-turned-round",
        "The mask is inverted: allowed keys are masked. True means that a query may attend, so mask where `~mask` is "
        "True.",
        slip(hide=slips.fill(-1e30, turned=True)),
        slip(hide=slips.unmasked, hide_weights=lambda weights, mask: weights * ~mask),
    ),
    Misconception(
        "mask-inverted-once",
        "The mask is applied before and after the softmax, and one of the two times it is inverted. Together they "
        "mask every key, so all weights are zero. `masked_fill` fills where its argument is True, so it needs `~mask`; "
        "a product keeps what is multiplied by True, so it needs `mask`.",
        slip(hide_weights=lambda weights, mask: weights.masked_fill(mask, 0)),
        slip(hide=slips.fill(-1e30, turned=True), hide_weights=slips.times),
    ),
    Misconception(
        "mask-unused",
        "The mask has no effect: every query still attends to every key. Apply it to the scores before the softmax, "
        "and use the tensor that `masked_fill` or `where` returns.",
        slip(hide=slips.unmasked),
    ),
    Misconception(
        "mask-after-the-softmax",
        "The mask is applied only to the weights, after the softmax, so the rows no longer sum to one. Mask the "
        "scores before the softmax, which then distributes the whole weight over the other keys.",
        slip(hide=slips.unmasked, hide_weights=slips.times),
        slips.only_part_masked(
            slip(hide=slips.unmasked, hide_weights=slips.times), weights=slip(hide=slips.unmasked)
        ),
    ),
    Misconception(
        "weights-filled",
        "The very negative number is put into the weights. It belongs in the scores, before the softmax, which turns "
        "it into a zero.",
        slip(hide=slips.unmasked, hide_weights=slips.fill(-1e30)),
        *tuple(slip(hide=slips.unmasked, hide_weights=slips.fill(number)) for number in slips.FILLS),
    ),
    Misconception(
        "hidden-scores-zero",
        "The masked scores are set to zero, or very nearly, before the softmax. But exp(0) is one, so those keys "
        "still get weight in the softmax: use a very negative number. 1e-9 is almost zero; -1e9 is very negative.",
        slip(hide=slips.times),
        slip(hide=slips.times, hide_weights=slips.times),
    ),
    Misconception(
        "mask-added",
        "The mask only shifts some scores by one, so masked keys still get weight in the softmax. Use the boolean mask "
        "to fill in a very negative number.",
        slip(hide=lambda scores, mask: scores + mask),
        slip(hide=lambda scores, mask: scores + mask, hide_weights=slips.times),
        slip(hide=lambda scores, mask: scores + ~mask),
    ),
    Misconception(
        "fill-not-low-enough",
        "The scores of the masked keys are low, but not low enough: those keys still get weight in the softmax. "
        "Their weight must be zero for any scores, so fill with −∞ or something like −10³⁰.",
        slip(hide=slips.fill(-1.0)),
        *(slip(hide=slips.fill(-1.0 * number)) for number in (2, 3, 5, 10)),
        slip(hide=slips.fill(-1.0), hide_weights=slips.times),
        slip(hide=slips.fill(-10.0), hide_weights=slips.times),
        *(slip(hide=slips.lowered_by(number)) for number in (2, 5, 10)),
        slip(hide=lambda scores, mask: scores.masked_fill(~mask, scores.min().item())),
    ),
    Misconception(
        "fill-positive",
        "The masked scores are filled with a huge positive number, so those keys get all the weight. The minus sign "
        "is missing.",
        slip(hide=slips.fill(1e30)),
        slip(hide=slips.fill(math.inf)),
    ),
    Misconception(
        "output-unmasked",
        "The returned weights are right, but the output was computed with other weights, without the mask. Use the "
        "weights that you return.",
        slips.only_part_masked(output=slip(hide=slips.unmasked)),
    ),
    Misconception(
        "weights-unmasked",
        "The output is right, but the returned weights were computed without the mask. Return the weights that you "
        "used for the output.",
        slips.only_part_masked(weights=slip(hide=slips.unmasked)),
    ),
    Misconception(
        "mask-transposed",
        "The mask is transposed. Its rows belong to the queries and its columns to the keys, like those of the "
        "scores.",
        lambda query, key, value, mask=None: attend(query, key, value, None if mask is None else mask.mT),
    ),
    Misconception(
        "causal-by-default",
        "Without a mask, your function still masks the future. None means that every query may attend to every key.",
        slips.causal_by_default,
    ),
    Misconception(
        "truth-of-the-mask",
        "`if mask:` tests whether a whole tensor is true, which is an error in PyTorch. Test whether there is a "
        "mask: `mask is not None`.",
        slips.truth_of_the_mask,
    ),
    Misconception(
        "mask-as-index",
        "A mask used as an index is not broadcast, but it may have fewer or shorter axes than the scores. Use "
        "`masked_fill` or `torch.where`, which broadcast it.",
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
        "`.T` reverses all axes of key, including those in front. Swap only the last two: `.mT`.",
        slips.matrix_product(lambda key: key.permute(*range(key.ndim)[::-1])),
    ),
    Misconception(
        "key-reshaped",
        "The keys are reshaped to the transposed shape, which leaves the numbers in their old order, so a column is "
        "not a key. Swap the two axes instead.",
        slips.matrix_product(lambda key: key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])),
    ),
    Misconception(
        "queries-and-keys-exchanged",
        "Queries and keys are swapped. The scores have one row per query and one column per key.",
        lambda query, key, value, mask=None: attend(key, query, value, mask),
    ),
    Misconception(
        "keys-and-values-exchanged",
        "Keys and values are swapped: the queries are compared with the values. Compute the weights from the keys.",
        lambda query, key, value, mask=None: attend(query, value, key, mask),
    ),
    Misconception(
        "weights-transposed",
        "The output is right, but the weights are transposed. A row belongs to a query and sums to one.",
        returning(lambda output, weights: (output, weights.mT)),
    ),
    Misconception(
        "keys-mixed",
        "The weights are right, but they are applied to the keys. Apply them to the values.",
        slip(mix=lambda weights, value, key: (weights @ key, weights)),
    ),
    Misconception(
        "scores-returned",
        "The output is right, but the scores from before the softmax are returned with it. Return the weights.",
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
        "Only the weights are returned. Multiply them with the values, and return both output and weights.",
        returning(lambda output, weights: weights),
    ),
    Misconception(
        "only-output",
        "Only the output is returned. Return the weights too, as the second value: the notebook shows them.",
        returning(lambda output, weights: output),
    ),
)
