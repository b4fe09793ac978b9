"""Misconceptions about the scaling of the scores: wrong answers as functions, and their messages."""

import math

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb00_attention import attend_slips as slips
from course_utils.exercises.nb00_attention.attend_slips import scaled_by, slip

SCALE = (
    Misconception(
        "not-scaled",
        "The scores are not divided by √dim. A dot product of dim terms grows like √dim, and a softmax of large "
        "scores is nearly one-hot with almost no gradient: see equation 1 of Vaswani et al.",
        scaled_by(lambda query, key, value: 1.0),
        *slips.with_every_slip_of_the_mask(scale=lambda query, key, value: 1.0),
    ),
    Misconception(
        "scaled-by-dim",
        "The scores are divided by dim, or twice by √dim, which makes them too small. A dot product of dim terms of "
        "variance one has standard deviation √dim, so divide by that, once.",
        scaled_by(lambda query, key, value: query.shape[-1]),
    ),
    Misconception(
        "scaled-the-wrong-way",
        "The scores are multiplied by √dim or by dim, but they were already too large. Divide by √dim.",
        scaled_by(lambda query, key, value: 1 / math.sqrt(query.shape[-1])),
        scaled_by(lambda query, key, value: 1 / query.shape[-1]),
    ),
    Misconception(
        "another-function-of-dim",
        "The scores are divided by a function of dim other than √dim. A dot product of dim terms of variance one has "
        "standard deviation √dim: divide by exactly that.",
        scaled_by(lambda query, key, value: query.shape[-1] ** 2),
        *map(slips.scaled_by_power, (1 / 4, 1 / 3, 3 / 2)),
        *map(slips.scaled_by_root, (1 / 2, 2, 4)),
        scaled_by(lambda query, key, value: math.log(query.shape[-1])),
        scaled_by(lambda query, key, value: int(math.sqrt(query.shape[-1]))),
        scaled_by(lambda query, key, value: math.sqrt(query.shape[-1] - 1)),
        scaled_by(lambda query, key, value: math.sqrt(query.shape[-1] + 1)),
        scaled_by(lambda query, key, value: math.sqrt(query.shape[-1]) + 1),
    ),
    Misconception(
        "scaled-by-all-numbers",
        "The divisor of the scores depends on the total size of a tensor. A dot product has as many terms as one "
        "query has features: use only the last axis.",
        scaled_by(lambda query, key, value: math.sqrt(query.numel())),
        scaled_by(lambda query, key, value: math.sqrt(key.numel())),
        scaled_by(lambda query, key, value: query.numel()),
        scaled_by(lambda query, key, value: key.numel()),
    ),
    Misconception(
        "scaled-by-keys",
        "The divisor of the scores depends on the number of keys. The size of a dot product depends on its number of "
        "terms: use the last axis of query, not the second-to-last of key.",
        scaled_by(lambda query, key, value: math.sqrt(key.shape[-2])),
        scaled_by(lambda query, key, value: key.shape[-2]),
    ),
    Misconception(
        "scaled-by-queries",
        "The divisor of the scores depends on the number of queries. The size of a dot product depends on its number "
        "of terms: use the last axis of query, not the second-to-last.",
        scaled_by(lambda query, key, value: math.sqrt(query.shape[-2])),
        scaled_by(lambda query, key, value: query.shape[-2]),
    ),
    Misconception(
        "scaled-by-value-dim",
        "The divisor of the scores depends on the last axis of value. The values play no part in the scores: use the "
        "last axis of query, which is as long as that of key.",
        scaled_by(lambda query, key, value: math.sqrt(value.shape[-1])),
        scaled_by(lambda query, key, value: value.shape[-1]),
    ),
    Misconception(
        "scaled-by-an-axis-from-the-front",
        "The divisor of the scores comes from an axis counted from the front, which is dim only for some shapes. "
        "There may be any number of axes in front: count from the back.",
        scaled_by(lambda query, key, value: math.sqrt(query.shape[0])),
        scaled_by(lambda query, key, value: math.sqrt(query.shape[1])),
    ),
    Misconception(
        "scale-written-in",
        "The scores are divided by a constant, whatever dim is. Read dim from the shape of query.",
        scaled_by(lambda query, key, value: math.sqrt(3)),
        *tuple(map(slips.scaled_by_number, (2, math.sqrt(8), 3, 4, 8, 10, 16))),
    ),
    Misconception(
        "scaled-by-a-norm",
        "The scores are divided by the norm or spread of query. √dim depends only on the number of features, so a "
        "query with a larger norm keeps its larger scores.",
        scaled_by(lambda query, key, value: query.norm()),
        scaled_by(lambda query, key, value: query.norm(dim=-1, keepdim=True)),
        scaled_by(lambda query, key, value: query.std()),
    ),
    Misconception(
        "cosine",
        "Queries and keys are scaled to length one first, so no score can be larger than one. Use them as they are: "
        "the length of a query matters.",
        slip(score=slips.cosine, scale=lambda query, key, value: 1.0),
        slip(score=slips.cosine),
    ),
    Misconception(
        "scaled-after-the-softmax",
        "The division comes after the softmax, where the scores were already too large. Divide the scores.",
        slip(
            scale=lambda query, key, value: 1.0,
            mix=lambda weights, value, key: ((weights := weights / math.sqrt(key.shape[-1])) @ value, weights),
        ),
        slip(
            scale=lambda query, key, value: 1.0,
            mix=lambda weights, value, key: (weights @ value / math.sqrt(key.shape[-1]), weights),
        ),
    ),
)
