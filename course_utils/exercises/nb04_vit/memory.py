"""The bytes of the attention matrices."""

import math
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator

from course_utils.costs import attention_bytes
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.promises import refuses


def _cases(g: Generator) -> list[Arguments]:
    return [
        (197, 12, 12),
        (196, 1, 1),
        (256, 16, 48, torch.float32, 3),
        (577, 16, 24, torch.bfloat16),
        (17, 4, 3, torch.float64, 5),
        (50, 5, 2, torch.float16, 7),
    ]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "more-than-32-bits",
            (224**2 + 1, 16, 48),
            "every pixel of a 224 × 224 image is a token, with a class token, which makes 7.7 TB",
            "Neither float32 nor a 32-bit integer can represent such a large count exactly: use Python integers.",
        ),
        Wild(
            "more-than-53-bits",
            (10**8 + 1, 3, 12),
            "every pixel of a photograph of 100 megapixels is a token, with a class token, which makes 1.4 EB",
            "A Python float has 53 binary digits: use integers all the way, `tokens**2` and not `math.pow`.",
        ),
        Wild(
            "one-byte-a-number",
            (50, 5, 2, torch.float8_e4m3fn, 7),
            "a number has eight bits, as in float8",
            "A number takes `dtype.itemsize` bytes, whichever type it is.",
        ),
        Wild(
            "one-of-each",
            (1, 1, 1, torch.float64, 1),
            "there is one token, one head, one layer and one sequence",
            "One is a valid count: the matrix has a single number.",
        ),
    ]


def _written_by_oneself(fn: Callable[..., Any]) -> str | None:
    """The library has this formula, and the notebook's first figure uses it."""
    called: list[bool] = []
    before = sys.getprofile()

    def look(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is attention_bytes.__code__:
            called.append(True)

    sys.setprofile(look)
    try:
        fn(17, 4, 3)
    finally:
        sys.setprofile(before)
    return (
        "The numbers are right, but they come from the course's costs.attention_bytes. Write the product yourself."
        if called
        else None
    )


def _wrong_beyond_63_bits(fn: Callable[..., Any]) -> str | None:
    """Whether a number that no int64 can hold is wrong; an error is none of an answer that creates the tensors."""
    arguments = (10**9 + 1, 3, 12)
    try:
        result = fn(*arguments)
    except Exception:
        return None
    if result == attention_bytes(*arguments):
        return None
    return (
        "The numbers are right as long as they are small, but not for every pixel of a gigapixel photograph, 144 EB: "
        "an integer of NumPy or PyTorch has only 63 binary digits. Use Python integers, `math.prod` and not `np.prod`."
    )


def _slip(
    tokens: Callable[[int], int] = lambda tokens: tokens,
    entries: Callable[[int], Any] = lambda tokens: tokens**2,
    matrices: Callable[[int, int, int], Any] = lambda heads, layers, batch: heads * layers * batch,
    total: Callable[[Any, torch.dtype], Any] = lambda numbers, dtype: numbers * dtype.itemsize,
) -> Callable[..., Any]:
    """The count of bytes with one of its steps replaced."""

    def wrong(tokens_: int, heads: int, layers: int, dtype: torch.dtype, batch: int) -> Any:
        return total(matrices(heads, layers, batch) * entries(tokens(tokens_)), dtype)

    return _called(wrong)


def _called(count: Callable[[int, int, int, torch.dtype, int], Any]) -> Callable[..., Any]:
    """The same function with the exercise's names and defaults."""
    return lambda tokens, heads, layers, dtype=torch.float32, batch=1: count(tokens, heads, layers, dtype, batch)


def _in_units(unit: int, whole: bool = False) -> Callable[..., Any]:
    """Kibibytes, megabytes and the like."""
    return _slip(
        total=lambda numbers, dtype: numbers * dtype.itemsize // unit if whole else numbers * dtype.itemsize / unit
    )


ATTENTION_BYTES = Exercise(
    name="04.attention_bytes",
    title="The memory of the attention matrices",
    points=2,
    reference=attention_bytes,
    cases=_cases,
    wild=_wild,
    promises=(
        Promise("more-than-63-bits", _wrong_beyond_63_bits),
        refuses("tokens is 0", 0, 4, 3),
        refuses("heads is 0", 17, 0, 3),
        refuses("layers is 0", 17, 4, 0),
        refuses("batch is 0", 17, 4, 3, torch.float32, 0),
        refuses("layers is −2", 17, 4, -2),
        refuses("tokens is −1", -1, 4, 3),
        refuses("heads is −4", 17, -4, 3),
        refuses("batch is −1", 17, 4, 3, torch.float32, -1),
        refuses("heads and layers are −1", 17, -1, -1),
        Promise("own-formula", _written_by_oneself),
    ),
    hints=(
        "An attention matrix says how much every token attends to every token. How many numbers is that, for a "
        "sequence of `tokens`?",
        "What has its own matrix? Each head, in each layer, for each sequence of the batch. Multiply.",
        "The count of numbers times `dtype.itemsize` gives the bytes. Before you multiply, reject counts below one: "
        "`raise ValueError(…)`.",
    ),
    misconceptions=(
        Misconception(
            "tokens-not-squared",
            "Your count per head grows with the tokens, not with their square. An attention matrix has one number "
            "per pair of tokens.",
            _slip(entries=lambda tokens: tokens),
            _slip(entries=lambda tokens: 2 * tokens),
        ),
        Misconception(
            "too-high-a-power",
            "The tokens are raised to too high a power. A matrix has one row and one column per token: two factors.",
            _slip(entries=lambda tokens: tokens**4),
            _slip(entries=lambda tokens: tokens**3),
        ),
        Misconception(
            "class-token-twice",
            "Something is added to the tokens, or to their square. They already include the class token: square them "
            "unchanged.",
            _slip(tokens=lambda tokens: tokens + 1),
            _slip(entries=lambda tokens: tokens**2 + 1),
            _slip(entries=lambda tokens: tokens * (tokens + 1)),
        ),
        Misconception(
            "one-token-less",
            "A token is left out of the count, or does not attend to itself. Every token attends to every token, "
            "including the class token and itself.",
            _slip(tokens=lambda tokens: tokens - 1),
            _slip(entries=lambda tokens: tokens * (tokens - 1)),
        ),
        Misconception(
            "side-for-tokens",
            "You use the root of tokens, as if a matrix were as wide as an image's grid. It has one row and one "
            "column per token.",
            _slip(entries=lambda tokens: math.isqrt(tokens) ** 2),
            _slip(entries=lambda tokens: math.isqrt(tokens) ** 4),
        ),
        Misconception(
            "numbers-not-bytes",
            "These are the numbers in the matrices, not their bytes. Each number takes dtype.itemsize of them.",
            _slip(total=lambda numbers, dtype: numbers),
        ),
        Misconception(
            "size-written-in",
            "The size of a number is hard-coded. It is dtype.itemsize, and 4 only for float32.",
            _slip(total=lambda numbers, dtype: numbers * 4),
            _slip(total=lambda numbers, dtype: numbers * 2),
            _slip(total=lambda numbers, dtype: numbers * 8),
        ),
        Misconception(
            "bits",
            "This is eight times what it should be, as if counted in bits. dtype.itemsize is already in bytes.",
            _slip(total=lambda numbers, dtype: numbers * dtype.itemsize * 8),
        ),
        Misconception(
            "larger-unit",
            "This is not in bytes but in a larger unit. Return whole bytes; the notebook divides when it prints.",
            _in_units(2**20),
            *(_in_units(size) for size in (2**10, 2**30, 10**3, 10**6, 10**9)),
            *(_in_units(size, whole=True) for size in (2**10, 2**20)),
        ),
        Misconception(
            "bytes-squared",
            "The bytes of a number are squared as well. Square only the tokens, then multiply.",
            _slip(total=lambda numbers, dtype: numbers * dtype.itemsize**2),
        ),
        Misconception(
            "heads-missing",
            "The heads are not counted. Each head of each layer has its own matrix.",
            _slip(matrices=lambda heads, layers, batch: layers * batch),
        ),
        Misconception(
            "layers-missing",
            "The layers are not counted. Each head of each layer has its own matrix.",
            _slip(matrices=lambda heads, layers, batch: heads * batch),
        ),
        Misconception(
            "batch-missing",
            "The batch is not counted. Each sequence has its own matrices.",
            _slip(matrices=lambda heads, layers, batch: heads * layers),
        ),
        Misconception(
            "batch-squared",
            "The batch is squared with the tokens, as if all sequences were one long one. A token attends only to "
            "its own sequence.",
            _called(
                lambda tokens, heads, layers, dtype, batch: (batch * tokens) ** 2 * heads * layers * dtype.itemsize
            ),
        ),
        Misconception(
            "one-matrix",
            "Neither heads nor layers are counted. Each head of each layer has its own matrix.",
            _slip(matrices=lambda heads, layers, batch: 1),
            _slip(matrices=lambda heads, layers, batch: batch),
        ),
        Misconception(
            "layers-plus-heads",
            "Layers and heads are added. Every layer has all the heads: multiply.",
            _slip(matrices=lambda heads, layers, batch: (layers + heads) * batch),
            _slip(matrices=lambda heads, layers, batch: layers + heads),
            _slip(matrices=lambda heads, layers, batch: layers + heads + batch),
        ),
        Misconception(
            "divided-by-heads",
            "The matrix is divided among the heads. Heads divide the features of a token; each has a full-size "
            "matrix.",
            _called(
                lambda tokens, heads, layers, dtype, batch: layers * batch * (tokens**2 // heads) * dtype.itemsize
            ),
            _called(lambda tokens, heads, layers, dtype, batch: layers * batch * tokens**2 * dtype.itemsize // heads),
            _called(lambda tokens, heads, layers, dtype, batch: layers * batch * tokens**2 * dtype.itemsize / heads),
        ),
        Misconception(
            "three-matrices",
            "More than one matrix is counted per head. Query and key together make one attention matrix, and the "
            "value makes none.",
            _slip(matrices=lambda heads, layers, batch: 3 * heads * layers * batch),
            _slip(matrices=lambda heads, layers, batch: 2 * heads * layers * batch),
        ),
        Misconception(
            "half-the-matrix",
            "About half of each matrix is counted. Here every token attends to every token, including later ones.",
            _slip(entries=lambda tokens: tokens * (tokens + 1) // 2),
            _slip(entries=lambda tokens: tokens * (tokens - 1) // 2),
            _slip(entries=lambda tokens: tokens**2 // 2),
        ),
    ),
)
