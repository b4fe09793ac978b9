"""Attention in a neighbourhood."""

import math

import torch
from torch.nn import functional as F

from course_utils.attention.local import local_attend
from course_utils.exercises.exercise import Exercise, Misconception
from course_utils.exercises.nb02_local_attention import slips
from course_utils.exercises.nb02_local_attention.inputs import cases, wild

LOCAL_ATTEND = Exercise(
    name="02.local_attend",
    title="Attention within a neighbourhood",
    reference=local_attend,
    returns=("output", "weights"),
    learns=("query", "key", "value", "prior"),
    points=2,
    cases=cases,
    wild=wild,
    hints=(
        "It is `attend` of notebook 00, but each position has its own keys and values. So instead of one matrix "
        "product over all positions, each position p needs one dot product with each of its n neighbours.",
        '`einsum(query, key, "... p d, ... p n d -> ... p n")` makes the scores. Divide by √dim, add the prior, '
        "mask what is not inside, then take the softmax over the neighbours.",
        'Mask with `.masked_fill(~inside, -math.inf)` before the softmax. The output is the einsum `"... p n, ... p '
        'n d -> ... p d"` of weights and values; return it first, then the weights.',
    ),
    misconceptions=(
        Misconception(
            "border-not-hidden",
            "Neighbours beyond the border get weight: a softmax gives some to every score, even to those of the "
            "zeros. Mask what is not inside.",
            slips.slip(hide=slips.all_seen),
        ),
        Misconception(
            "hidden-after-the-softmax",
            "The mask is applied after the softmax, so the weights at the border no longer sum to one and the image "
            "fades. Mask the scores before the softmax.",
            slips.slip(hide=slips.all_seen, afterwards=lambda weights, inside, prior: weights * inside),
        ),
        Misconception(
            "mask-turned-round",
            "The mask is inverted: inside is True for the neighbours that exist, and you mask those.",
            slips.slip(hide=slips.filled(-math.inf, turned=True)),
            slips.slip(hide=slips.filled(-1e9, turned=True)),
            slips.slip(hide=slips.filled(0.0, turned=True)),
            slips.slip(hide=lambda scores, inside: scores - 1e9 * inside),
            slips.slip(hide=lambda scores, inside: scores - 1e4 * inside),
            slips.slip(
                hide=slips.filled(-math.inf, turned=True), normalise=lambda scores: scores.softmax(-1).nan_to_num()
            ),
            slips.slip(hide=slips.all_seen, afterwards=lambda weights, inside, prior: weights * ~inside),
        ),
        Misconception(
            "hidden-scores-zero",
            "Masked scores are set to zero, but exp(0) is one: those neighbours still get weight. For which score is "
            "exp zero?",
            slips.slip(hide=slips.filled(0.0)),
        ),
        Misconception(
            "only-keys-hidden",
            "Only the keys beyond the border are set to zero. Their scores are then zero plus the prior, and a "
            "softmax gives weight to those too: mask the scores.",
            slips.with_others(
                lambda query, key, value, inside, prior: (
                    (query, key * inside[..., None], value, torch.ones_like(inside), prior)
                )
            ),
        ),
        Misconception(
            "hidden-scores-too-near",
            "Masked scores are set to a number that is too close to real scores: those neighbours still get weight. "
            "For which score is exp zero?",
            slips.slip(hide=slips.filled(-1.0)),
            *tuple(slips.slip(hide=slips.filled(number)) for number in (-2.0, -3.0)),
        ),
        Misconception(
            "hidden-scores-large",
            "Masked scores are set to a positive number, so neighbours beyond the border still get weight, more for "
            "larger numbers. For which score is exp zero?",
            slips.slip(hide=slips.filled(1e9)),
            *tuple(slips.slip(hide=slips.filled(number)) for number in (1.0, 10.0, 100.0)),
        ),
        Misconception(
            "mask-added",
            "The mask is added to the scores as zeros and ones, which masks nothing: it only makes a neighbour "
            "beyond the border count e times less. For which score is exp zero?",
            slips.slip(hide=lambda scores, inside: scores + inside),
        ),
        Misconception(
            "only-values-hidden",
            "Only the values beyond the border are masked. Those neighbours already have weight, which the others "
            "then lack: mask the scores.",
            slips.with_others(
                lambda query, key, value, inside, prior: (
                    (query, key, value * inside[..., None], torch.ones_like(inside), prior)
                )
            ),
        ),
        Misconception(
            "unscaled",
            "The scores are not divided by √dim, so their spread grows with the number of features. A dot product of "
            "many terms is large: what keeps the softmax from becoming too sharp?",
            slips.scaled_by(1.0),
        ),
        Misconception(
            "scaled-by-dim",
            "The scores are divided by dim itself, or twice by its root, which makes them too small. Their spread "
            "grows only with the root of the number of terms.",
            slips.scaled_by(lambda query, key, value: query.shape[-1]),
        ),
        Misconception(
            "scaled-the-wrong-way",
            "The scores are multiplied by √dim, which makes them larger still. Divide.",
            slips.scaled_by(lambda query, key, value: 1 / math.sqrt(query.shape[-1])),
        ),
        Misconception(
            "scaled-by-neighbours",
            "The scores are divided by the square root of the number of neighbours. The size of a dot product "
            "depends on its number of terms, which is the length of the last axis.",
            slips.scaled_by(lambda query, key, value: math.sqrt(key.shape[-2])),
        ),
        Misconception(
            "scaled-by-value-dim",
            "The scores are divided by the square root of the number of the values' features. The dot product is "
            "that of query and key: how many terms does it have?",
            slips.scaled_by(lambda query, key, value: math.sqrt(value.shape[-1])),
        ),
        Misconception(
            "scaled-by-positions",
            "The scores are divided by the square root of the number of positions. The size of a dot product depends "
            "on its number of terms, which is the length of the last axis.",
            slips.scaled_by(lambda query, key, value: math.sqrt(query.shape[-2])),
        ),
        Misconception(
            "scaled-by-an-axis-from-the-front",
            "You take the root of the length of an axis counted from the front, which is the axis of the features "
            "only for some shapes. There may be any number of axes before it: count from the end.",
            slips.scaled_by(lambda query, key, value: math.sqrt(query.shape[1])),
            slips.scaled_by(lambda query, key, value: math.sqrt(query.shape[0])),
        ),
        Misconception(
            "scale-written-in",
            "The scores are divided by the same number for any number of features. Read dim from the shape.",
            slips.scaled_by(math.sqrt(8)),
            *tuple(map(slips.scaled_by, (2.0, math.sqrt(6), 4.0, math.sqrt(32), 8.0, 16.0))),
        ),
        Misconception(
            "prior-unused",
            "The prior makes no difference to your weights. Add it to the scores, before the softmax.",
            slips.slip(add=lambda scores, prior: scores),
        ),
        Misconception(
            "prior-scaled-too",
            "The prior is divided by √dim as well. It is added to the scores after they are scaled.",
            slips.with_others(
                lambda query, key, value, inside, prior: (
                    query,
                    key,
                    value,
                    inside,
                    prior / math.sqrt(query.shape[-1]),
                )
            ),
        ),
        Misconception(
            "prior-on-the-weights",
            "The prior is added to the weights, which then no longer sum to one. It belongs to the scores, before "
            "the softmax.",
            slips.slip(add=lambda scores, prior: scores, afterwards=lambda weights, inside, prior: weights + prior),
            slips.slip(
                add=lambda scores, prior: scores, afterwards=lambda weights, inside, prior: (weights + prior) * inside
            ),
        ),
        Misconception(
            "prior-multiplied",
            "The scores are multiplied by the prior. Add it instead: it does not depend on how well query and key "
            "match.",
            slips.slip(add=lambda scores, prior: scores * prior),
            slips.slip(add=lambda scores, prior: scores * (1 + prior)),
        ),
        Misconception(
            "prior-subtracted",
            "The prior is subtracted, so the neighbours that should gain weight lose it. Add it.",
            slips.slip(add=lambda scores, prior: scores - prior),
        ),
        Misconception(
            "softmax-over-positions",
            "The softmax runs over the positions. Each position distributes its weight over its own neighbours, "
            "which are on the last axis.",
            slips.softmax_over(-2),
        ),
        Misconception(
            "softmax-axis-from-the-front",
            "The axis of the softmax is counted from the front, which is the axis of the neighbours only for some "
            "shapes. There may be any number of axes before it: count from the end.",
            slips.softmax_over(2),
            slips.softmax_over(1),
            slips.softmax_over(0),
        ),
        Misconception(
            "softmax-twice",
            "A second softmax follows the first and makes the weights nearly equal. Add all scores, mask them, and "
            "apply one softmax.",
            slips.two_softmaxes,
            slips.slip(normalise=lambda scores: scores.softmax(-1).softmax(-1)),
            slips.slip(add=lambda scores, prior: (scores + prior).softmax(-1)),
        ),
        Misconception(
            "no-softmax",
            "There is no softmax. Weights must be positive and sum to one for any scores.",
            slips.slip(hide=slips.filled(0.0), normalise=lambda scores: scores),
            slips.slip(hide=slips.all_seen, normalise=lambda scores: scores),
            slips.slip(hide=slips.filled(0.0), normalise=lambda scores: scores / scores.sum(-1, keepdim=True)),
            slips.slip(normalise=torch.sigmoid),
        ),
        Misconception(
            "hard-maximum",
            "All the weight goes to the neighbour with the highest score. The softmax gives some to every neighbour "
            "that is inside.",
            slips.slip(normalise=lambda scores: F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)),
        ),
        Misconception(
            "cosine",
            "Query and keys are scaled to length one before they are compared. Compare them as they are: the dot "
            "product is only divided by √dim.",
            slips.with_others(
                lambda query, key, value, inside, prior: (
                    (F.normalize(query, dim=-1), F.normalize(key, dim=-1), value, inside, prior)
                )
            ),
            slips.scaled_by_lengths,
        ),
        Misconception(
            "log-softmax",
            "These are the logarithms of the weights. Use the softmax itself.",
            slips.slip(hide=slips.filled(-1e9), normalise=lambda scores: scores.log_softmax(-1)),
        ),
        Misconception(
            "scores-returned",
            "The output is right, but the second value returned is the scores. Return the weights, their softmax.",
            slips.slip(give=lambda output, weights, scores: (output, scores)),
            slips.unhidden_scores_returned,
        ),
        Misconception(
            "weights-unused",
            "The weights are right, but the output does not use them: all values have equal weight.",
            slips.slip(mix=lambda weights, value, key: value.mean(-2)),
            slips.slip(mix=lambda weights, value, key: value.sum(-2)),
        ),
        Misconception(
            "keys-mixed",
            "The output is the weighted mean of the keys. Keys only decide how much weight each neighbour gets; "
            "average the values.",
            slips.slip(mix=lambda weights, value, key: slips.mixed(weights, key)),
        ),
        Misconception(
            "values-compared",
            "The query is compared with the values, and the keys are not used. Compare with the keys, and average "
            "the values.",
            slips.with_others(lambda query, key, value, inside, prior: (query, value, value, inside, prior)),
        ),
        Misconception(
            "mean-of-weighted-values",
            "The weighted values are averaged over the neighbours, so they are divided by their number. The weights "
            "already sum to one: sum the weighted values.",
            slips.slip(mix=lambda weights, value, key: slips.mixed(weights, value) / value.shape[-2]),
        ),
        Misconception(
            "weights-first",
            "The numbers are right, but the weights come first. Return the output first, then the weights.",
            slips.slip(give=lambda output, weights, scores: (weights, output)),
        ),
        Misconception(
            "output-only",
            "Only the output is returned. Return the weights too, as the second value.",
            slips.slip(give=lambda output, weights, scores: output),
        ),
        Misconception(
            "weights-only",
            "Only the weights are returned. Return the output first, then the weights.",
            slips.slip(give=lambda output, weights, scores: weights),
        ),
        Misconception(
            "keys-shared",
            "Every position is compared with the keys of all positions, as in `attend`. Here position p has its own "
            "keys, key[..., p, :, :].",
            slips.shared_keys,
        ),
    ),
)
