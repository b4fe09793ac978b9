"""The parameters of a local attention layer."""

from collections.abc import Callable

from course_utils.costs import local_parameters
from course_utils.exercises.exercise import Exercise, Misconception

Count = Callable[[int, int, int], int]


def _slip(
    projections: Count = lambda channels, out_channels, size: 3 * channels * out_channels,
    positions: Count = lambda channels, out_channels, size: size * out_channels,
) -> Count:
    return lambda channels, out_channels, size: (
        projections(channels, out_channels, size) + positions(channels, out_channels, size)
    )


# Wrong in other ways than missing positions.
_PROJECTIONS: tuple[Count, ...] = (
    lambda channels, out_channels, size: channels * out_channels,
    lambda channels, out_channels, size: 2 * channels * out_channels,
    lambda channels, out_channels, size: 4 * channels * out_channels,
    lambda channels, out_channels, size: 3 * channels * out_channels + out_channels**2,
    lambda channels, out_channels, size: 3 * (channels + 1) * out_channels,
)


LOCAL_PARAMETERS = Exercise(
    name="02.local_parameters",
    title="What a larger neighbourhood costs",
    reference=local_parameters,
    cases=lambda g: [(64, 128, 7), (64, 64, 7), (256, 192, 3), (16, 32, 5), (3, 64, 1), (48, 16, 9), (10, 14, 3)],
    hints=(
        "A 1 × 1 convolution from m to n channels without bias has m · n weights. How many such convolutions are "
        "there?",
        "Positions: there are `size` row offsets and `size` column offsets, not `size**2` of them. All heads "
        "together have `out_channels` features.",
        "The projections have `3 * channels * out_channels` numbers. The positions are `2 * size` vectors, "
        "each of `out_channels // 2` numbers over all heads.",
    ),
    misconceptions=(
        Misconception(
            "a-convolution",
            "This counts a convolution's weights: a matrix for each of its size² positions. Attention's projections "
            "see one position at a time: they are 1 × 1.",
            _slip(
                projections=lambda channels, out_channels, size: size**2 * channels * out_channels,
                positions=lambda channels, out_channels, size: 0,
            ),
            _slip(projections=lambda channels, out_channels, size: size**2 * channels * out_channels),
        ),
        Misconception(
            "projections-for-every-neighbour",
            "The projections are counted several times, depending on the size of the neighbourhood. Queries, keys "
            "and values are computed once per position, so the projections do not depend on size.",
            _slip(projections=lambda channels, out_channels, size: 3 * size**2 * channels * out_channels),
            _slip(projections=lambda channels, out_channels, size: 3 * size * channels * out_channels),
            _slip(projections=lambda channels, out_channels, size: (1 + 2 * size**2) * channels * out_channels),
            _slip(
                projections=lambda channels, out_channels, size: 3 * size**2 * channels * out_channels,
                positions=lambda channels, out_channels, size: 0,
            ),
        ),
        Misconception(
            "a-vector-for-every-offset",
            "Here each of the size² offsets has its own vector. In the paper, rows and columns are learned "
            "separately.",
            _slip(positions=lambda channels, out_channels, size: size**2 * out_channels),
            _slip(positions=lambda channels, out_channels, size: size**2 * out_channels // 2),
            _slip(positions=lambda channels, out_channels, size: 2 * size**2 * out_channels),
        ),
        Misconception(
            "whole-vectors",
            "The positions are counted twice: a row's vector has only half of the features, and a column's the "
            "other half.",
            _slip(positions=lambda channels, out_channels, size: 2 * size * out_channels),
        ),
        Misconception(
            "half-of-the-positions",
            "Half of the positions are missing: there are rows *and* columns, and together their vectors have all "
            "the features.",
            _slip(positions=lambda channels, out_channels, size: size * out_channels // 2),
        ),
        Misconception(
            "no-positions",
            "The positions are missing. Without them the neighbours would be a set.",
            _slip(positions=lambda channels, out_channels, size: 0),
            *tuple(
                _slip(projections=projections, positions=lambda channels, out_channels, size: 0)
                for projections in _PROJECTIONS
            ),
        ),
        Misconception(
            "too-many-offsets",
            "Offsets from −(size − 1) to size − 1 are counted. They only reach from the centre to the border of the "
            "square, which is size positions wide.",
            _slip(positions=lambda channels, out_channels, size: (2 * size - 1) * out_channels),
            _slip(positions=lambda channels, out_channels, size: (2 * size - 1) * out_channels // 2),
        ),
        Misconception(
            "centre-without-vectors",
            "The row and the column of the centre are left out. They have vectors too: most neighbours in the same "
            "row are in another column.",
            _slip(positions=lambda channels, out_channels, size: (size - 1) * out_channels),
        ),
        Misconception(
            "vectors-counted",
            "The positions are counted as single numbers, one per row, column or offset. The layer learns a vector "
            "for each of them: count the numbers in it.",
            _slip(positions=lambda channels, out_channels, size: 2 * size),
            _slip(positions=lambda channels, out_channels, size: size),
            _slip(positions=lambda channels, out_channels, size: size**2),
        ),
        Misconception(
            "positions-of-the-input",
            "The position vectors have as many features as the input. They are compared with the query, like the "
            "keys, so they have out_channels features.",
            _slip(positions=lambda channels, out_channels, size: size * channels),
            _slip(positions=lambda channels, out_channels, size: 2 * size * (channels // 2)),
        ),
        Misconception(
            "channels-for-both",
            "The number of input channels is used for the output channels as well. The two may differ.",
            lambda channels, out_channels, size: 3 * channels**2 + size * channels,
            _slip(projections=lambda channels, out_channels, size: 3 * channels**2),
        ),
        Misconception(
            "out-channels-for-both",
            "The number of output channels is used for the input channels as well. The two may differ.",
            lambda channels, out_channels, size: 3 * out_channels**2 + size * out_channels,
        ),
        Misconception(
            "positions-several-times",
            "The positions are counted several times. The heads share out_channels, so together they have that many "
            "features for any number of heads.",
            _slip(positions=lambda channels, out_channels, size: 8 * size * out_channels),
            _slip(positions=lambda channels, out_channels, size: 4 * size * out_channels),
            _slip(positions=lambda channels, out_channels, size: 16 * size * out_channels),
        ),
        Misconception(
            "one-head-only",
            "The positions are those of one head only, or have been halved once too often. Every head has its own, "
            "and together they have out_channels features.",
            _slip(positions=lambda channels, out_channels, size: 2 * size * (out_channels // 8 // 2)),
            _slip(positions=lambda channels, out_channels, size: 2 * size * (out_channels // 4 // 2)),
        ),
        Misconception(
            "output-projection",
            "There is one projection too many: only query, key and value have one. The 1 × 1 convolution that "
            "follows belongs to the bottleneck.",
            _slip(projections=lambda channels, out_channels, size: 4 * channels * out_channels),
            _slip(projections=lambda channels, out_channels, size: 3 * channels * out_channels + out_channels**2),
        ),
        Misconception(
            "projections-missing",
            "Some projections are missing. Query, key and value have one each.",
            _slip(projections=lambda channels, out_channels, size: 2 * channels * out_channels),
            _slip(projections=lambda channels, out_channels, size: channels * out_channels),
        ),
        Misconception(
            "biases",
            "Biases are counted, but these projections have none.",
            _slip(projections=lambda channels, out_channels, size: 3 * (channels + 1) * out_channels),
        ),
        Misconception(
            "channels-added",
            "Input and output channels are added. A 1 × 1 convolution has one weight per pair of them: multiply.",
            _slip(projections=lambda channels, out_channels, size: 3 * (channels + out_channels)),
        ),
        Misconception(
            "positions-for-every-projection",
            "The positions are counted three times, as if each projection had some. They are added to the keys only.",
            _slip(positions=lambda channels, out_channels, size: 3 * size * out_channels),
        ),
        Misconception(
            "two-counts",
            "The counts of projections and positions are returned as two numbers. The layer learns their sum.",
            lambda channels, out_channels, size: (3 * channels * out_channels, size * out_channels),
        ),
        Misconception(
            "channels-written-in",
            "The number of channels is hard-coded: the count does not depend on channels and out_channels.",
            lambda channels, out_channels, size: 3 * 64 * 64 + size * 64,
        ),
        Misconception(
            "bytes",
            "Your count is four times too large, as if it were the bytes of the numbers in float32. Count the "
            "numbers.",
            lambda channels, out_channels, size: 4 * local_parameters(channels, out_channels, size),
        ),
        Misconception(
            "a-float",
            "The number is right, but it is a float. A count is an int: which division gives a float?",
            lambda channels, out_channels, size: float(local_parameters(channels, out_channels, size)),
        ),
    ),
)
