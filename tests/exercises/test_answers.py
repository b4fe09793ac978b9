"""Every exercise: the reference passes, the stub is not attempted, each known wrong answer gets its own message."""

import math

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.costs import count_parameters
from course_utils.exercises.exercise import exercises
from course_utils.exercises.judge import judge
from course_utils.exercises.nb04_vit import vit_parameters

EXERCISES = {exercise.name: exercise for exercise in exercises()}
WRONG = [
    pytest.param(exercise, misconception, id=f"{exercise.name}-{number}")
    for exercise in EXERCISES.values()
    for number, misconception in enumerate(exercise.misconceptions)
]


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_reference_passes_and_the_stub_is_not_attempted(exercise):
    assert judge(exercise, exercise.reference).status == "passed"
    scope = {"torch": torch, "Tensor": Tensor, "nn": nn}
    exec(exercise.stub, scope)
    assert judge(exercise, scope[exercise.reference.__name__]).status == "not attempted"
    assert len(exercise.misconceptions) >= 3
    assert len(exercise.hints) >= 3


@pytest.mark.parametrize(("exercise", "misconception"), WRONG)
def test_each_known_wrong_answer_gets_its_own_message(exercise, misconception):
    verdict = judge(exercise, misconception.wrong)
    assert verdict.status == "wrong"
    assert verdict.message == misconception.message


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_no_two_wrong_answers_share_a_message(exercise):
    messages = [misconception.message for misconception in exercise.misconceptions]
    assert len(set(messages)) == len(messages)


def by_pytorch(query, key, value, mask=None):
    identity = torch.eye(key.shape[-2]).expand(*key.shape[:-1], -1)
    weights = F.scaled_dot_product_attention(query, key, identity, attn_mask=mask)
    return [weights @ value, weights]


def by_unfold(images, patch_size):
    return F.unfold(images, patch_size, stride=patch_size).transpose(1, 2)


def by_hand(image_size, patch_size, layers, heads, class_token=True, bytes_per_number=4):
    side = image_size / patch_size
    return (side * side + (1 if class_token else 0)) ** 2 * heads * layers * bytes_per_number


def by_listing(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    """As the shapes of the weights of torchvision's VisionTransformer."""
    block = [(dim,)] * 4 + [(3 * dim, dim), (3 * dim,), (dim, dim), (dim,)]
    block += [(mlp_dim, dim), (mlp_dim,), (dim, mlp_dim), (dim,)]
    shapes = [
        (dim, channels, patch_size, patch_size),
        (dim,),
        (1, 1, dim),
        (1, (image_size // patch_size) ** 2 + 1, dim),
    ]
    shapes += layers * block + [(dim,), (dim,), (classes, dim), (classes,)]
    return sum(math.prod(shape) for shape in shapes)


@pytest.mark.parametrize("name", ["vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14"])
def test_the_formula_of_the_parameters_counts_torchvisions_models(name):
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    patch_size = int(name[-2:])
    layers, dim, mlp_dim = len(model.encoder.layers), model.hidden_dim, model.mlp_dim
    assert vit_parameters(224, patch_size, dim, layers, mlp_dim, 1000) == count_parameters(model)


def backwards(attention_maps):
    """The same product, built from matrices with the residual mixed in first."""
    result: list[Tensor] = []
    for weights in attention_maps:
        layer = 0.5 * weights.sum(1) / weights.shape[1] + 0.5 * torch.eye(weights.shape[-1])
        result.append(layer if not result else torch.bmm(layer, result[-1]))
    return tuple(result)


OTHERWISE = {
    "00.attend": by_pytorch,
    "00.causal_mask": lambda tokens: torch.triu(torch.ones(tokens, tokens), 1) == 0,
    "00.split_heads": lambda tokens, heads: tokens.view(*tokens.shape[:2], heads, -1).transpose(1, 2),
    "00.encoder_block": lambda x, n1, a, n2, m: (lambda y: y + m(n2(y)))(x + a(n1(x))),
    "00.cross_attention": lambda t, m, q, k, v: (q(t) @ k(m).mT / math.sqrt(q(t).shape[-1])).softmax(-1) @ v(m),
    "04.patchify": by_unfold,
    "04.projection_kernel": lambda weight, p: weight.reshape(len(weight), -1, p, p),
    "04.sequence": lambda x, c, p: torch.hstack([c.repeat(len(x), 1, 1), x]) + p,
    "04.attention_bytes": by_hand,
    "04.parameters": by_listing,
    "04.attention_rollout": backwards,
}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_right_answer_written_otherwise_passes(name):
    verdict = judge(EXERCISES[name], OTHERWISE[name])
    assert verdict.status == "passed", verdict.message
