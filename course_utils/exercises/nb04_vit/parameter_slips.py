"""Wrong parameter counts of a ViT. Mistakes of equal size give equal counts, and the messages say so."""

from collections.abc import Callable
from dataclasses import dataclass

from course_utils.costs import vit_parameters
from course_utils.exercises.exercise import Misconception


@dataclass(frozen=True)
class Sizes:
    """The arguments and sizes derived from them."""

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
        """The numbers in one patch."""
        return self.channels * self.patch_size**2


def off_by(more: Callable[[Sizes], int]) -> Callable[..., int]:
    """The right count plus something."""

    def wrong(
        image_size: int, patch_size: int, dim: int, layers: int, mlp_dim: int, classes: int, channels: int = 3
    ) -> int:
        given = (image_size, patch_size, dim, layers, mlp_dim, classes, channels)
        return vit_parameters(*given) + more(Sizes(*given))

    return wrong


def _per_layer(more: Callable[[Sizes], int]) -> Callable[..., int]:
    return off_by(lambda s: s.layers * more(s))


def _weights(class_token: int = 0, out: int = 0, norms: int = 0) -> Callable[..., int]:
    """The slide's terms, weights only, plus something."""
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
        "slide",
        "These are the slide's terms: they leave out the output projection, all biases and norms, and the class "
        "token. The output projection alone has dim² per layer: 25 million parameters of a ViT-L.",
        _weights(),
    ),
    Misconception(
        "no-biases",
        "The biases are missing. A linear layer from m to n features has n biases.",
        _weights(class_token=1, out=1, norms=1),
        _weights(out=1, norms=1),
        _weights(class_token=1, norms=1),
        _weights(class_token=1),
    ),
    Misconception(
        "no-output-projection",
        "In each layer, one of the attention's four projections is missing, or its weights are. Query, key and value "
        "have one each; after the heads are concatenated, one more linear layer from dim to dim mixes them.",
        _per_layer(lambda s: -(s.dim + 1) * s.dim),
        _per_layer(lambda s: -s.dim * s.dim),
    ),
    Misconception(
        "dim-missing",
        "Exactly dim numbers are missing. Four parts have that many: the class token, its position, the bias of the "
        "patch projection, and the scale or the shift of the last norm.",
        off_by(lambda s: -s.dim),
    ),
    Misconception(
        "two-dim-missing",
        "Exactly 2 · dim numbers are missing, as many as the norm between the last layer and the head has. The class "
        "token and its position together have as many.",
        off_by(lambda s: -2 * s.dim),
    ),
    Misconception(
        "no-norms",
        "No norm is counted. There are two in each layer and one after the last, each with a scale and a shift "
        "of dim numbers.",
        off_by(lambda s: -s.layers * 4 * s.dim - 2 * s.dim),
    ),
    Misconception(
        "half-of-the-norms",
        "Half of the norms' numbers are missing. Each norm has a scale and a shift, of dim numbers each.",
        off_by(lambda s: -s.layers * 2 * s.dim - s.dim),
    ),
    Misconception(
        "dim-a-layer-missing",
        "In each layer, exactly dim numbers are missing: as many as the bias of a linear layer with dim outputs, or "
        "the scale or the shift of a norm. The output projection and the MLP's second layer have dim outputs, too.",
        _per_layer(lambda s: -s.dim),
    ),
    Misconception(
        "two-dim-a-layer-missing",
        "In each layer, exactly 2 · dim numbers are missing, as many as one norm has. A layer has two norms, one "
        "before the attention and one before the MLP.",
        _per_layer(lambda s: -2 * s.dim),
    ),
    Misconception(
        "three-dim-a-layer-missing",
        "In each layer, exactly 3 · dim numbers are missing, as many as the biases of query, key and value. Each of "
        "these projections has a bias.",
        _per_layer(lambda s: -3 * s.dim),
    ),
    Misconception(
        "four-dim-a-layer-missing",
        "In each layer exactly 4 · dim numbers are missing, as many as two norms have, and as many as the biases of "
        "the attention's four projections.",
        _per_layer(lambda s: -4 * s.dim),
    ),
    Misconception(
        "no-positions",
        "The positions of the patches are not counted. ViT learns one vector of dim numbers per token.",
        off_by(lambda s: -(s.patches + 1) * s.dim),
        off_by(lambda s: -s.patches * s.dim),
        off_by(lambda s: -(s.patches + 2) * s.dim),
    ),
    Misconception(
        "positions-are-numbers",
        "A position is counted as a single number. It is added to a token, so it has dim numbers.",
        off_by(lambda s: -s.patches * (s.dim - 1)),
        off_by(lambda s: -(s.patches + 1) * (s.dim - 1)),
    ),
    Misconception(
        "one-projection-for-three",
        "In each layer, two or three of the attention's four projections are missing, or their weights are. Query, "
        "key, value and output have one each, from dim to dim features.",
        _per_layer(lambda s: -2 * (s.dim + 1) * s.dim),
        _per_layer(lambda s: -3 * (s.dim + 1) * s.dim),
        _per_layer(lambda s: -2 * s.dim * s.dim),
    ),
    Misconception(
        "no-attention",
        "The attention is not counted. In each layer it has projections to query, key and value, and an output "
        "projection, all from dim to dim features.",
        _per_layer(lambda s: -4 * (s.dim + 1) * s.dim),
    ),
    Misconception(
        "no-mlp",
        "MLPs are missing. Each layer has an MLP, from dim features to mlp_dim and back.",
        _per_layer(lambda s: -(2 * s.dim * s.mlp_dim + s.mlp_dim + s.dim)),
        off_by(lambda s: -(s.layers - 1) * (2 * s.dim * s.mlp_dim + s.mlp_dim + s.dim)),
    ),
    Misconception(
        "half-of-the-mlp",
        "You count only one matrix of the MLP. It goes to mlp_dim features and back, so it has two.",
        _per_layer(lambda s: -(s.mlp_dim + 1) * s.dim),
        _per_layer(lambda s: -(s.dim + 1) * s.mlp_dim),
        _per_layer(lambda s: -s.dim * s.mlp_dim),
    ),
    Misconception(
        "mlp-without-biases",
        "In each layer, mlp_dim + dim numbers are missing, as many as the MLP has biases: each of its two linear "
        "layers has one per output feature.",
        _per_layer(lambda s: -(s.mlp_dim + s.dim)),
    ),
    Misconception(
        "mlp-without-first-biases",
        "In each layer, mlp_dim numbers are missing, as many as the MLP's first linear layer has biases.",
        _per_layer(lambda s: -s.mlp_dim),
    ),
    Misconception(
        "single-bias",
        "Something of dim, mlp_dim or classes numbers is counted as a single one, as if a linear layer had one bias. "
        "A linear layer has one bias per output feature.",
        _per_layer(lambda s: 1 - s.mlp_dim),
        _per_layer(lambda s: 1 - s.dim),
        _per_layer(lambda s: 2 - s.mlp_dim - s.dim),
        _per_layer(lambda s: 3 * (1 - s.dim)),
        _per_layer(lambda s: 6 - 5 * s.dim - s.mlp_dim),
        off_by(lambda s: 1 - s.classes),
    ),
    Misconception(
        "dim-counted-as-one",
        "Exactly dim - 1 numbers are missing, so something of dim numbers is counted as one: the class token, for "
        "example, or the bias of the patch projection.",
        off_by(lambda s: 1 - s.dim),
    ),
    Misconception(
        "four-dim-for-mlp-dim",
        "You use 4 · dim instead of mlp_dim. The two are equal in the published sizes, but here mlp_dim is an "
        "argument.",
        off_by(lambda s: s.layers * (2 * s.dim * (4 * s.dim - s.mlp_dim) + 4 * s.dim - s.mlp_dim)),
        off_by(lambda s: s.layers * (2 * s.dim * (4 * s.dim - s.mlp_dim) + 4 * s.dim - s.mlp_dim - s.dim)),
    ),
    Misconception(
        "no-head",
        "The head is missing, or its weights are. It is a linear layer from dim features to classes.",
        off_by(lambda s: -(s.dim + 1) * s.classes),
        off_by(lambda s: -s.dim * s.classes),
    ),
    Misconception(
        "head-without-biases",
        "The head's bias is missing. A linear layer has one bias per output, here one per class.",
        off_by(lambda s: -s.classes),
    ),
    Misconception(
        "one-layer",
        "Only one layer is counted. The layers share no parameters: multiply by their number.",
        off_by(lambda s: -(s.layers - 1) * (4 * (s.dim + 1) * s.dim + 2 * s.dim * s.mlp_dim + s.mlp_dim + 5 * s.dim)),
    ),
    Misconception(
        "three-channels-written-in",
        "Three channels are hard-coded. Use channels, which is 3 only by default.",
        off_by(lambda s: (3 - s.channels) * s.patch_size**2 * s.dim),
    ),
    Misconception(
        "no-channels",
        "The channels are not counted. A patch has patch_size² pixels per channel.",
        off_by(lambda s: (1 - s.channels) * s.patch_size**2 * s.dim),
    ),
    Misconception(
        "thousand-classes-written-in",
        "A thousand classes are hard-coded. Use classes.",
        off_by(lambda s: (1000 - s.classes) * (s.dim + 1)),
    ),
    Misconception(
        "patch-not-squared",
        "A patch is counted as patch_size numbers per channel. It is a square: patch_size².",
        off_by(lambda s: (s.channels * s.patch_size - s.pixels) * s.dim),
    ),
    Misconception(
        "channels-twice",
        "The channels are counted twice. A patch has channels · patch_size² numbers.",
        off_by(lambda s: (s.channels - 1) * s.pixels * s.dim),
    ),
    Misconception(
        "side-for-patches",
        "Only the patches along one side are counted. They form a square grid.",
        off_by(lambda s: (s.image_size // s.patch_size - s.patches) * s.dim),
    ),
    Misconception(
        "positions-of-pixels",
        "You count one position per pixel. There is one per token.",
        off_by(lambda s: (s.image_size**2 - s.patches) * s.dim),
        off_by(lambda s: (s.image_size**2 - s.patches - 1) * s.dim),
    ),
    Misconception(
        "a-projection-a-patch",
        "You count one projection per patch. All patches share the same projection.",
        off_by(lambda s: (s.patches - 1) * (s.pixels + 1) * s.dim),
        off_by(lambda s: (s.patches - 1) * s.pixels * s.dim),
    ),
    Misconception(
        "brackets-missing",
        "The projection's weights are not multiplied by dim. `*` comes before `+`, so you need brackets: inputs plus "
        "one bias, times dim.",
        off_by(lambda s: -s.pixels * (s.dim - 1)),
        off_by(lambda s: -s.pixels * (s.dim - 1) - s.dim + 1),
    ),
    Misconception(
        "no-projection",
        "The weights of the patch projection are missing. It is a linear layer too, from the numbers of a patch to "
        "dim features.",
        off_by(lambda s: -s.pixels * s.dim),
        off_by(lambda s: -(s.pixels + 1) * s.dim),
    ),
    Misconception(
        "norms-of-two-numbers",
        "A norm is counted as two numbers. It has a scale and a shift for each of the dim features.",
        off_by(lambda s: (2 * s.layers + 1) * (2 - 2 * s.dim)),
    ),
    Misconception(
        "four-for-four-dim",
        "In each layer, 4 numbers are counted instead of 4 · dim: the scales and shifts of the two norms, or the "
        "biases of the attention's four projections.",
        _per_layer(lambda s: 4 - 4 * s.dim),
    ),
    Misconception(
        "norms-of-every-token",
        "The norms are counted once per token. All tokens share them: a scale and a shift of dim numbers.",
        off_by(lambda s: (2 * s.layers + 1) * 2 * s.dim * s.patches),
        _per_layer(lambda s: 4 * s.dim * s.patches),
    ),
    Misconception(
        "mlp-with-three-layers",
        "You count an extra MLP layer, from mlp_dim to mlp_dim. The MLP has one hidden layer, so two linear layers.",
        _per_layer(lambda s: (s.mlp_dim + 1) * s.mlp_dim),
    ),
    Misconception(
        "attention-matrices-counted",
        "The attention matrices are counted. They are computed for every image, not learned.",
        _per_layer(lambda s: (s.patches + 1) ** 2),
    ),
    Misconception(
        "no-layers",
        "The layers are not counted. They have nearly all the parameters of a ViT.",
        _per_layer(lambda s: -4 * (s.dim + 1) * s.dim - 2 * s.dim * s.mlp_dim - s.mlp_dim - 5 * s.dim),
    ),
    Misconception(
        "no-embedding",
        "Everything before the first layer is missing: the patch projection, the class token and the positions.",
        off_by(lambda s: -(s.pixels + 1) * s.dim - (s.patches + 2) * s.dim),
        off_by(lambda s: -(s.pixels + 1) * s.dim - (s.patches + 2) * s.dim - 2 * s.dim - (s.dim + 1) * s.classes),
    ),
    Misconception(
        "millions",
        "These are millions. Return the exact integer; the notebook rounds when it prints.",
        lambda *given, **named: round(vit_parameters(*given, **named) / 1e6, 1),
        lambda *given, **named: vit_parameters(*given, **named) / 1e6,
    ),
)
