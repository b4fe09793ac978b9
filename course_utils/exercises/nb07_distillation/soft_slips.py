"""Wrong answers to soft distillation."""

import math
from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception

Divergence = Callable[[Tensor, Tensor], Tensor]
Softening = Callable[[Tensor, float], Tensor]


def _divergence(log_student: Tensor, log_teacher: Tensor) -> Tensor:
    return (log_teacher.exp() * (log_teacher - log_student)).sum(-1).mean()


def _divided(of_logits: Tensor, temperature: float) -> Tensor:
    return of_logits / temperature


def _slip(
    hard: Callable[[Tensor, Tensor, float], Tensor] = lambda student, labels, tau: F.cross_entropy(student, labels),
    of_student: Softening = _divided,
    of_teacher: Softening = _divided,
    divergence: Divergence = _divergence,
    axis: int = -1,
    total: Callable[[Tensor, Tensor, float, float], Tensor] = lambda hard, soft, tau, w: (
        (1 - w) * hard + w * tau**2 * soft
    ),
) -> Callable[..., Tensor]:
    """The loss with one of its parts replaced; divergence is a function of the logarithms of both softmaxes."""

    def wrong(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, weight: float) -> Tensor:
        log_student = of_student(student, temperature).log_softmax(axis)
        log_teacher = of_teacher(teacher, temperature).log_softmax(axis)
        soft = divergence(log_student, log_teacher)
        return total(hard(student, labels, temperature), soft, temperature, weight)

    return wrong


def _softened(of_both: Softening) -> Callable[..., Tensor]:
    return _slip(of_student=of_both, of_teacher=of_both)


def _factor(factor: Callable[[float], float]) -> Callable[..., Tensor]:
    return _slip(total=lambda hard, soft, tau, w: (1 - w) * hard + w * factor(tau) * soft)


def _weights(of_label: Callable[[float], float], of_teacher: Callable[[float], float]) -> Callable[..., Tensor]:
    return _slip(total=lambda hard, soft, tau, w: of_label(w) * hard + of_teacher(w) * tau**2 * soft)


def _of_logits(loss: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """The teacher's part is a loss of (student, teacher, τ) and no divergence at all."""
    return lambda student, teacher, labels, temperature, weight: (
        (1 - weight) * F.cross_entropy(student, labels) + weight * loss(student, teacher, temperature)
    )


def _scoring_the_teacher(
    student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, weight: float
) -> Tensor:
    return _slip(hard=lambda student, labels, tau: F.cross_entropy(teacher, labels))(
        student, teacher, labels, temperature, weight
    )


def _target_of_kl_div(target: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    return _of_logits(
        lambda student, teacher, tau: (
            tau**2 * F.kl_div((student / tau).log_softmax(-1), target(teacher, tau), reduction="batchmean")
        )
    )


MISCONCEPTIONS = (
    Misconception(
        _factor(lambda tau: 1.0),
        "τ² is missing. The gradient of the softened term is about τ² times smaller, so at a high temperature the "
        "teacher would hardly be heard.",
        name="no-tau-squared",
    ),
    Misconception(
        _factor(lambda tau: tau),
        "The factor is τ, but must be τ²: once for each of the two softmaxes that the gradient meets.",
        name="tau-once",
    ),
    Misconception(
        _factor(lambda tau: 2 * tau),
        "The factor is 2τ, but must be τ². In Python `**` is the power, and `*` the product.",
        name="twice-tau",
    ),
    Misconception(
        _factor(lambda tau: tau**-2),
        "The teacher's part is divided by a power of τ, and must be multiplied: softening has made its gradient "
        "smaller already.",
        name="divided-by-tau",
        also=(_factor(lambda tau: 1 / tau),),
    ),
    Misconception(
        _factor(lambda tau: 16.0),
        "The teacher's part is multiplied by the same number at every temperature. The factor is the square of the "
        "temperature that is given.",
        name="fixed-factor",
        also=(_factor(lambda tau: 4.0), _factor(lambda tau: 9.0), _factor(lambda tau: 400.0)),
    ),
    Misconception(
        _factor(lambda tau: tau**3),
        "The teacher's part is multiplied by another power of τ than the second. Softening makes its gradient about τ² "
        "times smaller, and that is what the factor makes up for.",
        name="another-power-of-tau",
        also=(_factor(lambda tau: tau**0.5), _factor(lambda tau: tau**4)),
    ),
    Misconception(
        _slip(total=lambda hard, soft, tau, w: tau**2 * ((1 - w) * hard + w * soft)),
        "τ² multiplies the labels' part too. That part is not softened, so there is nothing to be made up for.",
        name="tau-squared-on-both",
        also=(_slip(total=lambda hard, soft, tau, w: tau**2 * (1 - w) * hard + w * soft),),
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: _divergence(teacher, student)),
        "The divergence is turned round: KL(student ‖ teacher). The teacher is the target, so its probabilities "
        "weigh the sum. (In F.kl_div the target is the second argument.)",
        name="kl-turned-round",
    ),
    Misconception(
        _slip(
            divergence=lambda student, teacher: (_divergence(student, teacher) + _divergence(teacher, student)) / 2
        ),
        "The divergence is taken both ways and added up. Only one way is asked for: the teacher is the target.",
        name="kl-both-ways",
        also=(
            _slip(divergence=lambda student, teacher: _divergence(student, teacher) + _divergence(teacher, student)),
        ),
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: -_divergence(student, teacher)),
        "The divergence has the wrong sign: the further the student is from the teacher, the smaller the loss. Which "
        "logarithm is subtracted from which?",
        name="wrong-sign",
        also=(_slip(divergence=lambda student, teacher: -_divergence(teacher, student)),),
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: F.kl_div(student.exp(), teacher.exp(), reduction="batchmean")),
        "The student's probabilities were given where their logarithms belong: F.kl_div wants log-probabilities "
        "as its first argument.",
        name="kl-div-of-probabilities",
    ),
    Misconception(
        _target_of_kl_div(lambda teacher, tau: teacher / tau),
        "Somewhere the logarithm of a negative number is taken, and that is NaN. `F.kl_div` takes the logarithm of its "
        "second argument: that must be probabilities, not logits, and log-probabilities only with `log_target=True`.",
        name="kl-div-to-logits",
        also=(
            _target_of_kl_div(lambda teacher, tau: (teacher / tau).log_softmax(-1)),
            _target_of_kl_div(lambda teacher, tau: teacher),
        ),
    ),
    Misconception(
        _slip(of_teacher=lambda z, tau: z),
        "Only the student is softened. Both are compared at the same temperature.",
        name="teacher-not-softened",
    ),
    Misconception(
        _slip(of_student=lambda z, tau: z),
        "Only the teacher is softened: the student is asked to be as unsure at τ = 1 as the teacher is at τ. Divide "
        "both by τ.",
        name="student-not-softened",
    ),
    Misconception(
        _softened(lambda z, tau: z),
        "Neither student nor teacher is softened: the temperature appears in the factor alone. Divide both "
        "logits by it, before the softmax.",
        name="nothing-softened",
    ),
    Misconception(
        _softened(lambda z, tau: z * tau),
        "The logits are multiplied by τ, which makes both surer, not softer. Divide by it.",
        name="multiplied-by-tau",
    ),
    Misconception(
        _softened(lambda z, tau: z / tau**2),
        "The logits are divided by another power of τ than the first. τ² is the factor of the divergence; in the "
        "softmax it is τ.",
        name="softened-by-another-power",
        also=(_softened(lambda z, tau: z / tau**0.5),),
    ),
    Misconception(
        _softened(lambda z, tau: z.softmax(-1) / tau),
        "The softmax is taken first, and what comes out of it is divided by τ. Softening divides the logits, before the "
        "softmax.",
        name="softened-after-the-softmax",
        also=(
            _of_logits(
                lambda student, teacher, tau: (
                    tau**2 * F.kl_div(student.log_softmax(-1) / tau, teacher.softmax(-1) / tau, reduction="batchmean")
                )
            ),
            _of_logits(
                lambda student, teacher, tau: (
                    tau**2 * _divergence(student.log_softmax(-1) / tau, teacher.log_softmax(-1) / tau)
                )
            ),
        ),
    ),
    Misconception(
        _slip(hard=lambda student, labels, tau: F.cross_entropy(student.softmax(-1), labels)),
        "The labels' part takes a softmax twice: `F.cross_entropy` takes logits, and its softmax is inside.",
        name="softmax-twice",
        also=(_slip(hard=lambda student, labels, tau: F.cross_entropy((student / tau).softmax(-1), labels)),),
    ),
    Misconception(
        _softened(lambda z, tau: (z / tau).softmax(-1)),
        "In the teacher's part a softmax is taken twice: `log_softmax` takes logits, not probabilities.",
        name="softmax-twice-in-the-kl",
    ),
    Misconception(
        _slip(hard=lambda student, labels, tau: F.nll_loss(student, labels)),
        "`F.nll_loss` wants log-probabilities, and is given something else in the labels' part. `F.cross_entropy` takes "
        "logits.",
        name="nll-of-logits",
        also=(_slip(hard=lambda student, labels, tau: F.nll_loss(student.softmax(-1), labels)),),
    ),
    Misconception(
        _slip(axis=0),
        "The softmaxes of the divergence run over the batch: each class's probabilities sum to one over the pictures. "
        "They belong to one picture, so take the last axis.",
        name="softmax-over-the-batch",
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: len(student) * _divergence(student, teacher)),
        "The divergence is summed over the batch: it grows with the batch size, and the labels' part does not. "
        "Take the mean over the pictures.",
        name="summed-over-the-batch",
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: _divergence(student, teacher) / student.shape[1]),
        'The divergence is averaged over the classes too (reduction="mean" does that). Sum over the classes, '
        'average over the pictures: reduction="batchmean".',
        name="averaged-over-the-classes",
    ),
    Misconception(
        _slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, reduction="sum")),
        "The labels' part is summed over the batch, the teacher's is averaged. Take the mean of both.",
        name="labels-summed",
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: _divergence(student, teacher) * len(student) / student.shape[1]),
        "The divergence is summed over the pictures and averaged over the classes. It is the other way round: sum over the "
        "classes, the last axis, and average over the pictures.",
        name="sum-and-mean-exchanged",
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: (teacher - student).sum(-1).mean()),
        "The differences of the logarithms are added up unweighted. In the sum each counts as much as the teacher's "
        "probability of that class.",
        name="sum-not-weighted",
        also=(_slip(divergence=lambda student, teacher: (teacher - student).mean()),),
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: (teacher.exp() * (teacher - student).abs()).sum(-1).mean()),
        "The differences of the logarithms are made positive before they are added up. In the KL those count negative "
        "where the student gives a class more than the teacher does.",
        name="absolute-differences",
        also=(_slip(divergence=lambda student, teacher: (teacher - student).abs().sum(-1).mean()),),
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: (teacher * (teacher - student)).sum(-1).mean()),
        "The sum is weighted with the teacher's log-probabilities, which are negative. Its weights are the probabilities "
        "themselves.",
        name="weighted-with-logarithms",
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: (teacher.exp() * (teacher.exp() - student.exp())).sum(-1).mean()),
        "The probabilities are subtracted from one another, and in the KL it is their logarithms.",
        name="difference-of-probabilities",
    ),
    Misconception(
        _scoring_the_teacher,
        "The labels' part is the teacher's cross entropy and not the student's. The teacher learns nothing here.",
        name="teacher-scored",
    ),
    Misconception(
        _slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, label_smoothing=0.1)),
        "The labels are smoothed. Soft distillation takes them as they are: it is the teacher who softens the lesson.",
        name="labels-smoothed",
    ),
    Misconception(
        _weights(lambda w: w, lambda w: 1 - w),
        "The two weights have changed places: λ belongs to the teacher, 1 − λ to the label.",
        name="weights-exchanged",
    ),
    Misconception(
        _weights(lambda w: 1.0, lambda w: w),
        "The labels' part counts whole, whatever λ is. The two parts share the weight: λ for the teacher, the rest for "
        "the labels.",
        name="labels-not-weighted",
    ),
    Misconception(
        _weights(lambda w: 1 - w, lambda w: 1.0),
        "The teacher's part counts whole, whatever λ is. λ is its weight.",
        name="teacher-not-weighted",
    ),
    Misconception(
        _slip(hard=lambda student, labels, tau: F.cross_entropy(student / tau, labels)),
        "The labels' part is softened too. Only the comparison with the teacher has a temperature.",
        name="labels-softened",
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: -(teacher.exp() * student).sum(-1).mean()),
        "This is the cross entropy with the teacher's probabilities. Its gradient is the same, but it is not zero "
        "when both agree: the teacher's entropy is missing. The slide asks for KL.",
        name="cross-entropy-for-kl",
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: F.nll_loss(student, teacher.argmax(-1))),
        "The teacher is taken at its word: only its likeliest class counts. That is hard distillation; here all its "
        "probabilities are the target.",
        name="teachers-word",
        also=(
            _of_logits(lambda student, teacher, tau: F.cross_entropy(student, teacher.argmax(-1))),
            _of_logits(lambda student, teacher, tau: tau**2 * F.cross_entropy(student, teacher.argmax(-1))),
        ),
    ),
    Misconception(
        _of_logits(lambda student, teacher, tau: F.mse_loss(student, teacher)),
        "The teacher's part is a squared distance. That is near what the loss becomes at very high temperatures, but "
        "here the KL divergence is asked for.",
        name="squared-distance",
        also=(
            _of_logits(lambda student, teacher, tau: tau**2 * F.mse_loss(student, teacher)),
            _slip(divergence=lambda student, teacher: F.mse_loss(student.exp(), teacher.exp())),
            _slip(divergence=lambda student, teacher: (student.exp() - teacher.exp()).square().sum(-1).mean()),
        ),
    ),
    Misconception(
        _slip(divergence=lambda student, teacher: _divergence(student, teacher) / math.log(2)),
        "The divergence is in bits, with logarithms to base 2. The cross entropy beside it is in nats: take the "
        "natural logarithm.",
        name="base-two",
    ),
)
