"""Wrong answers to soft distillation."""

import math

from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation import soft_forms as slips

MISCONCEPTIONS = (
    Misconception(
        "no-tau-squared",
        "τ² is missing. The gradient of the softened term is about τ² times smaller, so at a high temperature the "
        "teacher would hardly be heard.",
        slips.factor(lambda tau: 1.0),
    ),
    Misconception(
        "tau-once",
        "The factor is τ, but must be τ². Two things make the gradient smaller: the student's logits are divided by τ, and the "
        "difference of the two softmaxes shrinks too, at high temperatures about as 1/τ.",
        slips.factor(lambda tau: tau),
    ),
    Misconception(
        "twice-tau",
        "The factor is 2τ, but must be τ². In Python `**` is the power, and `*` the product.",
        slips.factor(lambda tau: 2 * tau),
    ),
    Misconception(
        "divided-by-tau",
        "The teacher's part is divided by a power of τ, and must be multiplied: softening has made its gradient "
        "smaller already.",
        slips.factor(lambda tau: tau**-2),
        slips.factor(lambda tau: 1 / tau),
    ),
    Misconception(
        "fixed-factor",
        "The teacher's part is multiplied by the same number at every temperature. The factor is the square of the "
        "temperature that is given.",
        slips.factor(lambda tau: 16.0),
        slips.factor(lambda tau: 4.0),
        slips.factor(lambda tau: 9.0),
        slips.factor(lambda tau: 400.0),
    ),
    Misconception(
        "another-power-of-tau",
        "The teacher's part is multiplied by a power of τ other than the second. Softening makes its gradient about τ² "
        "times smaller, and that is what the factor makes up for.",
        slips.factor(lambda tau: tau**3),
        slips.factor(lambda tau: tau**0.5),
        slips.factor(lambda tau: tau**4),
    ),
    Misconception(
        "tau-squared-on-both",
        "τ² multiplies the labels' part too. That part is not softened, so there is nothing to be made up for.",
        slips.slip(total=lambda hard, soft, tau, w: tau**2 * ((1 - w) * hard + w * soft)),
        slips.slip(total=lambda hard, soft, tau, w: tau**2 * (1 - w) * hard + w * soft),
    ),
    Misconception(
        "kl-turned-round",
        "The divergence is the wrong way round: KL(student ‖ teacher). The teacher is the target, so its probabilities "
        "weigh the sum. (In F.kl_div the target is the second argument.)",
        slips.slip(divergence=lambda student, teacher: slips.kl(teacher, student)),
    ),
    Misconception(
        "kl-both-ways",
        "The divergence is taken both ways, and the two are added or averaged. Only one of them is asked for: the teacher is "
        "the target.",
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
        "The student's probabilities were given where their logarithms belong: F.kl_div wants log-probabilities "
        "as its first argument.",
        slips.slip(divergence=lambda student, teacher: F.kl_div(student.exp(), teacher.exp(), reduction="batchmean")),
    ),
    Misconception(
        "kl-div-to-logits",
        "Somewhere the logarithm of a negative number is taken, and that is NaN. If it is `F.kl_div` that takes it: `F.kl_div` takes the logarithm of its "
        "second argument: that must be probabilities, not logits, and log-probabilities only with `log_target=True`.",
        slips.target_of_kl_div(lambda teacher, tau: teacher / tau),
        slips.target_of_kl_div(lambda teacher, tau: (teacher / tau).log_softmax(-1)),
        slips.target_of_kl_div(lambda teacher, tau: teacher),
    ),
    Misconception(
        "teacher-not-softened",
        "Only the student is softened. Both are compared at the same temperature.",
        slips.slip(of_teacher=lambda z, tau: z),
    ),
    Misconception(
        "student-not-softened",
        "Only the teacher is softened: the student is asked to be as unsure at τ = 1 as the teacher is at τ. Divide "
        "both by τ.",
        slips.slip(of_student=lambda z, tau: z),
    ),
    Misconception(
        "nothing-softened",
        "Neither student nor teacher is softened: the temperature appears in the factor alone. Divide both "
        "logits by it, before the softmax.",
        slips.softened(lambda z, tau: z),
    ),
    Misconception(
        "multiplied-by-tau",
        "The logits are multiplied by τ, which makes both surer, not softer. Divide by it.",
        slips.softened(lambda z, tau: z * tau),
    ),
    Misconception(
        "softened-by-another-power",
        "The logits are divided by a power of τ other than the first. τ² is the factor of the divergence; in the "
        "softmax it is τ.",
        slips.softened(lambda z, tau: z / tau**2),
        slips.softened(lambda z, tau: z / tau**0.5),
    ),
    Misconception(
        "softened-after-the-softmax",
        "The softmax is taken first, and what comes out of it is divided by τ. Softening divides the logits, before the "
        "softmax.",
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
        "The teacher's part is τ times the divergence of the two softmaxes as they are, not softened. That also comes out "
        "when the probabilities are divided by τ: divide the logits, before the softmax.",
        slips.of_logits(
            lambda student, teacher, tau: tau * slips.kl(student.log_softmax(-1), teacher.log_softmax(-1))
        ),
    ),
    Misconception(
        "softmax-twice",
        "The labels' part takes a softmax twice: `F.cross_entropy` takes logits, and its softmax is inside.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student.softmax(-1), labels)),
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy((student / tau).softmax(-1), labels)),
    ),
    Misconception(
        "softmax-twice-in-the-kl",
        "In the teacher's part a softmax is taken twice: `log_softmax` takes logits, not probabilities.",
        slips.softened(lambda z, tau: (z / tau).softmax(-1)),
    ),
    Misconception(
        "nll-of-logits",
        "`F.nll_loss` wants log-probabilities, and is given something else in the labels' part. `F.cross_entropy` takes "
        "logits.",
        slips.slip(hard=lambda student, labels, tau: F.nll_loss(student, labels)),
        slips.slip(hard=lambda student, labels, tau: F.nll_loss(student.softmax(-1), labels)),
    ),
    Misconception(
        "softmax-over-the-batch",
        "The softmaxes of the divergence run over the batch: each class's probabilities sum to one over the pictures. "
        "They belong to one picture, so take the last axis.",
        slips.slip(axis=0),
    ),
    Misconception(
        "summed-over-the-batch",
        "The divergence is summed over the batch: it grows with the batch size, and the labels' part does not. "
        "Take the mean over the pictures.",
        slips.slip(divergence=lambda student, teacher: len(student) * slips.kl(student, teacher)),
    ),
    Misconception(
        "averaged-over-the-classes",
        'The divergence is averaged over the classes too (reduction="mean" does that). Sum over the classes, '
        'average over the pictures: reduction="batchmean".',
        slips.slip(divergence=lambda student, teacher: slips.kl(student, teacher) / student.shape[1]),
    ),
    Misconception(
        "labels-summed",
        "The labels' part is summed over the batch, the teacher's is averaged. Take the mean of both.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, reduction="sum")),
    ),
    Misconception(
        "sum-and-mean-exchanged",
        "The divergence is summed over the pictures and averaged over the classes. It is the other way round: sum over the "
        "classes, the last axis, and average over the pictures.",
        slips.slip(divergence=lambda student, teacher: slips.kl(student, teacher) * len(student) / student.shape[1]),
    ),
    Misconception(
        "sum-not-weighted",
        "The differences of the logarithms are added up unweighted. In the sum each counts as much as the teacher's "
        "probability of that class.",
        slips.slip(divergence=lambda student, teacher: (teacher - student).sum(-1).mean()),
        slips.slip(divergence=lambda student, teacher: (teacher - student).mean()),
    ),
    Misconception(
        "absolute-differences",
        "The differences of the logarithms are made positive before they are added up. In the KL those count negative "
        "where the student gives a class more than the teacher does.",
        slips.slip(divergence=lambda student, teacher: (teacher.exp() * (teacher - student).abs()).sum(-1).mean()),
        slips.slip(divergence=lambda student, teacher: (teacher - student).abs().sum(-1).mean()),
    ),
    Misconception(
        "weighted-with-logarithms",
        "The sum is weighted with the teacher's log-probabilities, which are negative. Its weights are the probabilities "
        "themselves.",
        slips.slip(divergence=lambda student, teacher: (teacher * (teacher - student)).sum(-1).mean()),
    ),
    Misconception(
        "difference-of-probabilities",
        "The probabilities are subtracted from one another, and in the KL it is their logarithms.",
        slips.slip(
            divergence=lambda student, teacher: (teacher.exp() * (teacher.exp() - student.exp())).sum(-1).mean()
        ),
    ),
    Misconception(
        "teacher-scored",
        "The labels' part is the teacher's cross entropy and not the student's. The teacher learns nothing here.",
        slips.scoring_the_teacher,
    ),
    Misconception(
        "labels-smoothed",
        "The labels are smoothed. Soft distillation takes them as they are: it is the teacher who softens the lesson.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, label_smoothing=0.1)),
    ),
    Misconception(
        "weights-exchanged",
        "The two weights are swapped: λ belongs to the teacher, 1 − λ to the label.",
        slips.weights(lambda w: w, lambda w: 1 - w),
    ),
    Misconception(
        "labels-not-weighted",
        "The labels' part counts in full, whatever λ is. The two parts share the weight: λ for the teacher, the rest for "
        "the labels.",
        slips.weights(lambda w: 1.0, lambda w: w),
    ),
    Misconception(
        "teacher-not-weighted",
        "The teacher's part counts in full, whatever λ is. λ is its weight.",
        slips.weights(lambda w: 1 - w, lambda w: 1.0),
    ),
    Misconception(
        "labels-softened",
        "The labels' part is softened too. Only the comparison with the teacher has a temperature.",
        slips.slip(hard=lambda student, labels, tau: F.cross_entropy(student / tau, labels)),
    ),
    Misconception(
        "cross-entropy-for-kl",
        "This is the cross entropy with the teacher's probabilities. Its gradient is the same, but it is not zero "
        "when both agree: the teacher's entropy is missing. The slide asks for KL.",
        slips.slip(divergence=lambda student, teacher: -(teacher.exp() * student).sum(-1).mean()),
    ),
    Misconception(
        "teachers-word",
        "The teacher is taken at its word: only its likeliest class counts. That is hard distillation; here all its "
        "probabilities are the target.",
        slips.slip(divergence=lambda student, teacher: F.nll_loss(student, teacher.argmax(-1))),
        slips.of_logits(lambda student, teacher, tau: F.cross_entropy(student, teacher.argmax(-1))),
        slips.of_logits(lambda student, teacher, tau: tau**2 * F.cross_entropy(student, teacher.argmax(-1))),
    ),
    Misconception(
        "squared-distance-of-logits",
        "The teacher's part is a squared distance of logits. What τ² KL becomes at very high temperatures is one too, of "
        "logits with mean zero, but at the temperature given it is the divergence itself that is asked for.",
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
        "The teacher's part is a squared distance of probabilities. The KL divergence is asked for: it compares their "
        "logarithms, so it also sees by what factor small probabilities differ.",
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
        "The temperature is not used at all. Both sides of the divergence are softened by it, and its square is the "
        "factor.",
        slips.of_logits(lambda student, teacher, tau: slips.kl(student.log_softmax(-1), teacher.log_softmax(-1))),
    ),
    Misconception(
        "no-weights",
        "λ is not used: the labels' part and the teacher's are added, or averaged, whatever it is. They count 1 − λ and λ.",
        slips.weights(lambda w: 1.0, lambda w: 1.0),
        slips.weights(lambda w: 0.5, lambda w: 0.5),
        slips.slip(total=lambda hard, soft, tau, w: hard + soft),
        slips.slip(total=lambda hard, soft, tau, w: (hard + soft) / 2),
    ),
    Misconception(
        "base-two",
        "The divergence is in bits, with logarithms to base 2. The cross entropy beside it is in nats: take the "
        "natural logarithm.",
        slips.slip(divergence=lambda student, teacher: slips.kl(student, teacher) / math.log(2)),
    ),
)
