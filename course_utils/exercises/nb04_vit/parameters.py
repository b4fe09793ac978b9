"""The number of parameters of a ViT."""

from torch import Generator

from course_utils.costs import vit_parameters
from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb04_vit.parameter_slips import MISCONCEPTIONS
from course_utils.exercises.nb04_vit.parameter_terms import TERMS


def _cases(g: Generator) -> list[Arguments]:
    return [
        (224, 16, 768, 12, 3072, 1000),
        (28, 7, 64, 3, 128, 10, 1),
        (32, 8, 24, 2, 100, 7),
        (30, 5, 36, 4, 50, 11, 2),
    ]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "more-than-24-bits",
            (224, 16, 1024, 24, 4096, 1000),
            "the total has more than 24 binary digits, as ViT-L/16's has",
            "float32 cannot represent it exactly: use Python integers.",
        )
    ]


VIT_PARAMETERS = Exercise(
    name="04.vit_parameters",
    title="Every parameter of a ViT",
    points=3,
    reference=vit_parameters,
    cases=_cases,
    wild=_wild,
    hints=(
        "A linear layer from m to n features has (m + 1) · n numbers, including its bias; a norm of `dim` features "
        "has `2 * dim`.",
        "Go through the model in order: patch projection, class token, positions (one more than patches), then the "
        "layers, a last norm and the head. `print(EncoderBlock(64, 4, 256))` lists what is in a layer.",
        "One layer: a norm, four projections from `dim` to `dim` (query, key, value and output), a second "
        "norm, and an MLP from `dim` to `mlp_dim` and back.",
    ),
    misconceptions=(*MISCONCEPTIONS, *TERMS),
)
