"""The parameters of a ViT miscounted. Slips of one size look alike in a count: the messages say so."""

from collections.abc import Callable
from dataclasses import dataclass

from course_utils.costs import vit_parameters
from course_utils.exercises.exercise import Misconception


@dataclass(frozen=True)
class Sizes:
    """The arguments, and what follows from them."""

    image_size: int
    patch_size: int
    dim: int
    layers: int
    mlp_dim: int
    classes: int
    channels: int

    @property
    def patches(self) -> int:
        return (self.image_size // self.patch_size) ** 2

    @property
    def pixels(self) -> int:
        """Numbers in one patch."""
        return self.channels * self.patch_size**2


def off_by(more: Callable[[Sizes], int]) -> Callable[..., int]:
    """The count, and something more or less."""

    def wrong(
        image_size: int, patch_size: int, dim: int, layers: int, mlp_dim: int, classes: int, channels: int = 3
    ) -> int:
        given = (image_size, patch_size, dim, layers, mlp_dim, classes, channels)
        return vit_parameters(*given) + more(Sizes(*given))

    return wrong


def _per_layer(more: Callable[[Sizes], int]) -> Callable[..., int]:
    return off_by(lambda s: s.layers * more(s))


def _weights(class_token: int = 0, out: int = 0, norms: int = 0) -> Callable[..., int]:
    """The slide's terms, weights only, and what is added to them."""
    return off_by(
        lambda s: (
            (class_token - 2) * s.dim
            - s.classes
            - s.layers * ((1 - out) * s.dim**2 + 5 * s.dim + s.mlp_dim)
            - (1 - norms) * (s.layers * 4 + 2) * s.dim
        )
    )


MISCONCEPTIONS = (
    Misconception(
        _weights(),
        "These are the slide's terms: they leave out the output projection, all biases and norms, and the "
        "class token. The projection alone is dim² per layer: 25 million numbers of a ViT-L.",
        name="slide",
    ),
    Misconception(
        _weights(class_token=1, out=1, norms=1),
        "The biases are missing. A linear layer from m to n features has n of them.",
        name="no-biases",
        also=(_weights(out=1, norms=1), _weights(class_token=1, norms=1), _weights(class_token=1)),
    ),
    Misconception(
        _per_layer(lambda s: -(s.dim + 1) * s.dim),
        "In each layer one of the attention's four projections is missing, or its weights are. Query, key and value have one "
        "each; and after the heads are put together again, one more linear layer from dim to dim mixes them.",
        name="no-output-projection",
        also=(_per_layer(lambda s: -s.dim * s.dim),),
    ),
    Misconception(
        off_by(lambda s: -s.dim),
        "Exactly dim numbers are missing. Four places hold that many: the class token, its position, the biases of the "
        "patches' projection, and the scale or the shift of the last norm.",
        name="dim-missing",
    ),
    Misconception(
        off_by(lambda s: -2 * s.dim),
        "Exactly 2 · dim numbers are missing, as many as the norm between the last layer and the head has. The class "
        "token and its position add up to as many.",
        name="two-dim-missing",
    ),
    Misconception(
        off_by(lambda s: -s.layers * 4 * s.dim - 2 * s.dim),
        "No norm is counted. There are two in each layer and one after the last, each with a scale and a shift "
        "of dim numbers.",
        name="no-norms",
    ),
    Misconception(
        off_by(lambda s: -s.layers * 2 * s.dim - s.dim),
        "As many numbers are missing as half of the norms' are. Each norm has a scale and a shift, of dim numbers each.",
        name="half-of-the-norms",
    ),
    Misconception(
        _per_layer(lambda s: -s.dim),
        "In each layer exactly dim numbers are missing, as many as a linear layer that makes dim features has biases, or as "
        "a norm has in its scale or its shift. The output projection and the MLP's second layer make dim features, too.",
        name="dim-a-layer-missing",
    ),
    Misconception(
        _per_layer(lambda s: -2 * s.dim),
        "In each layer exactly 2 · dim numbers are missing, as many as one norm has. A layer has two norms, one before "
        "the attention and one before the MLP.",
        name="two-dim-a-layer-missing",
    ),
    Misconception(
        _per_layer(lambda s: -3 * s.dim),
        "In each layer exactly 3 · dim numbers are missing, as many as the biases of query, key and value. Each of "
        "these projections has them.",
        name="three-dim-a-layer-missing",
    ),
    Misconception(
        _per_layer(lambda s: -4 * s.dim),
        "In each layer exactly 4 · dim numbers are missing, as many as two norms have, and as many as the biases of "
        "the attention's four projections.",
        name="four-dim-a-layer-missing",
    ),
    Misconception(
        off_by(lambda s: -(s.patches + 1) * s.dim),
        "The positions of the patches are not counted. ViT learns them: one vector of dim numbers for each token.",
        name="no-positions",
        also=(
            off_by(lambda s: -s.patches * s.dim),
            off_by(lambda s: -(s.patches + 2) * s.dim),
        ),
    ),
    Misconception(
        off_by(lambda s: -s.patches * (s.dim - 1)),
        "A position is counted as a single number. It is added to a token, so it is as long as one: dim numbers.",
        name="positions-are-numbers",
        also=(off_by(lambda s: -(s.patches + 1) * (s.dim - 1)),),
    ),
    Misconception(
        _per_layer(lambda s: -2 * (s.dim + 1) * s.dim),
        "In each layer two or three of the attention's four projections are missing, or their weights are. Query, key and "
        "value have one each, from dim to dim features, and so has the output.",
        name="one-projection-for-three",
        also=(
            _per_layer(lambda s: -3 * (s.dim + 1) * s.dim),
            _per_layer(lambda s: -2 * s.dim * s.dim),
        ),
    ),
    Misconception(
        _per_layer(lambda s: -4 * (s.dim + 1) * s.dim),
        "The attention is not counted. In each layer it has projections to query, key and value, and one of its "
        "output, all from dim to dim features.",
        name="no-attention",
    ),
    Misconception(
        _per_layer(lambda s: -(2 * s.dim * s.mlp_dim + s.mlp_dim + s.dim)),
        "MLPs are missing. Each layer has one, from dim features to mlp_dim and back.",
        name="no-mlp",
        also=(off_by(lambda s: -(s.layers - 1) * (2 * s.dim * s.mlp_dim + s.mlp_dim + s.dim)),),
    ),
    Misconception(
        _per_layer(lambda s: -(s.mlp_dim + 1) * s.dim),
        "The MLP has only one matrix in your count. It goes to mlp_dim features and back, so it has two.",
        name="half-of-the-mlp",
        also=(
            _per_layer(lambda s: -(s.dim + 1) * s.mlp_dim),
            _per_layer(lambda s: -s.dim * s.mlp_dim),
        ),
    ),
    Misconception(
        _per_layer(lambda s: -(s.mlp_dim + s.dim)),
        "In each layer mlp_dim + dim numbers are missing, as many as the MLP has biases: each of its two linear layers "
        "has one for every feature that it makes.",
        name="mlp-without-biases",
    ),
    Misconception(
        _per_layer(lambda s: -s.mlp_dim),
        "In each layer mlp_dim numbers are missing, as many as the MLP's first linear layer has biases.",
        name="mlp-without-first-biases",
    ),
    Misconception(
        _per_layer(lambda s: 1 - s.mlp_dim),
        "Something of dim, mlp_dim or classes numbers is counted as a single one, as if it were one bias for a whole linear "
        "layer. A linear layer has a bias for each feature that it makes.",
        name="single-bias",
        also=(
            _per_layer(lambda s: 1 - s.dim),
            _per_layer(lambda s: 2 - s.mlp_dim - s.dim),
            _per_layer(lambda s: 3 * (1 - s.dim)),
            _per_layer(lambda s: 6 - 5 * s.dim - s.mlp_dim),
            off_by(lambda s: 1 - s.classes),
        ),
    ),
    Misconception(
        off_by(lambda s: 1 - s.dim),
        "Exactly dim - 1 numbers are missing, so something is counted as one number that should be dim: the class token, "
        "for example, or the biases of the patches' projection.",
        name="dim-counted-as-one",
    ),
    Misconception(
        off_by(lambda s: s.layers * (2 * s.dim * (4 * s.dim - s.mlp_dim) + 4 * s.dim - s.mlp_dim)),
        "There is 4 · dim where mlp_dim should be. The two are equal in the published sizes, but here mlp_dim is given.",
        name="four-dim-for-mlp-dim",
        also=(off_by(lambda s: s.layers * (2 * s.dim * (4 * s.dim - s.mlp_dim) + 4 * s.dim - s.mlp_dim - s.dim)),),
    ),
    Misconception(
        off_by(lambda s: -(s.dim + 1) * s.classes),
        "The head is missing, or its weights are. It is a linear layer from dim features to classes.",
        name="no-head",
        also=(off_by(lambda s: -s.dim * s.classes),),
    ),
    Misconception(
        off_by(lambda s: -s.classes),
        "The head's biases are missing. A linear layer has one for every feature that it makes, here for every class.",
        name="head-without-biases",
    ),
    Misconception(
        off_by(lambda s: -(s.layers - 1) * (4 * (s.dim + 1) * s.dim + 2 * s.dim * s.mlp_dim + s.mlp_dim + 5 * s.dim)),
        "Only one layer is counted. The layers share nothing: multiply by their number.",
        name="one-layer",
    ),
    Misconception(
        off_by(lambda s: (3 - s.channels) * s.patch_size**2 * s.dim),
        "Three channels are written into the function. There are channels of them, and 3 only by default.",
        name="three-channels-written-in",
    ),
    Misconception(
        off_by(lambda s: (1 - s.channels) * s.patch_size**2 * s.dim),
        "The channels are not counted. A patch holds patch_size² pixels of each channel.",
        name="no-channels",
    ),
    Misconception(
        off_by(lambda s: (1000 - s.classes) * (s.dim + 1)),
        "A thousand classes are written into the function. Use classes.",
        name="thousand-classes-written-in",
    ),
    Misconception(
        off_by(lambda s: (s.channels * s.patch_size - s.pixels) * s.dim),
        "A patch is counted as patch_size numbers per channel. It is a square.",
        name="patch-not-squared",
    ),
    Misconception(
        off_by(lambda s: (s.channels - 1) * s.pixels * s.dim),
        "The channels are multiplied in twice. A patch holds channels · patch_size² numbers.",
        name="channels-twice",
    ),
    Misconception(
        off_by(lambda s: (s.image_size // s.patch_size - s.patches) * s.dim),
        "The patches along one side are taken for all patches. They form a square grid.",
        name="side-for-patches",
    ),
    Misconception(
        off_by(lambda s: (s.image_size**2 - s.patches) * s.dim),
        "There is a position for every pixel in your count. There is one for every token.",
        name="positions-of-pixels",
        also=(off_by(lambda s: (s.image_size**2 - s.patches - 1) * s.dim),),
    ),
    Misconception(
        off_by(lambda s: (s.patches - 1) * (s.pixels + 1) * s.dim),
        "Every patch has a projection of its own in your count. All patches are projected by the same weights.",
        name="a-projection-a-patch",
        also=(off_by(lambda s: (s.patches - 1) * s.pixels * s.dim),),
    ),
    Misconception(
        off_by(lambda s: -s.pixels * (s.dim - 1)),
        "The projection's weights are not multiplied by dim. `*` comes before `+`, so you need brackets: inputs plus "
        "one bias, times dim.",
        name="brackets-missing",
        also=(off_by(lambda s: -s.pixels * (s.dim - 1) - s.dim + 1),),
    ),
    Misconception(
        off_by(lambda s: -s.pixels * s.dim),
        "The weights of the patches' projection are missing. It is a linear layer too, from the numbers of a patch to "
        "dim features.",
        name="no-projection",
        also=(off_by(lambda s: -(s.pixels + 1) * s.dim),),
    ),
    Misconception(
        off_by(lambda s: (2 * s.layers + 1) * (2 - 2 * s.dim)),
        "A norm is counted with two numbers. It has a scale and a shift for each of the dim features.",
        name="norms-of-two-numbers",
    ),
    Misconception(
        _per_layer(lambda s: 4 - 4 * s.dim),
        "In each layer 4 numbers are counted where 4 · dim belong: the scales and shifts of the two norms, or the biases of "
        "the attention's four projections.",
        name="four-for-four-dim",
    ),
    Misconception(
        off_by(lambda s: (2 * s.layers + 1) * 2 * s.dim * s.patches),
        "The norms are counted for every token. All tokens share them: a scale and a shift of dim numbers.",
        name="norms-of-every-token",
        also=(_per_layer(lambda s: 4 * s.dim * s.patches),),
    ),
    Misconception(
        _per_layer(lambda s: (s.mlp_dim + 1) * s.mlp_dim),
        "The MLP has a layer too many, from mlp_dim to mlp_dim. It has one hidden layer of features, so two linear layers.",
        name="mlp-with-three-layers",
    ),
    Misconception(
        _per_layer(lambda s: (s.patches + 1) ** 2),
        "The attention matrices are counted. They are computed anew for every picture, not learned.",
        name="attention-matrices-counted",
    ),
    Misconception(
        _per_layer(lambda s: -4 * (s.dim + 1) * s.dim - 2 * s.dim * s.mlp_dim - s.mlp_dim - 5 * s.dim),
        "The layers are not counted. Nearly all that a ViT learns is in them.",
        name="no-layers",
    ),
    Misconception(
        off_by(lambda s: -(s.pixels + 1) * s.dim - (s.patches + 2) * s.dim),
        "All that comes before the first layer is missing: the patches' projection, the class token and the positions.",
        name="no-embedding",
        also=(
            off_by(lambda s: -(s.pixels + 1) * s.dim - (s.patches + 2) * s.dim - 2 * s.dim - (s.dim + 1) * s.classes),
        ),
    ),
    Misconception(
        lambda *given, **named: round(vit_parameters(*given, **named) / 1e6, 1),
        "These are millions. Return the whole number, exact to the last one; the notebook rounds when it prints.",
        name="millions",
        also=(lambda *given, **named: vit_parameters(*given, **named) / 1e6,),
    ),
)
