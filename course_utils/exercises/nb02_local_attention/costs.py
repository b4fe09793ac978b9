"""What a layer of local attention has to learn."""

from collections.abc import Callable

from course_utils.exercises.exercise import Exercise, Misconception


def local_parameters(channels: int, out_channels: int, size: int) -> int:
    """Learned numbers of a layer of local attention from channels to out_channels with a size × size neighbourhood.

    Three 1 × 1 convolutions without biases, to query, key and value; and for every head one vector for each row
    offset and one for each column offset, each of half a head's features. The heads share out_channels among them.
    Ramachandran et al. 2019, section 3.1.
    """
    projections = 3 * channels * out_channels
    positions = 2 * size * (out_channels // 2)
    return projections + positions


def _slip(
    projections: Callable[[int, int, int], int] = lambda channels, out_channels, size: 3 * channels * out_channels,
    positions: Callable[[int, int], int] = lambda out_channels, size: size * out_channels,
) -> Callable[[int, int, int], int]:
    return lambda channels, out_channels, size: (
        projections(channels, out_channels, size) + positions(out_channels, size)
    )


PARAMETERS = Exercise(
    name="02.local_parameters",
    title="What a larger neighbourhood costs",
    reference=local_parameters,
    cases=lambda g: [(64, 64, 7), (64, 128, 7), (256, 256, 3), (16, 32, 5), (3, 64, 1)],
    hints=(
        "A 1 × 1 convolution from m to n channels without bias has m · n numbers. How many of them are there?",
        "Positions: size row offsets and size column offsets, not size² of them. All heads together have "
        "out_channels features.",
        "3 · channels · out_channels, and 2 · size vectors that have out_channels / 2 numbers over all heads.",
    ),
    misconceptions=(
        Misconception(
            _slip(
                projections=lambda channels, out_channels, size: size**2 * channels * out_channels,
                positions=lambda *_: 0,
            ),
            "This is a convolution: a matrix for each of its size² places. Attention's projections look at one place "
            "at a time: they are 1 × 1.",
        ),
        Misconception(
            _slip(projections=lambda channels, out_channels, size: 3 * size**2 * channels * out_channels),
            "Keys and values are made once a place, not once for every neighbourhood it is in: the projections do not "
            "depend on size.",
        ),
        Misconception(
            _slip(positions=lambda out_channels, size: size**2 * out_channels),
            "Every one of the size² offsets has a vector of its own here. In the paper rows and columns are learned "
            "apart: 2 · size vectors of half the features.",
        ),
        Misconception(
            _slip(positions=lambda out_channels, size: 2 * size * out_channels),
            "The positions are counted twice: a row's vector has only half a head's features, a column's the other "
            "half.",
        ),
        Misconception(
            _slip(positions=lambda out_channels, size: 0),
            "The positions are missing. Without them the neighbours would be a set.",
        ),
        Misconception(
            _slip(projections=lambda channels, out_channels, size: 4 * channels * out_channels),
            "There is one projection too many: query, key and value. The 1 × 1 convolution that follows belongs to "
            "the bottleneck.",
        ),
        Misconception(
            _slip(projections=lambda channels, out_channels, size: 3 * (channels + 1) * out_channels),
            "Biases are counted, but these projections have none.",
        ),
    ),
)
