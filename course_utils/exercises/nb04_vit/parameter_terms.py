"""A count of parameters in which only one term is wrong: another size stands in it, or it is counted too often."""

from collections.abc import Callable, Iterator

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb04_vit.parameter_slips import Sizes, off_by

Answer = Callable[..., int]

SIZES = ("image_size", "patch_size", "dim", "layers", "mlp_dim", "classes", "channels", "patches")


def _linear(inputs: str, outputs: str, more: tuple[str, str], times: Callable[[Sizes], int], biases: int) -> Answer:
    """The count with so many linear layers, from inputs to outputs, as if they went from one of more to the other."""

    def gap(s: Sizes) -> int:
        (right_in, right_out), (wrong_in, wrong_out) = (
            (getattr(s, one), getattr(s, other)) for one, other in ((inputs, outputs), more)
        )
        return times(s) * ((wrong_in + biases) * wrong_out - (right_in + 1) * right_out)

    return off_by(gap)


def _mistaken(inputs: str, outputs: str, times: Callable[[Sizes], int]) -> Iterator[Answer]:
    """One of the two sizes of a linear layer taken for another, with and without its biases."""
    for other in SIZES:
        for more in ((other, outputs), (inputs, other)):
            if more != (inputs, outputs):
                yield _linear(inputs, outputs, more, times, biases=1)
                yield _linear(inputs, outputs, more, times, biases=0)


def _all_but(
    name: str, message: str, inputs: str, outputs: str, times: Callable[[Sizes], int] = lambda s: 1
) -> Misconception:
    """Everything fits except one linear layer, of which there are so many."""
    first, *others = _mistaken(inputs, outputs, times)
    return Misconception(name, message, first, *tuple(others))


def _biases(right: str, other: str, number: int) -> Answer:
    """So many linear layers of a block with as many biases as another size; 0: one outside the blocks."""
    return off_by(lambda s: (number * s.layers or 1) * (getattr(s, other) - getattr(s, right)))


def _wrong_biases() -> Iterator[Answer]:
    layers = {"classes": [0], "dim": [0, 1, 3, 4], "mlp_dim": [1]}
    for right, numbers in layers.items():
        for number in numbers:
            for other in SIZES:
                if other != right:
                    yield _biases(right, other, number)


def _positions(patches: Callable[[Sizes], int]) -> Answer:
    return off_by(lambda s: (patches(s) - s.patches) * s.dim)


TERMS = (
    Misconception(
        "last-norm-in-every-layer",
        "The last norm is counted in every layer. There is only one, between the last layer and the head.",
        off_by(lambda s: (s.layers - 1) * 2 * s.dim),
    ),
    Misconception(
        "positions-in-every-layer",
        "The positions are counted in every layer. They are added once, before the first.",
        off_by(lambda s: (s.layers - 1) * (s.patches + 1) * s.dim),
    ),
    Misconception(
        "class-token-and-positions-in-every-layer",
        "The class token and the positions are counted in every layer. They join once, before the first.",
        off_by(lambda s: (s.layers - 1) * (s.patches + 2) * s.dim),
    ),
    Misconception(
        "embedding-in-every-layer",
        "The projection of the patches, the class token and the positions are counted in every layer. All three come "
        "once, before the first.",
        off_by(lambda s: (s.layers - 1) * (s.patches + 3 + s.pixels) * s.dim),
    ),
    _all_but(
        "all-but-the-projection",
        "Everything fits except the projection of the patches. It makes dim features of all the numbers in a patch, and each "
        "feature has a bias.",
        "pixels",
        "dim",
    ),
    _all_but(
        "all-but-the-head",
        "Everything fits except the head. It makes a number for each class of the dim features of one token, with a bias for "
        "each class.",
        "dim",
        "classes",
    ),
    _all_but(
        "all-but-the-mlp-in",
        "Everything fits except the MLP's first layer. It makes mlp_dim features of dim, and each has a bias.",
        "dim",
        "mlp_dim",
        lambda s: s.layers,
    ),
    _all_but(
        "all-but-the-mlp-out",
        "Everything fits except the MLP's second layer. It makes dim features of mlp_dim, and each has a bias.",
        "mlp_dim",
        "dim",
        lambda s: s.layers,
    ),
    _all_but(
        "all-but-one-projection-of-the-attention",
        "Everything fits except one of the attention's four projections. Each makes dim features of dim, and each feature has "
        "a bias.",
        "dim",
        "dim",
        lambda s: s.layers,
    ),
    _all_but(
        "all-but-query-key-and-value",
        "Everything fits except the projections to query, key and value. Each of the three makes dim features of dim, and each "
        "feature has a bias.",
        "dim",
        "dim",
        lambda s: 3 * s.layers,
    ),
    _all_but(
        "all-but-the-attention",
        "Everything fits except the attention's four projections. Each makes dim features of dim, and each feature has a bias.",
        "dim",
        "dim",
        lambda s: 4 * s.layers,
    ),
    Misconception(
        "all-but-some-biases",
        "Everything fits except the biases of one linear layer, or of several alike. A linear layer has one for each "
        "feature that it makes.",
        next(_wrong_biases()),
        *(tuple(_wrong_biases())[1:]),
    ),
    Misconception(
        "all-but-the-positions",
        "Everything fits except the number of positions. There is one for each patch of the image, and one for the class "
        "token.",
        _positions(lambda s: s.patch_size**2),
        _positions(lambda s: 2 * (s.image_size // s.patch_size)),
        _positions(lambda s: s.image_size),
        _positions(lambda s: s.patches * s.channels),
        _positions(lambda s: s.image_size**2 // s.patch_size),
        _positions(lambda s: s.image_size // s.patch_size**2),
    ),
    Misconception(
        "dim-too-many",
        "Your count is exactly dim too high: there is a position too many, for example, or the class token is counted "
        "twice.",
        off_by(lambda s: s.dim),
    ),
    Misconception(
        "two-dim-too-many",
        "Your count is exactly 2 · dim too high, as much as a norm has, or as the class token and its position have "
        "together. What is counted twice?",
        off_by(lambda s: 2 * s.dim),
    ),
    Misconception(
        "all-but-the-norms",
        "Everything fits except the norms. Each layer has two, the last layer is followed by one, and each has a scale and a "
        "shift of dim numbers.",
        off_by(lambda s: s.layers * 2 * s.dim),
        off_by(lambda s: s.layers * 4 * s.dim),
        off_by(lambda s: (2 * s.layers + 1) * s.dim),
        off_by(lambda s: (2 * s.layers + 1) * 2 * s.dim),
        off_by(lambda s: (2 * s.layers + 1) * 2 * (s.mlp_dim - s.dim)),
        off_by(lambda s: s.layers * 2 * (s.mlp_dim - s.dim)),
        off_by(lambda s: (2 * s.layers + 1) * (2 * s.patches + 2 - 2 * s.dim)),
        off_by(lambda s: (2 * s.layers + 1) * (1 - 2 * s.dim)),
    ),
)
