"""DistillationExplorer: what temperature and λ do to a teacher's lesson, for real logits. Notebook 07."""

from collections.abc import Sequence
from typing import Any

import anywidget
import torch
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_picture, as_tensor, rgba


class DistillationExplorer(anywidget.AnyWidget):
    """Probabilities of a teacher and a student, their divergence and the student's gradient, over τ and λ.

    images: (pictures, 3 or 1, height, width), values in [0, 1]. teacher, student: logits (pictures, classes).
    labels: (pictures,), the true classes. classes: their names. Raises ValueError, in one sentence, for tensors that
    do not fit together.
    """

    _esm = script("distillation_explorer")
    _css = style("distillation_explorer")
    pixels = traitlets.List(traitlets.Bytes()).tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    teacher = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    student = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, images: Any, teacher: Any, student: Any, labels: Any, classes: Sequence[str]) -> None:
        pictures = [as_picture(image) for image in as_tensor(images, "The batch of pictures")]
        both = {
            "teacher": as_tensor(teacher, "The tensor of the teacher's logits"),
            "student": as_tensor(student, "The tensor of the student's logits"),
        }
        for who, logits in both.items():
            if logits.shape != (len(pictures), len(classes)):
                raise ValueError(
                    f"The {who}'s logits have shape {tuple(logits.shape)}, but there are {len(pictures)} pictures "
                    f"and {len(classes)} classes: pass logits (pictures, classes) for the same pictures."
                )
        right = torch.as_tensor(labels).flatten().tolist()
        if len(right) != len(pictures) or not all(0 <= label < len(classes) for label in right):
            raise ValueError(
                f"The labels are {right}, but must be one class number from 0 to {len(classes) - 1} for each of the "
                f"{len(pictures)} pictures."
            )
        height, width = pictures[0].shape[-2:]
        super().__init__(
            pixels=[rgba(picture) for picture in pictures],
            height=height,
            width=width,
            teacher=both["teacher"].tolist(),
            student=both["student"].tolist(),
            labels=[int(label) for label in right],
            classes=list(classes),
        )
