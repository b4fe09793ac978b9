"""DistillationExplorer: how temperature and λ change a distillation target, for real logits. Notebook 07."""

from collections.abc import Sequence
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import between
from course_utils.widgets.images import as_images, rgba, shrunk
from course_utils.widgets.tensors import as_indices, as_names, as_setting, as_tensor
from course_utils.widgets.widget import Widget


class DistillationExplorer(Widget):
    """Probabilities of a teacher and a student, their divergence and the student's gradient, for any τ and λ.

    images: a batch as a tensor or an array, or a list of images, also of Pillow, in [0, 1] or bytes. teacher, student:
    logits (images, classes). labels: (images,), the true classes. classes: their names. temperature: the initial value,
    0.5 to 20. Raises ValueError for tensors that do not match.
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
    temperature = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        images: Any,
        teacher: Any,
        student: Any,
        labels: Any,
        classes: Sequence[str],
        *,
        temperature: float = 1.0,
    ) -> None:
        images = shrunk(as_images(images), "The batch of images")
        classes = as_names(classes, "classes")
        both = {
            "teacher": as_tensor(teacher, "The tensor of the teacher's logits"),
            "student": as_tensor(student, "The tensor of the student's logits"),
        }
        for who, logits in both.items():
            if logits.shape != (len(images), len(classes)):
                raise ValueError(
                    f"The {who}'s logits have shape {tuple(logits.shape)}, but there are {len(images)} images "
                    f"and {len(classes)} classes: pass logits (images, classes) for the same images."
                )
        height, width = images[0].shape[-2:]
        super().__init__(
            pixels=[rgba(image) for image in images],
            height=height,
            width=width,
            teacher=both["teacher"].tolist(),
            student=both["student"].tolist(),
            labels=as_indices(labels, "labels", len(classes), len(images), "image"),
            classes=classes,
            temperature=as_setting(temperature, "temperature", Annotated[float, between(0.5, 20)]),
        )
