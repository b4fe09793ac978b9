"""Similarities of images and captions."""

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb10_captions.similarity_slips import SLIPS
from course_utils.models.image_text import similarities


def _embeddings(g: Generator, images: int, captions: int, dim: int) -> tuple[Tensor, Tensor]:
    return 3 * torch.randn(images, dim, generator=g), 2 * torch.randn(captions, dim, generator=g)


def _cases(g: Generator) -> list[Arguments]:
    return [
        (*_embeddings(g, 2, 5, 8), 0.5),
        (*_embeddings(g, 3, 3, 4), 0.2),
        (*_embeddings(g, 4, 4, 4), torch.tensor(0.1)),
        (*_embeddings(g, 5, 2, 3), 2.0),
    ]


def _wild(g: Generator) -> list[Wild]:
    images, captions = _embeddings(g, 3, 4, 6)
    short = images / images.norm(dim=-1, keepdim=True) * 9.5e-5
    small = (
        "Divide by exactly `temperature`: add nothing to it, and do not clamp it. (Only the model clamps it, because "
        "there the temperature is learned.)"
    )
    # Signs times 2: norms of exactly 32, and cosines that half precision can represent exactly.
    signs = [(4 * torch.randint(2, (count, 256), generator=g) - 2).half() for count in (3, 4)]
    single = "The result still has two axes: look for a `.squeeze()`, or for a missing dim argument."
    return [
        Wild("one-caption", (images, captions[:1], 0.5), "there is only one caption", single),
        Wild("one-picture", (images[:1], captions, 0.5), "there is only one image", single),
        Wild(
            "short-embeddings",
            (short, captions, 1.0),
            "the images' embeddings have a norm of only 0.0001",
            "Only their direction counts: a number that prevents division by zero must be tiny, such as 1e-12.",
        ),
        Wild("temperature-below-0.07", (images, captions, 0.05), "the temperature is 0.05", small),
        Wild(
            "low-temperature",
            (images, captions, torch.tensor(0.004)),
            "the temperature is a tensor, as low as 0.004",
            small,
        ),
        Wild(
            "double-precision",
            (images.double(), captions.double(), 0.1),
            "the embeddings are in double precision",
            "The notebook uses double precision: return the same dtype.",
        ),
        Wild(
            "half-precision",
            (*signs, 0.5),
            "the embeddings are in half precision",
            "Its largest number is 65,504, so multiply norms, not their squares; and return half precision.",
        ),
        Wild(
            "transposed-memory",
            (*(x.mT.contiguous().mT for x in (images, captions)), 0.5),
            "the embeddings are stored column by column, as after a transpose",
            "Use `.reshape` instead of `.view`.",
        ),
    ]


SIMILARITIES = Exercise(
    name="10.similarities",
    title="Every image with every caption",
    reference=similarities,
    former=(("pictures", "images"),),
    learns=("images", "captions", "temperature"),
    cases=_cases,
    wild=_wild,
    hints=(
        "The cosine of two vectors is their dot product once both have length one. What must each row be divided by?",
        "`images.norm(dim=-1)` gives one number per row. To divide the rows by it, keep it a column: `keepdim=True`.",
        "All dot products of rows with rows are one matrix product. Which of the two matrices must you transpose, so "
        "that a row of the result belongs to an image?",
        "Divide by the temperature, as in notebook 07: a small one makes differences large.",
    ),
    misconceptions=SLIPS,
)
