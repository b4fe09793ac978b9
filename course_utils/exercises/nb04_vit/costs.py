"""What a ViT costs, counted by hand: bytes of attention and parameters."""

from collections.abc import Callable

from course_utils.exercises.exercise import Exercise, Misconception


def matrix_bytes(
    image_size: int,
    patch_size: int,
    layers: int,
    heads: int,
    class_token: bool = True,
    bytes_per_number: int = 4,
) -> int:
    """Bytes of all attention matrices of a ViT for one square image of image_size pixels a side.

    Each head of each layer has one matrix, a row and a column for every token; the class token, when there is one, is
    a token too. Dosovitskiy et al. 2021, section 3.1.
    """
    tokens = (image_size // patch_size) ** 2
    if class_token:
        tokens = tokens + 1
    return layers * heads * tokens**2 * bytes_per_number


def vit_parameters(
    image_size: int, patch_size: int, dim: int, layers: int, mlp_dim: int, classes: int, channels: int = 3
) -> int:
    """Learned numbers of a ViT, exact to the last one: every linear layer has biases, every norm a scale and a shift.

    A patch's projection, a class token and a position for every token; in each layer two norms, the projections to
    query, key and value, the one of the output, and an MLP with one hidden layer of mlp_dim; a last norm and a head.
    Dosovitskiy et al. 2021, eq. 1 to 4.
    """
    patches = (image_size // patch_size) ** 2
    norm = 2 * dim
    embedding = (channels * patch_size**2 + 1) * dim + dim + (patches + 1) * dim
    attention = 3 * (dim + 1) * dim + (dim + 1) * dim
    mlp = (dim + 1) * mlp_dim + (mlp_dim + 1) * dim
    head = (dim + 1) * classes
    return embedding + layers * (norm + attention + norm + mlp) + norm + head


def _bytes_slip(
    side_power: int = 2,
    token_power: int = 2,
    matrices: Callable[[int, int], int] = lambda layers, heads: layers * heads,
    extra: Callable[[bool], int] = int,
    extra_entries: Callable[[bool], int] = lambda class_token: 0,
    in_bytes: bool = True,
) -> Callable[..., int]:
    """The count of bytes with one of its steps replaced."""

    def wrong(
        image_size: int,
        patch_size: int,
        layers: int,
        heads: int,
        class_token: bool = True,
        bytes_per_number: int = 4,
    ) -> int:
        tokens = (image_size // patch_size) ** side_power + extra(class_token)
        entries = matrices(layers, heads) * (tokens**token_power + extra_entries(class_token))
        return entries * bytes_per_number if in_bytes else entries

    return wrong


ATTENTION_BYTES = Exercise(
    name="04.attention_bytes",
    title="The memory of the attention matrices",
    points=2,
    reference=matrix_bytes,
    cases=lambda g: [
        (224, 16, 12, 12),
        (224, 16, 1, 1, False),
        (256, 16, 48, 16, False, 4),
        (384, 16, 24, 16, True, 2),
        (28, 7, 3, 4, True),
    ],
    hints=(
        "How many patches lie along one side, and how many in the whole image? The class token makes one token more.",
        "One attention matrix has a row and a column for each token. How many matrices are there, with all layers "
        "and heads?",
        "layers · heads · tokens² numbers, each of bytes_per_number bytes. Divide with `//` to stay with whole "
        "numbers.",
    ),
    misconceptions=(
        Misconception(
            _bytes_slip(token_power=1),
            "Each head is counted with one number a token. An attention matrix has one for every pair of tokens: "
            "tokens².",
        ),
        Misconception(
            _bytes_slip(extra=lambda class_token: 0),
            "The class token is never counted. With class_token=True the sequence is one token longer, 197 instead "
            "of 196 for a ViT-B/16.",
        ),
        Misconception(
            _bytes_slip(extra=lambda class_token: 1),
            "The class token is always counted, also with class_token=False. The slide's 150 KB is without it.",
        ),
        Misconception(
            _bytes_slip(extra=lambda class_token: 0, extra_entries=int),
            "The class token adds one number to each matrix. It adds a row and a column: count it among the tokens "
            "before you square them.",
        ),
        Misconception(
            _bytes_slip(in_bytes=False),
            "These are the numbers in the matrices, not their bytes. Multiply by bytes_per_number.",
        ),
        Misconception(
            _bytes_slip(matrices=lambda layers, heads: layers),
            "The heads are not counted. Each head of each layer has a matrix of its own.",
        ),
        Misconception(
            _bytes_slip(matrices=lambda layers, heads: heads),
            "The layers are not counted. Each head of each layer has a matrix of its own.",
        ),
        Misconception(
            _bytes_slip(side_power=1),
            "The patches along one side are taken for all patches. An image has (image_size // patch_size)² of "
            "them, and the matrix squares that number again.",
        ),
    ),
)


def _parameters_slip(
    output_projection: int = 1,
    biases: int = 1,
    class_token: int = 1,
    block_norms: int = 2,
    final_norm: int = 1,
    head: int = 1,
    all_layers: bool = True,
) -> Callable[..., int]:
    """The count of parameters with some terms left out."""

    def wrong(
        image_size: int, patch_size: int, dim: int, layers: int, mlp_dim: int, classes: int, channels: int = 3
    ) -> int:
        def linear(inputs: int, outputs: int) -> int:
            return (inputs + biases) * outputs

        positions = (image_size // patch_size) ** 2 + 1
        embedding = linear(channels * patch_size**2, dim) + (class_token + positions) * dim
        attention = (3 + output_projection) * linear(dim, dim)
        block = attention + linear(dim, mlp_dim) + linear(mlp_dim, dim) + block_norms * 2 * dim
        last = final_norm * 2 * dim + head * linear(dim, classes)
        return embedding + (layers if all_layers else 1) * block + last

    return wrong


PARAMETERS = Exercise(
    name="04.parameters",
    title="Every parameter of a ViT",
    points=3,
    reference=vit_parameters,
    cases=lambda g: [
        (224, 16, 768, 12, 3072, 1000),
        (224, 16, 1024, 24, 4096, 1000),
        (224, 32, 768, 12, 3072, 10),
        (28, 7, 64, 3, 128, 10, 1),
    ],
    hints=(
        "A linear layer from m to n features has (m + 1) · n numbers, its biases included; a norm of dim features "
        "has 2 · dim.",
        "Go through the model in order: projection of the patches, class token, positions (one more than patches), "
        "then the layers, a last norm and the head. What is in a layer is `EncoderBlock` in "
        "course_utils/attention.py.",
        "One layer: a norm, four projections from dim to dim (query, key, value and output), a second norm, and an "
        "MLP from dim to mlp_dim and back.",
    ),
    misconceptions=(
        Misconception(
            _parameters_slip(output_projection=0, biases=0, class_token=0, block_norms=0, final_norm=0),
            "These are the slide's terms: they leave out the output projection, all biases and norms, and the "
            "class token. The projection alone is dim² a layer: 25 million of a ViT-L.",
        ),
        Misconception(
            _parameters_slip(output_projection=0),
            "Each layer's output projection is missing. After the heads are put together again, one more linear "
            "layer from dim to dim mixes them.",
        ),
        Misconception(
            _parameters_slip(biases=0),
            "The biases are missing. A linear layer from m to n features has n of them.",
        ),
        # Two slips of the same size cannot be told apart by a count: the message names both.
        Misconception(
            _parameters_slip(class_token=0),
            "Exactly dim numbers are missing: either the class token or its position. Both are learned, so the "
            "positions are one more than the patches.",
        ),
        Misconception(
            _parameters_slip(final_norm=0),
            "Exactly 2 · dim numbers are missing: either the norm between the last layer and the head, or the class "
            "token together with its position.",
        ),
        Misconception(
            _parameters_slip(block_norms=0, final_norm=0),
            "No norm is counted. There are two in each layer and one after the last, each with a scale and a shift "
            "of dim numbers.",
        ),
        Misconception(
            _parameters_slip(head=0),
            "The head is missing. It is a linear layer from dim to classes.",
        ),
        Misconception(
            _parameters_slip(all_layers=False),
            "Only one layer is counted. The layers share nothing: multiply by their number.",
        ),
    ),
)
