"""Wrong answers to soft distillation."""

import math

from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation.soft_forms import (
    centred,
    factor,
    kl,
    of_logits,
    scoring_the_teacher,
    slip,
    softened,
    target_of_kl_div,
    weights,
)

MISCONCEPTIONS = (
    Misconception(
        factor(lambda tau: 1.0),
        "τ² is missing. The gradient of the softened term is about τ² times smaller, so at a high temperature the "
        "teacher would hardly be heard.",
        name="no-tau-squared",
    ),
    Misconception(
        factor(lambda tau: tau),
        "The factor is τ, but must be τ². Two things make the gradient smaller: the student's logits are divided by τ, and the "
        "difference of the two softmaxes shrinks too, at high temperatures about as 1/τ.",
        name="tau-once",
    ),
    Misconception(
        factor(lambda tau: 2 * tau),
        "The factor is 2τ, but must be τ². In Python `**` is the power, and `*` the product.",
        name="twice-tau",
    ),
    Misconception(
        factor(lambda tau: tau**-2),
        "The teacher's part is divided by a power of τ, and must be multiplied: softening has made its gradient "
        "smaller already.",
        name="divided-by-tau",
        also=(factor(lambda tau: 1 / tau),),
    ),
    Misconception(
        factor(lambda tau: 16.0),
        "The teacher's part is multiplied by the same number at every temperature. The factor is the square of the "
        "temperature that is given.",
        name="fixed-factor",
        also=(factor(lambda tau: 4.0), factor(lambda tau: 9.0), factor(lambda tau: 400.0)),
    ),
    Misconception(
        factor(lambda tau: tau**3),
        "The teacher's part is multiplied by a power of τ other than the second. Softening makes its gradient about τ² "
        "times smaller, and that is what the factor makes up for.",
        name="another-power-of-tau",
        also=(factor(lambda tau: tau**0.5), factor(lambda tau: tau**4)),
    ),
    Misconception(
        slip(total=lambda hard, soft, tau, w: tau**2 * ((1 - w) * hard + w * soft)),
        "τ² multiplies the labels' part too. That part is not softened, so there is nothing to be made up for.",
        name="tau-squared-on-both",
        also=(slip(total=lambda hard, soft, tau, w: tau**2 * (1 - w) * hard + w * soft),),
    ),
    Misconception(
        slip(divergence=lambda student, teacher: kl(teacher, student)),
        "The divergence is the wrong way round: KL(student ‖ teacher). The teacher is the target, so its probabilities "
        "weigh the sum. (In F.kl_div the target is the second argument.)",
        name="kl-turned-round",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: (kl(student, teacher) + kl(teacher, student)) / 2),
        "The divergence is taken both ways, and the two are added or averaged. Only one of them is asked for: the teacher is "
        "the target.",
        name="kl-both-ways",
        also=(slip(divergence=lambda student, teacher: kl(student, teacher) + kl(teacher, student)),),
    ),
    Misconception(
        slip(divergence=lambda student, teacher: -kl(student, teacher)),
        "The divergence has the wrong sign: the further the student is from the teacher, the smaller the loss. Which "
        "logarithm is subtracted from which?",
        name="wrong-sign",
        also=(slip(divergence=lambda student, teacher: -kl(teacher, student)),),
    ),
    Misconception(
        slip(divergence=lambda student, teacher: F.kl_div(student.exp(), teacher.exp(), reduction="batchmean")),
        "The student's probabilities were given where their logarithms belong: F.kl_div wants log-probabilities "
        "as its first argument.",
        name="kl-div-of-probabilities",
    ),
    Misconception(
        target_of_kl_div(lambda teacher, tau: teacher / tau),
        "Somewhere the logarithm of a negative number is taken, and that is NaN. If it is `F.kl_div` that takes it: `F.kl_div` takes the logarithm of its "
        "second argument: that must be probabilities, not logits, and log-probabilities only with `log_target=True`.",
        name="kl-div-to-logits",
        also=(
            target_of_kl_div(lambda teacher, tau: (teacher / tau).log_softmax(-1)),
            target_of_kl_div(lambda teacher, tau: teacher),
        ),
    ),
    Misconception(
        slip(of_teacher=lambda z, tau: z),
        "Only the student is softened. Both are compared at the same temperature.",
        name="teacher-not-softened",
    ),
    Misconception(
        slip(of_student=lambda z, tau: z),
        "Only the teacher is softened: the student is asked to be as unsure at τ = 1 as the teacher is at τ. Divide "
        "both by τ.",
        name="student-not-softened",
    ),
    Misconception(
        softened(lambda z, tau: z),
        "Neither student nor teacher is softened: the temperature appears in the factor alone. Divide both "
        "logits by it, before the softmax.",
        name="nothing-softened",
    ),
    Misconception(
        softened(lambda z, tau: z * tau),
        "The logits are multiplied by τ, which makes both surer, not softer. Divide by it.",
        name="multiplied-by-tau",
    ),
    Misconception(
        softened(lambda z, tau: z / tau**2),
        "The logits are divided by a power of τ other than the first. τ² is the factor of the divergence; in the "
        "softmax it is τ.",
        name="softened-by-another-power",
        also=(softened(lambda z, tau: z / tau**0.5),),
    ),
    Misconception(
        softened(lambda z, tau: z.softmax(-1) / tau),
        "The softmax is taken first, and what comes out of it is divided by τ. Softening divides the logits, before the "
        "softmax.",
        name="softened-after-the-softmax",
        also=(
            of_logits(
                lambda student, teacher, tau: (
                    tau**2 * F.kl_div(student.log_softmax(-1) / tau, teacher.softmax(-1) / tau, reduction="batchmean")
                )
            ),
            of_logits(
                lambda student, teacher, tau: (
                    tau**2 * kl(student.log_softmax(-1) / tau, teacher.log_softmax(-1) / tau)
                )
            ),
        ),
    ),
    Misconception(
        of_logits(lambda student, teacher, tau: tau * kl(student.log_softmax(-1), teacher.log_softmax(-1))),
        "The teacher's part is τ times the divergence of the two softmaxes as they are, not softened. That also comes out "
        "when the probabilities are divided by τ: divide the logits, before the softmax.",
        name="tau-times-the-unsoftened",
    ),
    Misconception(
        slip(hard=lambda student, labels, tau: F.cross_entropy(student.softmax(-1), labels)),
        "The labels' part takes a softmax twice: `F.cross_entropy` takes logits, and its softmax is inside.",
        name="softmax-twice",
        also=(slip(hard=lambda student, labels, tau: F.cross_entropy((student / tau).softmax(-1), labels)),),
    ),
    Misconception(
        softened(lambda z, tau: (z / tau).softmax(-1)),
        "In the teacher's part a softmax is taken twice: `log_softmax` takes logits, not probabilities.",
        name="softmax-twice-in-the-kl",
    ),
    Misconception(
        slip(hard=lambda student, labels, tau: F.nll_loss(student, labels)),
        "`F.nll_loss` wants log-probabilities, and is given something else in the labels' part. `F.cross_entropy` takes "
        "logits.",
        name="nll-of-logits",
        also=(slip(hard=lambda student, labels, tau: F.nll_loss(student.softmax(-1), labels)),),
    ),
    Misconception(
        slip(axis=0),
        "The softmaxes of the divergence run over the batch: each class's probabilities sum to one over the pictures. "
        "They belong to one picture, so take the last axis.",
        name="softmax-over-the-batch",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: len(student) * kl(student, teacher)),
        "The divergence is summed over the batch: it grows with the batch size, and the labels' part does not. "
        "Take the mean over the pictures.",
        name="summed-over-the-batch",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: kl(student, teacher) / student.shape[1]),
        'The divergence is averaged over the classes too (reduction="mean" does that). Sum over the classes, '
        'average over the pictures: reduction="batchmean".',
        name="averaged-over-the-classes",
    ),
    Misconception(
        slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, reduction="sum")),
        "The labels' part is summed over the batch, the teacher's is averaged. Take the mean of both.",
        name="labels-summed",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: kl(student, teacher) * len(student) / student.shape[1]),
        "The divergence is summed over the pictures and averaged over the classes. It is the other way round: sum over the "
        "classes, the last axis, and average over the pictures.",
        name="sum-and-mean-exchanged",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: (teacher - student).sum(-1).mean()),
        "The differences of the logarithms are added up unweighted. In the sum each counts as much as the teacher's "
        "probability of that class.",
        name="sum-not-weighted",
        also=(slip(divergence=lambda student, teacher: (teacher - student).mean()),),
    ),
    Misconception(
        slip(divergence=lambda student, teacher: (teacher.exp() * (teacher - student).abs()).sum(-1).mean()),
        "The differences of the logarithms are made positive before they are added up. In the KL those count negative "
        "where the student gives a class more than the teacher does.",
        name="absolute-differences",
        also=(slip(divergence=lambda student, teacher: (teacher - student).abs().sum(-1).mean()),),
    ),
    Misconception(
        slip(divergence=lambda student, teacher: (teacher * (teacher - student)).sum(-1).mean()),
        "The sum is weighted with the teacher's log-probabilities, which are negative. Its weights are the probabilities "
        "themselves.",
        name="weighted-with-logarithms",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: (teacher.exp() * (teacher.exp() - student.exp())).sum(-1).mean()),
        "The probabilities are subtracted from one another, and in the KL it is their logarithms.",
        name="difference-of-probabilities",
    ),
    Misconception(
        scoring_the_teacher,
        "The labels' part is the teacher's cross entropy and not the student's. The teacher learns nothing here.",
        name="teacher-scored",
    ),
    Misconception(
        slip(hard=lambda student, labels, tau: F.cross_entropy(student, labels, label_smoothing=0.1)),
        "The labels are smoothed. Soft distillation takes them as they are: it is the teacher who softens the lesson.",
        name="labels-smoothed",
    ),
    Misconception(
        weights(lambda w: w, lambda w: 1 - w),
        "The two weights are swapped: λ belongs to the teacher, 1 − λ to the label.",
        name="weights-exchanged",
    ),
    Misconception(
        weights(lambda w: 1.0, lambda w: w),
        "The labels' part counts in full, whatever λ is. The two parts share the weight: λ for the teacher, the rest for "
        "the labels.",
        name="labels-not-weighted",
    ),
    Misconception(
        weights(lambda w: 1 - w, lambda w: 1.0),
        "The teacher's part counts in full, whatever λ is. λ is its weight.",
        name="teacher-not-weighted",
    ),
    Misconception(
        slip(hard=lambda student, labels, tau: F.cross_entropy(student / tau, labels)),
        "The labels' part is softened too. Only the comparison with the teacher has a temperature.",
        name="labels-softened",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: -(teacher.exp() * student).sum(-1).mean()),
        "This is the cross entropy with the teacher's probabilities. Its gradient is the same, but it is not zero "
        "when both agree: the teacher's entropy is missing. The slide asks for KL.",
        name="cross-entropy-for-kl",
    ),
    Misconception(
        slip(divergence=lambda student, teacher: F.nll_loss(student, teacher.argmax(-1))),
        "The teacher is taken at its word: only its likeliest class counts. That is hard distillation; here all its "
        "probabilities are the target.",
        name="teachers-word",
        also=(
            of_logits(lambda student, teacher, tau: F.cross_entropy(student, teacher.argmax(-1))),
            of_logits(lambda student, teacher, tau: tau**2 * F.cross_entropy(student, teacher.argmax(-1))),
        ),
    ),
    Misconception(
        of_logits(lambda student, teacher, tau: F.mse_loss(student, teacher)),
        "The teacher's part is a squared distance of logits. What τ² KL becomes at very high temperatures is one too, of "
        "logits with mean zero, but at the temperature given it is the divergence itself that is asked for.",
        name="squared-distance-of-logits",
        also=(
            of_logits(lambda student, teacher, tau: tau**2 * F.mse_loss(student, teacher)),
            of_logits(lambda student, teacher, tau: F.mse_loss(student, teacher) / 2),
            of_logits(lambda student, teacher, tau: tau**2 * F.mse_loss(student / tau, teacher / tau) / 2),
            of_logits(lambda student, teacher, tau: F.mse_loss(student / tau, teacher / tau)),
            of_logits(lambda student, teacher, tau: (student - teacher).square().sum(-1).mean()),
            of_logits(lambda student, teacher, tau: F.mse_loss(centred(student), centred(teacher)) / 2),
            of_logits(lambda student, teacher, tau: F.mse_loss(centred(student), centred(teacher))),
        ),
    ),
    Misconception(
        slip(divergence=lambda student, teacher: F.mse_loss(student.exp(), teacher.exp())),
        "The teacher's part is a squared distance of probabilities. The KL divergence is asked for: it compares their "
        "logarithms, so it also sees by what factor small probabilities differ.",
        name="squared-distance-of-probabilities",
        also=(
            slip(divergence=lambda student, teacher: (student.exp() - teacher.exp()).square().sum(-1).mean()),
            of_logits(
                lambda student, teacher, tau: F.mse_loss((student / tau).softmax(-1), (teacher / tau).softmax(-1))
            ),
            of_logits(lambda student, teacher, tau: F.mse_loss(student.softmax(-1), teacher.softmax(-1))),
            of_logits(lambda student, teacher, tau: tau**2 * F.mse_loss(student.softmax(-1), teacher.softmax(-1))),
        ),
    ),
    Misconception(
        of_logits(lambda student, teacher, tau: kl(student.log_softmax(-1), teacher.log_softmax(-1))),
        "The temperature is not used at all. Both sides of the divergence are softened by it, and its square is the "
        "factor.",
        name="no-temperature",
    ),
    Misconception(
        weights(lambda w: 1.0, lambda w: 1.0),
        "λ is not used: the labels' part and the teacher's are added, or averaged, whatever it is. They count 1 − λ and λ.",
        name="no-weights",
        also=(
            weights(lambda w: 0.5, lambda w: 0.5),
            slip(total=lambda hard, soft, tau, w: hard + soft),
            slip(total=lambda hard, soft, tau, w: (hard + soft) / 2),
        ),
    ),
    Misconception(
        slip(divergence=lambda student, teacher: kl(student, teacher) / math.log(2)),
        "The divergence is in bits, with logarithms to base 2. The cross entropy beside it is in nats: take the "
        "natural logarithm.",
        name="base-two",
    ),
)
