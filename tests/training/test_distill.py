"""Distillation: the losses are PyTorch's and the papers', the teacher stays as it is, nonsense is refused."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_utils.models import DistilledViT, DistilledViTConfig
from course_utils.models.deit import TwoLogits, fuse
from course_utils.training import Examples, Recipe, evaluate, fit
from course_utils.training.distill import distilling, hard_distillation, soft_distillation, token_distillation

sizes = st.tuples(st.integers(1, 5), st.integers(2, 7))


def logits_and_labels(batch, classes):
    g = torch.Generator().manual_seed(batch * 10 + classes)
    student, teacher = 3 * torch.randn(2, batch, classes, generator=g, dtype=torch.float64)
    return student, teacher, torch.randint(classes, (batch,), generator=g)


@given(sizes, st.floats(0.2, 20), st.floats(0, 1))
def test_soft_distillation_is_pytorchs_divergence_with_the_teacher_as_target(size, temperature, weight):
    student, teacher, labels = logits_and_labels(*size)
    divergence = F.kl_div(
        (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1), reduction="batchmean"
    )
    expected = (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * divergence
    torch.testing.assert_close(soft_distillation(student, teacher, labels, temperature, weight), expected)


@given(sizes, st.floats(0.2, 20))
def test_the_gradient_is_the_difference_of_the_softened_probabilities(size, temperature):
    """Hinton et al. 2015, eq. 2, times τ²: τ (q − p) over the batch."""
    student, teacher, labels = logits_and_labels(*size)
    student.requires_grad_()
    soft_distillation(student, teacher, labels, temperature, 1.0).backward()
    difference = (student / temperature).softmax(-1) - (teacher / temperature).softmax(-1)
    torch.testing.assert_close(student.grad, temperature * difference.detach() / size[0])


def test_hot_distillation_matches_centred_logits():
    """Hinton et al. 2015, section 2.1: for τ → ∞ the loss is the squared distance of centred logits / (2 classes)."""
    student, teacher, labels = logits_and_labels(4, 6)
    apart = (student - student.mean(-1, keepdim=True)) - (teacher - teacher.mean(-1, keepdim=True))
    limit = apart.square().sum(-1).mean() / (2 * 6)
    hot = soft_distillation(student, teacher, labels, 1e4, 1.0)
    torch.testing.assert_close(hot, limit, rtol=1e-3, atol=1e-6)


@given(sizes)
def test_hard_and_token_distillation_are_sums_of_cross_entropies(size):
    student, teacher, labels = logits_and_labels(*size)
    other = student.flip(-1)
    said = teacher.argmax(-1)
    expected = 0.5 * F.cross_entropy(student, labels, label_smoothing=0.1) + 0.5 * F.cross_entropy(student, said)
    torch.testing.assert_close(hard_distillation(student, teacher, labels), expected)
    torch.testing.assert_close(hard_distillation(student, teacher.softmax(-1), labels), expected)
    repeats = F.one_hot(labels, size[1])  # a teacher that only repeats the labels teaches half the smoothing
    halved = F.cross_entropy(student, labels, label_smoothing=0.05)
    torch.testing.assert_close(hard_distillation(student, repeats.double(), labels), halved)
    apart = 0.5 * F.cross_entropy(student, labels, label_smoothing=0.1) + 0.5 * F.cross_entropy(other, said)
    torch.testing.assert_close(token_distillation(student, other, teacher, labels), apart)


def linear(classes=3, bias=0.0) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, classes))
    nn.init.constant_(model[1].bias, bias)
    return model


class TwoHeads(nn.Module):
    """The model's answer, and its opposite."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        logits = self.model(images)
        return TwoLogits(logits, -logits)


def test_each_kind_is_its_loss_with_the_settings_that_were_given():
    teacher, student = linear(bias=0.3), nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    images, labels, one = torch.rand(6, 1, 4, 4), torch.arange(6) % 3, torch.rand(1, 1, 4, 4)
    mine, theirs = student(images), teacher(images)
    loss, logits = distilling(teacher, temperature=2.0, weight=0.3)(student, images, labels.short())
    soft = soft_distillation(mine, theirs, labels, 2.0, 0.3)
    assert (loss, logits.tolist()) == (soft, mine.tolist())
    loss, _ = distilling(teacher, temperature=2.0, weight=0.3, unlabelled=one)(student, images, labels)
    unlabelled = soft_distillation(student(one), teacher(one), torch.zeros(1, dtype=torch.long), 2.0, 1.0)
    torch.testing.assert_close(loss, soft + unlabelled)
    loss, logits = distilling(teacher, "hard", smoothing=0.3)(student, images, labels)
    assert (loss, logits.tolist()) == (hard_distillation(mine, theirs, labels, 0.3), mine.tolist())
    both = TwoHeads(student)
    loss, logits = distilling(teacher, "token", smoothing=0.3)(both, images, labels)
    assert (loss, logits.tolist()) == (
        token_distillation(*both(images), theirs, labels, 0.3),
        fuse(*both(images)).tolist(),
    )


@pytest.mark.slow
def test_a_student_without_labels_of_its_own_learns_from_unlabelled_pictures():
    """λ = 1 and one labelled picture: what else it learns must come from the unlabelled ones."""
    torch.manual_seed(1)
    teacher = linear()
    pictures = torch.rand(256, 1, 4, 4)
    right = teacher(pictures).argmax(-1)
    before = [parameter.clone() for parameter in teacher.parameters()]
    one = Examples(pictures[:1], right[:1])
    agreement = []
    for unlabelled in (None, pictures[128:]):
        torch.manual_seed(2)
        student = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
        recipe = Recipe(epochs=200, batch_size=1, learning_rate=0.02, weight_decay=0.0)
        fit(student, one, None, recipe, loss=distilling(teacher, weight=1.0, unlabelled=unlabelled), quiet=True)
        agreement.append((student(pictures[:128]).argmax(-1) == right[:128]).float().mean().item())
    assert agreement[1] > 0.9
    assert agreement[1] > agreement[0]
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_the_teacher_may_see_another_rendering_of_the_unlabelled_pictures():
    night, day = torch.zeros(8, 1, 4, 4), torch.arange(8.0).view(8, 1, 1, 1).expand(8, 1, 4, 4)
    seen = []

    class Teacher(nn.Module):
        def forward(self, images):
            seen.append(images)
            return images.flatten(1)[:, :3]

    loss = distilling(Teacher(), unlabelled=night, teacher_sees=lambda drawn: day[drawn])
    torch.manual_seed(0)
    loss(linear().double(), torch.rand(5, 1, 4, 4).double(), torch.zeros(5, dtype=torch.long))
    assert len(seen) == 2
    assert torch.isin(seen[1][:, 0, 0, 0], torch.arange(8.0)).all()
    assert seen[1].max() > 0


def test_two_heads_train_and_are_evaluated():
    pictures = Examples(torch.rand(8, 1, 4, 4), torch.arange(8) % 3)
    config = DistilledViTConfig(
        image_size=4, patch_size=2, channels=1, dim=8, layers=1, heads=2, mlp_dim=8, classes=3
    )
    torch.manual_seed(0)
    student = DistilledViT(config)
    before = student.distillation_head.weight.clone(), student.head.weight.clone()
    fit(student, pictures, pictures, Recipe(epochs=1, batch_size=4), loss=distilling(linear(), "token"), quiet=True)
    assert not torch.equal(student.distillation_head.weight, before[0])
    assert not torch.equal(student.head.weight, before[1])
    assert evaluate(student, pictures).count == 8


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": 0}, "temperature is 0, but must be above 0: 1 has no effect"),
        ({"temperature": -1.0}, "temperature is -1.0, but must be above 0"),
        ({"temperature": math.inf}, "temperature is inf, but must be a finite"),
        ({"temperature": math.nan}, "temperature is nan, but must be above 0"),
        ({"weight": 1.5}, r"weight is 1.5, but must be in \[0, 1\]"),
        ({"smoothing": 1.0}, r"smoothing is 1.0, but must be in \[0, 1\)"),
        ({"kind": "warm"}, "kind is 'warm', but must be one of soft, hard, token"),
        ({"kind": None}, "kind is None, but must be one of soft, hard, token"),
        ({"teacher_sees": [1, 2]}, "teacher_sees is .*but must be a function or None"),
        ({"kind": "hard", "unlabelled": torch.zeros(2, 1, 4, 4)}, "2 unlabelled images were passed with kind 'hard'"),
        ({"unlabelled": torch.zeros(0, 1, 4, 4)}, "0 unlabelled images were passed"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        distilling(linear(), **arguments)


def test_labels_that_are_no_class_numbers_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"labels of the batch are torch\.float32, but must be whole numbers"):
        distilling(linear())(linear(), torch.rand(2, 1, 4, 4), torch.zeros(2))


@pytest.mark.parametrize(
    ("kind", "student", "count", "sentence"),
    [
        ("soft", linear(4), 2, r"The teacher's logits are \(2, 3\) and the student's \(2, 4\)"),
        ("token", linear(3), 2, "kind 'token' needs a model with two heads, not a Sequential"),
        ("soft", TwoHeads(linear(3)), 2, "kind 'soft' needs a model with one head, not a TwoHeads"),
        ("hard", TwoHeads(linear(3)), 2, "kind 'hard' needs a model with one head, not a TwoHeads"),
        ("soft", linear(3), 0, "The batch is empty"),
    ],
)
def test_batches_that_do_not_fit_are_refused_in_a_sentence(kind, student, count, sentence):
    with pytest.raises(ValueError, match=sentence):
        distilling(linear(), kind)(student, torch.rand(count, 1, 4, 4), torch.zeros(count, dtype=torch.long))


def test_a_teacher_is_a_module_with_one_answer():
    with pytest.raises(ValueError, match=r"The teacher is a function, but must be a torch\.nn\.Module"):
        distilling(lambda images: images)
    with pytest.raises(ValueError, match="The teacher returns a TwoLogits, but must return logits"):
        distilling(TwoHeads(linear()))(linear(), torch.rand(2, 1, 4, 4), torch.zeros(2, dtype=torch.long))
