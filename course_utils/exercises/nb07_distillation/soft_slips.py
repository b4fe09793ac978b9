"""Misconceptions about soft distillation."""

import math

from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation import soft_forms as slips

MISCONCEPTIONS = (
    Misconception(
        "no-tau-squared",
        "τ² is missing. The gradient of the softened term is about τ² times smaller, so at a high temperature the "
        "teacher would hardly matter.",
        slips.factor(lambda tau: 1.0),
    ),
    Misconception(
        "tau-once",
        "The factor is τ, but must be τ². Two things make the gradient smaller: the student's logits are divided by "
        "τ, and the difference of the two softmaxes also shrinks, at high temperatures about as 1/τ.",
        slips.factor(lambda tau: tau),
    ),
    Misconception(
        "twice-tau",
        "The factor is 2τ, but must be τ². In Python, `**` is the power and `*` the product.",
        slips.factor(lambda tau: 2 * tau),
    ),
    Misconception(
        "divided-by-tau",
        "The teacher's part is divided by a power of τ, but must be multiplied by τ²: softening already makes its "
        "gradient smaller.",
        slips.factor(lambda tau: tau**-2),
        slips.factor(lambda tau: 1 / tau),
    ),
    Misconception(
        "fixed-factor",
        "The teacher's part is multiplied by the same number at every temperature. The factor is the square of the "
        "argument temperature.",
        slips.factor(lambda tau: 16.0),
        slips.factor(lambda tau: 4.0),
        slips.factor(lambda tau: 9.0),
        slips.factor(lambda tau: 400.0),
    ),
    Misconception(
        "another-power-of-tau",
        "The teacher's part is multiplied by a power of τ other than the second. Softening makes its gradient about "
        "τ² times smaller, and the factor compensates for that.",
        slips.factor(lambda tau: tau**3),
        slips.factor(lambda tau: tau**0.5),
        slips.factor(lambda tau: tau**4),
    ),
    Misconception(
        "tau-squared-on-both",
        "τ² multiplies the labels' part too. That part is not softened, so there is nothing to compensate for.",
        slips.slip(total=lambda hard, soft, tau, w: tau**2 * ((1 - w) * hard + w * soft)),
        slips.slip(total=lambda hard, soft, tau, w: tau**2 * (1 - w) * hard + w * soft),
    ),
    Misconception(
        "kl-turned-round",
        "The divergence is the wrong way round: KL(student ‖ teacher). The teacher is the target, so the sum is "
        "weighted by its probabilities. (In F.kl_div the target is the second argument.)",
        slips.slip(divergence=lambda student, teacher: slips.kl(teacher, student)),
    ),
    Misconception(
        "kl-both-ways",
        "The divergence is computed in both directions, and the two are added or averaged. Use only one: the teacher "
        "is the target.",
        slips.slip(divergence=lambda student, teacher: (slips.kl(student, teacher) + slips.kl(teacher, student)) / 2),
        slips.slip(divergence=lambda student, teacher: slips.kl(student, teacher) + slips.kl(teacher, student)),
    ),
    Misconception(
        "wrong-sign",
        "The divergence has the wrong sign: the further the student is from the teacher, the smaller the loss. Which "
        "logarithm is subtracted from which?",
        slips.slip(divergence=lambda student, teacher: -slips.kl(student, teacher)),
        slips.slip(divergence=lambda student, teacher: -slips.kl(teacher, student)),
    ),
    Misconception(
        "kl-div-of-probabilities",
        "The first argument of F.kl_div must be log-probabilities of the student, not its logits or probabilities, and "
        "the second the teacher's probabilities.",
        slips.slip(divergence=lambda student, teacher: F.kl_div(student.exp(), teacher.exp(), reduction="batchmean")),
        slips.kl_div_of_logits(lambda teacher, tau: (teacher / tau).softmax(-1)),
        slips.kl_div_of_logits(lambda teacher, tau: teacher / tau),
    ),
    Misconception(
        "kl-div-to-logits",
        "The result is NaN: the logarithm of a negative number was taken, and logits and log-probabilities can be "
        "negative. If you use `F.kl_div`: its first argument is the student's log-probabilities; of its second, the "
        "teacher's probabilities, it takes the logarithm itself (or give both as log-probabilities, with "
        "`log_target=True`).",
        slips.target_of_kl_div(lambda teacher, tau: teacher / tau),
        slips.target_of_kl_div(lambda teacher, tau: (teacher / tau).log_softmax(-1)),
        slips.target_of_kl_div(lambda teacher, tau: teacher),
    ),
    Misconception(
        "teacher-not-softened",
        "Only the student is softened. Soften both with the same temperature.",
        slips.slip(of_teacher=lambda z, tau: z),
    ),
    Misconception(
        "student-not-softened",
        "Only the teacher is softened, so the student must match it at τ = 1. Divide both by τ.",
        slips.slip(of_student=lambda z, tau: z),
    ),
    Misconception(
        "nothing-softened",
        "Neither student nor teacher is softened: the temperature appears only in the factor. Divide both logits by "
        "it before the softmax.",
        slips.softened(lambda z, tau: z),
    ),
    Misconception(
        "multiplied-by-tau",
        "The logits are multiplied by τ, which makes both distributions sharper, not softer. Divide by τ.",
        slips.softened(lambda z, tau: z * tau),
    ),
    Misconception(
        "softened-by-another-power",
        "The logits are divided by a power of τ other than the first. τ² is the factor of the divergence; divide the "
        "logits by τ.",
        slips.softened(lambda z, tau: z / tau**2),
        slips.softened(lambda z, tau: z / tau**0.5),
    ),
    Misconception(
        "softened-after-the-softmax",
        "The softmax comes first, and its result is divided by τ. Divide the logits before the softmax.",
        slips.softened(lambda z, tau: z.softmax(-1) / tau),
        slips.of_logits(
            lambda student, teacher, tau: (
                tau**2 * F.kl_div(student.log_softmax(-1) / tau, teacher.softmax(-1) / tau, reduction="batchmean")
            )
        ),
        slips.of_logits(
            lambda student, teacher, tau: (
                tau**2 * slips.kl(student.log_softmax(-1) / tau, teacher.log_softmax(-1) / tau)
            )
        ),
    ),
    Misconception(
        "tau-times-the-unsoftened",
        "The teacher's part is τ times the divergence of the unsoftened softmaxes, as happens if the probabilities "
        "are divided by τ. Divide the logits before the softmax.",
        slips.of_logits(
            lambda student, teacher, tau: tau * slips.kl(student.log_softmax(-1), teacher.log_softmax(-1))
        ),
    ),
    Misconception(
        "softmax-twice",
        "The labels' part applies a softmax twice: `F.cross_entropy` needs logits and includes the softmax.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student.softmax(-1), labels)),
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy((student / tau).softmax(-1), labels)),
    ),
    Misconception(
        "softmax-twice-in-the-kl",
        "The teacher's part applies a softmax twice: `log_softmax` needs logits, not probabilities.",
        slips.softened(lambda z, tau: (z / tau).softmax(-1)),
    ),
    Misconception(
        "nll-of-logits",
        "`F.nll_loss` needs log-probabilities, but gets something else in the labels' part. Use `F.cross_entropy` "
        "with logits.",
        slips.slip(hard=lambda student, labels, tau: F.nll_loss(student, labels)),
        slips.slip(hard=lambda student, labels, tau: F.nll_loss(student.softmax(-1), labels)),
    ),
    Misconception(
        "softmax-over-the-batch",
        "The softmaxes of the divergence run over the batch: each class's probabilities sum to one over the images. "
        "Use the last axis, so that the probabilities of one image sum to one.",
        slips.slip(axis=0),
    ),
    Misconception(
        "summed-over-the-batch",
        "The divergence is summed over the batch, so it grows with the batch size, unlike the labels' part. Take the "
        "mean over the images.",
        slips.slip(divergence=lambda student, teacher: len(student) * slips.kl(student, teacher)),
    ),
    Misconception(
        "averaged-over-the-classes",
        'The divergence is averaged over the classes too (reduction="mean" does that). Sum over the classes, average '
        'over the images: reduction="batchmean".',
        slips.slip(divergence=lambda student, teacher: slips.kl(student, teacher) / student.shape[1]),
    ),
    Misconception(
        "labels-summed",
        "The labels' part is summed over the batch, the teacher's is averaged. Take the mean of both.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, reduction="sum")),
    ),
    Misconception(
        "sum-and-mean-exchanged",
        "The divergence is summed over the images and averaged over the classes. It is the other way round: sum over "
        "the classes, the last axis, and average over the images.",
        slips.slip(divergence=lambda student, teacher: slips.kl(student, teacher) * len(student) / student.shape[1]),
    ),
    Misconception(
        "sum-not-weighted",
        "The differences of the logarithms are summed without weights. Weight each with the teacher's probability of "
        "that class.",
        slips.slip(divergence=lambda student, teacher: (teacher - student).sum(-1).mean()),
        slips.slip(divergence=lambda student, teacher: (teacher - student).mean()),
    ),
    Misconception(
        "absolute-differences",
        "The absolute differences of the logarithms are summed. In the KL, a difference is negative if the student's "
        "probability is larger than the teacher's.",
        slips.slip(divergence=lambda student, teacher: (teacher.exp() * (teacher - student).abs()).sum(-1).mean()),
        slips.slip(divergence=lambda student, teacher: (teacher - student).abs().sum(-1).mean()),
    ),
    Misconception(
        "weighted-with-logarithms",
        "The sum is weighted with the teacher's log-probabilities, which are negative. Use the probabilities "
        "themselves as weights.",
        slips.slip(divergence=lambda student, teacher: (teacher * (teacher - student)).sum(-1).mean()),
    ),
    Misconception(
        "difference-of-probabilities",
        "The probabilities are subtracted. In the KL, subtract their logarithms.",
        slips.slip(
            divergence=lambda student, teacher: (teacher.exp() * (teacher.exp() - student.exp())).sum(-1).mean()
        ),
    ),
    Misconception(
        "teacher-scored",
        "The labels' part uses the teacher's logits instead of the student's. The teacher does not learn here.",
        slips.scoring_the_teacher,
    ),
    Misconception(
        "labels-smoothed",
        "The labels are smoothed. Soft distillation uses plain labels: only the teacher's targets are soft.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, label_smoothing=0.1)),
    ),
    Misconception(
        "weights-exchanged",
        "The two weights are swapped: λ is the teacher's weight, 1 − λ the label's.",
        slips.weights(lambda w: w, lambda w: 1 - w),
    ),
    Misconception(
        "labels-not-weighted",
        "The labels' part has weight 1 for any λ. The weights are λ for the teacher and 1 − λ for the labels.",
        slips.weights(lambda w: 1.0, lambda w: w),
    ),
    Misconception(
        "teacher-not-weighted",
        "The teacher's part has weight 1 for any λ. Its weight is λ.",
        slips.weights(lambda w: 1 - w, lambda w: 1.0),
    ),
    Misconception(
        "labels-softened",
        "The labels' part is softened too. Use the temperature only in the divergence.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student / tau, labels)),
    ),
    Misconception(
        "cross-entropy-for-kl",
        "This is the cross-entropy with the teacher's probabilities. Its gradient is the same, but it is not zero if "
        "both agree, because the teacher's entropy is not subtracted. The slide uses KL.",
        slips.slip(divergence=lambda student, teacher: -(teacher.exp() * student).sum(-1).mean()),
    ),
    Misconception(
        "teachers-word",
        "Only the teacher's most likely class counts. That is hard distillation; here all its probabilities are the "
        "target.",
        slips.slip(divergence=lambda student, teacher: F.nll_loss(student, teacher.argmax(-1))),
        slips.of_logits(lambda student, teacher, tau: F.cross_entropy(student, teacher.argmax(-1))),
        slips.of_logits(lambda student, teacher, tau: tau**2 * F.cross_entropy(student, teacher.argmax(-1))),
    ),
    Misconception(
        "squared-distance-of-logits",
        "The teacher's part is a squared distance of logits. At very high temperatures, τ² KL becomes a squared "
        "distance of logits with mean zero, but compute the divergence itself here.",
        slips.of_logits(lambda student, teacher, tau: F.mse_loss(student, teacher)),
        slips.of_logits(lambda student, teacher, tau: tau**2 * F.mse_loss(student, teacher)),
        slips.of_logits(lambda student, teacher, tau: F.mse_loss(student, teacher) / 2),
        slips.of_logits(lambda student, teacher, tau: tau**2 * F.mse_loss(student / tau, teacher / tau) / 2),
        slips.of_logits(lambda student, teacher, tau: F.mse_loss(student / tau, teacher / tau)),
        slips.of_logits(lambda student, teacher, tau: (student - teacher).square().sum(-1).mean()),
        slips.of_logits(lambda student, teacher, tau: F.mse_loss(slips.centred(student), slips.centred(teacher)) / 2),
        slips.of_logits(lambda student, teacher, tau: F.mse_loss(slips.centred(student), slips.centred(teacher))),
    ),
    Misconception(
        "squared-distance-of-probabilities",
        "The teacher's part is a squared distance of probabilities. Use the KL divergence: it compares logarithms, "
        "so the ratio of small probabilities matters too.",
        slips.slip(divergence=lambda student, teacher: F.mse_loss(student.exp(), teacher.exp())),
        slips.slip(divergence=lambda student, teacher: (student.exp() - teacher.exp()).square().sum(-1).mean()),
        slips.of_logits(
            lambda student, teacher, tau: F.mse_loss((student / tau).softmax(-1), (teacher / tau).softmax(-1))
        ),
        slips.of_logits(lambda student, teacher, tau: F.mse_loss(student.softmax(-1), teacher.softmax(-1))),
        slips.of_logits(lambda student, teacher, tau: tau**2 * F.mse_loss(student.softmax(-1), teacher.softmax(-1))),
    ),
    Misconception(
        "no-temperature",
        "The temperature is not used. Soften both sides of the divergence with it, and multiply by its square.",
        slips.of_logits(lambda student, teacher, tau: slips.kl(student.log_softmax(-1), teacher.log_softmax(-1))),
    ),
    Misconception(
        "no-weights",
        "λ is not used: the labels' part and the teacher's are added or averaged for any λ. Their weights are 1 − λ "
        "and λ.",
        slips.weights(lambda w: 1.0, lambda w: 1.0),
        slips.weights(lambda w: 0.5, lambda w: 0.5),
        slips.slip(total=lambda hard, soft, tau, w: hard + soft),
        slips.slip(total=lambda hard, soft, tau, w: (hard + soft) / 2),
    ),
    Misconception(
        "base-two",
        "The divergence is in bits, with logarithms to base 2. The cross-entropy is in nats: use the natural "
        "logarithm.",
        slips.slip(divergence=lambda student, teacher: slips.kl(student, teacher) / math.log(2)),
    ),
)
