"""Misconceptions about distillation with two heads."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation.parts import Loss, plain, smoothed
from course_utils.exercises.nb07_distillation.word_slips import Loose, shared

Heads = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Said = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _whole(loss: Loose) -> Callable[..., Tensor]:
    """A loss with the class token's head in its first part and the distillation token's head in its second."""
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: loss(
        label_logits, distillation_logits, teacher, labels, smoothing
    )


def _slip(
    heads: Heads = lambda label, distillation: (label, distillation),
    said: Said = lambda label, distillation, teacher, labels: teacher.argmax(-1),
    label: Loss = smoothed,
    word: Loss = plain,
    total: Callable[[Tensor, Tensor], Tensor] = lambda one, other: (one + other) / 2,
) -> Callable[..., Tensor]:
    """The loss with other heads, another target, another cross-entropy or another sum."""

    def wrong(
        label_logits: Tensor, distillation_logits: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1
    ) -> Tensor:
        first, second = heads(label_logits, distillation_logits)
        target = said(label_logits, distillation_logits, teacher, labels)
        return total(label(first, labels, smoothing), word(second, target, smoothing))

    return wrong


def _fused(label: Tensor, distillation: Tensor) -> Tensor:
    """The logarithm of the fused probabilities of both heads."""
    return ((label.softmax(-1) + distillation.softmax(-1)) / 2).log()


def _swapped(label: Tensor, distillation: Tensor) -> tuple[Tensor, Tensor]:
    return distillation, label


def _each_meets_both(share: float) -> Callable[..., Tensor]:
    def loss(
        label_logits: Tensor, distillation_logits: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1
    ) -> Tensor:
        said = teacher.argmax(-1)
        heads = label_logits, distillation_logits
        each = [smoothed(z, labels, smoothing) + plain(z, said, smoothing) for z in heads]
        return share * (each[0] + each[1])

    return loss


def _second_head_meets_both(label: Loss, share: float, of_second: float | None = None) -> Callable[..., Tensor]:
    """share: of each of the three parts; of_second: of the second head's two, if that is another."""
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
        share * smoothed(label_logits, labels, smoothing)
        + (of_second or share)
        * (plain(distillation_logits, teacher.argmax(-1), smoothing) + label(distillation_logits, labels, smoothing))
    )


def _teacher_meets(target: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The second half is a loss of the teacher's logits, with a target from the second head and the labels."""
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
        (smoothed(label_logits, labels, smoothing) + F.cross_entropy(teacher, target(distillation_logits, labels)))
        / 2
    )


def _smoothing_as_weight(label: Loss) -> Callable[..., Tensor]:
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
        (1 - smoothing) * label(label_logits, labels, smoothing)
        + smoothing * plain(distillation_logits, teacher.argmax(-1), 0.0)
    )


def _first_meets(said: Callable[[Tensor, Tensor], Tensor], loss: Loss) -> Callable[..., Tensor]:
    """The class token's head has a class from the second head or the teacher as target, not the label."""
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
        (
            loss(label_logits, said(distillation_logits, teacher), smoothing)
            + plain(distillation_logits, teacher.argmax(-1), 0.0)
        )
        / 2
    )


MISCONCEPTIONS = (
    Misconception(
        "class-head-twice",
        "Both parts use the class token's head, as the slide prints it with one Z_s. Then the distillation token's "
        "head gets no gradient. Use it in the teacher's part.",
        _slip(heads=lambda label, distillation: (label, label)),
    ),
    Misconception(
        "distillation-head-twice",
        "Both parts use the distillation token's head. Then the class token's head learns nothing. Use it in the "
        "label's part.",
        _slip(heads=lambda label, distillation: (distillation, distillation)),
    ),
    Misconception(
        "heads-exchanged",
        "The heads are swapped: the target of the distillation token's head is the true label, and that of the class "
        "token's head the teacher's label. Swap them back.",
        _slip(heads=_swapped),
        _slip(heads=_swapped, label=plain, word=smoothed),
        _slip(heads=_swapped, word=smoothed),
        _slip(heads=_swapped, label=plain),
    ),
    Misconception(
        "heads-averaged",
        "The heads are combined before the loss. They are fused only for prediction; in training each has its own "
        "target.",
        _slip(heads=lambda label, distillation: ((label + distillation) / 2,) * 2),
        _slip(heads=lambda label, distillation: (label + distillation,) * 2),
        _slip(heads=lambda label, distillation: (_fused(label, distillation),) * 2),
        _slip(heads=lambda label, distillation: (label, (label + distillation) / 2)),
        _slip(heads=lambda label, distillation: (label, label + distillation)),
        _slip(heads=lambda label, distillation: (label, _fused(label, distillation))),
    ),
    Misconception(
        "each-meets-both",
        "Each head has both the label and the teacher as targets. Here each has only one target, which makes them "
        "differ.",
        _each_meets_both(1 / 4),
        _each_meets_both(1 / 2),
    ),
    Misconception(
        "label-for-both-heads",
        "The distillation token's head has both the true label and the teacher's label as targets. The teacher's "
        "label is its only target.",
        _second_head_meets_both(plain, 1 / 3),
        _second_head_meets_both(smoothed, 1 / 2, of_second=1 / 4),
        *tuple(
            _second_head_meets_both(loss, share)
            for loss, share in ((plain, 1 / 2), (plain, 1.0), (smoothed, 1 / 3), (smoothed, 1 / 2), (smoothed, 1.0))
        ),
    ),
    Misconception(
        "heads-own-word",
        "The target of a head is its own most likely class. The target must come from `teacher`.",
        _slip(said=lambda label, distillation, teacher, labels: distillation.argmax(-1)),
    ),
    Misconception(
        "distillation-head-taken-for-the-teacher",
        "The distillation token's head is used as the teacher of the class token's head, and `teacher` is not used. "
        "Use the teacher's label for the distillation token's head.",
        _slip(
            heads=lambda label, distillation: (label, label),
            said=lambda label, distillation, teacher, labels: distillation.argmax(-1),
        ),
    ),
    Misconception(
        "class-head-taken-for-the-teacher",
        "The class token's head is used as the teacher of the distillation token's head, and `teacher` is not used. "
        "Use the teacher's label.",
        _slip(said=lambda label, distillation, teacher, labels: label.argmax(-1)),
    ),
    Misconception(
        "class-head-follows-the-other",
        "The target of the class token's head is the most likely class of the distillation token's head, and the "
        "labels are not used. Use the true label.",
        _first_meets(lambda distillation, teacher: distillation.argmax(-1), plain),
        _first_meets(lambda distillation, teacher: distillation.argmax(-1), smoothed),
    ),
    Misconception(
        "teacher-scored",
        "The second half is a loss of the teacher's logits, which do not learn. Use the student's head, with the "
        "teacher's label as the target.",
        _teacher_meets(lambda head, labels: head.argmax(-1)),
        _teacher_meets(lambda head, labels: labels),
    ),
    Misconception(
        "labels-twice",
        "Both heads have the label as target, and the teacher is not used. Use the teacher's label for the "
        "distillation token's head.",
        _slip(said=lambda label, distillation, teacher, labels: labels),
        _slip(said=lambda label, distillation, teacher, labels: labels, word=smoothed),
    ),
    Misconception(
        "word-twice",
        "Both heads have the teacher's label as target, and the labels are not used. Use the true label for the "
        "class token's head.",
        _first_meets(lambda distillation, teacher: teacher.argmax(-1), smoothed),
        _first_meets(lambda distillation, teacher: teacher.argmax(-1), plain),
    ),
    Misconception(
        "smoothing-as-weight",
        "`smoothing` is used as the weight of the teacher. Each part has weight one half; smoothing changes the "
        "target of the label's part.",
        _smoothing_as_weight(plain),
        _smoothing_as_weight(smoothed),
    ),
    Misconception(
        "label-only",
        "The teacher's half of the loss is missing: the distillation token's head learns nothing.",
        _slip(total=lambda one, other: one / 2),
        _slip(total=lambda one, other: one),
    ),
    Misconception(
        "teacher-only",
        "The label's half of the loss is missing: the class token's head learns nothing.",
        _slip(total=lambda one, other: other / 2),
        _slip(total=lambda one, other: other),
    ),
    *shared(_whole),
)
