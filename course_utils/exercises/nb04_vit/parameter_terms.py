"""Parameter counts with one wrong term: it has a wrong size, or is counted too often."""

from collections.abc import Callable, Iterator

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb04_vit.parameter_slips import Sizes, off_by

Answer = Callable[..., int]

SIZES = ("image_size", "patch_size", "dim", "layers", "mlp_dim", "classes", "channels", "patches")


def _linear(inputs: str, outputs: str, more: tuple[str, str], times: Callable[[Sizes], int], biases: int) -> Answer:
    """The count with some linear layers, from inputs to outputs, counted with other sizes."""

    def gap(s: Sizes) -> int:
        (right_in, right_out), (wrong_in, wrong_out) = (
            (getattr(s, one), getattr(s, other)) for one, other in ((inputs, outputs), more)
        )
        return times(s) * ((wrong_in + biases) * wrong_out - (right_in + 1) * right_out)

    return off_by(gap)


def _mistaken(inputs: str, outputs: str, times: Callable[[Sizes], int]) -> Iterator[Answer]:
    """One of the two sizes of a linear layer replaced by another, with and without its bias."""
    for other in SIZES:
        for more in ((other, outputs), (inputs, other)):
            if more != (inputs, outputs):
                yield _linear(inputs, outputs, more, times, biases=1)
                yield _linear(inputs, outputs, more, times, biases=0)


def _all_but(
    name: str, message: str, inputs: str, outputs: str, times: Callable[[Sizes], int] = lambda s: 1
) -> Misconception:
    """All is right except one kind of linear layer, which occurs a given number of times."""
    first, *others = _mistaken(inputs, outputs, times)
    return Misconception(name, message, first, *tuple(others))


def _biases(right: str, other: str, number: int) -> Answer:
    """Some linear layers of a block with a bias of another size; 0: one layer outside the blocks."""
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
        "The positions are counted in every layer. They are added once, before the first layer.",
        off_by(lambda s: (s.layers - 1) * (s.patches + 1) * s.dim),
    ),
    Misconception(
        "class-token-and-positions-in-every-layer",
        "The class token and the positions are counted in every layer. They are added once, before the first layer.",
        off_by(lambda s: (s.layers - 1) * (s.patches + 2) * s.dim),
    ),
    Misconception(
        "embedding-in-every-layer",
        "The patch projection, the class token and the positions are counted in every layer. All three come once, "
        "before the first layer.",
        off_by(lambda s: (s.layers - 1) * (s.patches + 3 + s.pixels) * s.dim),
    ),
    _all_but(
        "all-but-the-projection",
        "Everything is right except the patch projection. It maps all the numbers in a patch to dim features, and "
        "each feature has a bias.",
        "pixels",
        "dim",
    ),
    _all_but(
        "all-but-the-head",
        "Everything is right except the head. It maps the dim features of one token to one number per class, with "
        "one bias per class.",
        "dim",
        "classes",
    ),
    _all_but(
        "all-but-the-mlp-in",
        "Everything is right except the MLP's first layer. It maps dim features to mlp_dim, and each has a bias.",
        "dim",
        "mlp_dim",
        lambda s: s.layers,
    ),
    _all_but(
        "all-but-the-mlp-out",
        "Everything is right except the MLP's second layer. It maps mlp_dim features to dim, and each has a bias.",
        "mlp_dim",
        "dim",
        lambda s: s.layers,
    ),
    _all_but(
        "all-but-one-projection-of-the-attention",
        "Everything is right except one of the attention's four projections. Each maps dim features to dim, and each "
        "feature has a bias.",
        "dim",
        "dim",
        lambda s: s.layers,
    ),
    _all_but(
        "all-but-query-key-and-value",
        "Everything is right except the projections to query, key and value. Each of the three maps dim features to "
        "dim, and each feature has a bias.",
        "dim",
        "dim",
        lambda s: 3 * s.layers,
    ),
    _all_but(
        "all-but-the-attention",
        "Everything is right except the attention's four projections. Each maps dim features to dim, and each "
        "feature has a bias.",
        "dim",
        "dim",
        lambda s: 4 * s.layers,
    ),
    Misconception(
        "all-but-some-biases",
        "Everything is right except the biases of one linear layer, or of several similar ones. A linear layer has "
        "one bias per output feature.",
        next(_wrong_biases()),
        *(tuple(_wrong_biases())[1:]),
    ),
    Misconception(
        "all-but-the-positions",
        "Everything is right except the number of positions. There is one per patch of the image, and one for the "
        "class token.",
        _positions(lambda s: s.patch_size**2),
        _positions(lambda s: 2 * (s.image_size // s.patch_size)),
        _positions(lambda s: s.image_size),
        _positions(lambda s: s.patches * s.channels),
        _positions(lambda s: s.image_size**2 // s.patch_size),
        _positions(lambda s: s.image_size // s.patch_size**2),
    ),
    Misconception(
        "dim-too-many",
        "Your count is exactly dim too high: there is a position too many, for example, or the class token is "
        "counted twice.",
        off_by(lambda s: s.dim),
    ),
    Misconception(
        "two-dim-too-many",
        "Your count is exactly 2 · dim too high: a norm has that many, and so do the class token and its position "
        "together. What is counted twice?",
        off_by(lambda s: 2 * s.dim),
    ),
    Misconception(
        "all-but-the-norms",
        "Everything is right except the norms. Each layer has two, one more follows the last layer, and each has a "
        "scale and a shift of dim numbers.",
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
