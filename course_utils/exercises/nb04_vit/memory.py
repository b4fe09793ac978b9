"""Bytes of attention, counted by hand."""

import sys
from collections.abc import Callable
from typing import Any

from torch import Generator

from course_utils import costs
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild


def matrix_bytes(
    image_size: int, patch_size: int, layers: int, heads: int, class_token: bool = True, bytes_per_number: int = 4
) -> int:
    """Bytes of all attention matrices of a ViT for one square image, a whole number (int).

    image_size and patch_size are the sides of the image and of a patch, in pixels, and patch_size divides image_size;
    class_token says whether there is one. The count is exact, however large. Example: (224, 16, layers=1, heads=1,
    class_token=False) → 153664, the slide's 150 KB.
    """
    tokens = (image_size // patch_size) ** 2
    if class_token:
        tokens = tokens + 1
    return layers * heads * tokens**2 * bytes_per_number


def _cases(g: Generator) -> list[Arguments]:
    return [
        (224, 16, 12, 12),
        (224, 16, 1, 1, False),
        (256, 16, 48, 16, False, 4),
        (384, 16, 24, 16, True, 2),
        (28, 7, 3, 4, True, 8),
        (224, 14, 2, 5, False, 2),
    ]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "more-than-32-bits",
            (224, 1, 48, 16),
            "every pixel is a patch, which makes 7.7 TB",
            "Neither a float32 nor 32 bits hold so large a count exactly: stay with Python's own whole numbers.",
        )
    ]


def _written_by_oneself(fn: Callable[..., Any]) -> str | None:
    """The library has this formula, and the notebook's first figure uses it."""
    called: list[bool] = []
    before = sys.getprofile()

    def look(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is costs.attention_bytes.__code__:
            called.append(True)

    sys.setprofile(look)
    try:
        fn(28, 7, 3, 4)
    finally:
        sys.setprofile(before)
    return (
        "The numbers are right, but they come from the course's own costs.attention_bytes. The point is to find the "
        "formula: write the product yourself."
        if called
        else None
    )


def _slip(
    tokens: Callable[[int, int, bool], int] = lambda image, patch, token: (image // patch) ** 2 + token,
    entries: Callable[[int], float] = lambda tokens: tokens**2,
    matrices: Callable[[int, int], int] = lambda layers, heads: layers * heads,
    total: Callable[[Any, int], Any] = lambda numbers, size: numbers * size,
) -> Callable[..., Any]:
    """The count of bytes with one of its steps replaced."""

    def wrong(
        image_size: int, patch_size: int, layers: int, heads: int, class_token: bool = True, bytes_per_number: int = 4
    ) -> Any:
        each = entries(tokens(image_size, patch_size, class_token))
        return total(matrices(layers, heads) * each, bytes_per_number)

    return wrong


def _beside_the_patches(more: Callable[[int, bool], int]) -> Callable[..., Any]:
    """The matrix of the patches alone, and something more for the class token."""

    def tokens(image: int, patch: int, token: bool) -> Any:
        patches = (image // patch) ** 2
        return patches**2 + more(patches, token)

    return _slip(tokens=tokens, entries=lambda count: count)


def _in_units(unit: int, whole: bool = False) -> Callable[..., Any]:
    """Kibibytes, megabytes and the like."""
    return _slip(total=lambda numbers, size: numbers * size // unit if whole else numbers * size / unit)


def _a_byte_for_the_class_token(
    image_size: int, patch_size: int, layers: int, heads: int, class_token: bool = True, bytes_per_number: int = 4
) -> int:
    return layers * heads * ((image_size // patch_size) ** 4 * bytes_per_number + class_token)


def _at_the_end(bytes_more: Callable[[bool, int], int]) -> Callable[..., int]:
    """The bytes of the patches' matrices, and something more for the class token, once."""
    return lambda image_size, patch_size, layers, heads, class_token=True, bytes_per_number=4: (
        layers * heads * (image_size // patch_size) ** 4 * bytes_per_number
        + bytes_more(class_token, bytes_per_number)
    )


ATTENTION_BYTES = Exercise(
    name="04.attention_bytes",
    title="The memory of the attention matrices",
    points=2,
    reference=matrix_bytes,
    cases=_cases,
    wild=_wild,
    promises=(Promise("own-formula", _written_by_oneself),),
    hints=(
        "How many patches lie along one side, and how many in the whole image? The class token is one more token.",
        "One attention matrix has a row and a column for each token. How many matrices are there, with all layers "
        "and heads?",
        "Multiply the count of matrices by the numbers in one and by the bytes of a number. Divide with `//` to stay with whole "
        "numbers.",
    ),
    misconceptions=(
        Misconception(
            _slip(entries=lambda tokens: tokens),
            "Your count for a head grows with the tokens, not with their square. An attention matrix has a number for every "
            "pair of tokens.",
            name="tokens-not-squared",
            also=(_slip(entries=lambda tokens: 2 * tokens),),
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (image // patch) ** 2),
            "The class token is never counted. With class_token=True the sequence is one token longer, 197 instead "
            "of 196 for a ViT-B/16.",
            name="class-token-never",
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (image // patch) ** 2 + 1),
            "The class token is always counted, even with class_token=False. The slide's 150 KB is without it.",
            name="class-token-always",
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (image // patch) ** 2 + (not token)),
            "The class token is counted exactly when there is none. With class_token=True the sequence is one token "
            "longer.",
            name="class-token-turned-round",
        ),
        Misconception(
            _beside_the_patches(lambda patches, token: int(token)),
            "The class token is added after squaring, so it makes at most one number more per matrix. It brings a row and a "
            "column: count it among the tokens before you square them.",
            name="class-token-after-squaring",
            also=(
                _a_byte_for_the_class_token,
                *(
                    _at_the_end(bytes_more)
                    for bytes_more in (lambda token, size: token, lambda token, size: token * size)
                ),
                _slip(
                    tokens=lambda image, patch, token: (image // patch) ** 2,
                    total=lambda numbers, size: (numbers + 1) * size,
                ),
            ),
        ),
        Misconception(
            _beside_the_patches(lambda patches, token: patches * token),
            "In each matrix the class token's row, its column, or the number where the two meet is missing. It looks at "
            "every token, itself included, and every token looks at it.",
            name="class-token-one-way",
            also=(
                _beside_the_patches(lambda patches, token: (patches + 1) * token),
                _beside_the_patches(lambda patches, token: 2 * patches * token),
            ),
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (image // patch) ** 2 + 2 * token),
            "The class token is counted twice. It is one more token.",
            name="class-token-twice",
        ),
        Misconception(
            _slip(entries=lambda tokens: tokens**4),
            "The tokens are raised to too high a power. A matrix has a row and a column for each of them: that makes two "
            "factors.",
            name="too-high-a-power",
            also=(_slip(entries=lambda tokens: tokens**3),),
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (image // patch + token) ** 2),
            "The class token makes the grid of patches one longer on each side. It is one token beside the whole grid: "
            "add it after you have counted the patches.",
            name="class-token-on-the-side",
        ),
        Misconception(
            _slip(total=lambda numbers, size: numbers),
            "These are the numbers in the matrices, not their bytes. Each number takes bytes_per_number of them.",
            name="numbers-not-bytes",
        ),
        Misconception(
            _slip(total=lambda numbers, size: numbers * 4),
            "The size of a number is written into the function. It is bytes_per_number, and 4 only by default.",
            name="size-written-in",
            also=(_slip(total=lambda numbers, size: numbers * 2),),
        ),
        Misconception(
            _slip(total=lambda numbers, size: numbers * size * 8),
            "This is eight times what it should be, as if counted in bits. bytes_per_number already counts bytes.",
            name="bits",
        ),
        Misconception(
            _in_units(2**20),
            "This is not in bytes but in a larger unit. Return whole bytes; the notebook divides when it prints.",
            name="larger-unit",
            also=(
                *(_in_units(size) for size in (2**10, 2**30, 10**3, 10**6, 10**9)),
                *(_in_units(size, whole=True) for size in (2**10, 2**20)),
            ),
        ),
        Misconception(
            _slip(total=lambda numbers, size: numbers * size**2),
            "The bytes of a number are squared as well. Square the tokens only, then multiply.",
            name="bytes-squared",
        ),
        Misconception(
            _slip(matrices=lambda layers, heads: layers),
            "The heads are not counted. Each head of each layer has a matrix of its own.",
            name="heads-missing",
        ),
        Misconception(
            _slip(matrices=lambda layers, heads: heads),
            "The layers are not counted. Each head of each layer has a matrix of its own.",
            name="layers-missing",
        ),
        Misconception(
            _slip(matrices=lambda layers, heads: 1),
            "Only one matrix is counted. Each head of each layer has one of its own.",
            name="one-matrix",
        ),
        Misconception(
            _slip(matrices=lambda layers, heads: layers + heads),
            "Layers and heads are added. Every layer has all the heads, so the matrices are a product.",
            name="layers-plus-heads",
        ),
        Misconception(
            lambda image_size, patch_size, layers, heads, class_token=True, bytes_per_number=4: (
                layers * ((image_size // patch_size) ** 2 + class_token) ** 2 // heads * bytes_per_number
            ),
            "The matrix is shared out among the heads. Heads share the features of a token; each has a matrix of the "
            "full size.",
            name="divided-by-heads",
            also=(
                lambda image_size, patch_size, layers, heads, class_token=True, bytes_per_number=4: (
                    layers * ((image_size // patch_size) ** 2 + class_token) ** 2 * bytes_per_number // heads
                ),
                lambda image_size, patch_size, layers, heads, class_token=True, bytes_per_number=4: (
                    layers * ((image_size // patch_size) ** 2 + class_token) ** 2 * bytes_per_number / heads
                ),
            ),
        ),
        Misconception(
            _slip(matrices=lambda layers, heads: 3 * layers * heads),
            "More than one matrix is counted for each head. Query and key make one attention matrix together, and the value "
            "makes none.",
            name="three-matrices",
            also=(_slip(matrices=lambda layers, heads: 2 * layers * heads),),
        ),
        Misconception(
            _slip(entries=lambda tokens: tokens * (tokens + 1) // 2),
            "About half of each matrix is counted. Here every token looks at every token, including those that come after "
            "it.",
            name="half-the-matrix",
            also=(
                _slip(entries=lambda tokens: tokens * (tokens - 1) // 2),
                _slip(entries=lambda tokens: tokens**2 // 2),
            ),
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: image // patch + token),
            "The patches along one side are taken for all patches. They form a square grid, and the matrix squares "
            "their number once more.",
            name="side-for-patches",
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: image**2 + token),
            "Every pixel is counted as a token. The tokens are the patches: that is what makes them so few.",
            name="pixels-for-patches",
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: image**2 // patch + token),
            "An area is divided by a side, or a side by an area. Divide side by side, or area by area.",
            name="area-by-side",
            also=(_slip(tokens=lambda image, patch, token: image // patch**2 + token),),
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: patch**2 + token),
            "The pixels of one patch are counted as tokens. The tokens are the patches: how many does the image hold?",
            name="pixels-of-a-patch",
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (patch // image) ** 2 + token),
            "No patch is counted. Their number follows from image_size divided by patch_size, in this order.",
            name="no-patches",
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (image // patch) ** 2 + 1 if token else 0),
            "With class_token=False your result is 0. A condition takes in all that stands before it: `a + 1 if b else 0` "
            "means `(a + 1) if b else 0`.",
            name="condition-takes-in-all",
        ),
        Misconception(
            _slip(tokens=lambda image, patch, token: (image // patch) ** 2 - token),
            "The sequence is shorter by one than the patches in your count. The class token is one more token beside them.",
            name="class-token-subtracted",
            also=(_slip(tokens=lambda image, patch, token: (image // patch) ** 2 - 1),),
        ),
    ),
)
