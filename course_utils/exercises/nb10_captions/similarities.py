"""The joint space: every picture with every caption."""

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb10_captions.similarity_slips import SLIPS
from course_utils.models.image_text import similarities


def _embeddings(g: Generator, pictures: int, captions: int, dim: int) -> tuple[Tensor, Tensor]:
    return 3 * torch.randn(pictures, dim, generator=g), 2 * torch.randn(captions, dim, generator=g)


def _cases(g: Generator) -> list[Arguments]:
    return [
        (*_embeddings(g, 2, 5, 8), 0.5),
        (*_embeddings(g, 3, 3, 4), 0.2),
        (*_embeddings(g, 4, 4, 4), torch.tensor(0.1)),
        (*_embeddings(g, 5, 2, 3), 2.0),
    ]


def _wild(g: Generator) -> list[Wild]:
    pictures, captions = _embeddings(g, 3, 4, 6)
    short = pictures / pictures.norm(dim=-1, keepdim=True) * 9.5e-5
    small = (
        "Divide by exactly the temperature that is given: nothing is added to it, and no limit is set here. (The model "
        "that learns it sets one.)"
    )
    # Signs times 2: lengths of exactly 32, and cosines that half precision holds exactly.
    signs = [(4 * torch.randint(2, (count, 256), generator=g) - 2).half() for count in (3, 4)]
    single = "The result has two axes even then: look for a `.squeeze()`, or for an axis that you did not name."
    return [
        Wild("one-caption", (pictures, captions[:1], 0.5), "there is only one caption", single),
        Wild("one-picture", (pictures[:1], captions, 0.5), "there is only one picture", single),
        Wild(
            "short-embeddings",
            (short, captions, 1.0),
            "the pictures' embeddings are only 0.0001 long",
            "Only their direction counts: whatever protects you from dividing by zero must be tiny, such as 1e-12.",
        ),
        Wild("temperature-below-0.07", (pictures, captions, 0.05), "the temperature is 0.05", small),
        Wild("low-temperature", (pictures, captions, 0.004), "the temperature is as low as 0.004", small),
        Wild(
            "double-precision",
            (pictures.double(), captions.double(), 0.1),
            "the embeddings are in double precision",
            "The notebook passes some, and wants double precision back.",
        ),
        Wild(
            "half-precision",
            (*signs, 0.5),
            "the embeddings are in half precision",
            "Its numbers end at 65,504, so multiply lengths, not their squares; and the result should be in half "
            "precision too.",
        ),
        Wild(
            "transposed-memory",
            (*(x.mT.contiguous().mT for x in (pictures, captions)), 0.5),
            "the embeddings lie in memory column by column, as after a transposition",
            "Use `.reshape` where you use `.view`.",
        ),
    ]


SIMILARITIES = Exercise(
    name="10.similarities",
    title="Every picture with every caption",
    reference=similarities,
    learns=("pictures", "captions", "temperature"),
    cases=_cases,
    wild=_wild,
    hints=(
        "The cosine of two vectors is their dot product once both have length one. What must each row be divided by?",
        "`pictures.norm(dim=-1)` gives one number per row. To divide the rows by it, keep it a column: `keepdim=True`.",
        "All dot products of rows with rows are one matrix product. Which of the two matrices must be transposed, so "
        "that a row of the result belongs to a picture?",
        "The temperature divides, as in notebook 07: a small one makes differences large.",
    ),
    misconceptions=SLIPS,
)
