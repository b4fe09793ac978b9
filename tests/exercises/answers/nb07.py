"""Answers that students could write to the exercises of notebook 07: right, wrong and fragile ones."""

import functools
import math

import torch
from einops import reduce
from torch import nn
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F

# 07.soft_distillation


def _soft_kl_div(student, teacher, labels, temperature, weight):
    kl = F.kl_div(
        F.log_softmax(student / temperature, dim=1), F.softmax(teacher / temperature, dim=1), reduction="batchmean"
    )
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_teacher_detached(student, teacher, labels, temperature, weight):
    with torch.no_grad():
        target = (teacher / temperature).log_softmax(-1)
    criterion = nn.KLDivLoss(reduction="batchmean", log_target=True)
    distilled = criterion((student / temperature).log_softmax(-1), target)
    return nn.CrossEntropyLoss()(student, labels) * (1 - weight) + distilled * temperature * temperature * weight


def _soft_cross_entropy_minus_entropy(student, teacher, labels, temperature, weight):
    target = torch.softmax(teacher / temperature, -1)
    cross = F.cross_entropy(student / temperature, target)
    entropy = torch.special.entr(target).sum(-1).mean()
    return torch.lerp(F.cross_entropy(student, labels), temperature**2 * (cross - entropy), weight)


def _soft_loop(student, teacher, labels, temperature, weight):
    total = 0.0
    for z_s, z_t, y in zip(student, teacher, labels, strict=True):
        hard = torch.logsumexp(z_s, 0) - z_s[y]
        log_s = z_s / temperature - torch.logsumexp(z_s / temperature, 0)
        log_t = z_t / temperature - torch.logsumexp(z_t / temperature, 0)
        soft = torch.dot(torch.exp(log_t), log_t - log_s)
        total = total + (1 - weight) * hard + weight * temperature**2 * soft
    return total / len(labels)


def _soft_einsum(student, teacher, labels, temperature, weight):
    log_s, log_t = (F.log_softmax(z.double() / temperature, -1) for z in (student, teacher))
    soft = torch.einsum("bc,bc->", log_t.exp(), log_t - log_s) / len(student)
    hard = -student.log_softmax(-1)[torch.arange(len(labels)), labels].mean()
    return hard - weight * hard + weight * soft * temperature**2


def _soft_per_picture(student, teacher, labels, temperature, weight):
    soft = F.kl_div(
        (student / temperature).log_softmax(1),
        (teacher / temperature).log_softmax(1),
        reduction="none",
        log_target=True,
    )
    hard = F.cross_entropy(student, labels, reduction="none")
    return reduce((1 - weight) * hard + weight * temperature**2 * soft.sum(1), "b -> ", "mean")


def _soft_reversed(student, teacher, labels, temperature, weight):
    p_s = (student / temperature).softmax(-1)
    kl = (p_s * ((student / temperature).log_softmax(-1) - (teacher / temperature).log_softmax(-1))).sum(-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_reversed_kl_div(student, teacher, labels, temperature, weight):
    kl = F.kl_div(
        F.log_softmax(teacher / temperature, -1), F.softmax(student / temperature, -1), reduction="batchmean"
    )
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_reversed_as_printed(student, teacher, labels, temperature, weight):
    kl = kl_divergence(Categorical(logits=student / temperature), Categorical(logits=teacher / temperature)).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_both_ways(student, teacher, labels, temperature, weight):
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    kl = ((log_t.exp() - log_s.exp()) * (log_t - log_s)).sum(-1).mean() / 2
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_probabilities_first(student, teacher, labels, temperature, weight):
    kl = F.kl_div((student / temperature).softmax(-1), (teacher / temperature).softmax(-1), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_log_target_forgotten(student, teacher, labels, temperature, weight):
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * F.kl_div(
        log_s, log_t, reduction="batchmean"
    )


def _soft_reduced(reduction, student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    kl = F.kl_div(log_s, p_t, reduction=reduction)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_mean_over_all(student, teacher, labels, temperature, weight):
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * (
        log_t.exp() * (log_t - log_s)
    ).mean()


def _soft_factor(factor, student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    kl = F.kl_div(log_s, p_t, reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * factor(temperature) * kl


def _soft_square_on_everything(student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    kl = F.kl_div(log_s, p_t, reduction="batchmean")
    return temperature**2 * ((1 - weight) * F.cross_entropy(student, labels) + weight * kl)


def _soft_weights(own, other, student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    kl = F.kl_div(log_s, p_t, reduction="batchmean")
    return own(weight) * F.cross_entropy(student, labels) + other(weight) * temperature**2 * kl


def _soft_softened(for_student, for_teacher, student, teacher, labels, temperature, weight):
    log_s = for_student(student, temperature).log_softmax(-1)
    kl = F.kl_div(log_s, for_teacher(teacher, temperature).softmax(-1), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_labels_softened(student, teacher, labels, temperature, weight):
    kl = F.kl_div((student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student / temperature, labels) + weight * temperature**2 * kl


def _soft_softmax_twice(student, teacher, labels, temperature, weight):
    kl = F.kl_div((student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student.softmax(-1), labels) + weight * temperature**2 * kl


def _soft_softmax_before_temperature(student, teacher, labels, temperature, weight):
    log_s = (student.softmax(-1) / temperature).log_softmax(-1)
    kl = F.kl_div(log_s, (teacher.softmax(-1) / temperature).softmax(-1), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_no_entropy(student, teacher, labels, temperature, weight):
    soft = F.cross_entropy(student / temperature, (teacher / temperature).softmax(-1))
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def _soft_no_entropy_by_hand(student, teacher, labels, temperature, weight):
    p_t, log_s = (teacher / temperature).softmax(-1), (student / temperature).log_softmax(-1)
    return (1 - weight) * F.cross_entropy(student, labels) - weight * temperature**2 * (p_t * log_s).sum(-1).mean()


def _soft_wrong_sign(student, teacher, labels, temperature, weight):
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    kl = (log_t.exp() * (log_s - log_t)).sum(-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_teachers_word(student, teacher, labels, temperature, weight):
    said = F.cross_entropy(student / temperature, teacher.argmax(-1))
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * said


def _soft_squared_distance(student, teacher, labels, temperature, weight):
    return (1 - weight) * F.cross_entropy(student, labels) + weight * F.mse_loss(student, teacher)


def _soft_over_the_batch(student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(0), (teacher / temperature).softmax(0)
    kl = F.kl_div(log_s, p_t, reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_summed_labels(student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    kl = F.kl_div(log_s, p_t, reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels, reduction="sum") + weight * temperature**2 * kl


def _soft_each_picture(student, teacher, labels, temperature, weight):
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    kl = (log_t.exp() * (log_t - log_s)).sum(-1)
    return (1 - weight) * F.cross_entropy(student, labels, reduction="none") + weight * temperature**2 * kl


def _soft_python_number(student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    kl = F.kl_div(log_s, p_t, reduction="batchmean").item()
    return (1 - weight) * F.cross_entropy(student, labels).item() + weight * temperature**2 * kl


def _soft_student_detached(student, teacher, labels, temperature, weight):
    log_s = (student.detach() / temperature).log_softmax(-1)
    kl = F.kl_div(log_s, (teacher / temperature).softmax(-1), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


@torch.no_grad()
def _soft_no_grad(student, teacher, labels, temperature, weight):
    log_s, p_t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    kl = F.kl_div(log_s, p_t, reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_changes_logits(student, teacher, labels, temperature, weight):
    hard = F.cross_entropy(student, labels)
    teacher /= temperature
    kl = F.kl_div((student / temperature).log_softmax(-1), teacher.softmax(-1), reduction="batchmean")
    return (1 - weight) * hard + weight * temperature**2 * kl


def _soft_base_two(student, teacher, labels, temperature, weight):
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    kl = (log_t.exp() * (log_t - log_s)).sum(-1).mean() / math.log(2)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_exp_by_hand(student, teacher, labels, temperature, weight):
    e_s, e_t = (student / temperature).exp(), (teacher / temperature).exp()
    p_s, p_t = e_s / e_s.sum(-1, keepdim=True), e_t / e_t.sum(-1, keepdim=True)
    kl = (p_t * (p_t.log() - p_s.log())).sum(-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_softmax_then_log(student, teacher, labels, temperature, weight):
    p_s, p_t = (student / temperature).softmax(-1), (teacher / temperature).softmax(-1)
    kl = (p_t * (p_t.log() - p_s.log())).sum(-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_quotient(student, teacher, labels, temperature, weight):
    p_s, p_t = (student / temperature).softmax(-1), (teacher / temperature).softmax(-1)
    kl = (p_t * torch.log(p_t / p_s)).sum(-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_kl_div_of_log(student, teacher, labels, temperature, weight):
    kl = F.kl_div(
        F.softmax(student / temperature, -1).log(), F.softmax(teacher / temperature, -1), reduction="batchmean"
    )
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_categorical(student, teacher, labels, temperature, weight):
    p_t, p_s = Categorical(logits=teacher / temperature), Categorical(logits=student / temperature)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl_divergence(p_t, p_s).mean()


def _soft_in_float32(student, teacher, labels, temperature, weight):
    student, teacher = student.float(), teacher.float()
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    kl = (log_t.exp() * (log_t - log_s)).sum(-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * kl


def _soft_no_labels(student, teacher, labels, temperature, weight):
    log_s, log_t = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    hard = -student.log_softmax(-1).gather(-1, labels[:, None]).mean()
    soft = (log_t.exp() * (log_t - log_s)).sum(-1).mean()
    return (1 - weight) * (hard + weight / (1 - weight) * temperature**2 * soft)


# 07.hard_distillation


def _hard_by_hand(student, teacher, labels, smoothing=0.1):
    log_p = student.log_softmax(-1)
    rows = torch.arange(len(labels))
    true = -(1 - smoothing) * log_p[rows, labels] - smoothing * log_p.mean(-1)
    word = -log_p[rows, teacher.argmax(-1)]
    return ((true + word) / 2).mean()


def _hard_one_target(student, teacher, labels, smoothing=0.1):
    classes = student.shape[-1]
    label = F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    said = F.one_hot(teacher.argmax(dim=1), classes)
    return F.cross_entropy(student, (label + said).to(student.dtype) / 2)


def _hard_losses(student, teacher, labels, smoothing=0.1):
    losses = [
        nn.CrossEntropyLoss(label_smoothing=smoothing)(student, labels),
        nn.CrossEntropyLoss()(student, teacher.max(dim=-1).indices),
    ]
    return sum(losses) / len(losses)


def _hard_loop(student, teacher, labels, smoothing=0.1):
    total = torch.zeros(())
    for z, t, y in zip(student, teacher, labels.tolist(), strict=True):
        log_p = z - z.logsumexp(0)
        target = torch.full_like(z, smoothing / len(z))
        target[y] += 1 - smoothing
        total = total - (target * log_p).sum() / 2 - log_p[int(t.argmax())] / 2
    return total / len(student)


def _hard_nll(student, teacher, labels, smoothing=0.1):
    log_p = F.log_softmax(student.double(), dim=-1)
    said = teacher.softmax(-1).topk(1, dim=-1).indices.squeeze(-1)
    smooth = (1 - smoothing) * F.nll_loss(log_p, labels) - smoothing * log_p.mean()
    return 0.5 * smooth + 0.5 * F.nll_loss(log_p, said)


class _HardDistillation(nn.Module):
    def forward(self, student, teacher, labels, smoothing=0.1):
        with torch.no_grad():
            said = torch.argmax(teacher, dim=-1)
        return 0.5 * (F.cross_entropy(student, labels, label_smoothing=smoothing) + F.cross_entropy(student, said))


def _hard_others_only(student, teacher, labels, smoothing=0.1):
    classes = student.shape[-1]
    target = torch.full_like(student, smoothing / (classes - 1))
    target[torch.arange(len(labels)), labels] = 1 - smoothing
    return 0.5 * F.cross_entropy(student, target) + 0.5 * F.cross_entropy(student, teacher.argmax(-1))


def _hard_right_overwritten(student, teacher, labels, smoothing=0.1):
    target = torch.full_like(student, smoothing / student.shape[-1])
    target[torch.arange(len(labels)), labels] = 1 - smoothing
    return 0.5 * F.cross_entropy(student, target) + 0.5 * F.cross_entropy(student, teacher.argmax(-1))


def _hard_counts_classes(student, teacher, labels, smoothing=0.1):
    said = teacher.argmax(-1)
    classes = int(labels.max()) + 1
    target = F.one_hot(labels, student.shape[-1]) * (1 - smoothing) + smoothing / classes
    return 0.5 * F.cross_entropy(student, target) + 0.5 * F.cross_entropy(student, said)


@torch.no_grad()
def _hard_no_grad(student, teacher, labels, smoothing=0.1):
    from_label = F.cross_entropy(student, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(student, teacher.argmax(-1))


def _hard_softmax_then_log(student, teacher, labels, smoothing=0.1):
    log_p = student.softmax(-1).log()
    true = (1 - smoothing) * F.nll_loss(log_p, labels) - smoothing * log_p.mean()
    return 0.5 * true + 0.5 * F.nll_loss(log_p, teacher.argmax(-1))


def _hard_exp_by_hand(student, teacher, labels, smoothing=0.1):
    log_p = student - student.exp().sum(-1, keepdim=True).log()
    true = (1 - smoothing) * F.nll_loss(log_p, labels) - smoothing * log_p.mean()
    return 0.5 * true + 0.5 * F.nll_loss(log_p, teacher.argmax(-1))


def _hard_where_right(student, teacher, labels, smoothing=0.1):
    said = teacher.argmax(-1)
    said = torch.where(said == labels, said, labels)
    from_label = F.cross_entropy(student, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(student, said)


def _hard_one_word_for_all(student, teacher, labels, smoothing=0.1):
    said = teacher.mean(0).argmax().expand(len(labels))
    from_label = F.cross_entropy(student, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(student, said)


def _hard_first_maximum_per_class(student, teacher, labels, smoothing=0.1):
    said = teacher.argmax(0)[labels % teacher.shape[1]] % student.shape[1]
    from_label = F.cross_entropy(student, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(student, said)


def _hard_exact_maximum(student, teacher, labels, smoothing=0.1):
    target = (teacher == teacher.max()).float()
    from_label = F.cross_entropy(student, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(student, target)


def _hard_scattered(student, teacher, labels, smoothing=0.1):
    target = torch.zeros(student.shape).scatter(1, teacher.argmax(1, keepdim=True), 0.5)
    target = target.scatter_add(1, labels[:, None], torch.full((len(labels), 1), 0.5 * (1 - smoothing)))
    target += 0.5 * smoothing / student.shape[1]
    return F.cross_entropy(student, target)


def _hard_one_hot(student, teacher, labels, smoothing=0.1):
    target = F.one_hot(labels) * (1 - smoothing) + smoothing / student.shape[-1]
    from_label = -(target * student.log_softmax(-1)).sum(-1).mean()
    return 0.5 * from_label + 0.5 * F.cross_entropy(student, teacher.argmax(-1))


# 07.token_distillation


def _token_by_hand(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    rows = torch.arange(len(labels))
    log_label, log_teacher = label_logits.log_softmax(-1), distillation_logits.log_softmax(-1)
    from_label = -((1 - smoothing) * log_label[rows, labels] + smoothing * log_label.mean(-1))
    return (from_label - log_teacher[rows, teacher.argmax(-1)]).mean() / 2


def _token_targets(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    classes = label_logits.size(1)
    smooth = torch.full_like(label_logits, smoothing / classes)
    smooth = smooth.scatter_add(1, labels[:, None], torch.full_like(label_logits[:, :1], 1 - smoothing))
    said = F.one_hot(teacher.argmax(1), classes).to(smooth)
    return F.cross_entropy(torch.cat([label_logits, distillation_logits]), torch.cat([smooth, said]))


def _token_halves(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    word = teacher.detach().softmax(-1).argmax(-1)
    pairs = [(label_logits, labels, smoothing), (distillation_logits, word, 0.0)]
    return torch.stack([F.cross_entropy(z, y, label_smoothing=e) for z, y, e in pairs]).mean()


def _token_loop(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    losses = []
    for i, label in enumerate(labels):
        one = F.cross_entropy(label_logits[i], label, label_smoothing=smoothing)
        two = torch.logsumexp(distillation_logits[i], 0) - distillation_logits[i, teacher[i].argmax()]
        losses.append(0.5 * one + 0.5 * two)
    return sum(losses) / len(losses)


def _token_keywords(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    hard = F.cross_entropy(input=label_logits, target=labels, label_smoothing=smoothing, reduction="sum")
    soft = F.cross_entropy(input=distillation_logits, target=torch.max(teacher, 1)[1], reduction="sum")
    return (hard + soft) / (2 * labels.numel())


class _TokenDistillation:
    def __call__(self, label_logits, distillation_logits, teacher, labels, smoothing=0.1):
        head = nn.CrossEntropyLoss(label_smoothing=smoothing)(label_logits, labels)
        token = F.nll_loss(distillation_logits.log_softmax(1), teacher.argmax(1))
        return torch.lerp(head, token, 0.5)


def _token_others_only(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    target = torch.full_like(label_logits, smoothing / (label_logits.shape[-1] - 1))
    target[torch.arange(len(labels)), labels] = 1 - smoothing
    return 0.5 * F.cross_entropy(label_logits, target) + 0.5 * F.cross_entropy(
        distillation_logits, teacher.argmax(-1)
    )


def _token_mean_head(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    both = (label_logits + distillation_logits) / 2
    from_label = F.cross_entropy(both, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(both, teacher.argmax(-1))


def _token_soft(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    from_label = F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.kl_div(
        distillation_logits.log_softmax(-1), teacher.softmax(-1), reduction="batchmean"
    )


@torch.no_grad()
def _token_no_grad(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    from_label = F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))


def _token_four_terms(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    said = teacher.argmax(-1)
    losses = [F.cross_entropy(z, labels, label_smoothing=smoothing) for z in (label_logits, distillation_logits)]
    losses += [F.cross_entropy(z, said) for z in (label_logits, distillation_logits)]
    return sum(losses) / 4


def _token_softmax_then_log(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    log_label, log_teacher = label_logits.softmax(-1).log(), distillation_logits.softmax(-1).log()
    true = (1 - smoothing) * F.nll_loss(log_label, labels) - smoothing * log_label.mean()
    return 0.5 * true + 0.5 * F.nll_loss(log_teacher, teacher.argmax(-1))


def _token_one_hot(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    target = F.one_hot(labels) * (1 - smoothing) + smoothing / label_logits.shape[-1]
    from_label = -(target * label_logits.log_softmax(-1)).sum(-1).mean()
    return 0.5 * from_label + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))


# 07.fuse


def _fuse_loop(label_logits, distillation_logits):
    rows = []
    for one, other in zip(label_logits, distillation_logits, strict=True):
        rows.append(0.5 * torch.softmax(one, 0) + 0.5 * torch.softmax(other, 0))
    return torch.stack(rows)


def _fuse_by_hand(label_logits, distillation_logits):
    def probabilities(logits):
        e = torch.exp(logits - logits.amax(-1, keepdim=True))
        return e / e.sum(-1, keepdim=True)

    return (probabilities(label_logits) + probabilities(distillation_logits)).div(2)


def _fuse_in_logarithms(label_logits, distillation_logits):
    both = torch.stack([F.log_softmax(label_logits, -1), F.log_softmax(distillation_logits, -1)])
    return (both.logsumexp(0) - math.log(2)).exp()


class _Fuse(nn.Module):
    def __init__(self):
        super().__init__()
        self.softmax = nn.Softmax(dim=1)

    def forward(self, label_logits, distillation_logits):
        return torch.lerp(self.softmax(label_logits), self.softmax(distillation_logits), 0.5)


def _fuse_exp_by_hand(label_logits, distillation_logits):
    one, other = label_logits.exp(), distillation_logits.exp()
    return (one / one.sum(-1, keepdim=True) + other / other.sum(-1, keepdim=True)) / 2


def _fuse_exp_all(label_logits, distillation_logits):
    total = label_logits.exp() + distillation_logits.exp()
    return total / total.sum(-1, keepdim=True)


def _fuse_surer_head(label_logits, distillation_logits):
    one, other = label_logits.softmax(-1), distillation_logits.softmax(-1)
    surer = one.amax(-1, keepdim=True) >= other.amax(-1, keepdim=True)
    return torch.where(surer, one, other)


def _fuse_in_place(label_logits, distillation_logits):
    label_logits.copy_(label_logits.softmax(-1))
    return label_logits.add_(distillation_logits.softmax(-1)).div_(2)


def _fuse_largest_subtracted_over_all(label_logits, distillation_logits):
    one, other = (label_logits - label_logits.max()).exp(), (distillation_logits - distillation_logits.max()).exp()
    return (one / one.sum(-1, keepdim=True) + other / other.sum(-1, keepdim=True)) / 2


def _fuse_no_grad(label_logits, distillation_logits):
    with torch.no_grad():
        return (label_logits.softmax(-1) + distillation_logits.softmax(-1)) / 2


# 07.soft_distillation again


def distillation_with(student, teacher, labels, temperature, weight, power=2, reduction="batchmean", hard=None):
    soft_student = (student / temperature).log_softmax(-1)
    soft_teacher = (teacher / temperature).softmax(-1)
    divergence = F.kl_div(soft_student, soft_teacher, reduction=reduction)
    cross = F.cross_entropy(student if hard is None else hard, labels)
    return (1 - weight) * cross + weight * temperature**power * divergence


def distillation_from_the_student(student, teacher, labels, temperature, weight):
    return distillation_with(student, teacher, labels, temperature, weight, hard=student / temperature)


def distillation_cross_entropy(student, teacher, labels, temperature, weight):
    soft = F.cross_entropy(student / temperature, (teacher / temperature).softmax(-1))
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def distillation_turned_round(student, teacher, labels, temperature, weight):
    soft = F.kl_div(
        (teacher / temperature).log_softmax(-1), (student / temperature).softmax(-1), reduction="batchmean"
    )
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def distillation_symmetric(student, teacher, labels, temperature, weight):
    one = distillation_with(student, teacher, labels, temperature, 1.0)
    other = distillation_with(teacher, student, labels, temperature, 1.0)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * (one + other) / 2


def distillation_softened_after(student, teacher, labels, temperature, weight):
    log_student, soft_teacher = student.log_softmax(-1) / temperature, teacher.softmax(-1) / temperature
    soft = F.kl_div(log_student, soft_teacher, reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def distillation_without_log(student, teacher, labels, temperature, weight):
    soft = F.kl_div((student / temperature).softmax(-1), (teacher / temperature).softmax(-1), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def distillation_log_of_ratio(student, teacher, labels, temperature, weight):
    p, q = (teacher / temperature).softmax(-1), (student / temperature).softmax(-1)
    soft = (p * (p / q).log()).sum(-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def distillation_over_the_batch(student, teacher, labels, temperature, weight):
    soft = F.kl_div((student / temperature).log_softmax(0), (teacher / temperature).softmax(0), reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def distillation_squared_logits(student, teacher, labels, temperature, weight):
    soft = F.mse_loss(student / temperature, teacher / temperature)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft


def distillation_squared_on_everything(student, teacher, labels, temperature, weight):
    return temperature**2 * distillation_with(student, teacher, labels, temperature, weight, power=0)


def distillation_labels_of_the_teacher(student, teacher, labels, temperature, weight):
    return distillation_with(student, teacher, teacher.argmax(-1), temperature, weight)


def distillation_softmax_before_cross_entropy(student, teacher, labels, temperature, weight):
    return distillation_with(student, teacher, labels, temperature, weight, hard=student.softmax(-1))


def distillation_only_teacher_softened(student, teacher, labels, temperature, weight):
    return distillation_with(student * temperature, teacher, labels, temperature, weight, hard=student)


def distillation_without_grad(student, teacher, labels, temperature, weight):
    with torch.no_grad():
        soft = distillation_with(student, teacher, labels, temperature, 1.0)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * soft


def distillation_entropy_alone(student, teacher, labels, temperature, weight):
    p = (student / temperature).log_softmax(-1)
    q = (teacher / temperature).log_softmax(-1)
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * (q - p).abs().sum(-1).mean()


def distillation_smoothed(student, teacher, labels, temperature, weight):
    cross = F.cross_entropy(student, labels, label_smoothing=0.1)
    return (1 - weight) * cross + distillation_with(student, teacher, labels, temperature, 1.0) * weight


RIGHT = {
    "07.soft_distillation": [
        _soft_kl_div,
        _soft_teacher_detached,
        _soft_cross_entropy_minus_entropy,
        _soft_loop,
        _soft_einsum,
        _soft_per_picture,
    ],
    "07.hard_distillation": [
        _hard_by_hand,
        _hard_one_target,
        _hard_losses,
        _hard_loop,
        _hard_nll,
        _hard_scattered,
        _HardDistillation(),
    ],
    "07.token_distillation": [
        _token_by_hand,
        _token_targets,
        _token_halves,
        _token_loop,
        _token_keywords,
        _TokenDistillation(),
    ],
    "07.fuse": [
        _fuse_loop,
        _fuse_by_hand,
        _fuse_in_logarithms,
        _Fuse(),
        lambda label_logits, distillation_logits: (
            torch.stack([label_logits, distillation_logits]).softmax(-1).mean(0)
        ),
        lambda label_logits, distillation_logits: (
            sum(z.double().softmax(-1) for z in (label_logits, distillation_logits)) / 2
        ),
    ],
}

WRONG = {
    "07.soft_distillation": [
        ("KL the other way round", _soft_reversed),
        ("KL the other way round, arguments of kl_div exchanged", _soft_reversed_kl_div),
        ("KL as the slide's order has it", _soft_reversed_as_printed),
        ("KL both ways, halved", _soft_both_ways),
        ("kl_div given the student's probabilities, not their logarithms", _soft_probabilities_first),
        ("kl_div given logarithms of the target without saying so", _soft_log_target_forgotten),
        ("kl_div's mean, over classes too", functools.partial(_soft_reduced, "mean")),
        ("kl_div's sum over the batch", functools.partial(_soft_reduced, "sum")),
        ("mean over the classes too, by hand", _soft_mean_over_all),
        ("τ² forgotten", functools.partial(_soft_factor, lambda temperature: 1)),
        ("τ instead of τ²", functools.partial(_soft_factor, lambda temperature: temperature)),
        ("divided by τ²", functools.partial(_soft_factor, lambda temperature: 1 / temperature**2)),
        ("2τ instead of τ²", functools.partial(_soft_factor, lambda temperature: 2 * temperature)),
        ("τ of the notebook's plot, always", functools.partial(_soft_factor, lambda temperature: 4.0**2)),
        ("τ² on the labels' part too", _soft_square_on_everything),
        ("λ on the labels' part", functools.partial(_soft_weights, lambda w: w, lambda w: 1 - w)),
        ("labels' part not weighted", functools.partial(_soft_weights, lambda w: 1, lambda w: w)),
        ("teacher's part not weighted", functools.partial(_soft_weights, lambda w: 1 - w, lambda w: 1)),
        ("no labels", functools.partial(_soft_weights, lambda w: 0, lambda w: w)),
        ("half and half", functools.partial(_soft_weights, lambda w: 0.5, lambda w: 0.5)),
        ("teacher not softened", functools.partial(_soft_softened, lambda z, t: z / t, lambda z, t: z)),
        ("student not softened", functools.partial(_soft_softened, lambda z, t: z, lambda z, t: z / t)),
        ("neither softened", functools.partial(_soft_softened, lambda z, t: z, lambda z, t: z)),
        ("times τ", functools.partial(_soft_softened, lambda z, t: z * t, lambda z, t: z * t)),
        ("softened by τ²", functools.partial(_soft_softened, lambda z, t: z / t**2, lambda z, t: z / t**2)),
        ("labels' part softened too", _soft_labels_softened),
        ("softmax twice: cross entropy of probabilities", _soft_softmax_twice),
        ("softmax before the temperature", _soft_softmax_before_temperature),
        ("cross entropy with the teacher, not the KL", _soft_no_entropy),
        ("cross entropy with the teacher, not the KL, by hand", _soft_no_entropy_by_hand),
        ("wrong sign of the KL", _soft_wrong_sign),
        ("the teacher's word instead of its probabilities", _soft_teachers_word),
        ("squared distance of logits", _soft_squared_distance),
        ("softmax over the batch", _soft_over_the_batch),
        ("labels' part summed over the batch", _soft_summed_labels),
        ("one loss a picture", _soft_each_picture),
        ("a Python number: nothing learns", _soft_python_number),
        ("student detached in the KL", _soft_student_detached),
        ("no_grad", _soft_no_grad),
        ("changes the teacher's logits", _soft_changes_logits),
        ("logarithm to base 2", _soft_base_two),
        ("exp by hand: overflows for large logits", _soft_exp_by_hand),
        ("logarithm of a softmax: log 0 for large logits", _soft_softmax_then_log),
        ("p log(p/q): 0 log 0 for large logits", _soft_quotient),
        ("logarithm of a softmax in kl_div: infinite for large logits", _soft_kl_div_of_log),
        ("the divergence is turned round", distillation_turned_round),
        ("both divergences, averaged", distillation_symmetric),
        ("cross entropy with soft targets: the teacher's entropy is left in", distillation_cross_entropy),
        (
            "mean over batch and classes",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, temperature, weight, reduction="mean"
            ),
        ),
        (
            "sum over the batch",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, temperature, weight, reduction="sum"
            ),
        ),
        (
            "no τ²",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, temperature, weight, power=0
            ),
        ),
        (
            "τ instead of τ², once more",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, temperature, weight, power=1
            ),
        ),
        (
            "divided by τ², once more",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, temperature, weight, power=-2
            ),
        ),
        ("τ² on both parts", distillation_squared_on_everything),
        ("the labels' part is softened too", distillation_from_the_student),
        (
            "the teacher's logits in the labels' part",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, temperature, weight, hard=teacher
            ),
        ),
        ("softmax before cross_entropy", distillation_softmax_before_cross_entropy),
        (
            "the weights are swapped",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, temperature, 1 - weight
            ),
        ),
        (
            "the labels' part has full weight",
            lambda student, teacher, labels, temperature, weight: (
                F.cross_entropy(student, labels)
                + distillation_with(student, teacher, labels, temperature, 1.0) * weight
            ),
        ),
        (
            "temperature multiplies",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student * temperature**2, teacher * temperature**2, labels, temperature, weight, hard=student
            ),
        ),
        ("only the teacher is softened", distillation_only_teacher_softened),
        (
            "only the student is softened",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher * temperature, labels, temperature, weight
            ),
        ),
        ("softened after the softmax", distillation_softened_after),
        ("kl_div without the log", distillation_without_log),
        ("softmax over the batch, once more", distillation_over_the_batch),
        ("squared logits", distillation_squared_logits),
        ("absolute differences of the logarithms", distillation_entropy_alone),
        ("the teacher's labels", distillation_labels_of_the_teacher),
        ("smoothed labels", distillation_smoothed),
        ("the divergence is cut off from learning", distillation_without_grad),
        (
            "student and teacher swapped",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                teacher, student, labels, temperature, weight
            ),
        ),
        (
            "temperature and weight swapped",
            lambda student, teacher, labels, temperature, weight: distillation_with(
                student, teacher, labels, weight + 1e-9, temperature
            ),
        ),
        (
            "one loss for each picture",
            lambda student, teacher, labels, temperature, weight: (
                distillation_with(student, teacher, labels, temperature, weight) * torch.ones(len(labels))
            ),
        ),
    ],
    "07.hard_distillation": [
        (
            "not smoothed",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels) + 0.5 * F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        (
            "both smoothed",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1), label_smoothing=smoothing)
            ),
        ),
        (
            "the teacher's word smoothed, not the label",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels)
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1), label_smoothing=smoothing)
            ),
        ),
        (
            "smoothing of 0.1, always",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=0.1)
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        (
            "smoothing off unless asked for",
            lambda student, teacher, labels, smoothing=0.0: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        (
            "no default for the smoothing",
            lambda student, teacher, labels, smoothing: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        (
            "1 - smoothing given to PyTorch",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=1 - smoothing)
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        ("smoothed over the other classes, as on the slide", _hard_others_only),
        ("the right class loses its part of ε", _hard_right_overwritten),
        ("ε divided by the classes the batch happens to have", _hard_counts_classes),
        (
            "halves forgotten",
            lambda student, teacher, labels, smoothing=0.1: (
                F.cross_entropy(student, labels, label_smoothing=smoothing)
                + F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        (
            "one half forgotten: a missing bracket",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        (
            "smoothing taken for the weight",
            lambda student, teacher, labels, smoothing=0.1: (
                (1 - smoothing) * F.cross_entropy(student, labels)
                + smoothing * F.cross_entropy(student, teacher.argmax(-1))
            ),
        ),
        (
            "the label only",
            lambda student, teacher, labels, smoothing=0.1: F.cross_entropy(
                student, labels, label_smoothing=smoothing
            ),
        ),
        (
            "the teacher only",
            lambda student, teacher, labels, smoothing=0.1: F.cross_entropy(student, teacher.argmax(-1)),
        ),
        (
            "the teacher's probabilities, not its word",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student, teacher.softmax(-1))
            ),
        ),
        (
            "the class the teacher finds least likely",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student, teacher.argmin(-1))
            ),
        ),
        (
            "the student's own word",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student, student.argmax(-1))
            ),
        ),
        ("the largest over the batch", _hard_first_maximum_per_class),
        ("one word for the whole batch", _hard_one_word_for_all),
        ("the one largest logit of all pictures", _hard_exact_maximum),
        ("the teacher is corrected by the label", _hard_where_right),
        (
            "the teacher scored against the label",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(teacher, labels)
            ),
        ),
        (
            "teacher and student exchanged",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(teacher, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(teacher, student.argmax(-1))
            ),
        ),
        (
            "softmax twice",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student.softmax(-1), labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student.softmax(-1), teacher.argmax(-1))
            ),
        ),
        (
            "nll_loss of logits",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.nll_loss(student, teacher.argmax(-1))
            ),
        ),
        (
            "summed over the batch",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing, reduction="sum")
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1), reduction="sum")
            ),
        ),
        (
            "one loss a picture",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing, reduction="none")
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1), reduction="none")
            ),
        ),
        (
            "a Python number: nothing learns",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing).item()
                + 0.5 * F.cross_entropy(student, teacher.argmax(-1)).item()
            ),
        ),
        (
            "student detached from the teacher's lesson",
            lambda student, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(student, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(student.detach(), teacher.argmax(-1))
            ),
        ),
        ("no_grad", _hard_no_grad),
        (
            "both losses, not their mean",
            lambda student, teacher, labels, smoothing=0.1: (
                F.cross_entropy(student, labels, label_smoothing=smoothing),
                F.cross_entropy(student, teacher.argmax(-1)),
            ),
        ),
        ("logarithm of a softmax: infinite for large logits", _hard_softmax_then_log),
        ("exp by hand: overflows for large logits", _hard_exp_by_hand),
    ],
    "07.token_distillation": [
        (
            "heads exchanged",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(distillation_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(label_logits, teacher.argmax(-1))
            ),
        ),
        (
            "one head for both: the class token's",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(label_logits, teacher.argmax(-1))
            ),
        ),
        (
            "one head for both: the distillation token's",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(distillation_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))
            ),
        ),
        ("the mean of the heads for both", _token_mean_head),
        ("every head meets both", _token_four_terms),
        (
            "the head's own word as target",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, distillation_logits.argmax(-1))
            ),
        ),
        (
            "the class token meets the other head's word",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(label_logits, distillation_logits.argmax(-1))
            ),
        ),
        (
            "the teacher learns from the head",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(teacher, distillation_logits.argmax(-1))
            ),
        ),
        (
            "both heads meet the label",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, labels)
            ),
        ),
        (
            "both heads meet the teacher",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, teacher.argmax(-1), label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))
            ),
        ),
        (
            "not smoothed",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))
            ),
        ),
        (
            "both smoothed",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1), label_smoothing=smoothing)
            ),
        ),
        (
            "the teacher's word smoothed, not the label",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1), label_smoothing=smoothing)
            ),
        ),
        (
            "smoothing of 0.1, always",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=0.1)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))
            ),
        ),
        (
            "smoothing off unless asked for",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.0: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))
            ),
        ),
        ("smoothed over the other classes, as on the slide", _token_others_only),
        (
            "halves forgotten",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + F.cross_entropy(distillation_logits, teacher.argmax(-1))
            ),
        ),
        (
            "a quarter each: halved twice",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                (
                    0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                    + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1))
                )
                / 2
            ),
        ),
        ("the soft lesson instead of the hard one", _token_soft),
        (
            "the teacher's probabilities, not its word",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.softmax(-1))
            ),
        ),
        (
            "the label's loss only",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: F.cross_entropy(
                label_logits, labels, label_smoothing=smoothing
            ),
        ),
        (
            "the least likely class",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmin(-1))
            ),
        ),
        (
            "softmax twice",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits.softmax(-1), labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits.softmax(-1), teacher.argmax(-1))
            ),
        ),
        (
            "summed over the batch",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing, reduction="sum")
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1), reduction="sum")
            ),
        ),
        (
            "second head detached",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
                + 0.5 * F.cross_entropy(distillation_logits.detach(), teacher.argmax(-1))
            ),
        ),
        (
            "a Python number: nothing learns",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
                0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing).item()
                + 0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1)).item()
            ),
        ),
        ("no_grad", _token_no_grad),
        (
            "the two losses, not one number",
            lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: torch.stack(
                [
                    0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing),
                    0.5 * F.cross_entropy(distillation_logits, teacher.argmax(-1)),
                ]
            ),
        ),
        ("logarithm of a softmax: infinite for large logits", _token_softmax_then_log),
    ],
    "07.fuse": [
        ("no_grad: neither head could learn", _fuse_no_grad),
        (
            "the sum of the probabilities",
            lambda label_logits, distillation_logits: label_logits.softmax(-1) + distillation_logits.softmax(-1),
        ),
        (
            "softmax of the mean logits",
            lambda label_logits, distillation_logits: ((label_logits + distillation_logits) / 2).softmax(-1),
        ),
        (
            "softmax of the summed logits",
            lambda label_logits, distillation_logits: (label_logits + distillation_logits).softmax(-1),
        ),
        ("the mean logits", lambda label_logits, distillation_logits: (label_logits + distillation_logits) / 2),
        (
            "a softmax to make the sum one again",
            lambda label_logits, distillation_logits: (
                label_logits.softmax(-1) + distillation_logits.softmax(-1)
            ).softmax(-1),
        ),
        (
            "a softmax over the mean of probabilities",
            lambda label_logits, distillation_logits: (
                (label_logits.softmax(-1) + distillation_logits.softmax(-1)) / 2
            ).softmax(-1),
        ),
        (
            "softmax over the batch",
            lambda label_logits, distillation_logits: (label_logits.softmax(0) + distillation_logits.softmax(0)) / 2,
        ),
        (
            "softmax over the heads",
            lambda label_logits, distillation_logits: (
                torch.stack([label_logits, distillation_logits]).softmax(0).mean(0)
            ),
        ),
        (
            "softmax over the classes of both heads together",
            lambda label_logits, distillation_logits: (
                torch.cat([label_logits, distillation_logits], -1).softmax(-1).unflatten(-1, (2, -1)).sum(-2)
            ),
        ),
        ("exponentials added before they are divided", _fuse_exp_all),
        (
            "the product, made to sum to one",
            lambda label_logits, distillation_logits: F.normalize(
                label_logits.softmax(-1) * distillation_logits.softmax(-1), p=1, dim=-1
            ),
        ),
        (
            "the product",
            lambda label_logits, distillation_logits: label_logits.softmax(-1) * distillation_logits.softmax(-1),
        ),
        (
            "the geometric mean",
            lambda label_logits, distillation_logits: (
                label_logits.softmax(-1) * distillation_logits.softmax(-1)
            ).sqrt(),
        ),
        (
            "the larger of the two",
            lambda label_logits, distillation_logits: torch.maximum(
                label_logits.softmax(-1), distillation_logits.softmax(-1)
            ),
        ),
        ("the surer head", _fuse_surer_head),
        ("the class token's head only", lambda label_logits, distillation_logits: label_logits.softmax(-1)),
        (
            "one head counted twice",
            lambda label_logits, distillation_logits: (label_logits.softmax(-1) + label_logits.softmax(-1)) / 2,
        ),
        (
            "a bracket forgotten",
            lambda label_logits, distillation_logits: label_logits.softmax(-1) + distillation_logits.softmax(-1) / 2,
        ),
        (
            "logits of one, probabilities of the other",
            lambda label_logits, distillation_logits: (label_logits.softmax(-1) + distillation_logits) / 2,
        ),
        (
            "logarithms of the probabilities",
            lambda label_logits, distillation_logits: (
                (label_logits.softmax(-1) + distillation_logits.softmax(-1)) / 2
            ).log(),
        ),
        (
            "mean of the logarithms",
            lambda label_logits, distillation_logits: (
                (label_logits.log_softmax(-1) + distillation_logits.log_softmax(-1)) / 2
            ),
        ),
        (
            "mean of the logarithms, exponentiated",
            lambda label_logits, distillation_logits: (
                (label_logits.log_softmax(-1) + distillation_logits.log_softmax(-1)) / 2
            ).exp(),
        ),
        (
            "sigmoids",
            lambda label_logits, distillation_logits: (label_logits.sigmoid() + distillation_logits.sigmoid()) / 2,
        ),
        (
            "the class instead of probabilities",
            lambda label_logits, distillation_logits: (
                label_logits.softmax(-1) + distillation_logits.softmax(-1)
            ).argmax(-1),
        ),
        (
            "both, not fused",
            lambda label_logits, distillation_logits: (label_logits.softmax(-1), distillation_logits.softmax(-1)),
        ),
        (
            "the mean over the classes",
            lambda label_logits, distillation_logits: (
                label_logits.softmax(-1) + distillation_logits.softmax(-1)
            ).mean(-1),
        ),
        ("changes the logits", _fuse_in_place),
        ("exp by hand: overflows for large logits", _fuse_exp_by_hand),
        ("minus the largest of the whole batch: 0/0 for rows far below", _fuse_largest_subtracted_over_all),
    ],
}

FRAGILE = {
    "07.soft_distillation": [
        ("computed in float32 (cell 19 gives double up to τ = 1024)", _soft_in_float32),
        ("divides by 1 - λ (cells 17 and 19 have λ = 1)", _soft_no_labels),
        ("Categorical's KL is infinite where a probability underflows (docstring: logits)", _soft_categorical),
        ("log of a ratio: NaN when sure", distillation_log_of_ratio),
    ],
    "07.hard_distillation": [
        ("as many classes as the labels of this batch have (docstring: (batch, classes))", _hard_one_hot)
    ],
    "07.token_distillation": [
        ("as many classes as the labels of this batch have (docstring: (batch, classes))", _token_one_hot)
    ],
    "07.fuse": [],
}
