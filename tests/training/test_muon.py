"""Muon moves hidden matrices in every direction alike, as far as AdamW would; AdamW moves everything else."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from small import RECIPE, quarters, tiny_vit
from torch import nn

from course_utils.experiments.recipes import RECIPES
from course_utils.models import build
from course_utils.training import fit
from course_utils.training.muon import Muon, MuonAndAdamW, hidden_matrices, orthogonalised

ONE_STEP = replace(RECIPE, epochs=1, batch_size=64, warmup=0.0, weight_decay=0.0)


def change_of_one_step(optimiser):
    model = tiny_vit()
    before = {name: value.clone() for name, value in model.named_parameters()}
    fit(model, quarters(64), None, replace(ONE_STEP, optimiser=optimiser), quiet=True)
    return {name: (value - before[name]).detach() for name, value in model.named_parameters()}


def test_hidden_matrices_turn_in_every_direction_alike_and_the_rest_follows_adamw():
    muon, adamw = change_of_one_step("muon"), change_of_one_step("adamw")
    hidden = [name for name in muon if name.startswith("blocks.") and muon[name].ndim == 2]
    assert len(hidden) == 4
    for name in muon:
        if name not in hidden:
            torch.testing.assert_close(muon[name], adamw[name], msg=name)
            continue
        size = 0.2 * ONE_STEP.learning_rate * max(muon[name].shape) ** 0.5  # Liu et al. 2025, eq. 4
        singular = torch.linalg.svdvals(muon[name]) / size
        assert singular[: len(singular) // 4].min() > 0.4, name
        assert singular.max() < 1.3, name
        theirs = torch.linalg.svdvals(adamw[name])
        assert theirs[0] / theirs.median() > 1.5 * singular[0] / singular.median(), "AdamW prefers a few directions"


def test_a_kernel_is_stepped_as_the_matrix_of_its_rows():
    generator = torch.Generator().manual_seed(0)
    first, gradient = torch.randn(2, 8, 6, 3, 3, generator=generator)
    kernel, matrix = nn.Parameter(first.clone()), nn.Parameter(first.flatten(1).clone())
    kernel.grad, matrix.grad = gradient.to(memory_format=torch.channels_last), gradient.flatten(1)
    for weight in (kernel, matrix):
        Muon([{"params": [weight], "weight_decay": 0.1}], 0.02, torch.float32).step()
    assert torch.equal(kernel.flatten(1), matrix)


@pytest.mark.parametrize("shape", [(24, 24), (48, 16), (16, 48)])
def test_muon_is_pytorchs_and_in_float32_nearly(shape):
    generator = torch.Generator().manual_seed(0)
    first, gradients = torch.randn(shape, generator=generator), torch.randn(4, *shape, generator=generator)
    ended = []
    for make in (
        lambda weight: torch.optim.Muon([weight], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        lambda weight: Muon([{"params": [weight], "weight_decay": 0.1}], 0.02, torch.bfloat16),
        lambda weight: Muon([{"params": [weight], "weight_decay": 0.1}], 0.02, torch.float32),
    ):
        weight = nn.Parameter(first.clone())
        optimiser = make(weight)
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimiser.step()
        ended.append(weight.detach() - first)
    theirs, ours, in_float32 = ended
    torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.01 * theirs.abs().max().item())
    assert (in_float32 - theirs).norm() < 0.05 * theirs.norm()


def test_orthogonalised_keeps_singular_vectors_and_evens_out_singular_values():
    generator = torch.Generator().manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(12, 30, generator=generator), full_matrices=False)
    result = orthogonalised(left @ torch.diag(torch.logspace(0, -2, 12)) @ right)
    inside = left.T @ result @ right.T
    assert ((inside.diagonal() > 0.6) & (inside.diagonal() < 1.25)).all()
    assert (inside - inside.diagonal().diag()).abs().max() < 1e-4


@pytest.mark.parametrize("name", ["fashion-vit", "fashion-swin", "fashion-distilled"])
def test_what_reads_pixels_and_what_gives_logits_is_not_hidden(name):
    model = build(RECIPES[name].config)
    taken = {id(parameter) for parameter in hidden_matrices(model)}
    left = {key for key, value in model.named_parameters() if key.endswith("weight") and id(value) not in taken}
    linear = {f"{key}.weight" for key, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    heads = {"head.weight", "distillation_head.weight"}
    assert left & linear <= {"project.weight", *heads}
    assert "head.weight" in left
    assert len(taken) >= 4 * len([key for key, _ in model.named_modules() if key.endswith(".mlp")])


def test_of_a_cnn_only_the_stem_and_the_head_are_not_hidden():
    model = build(RECIPES["cifar-resnet"].config)
    taken = {id(parameter) for parameter in hidden_matrices(model)}
    left = {key for key, value in model.named_parameters() if value.ndim > 1 and id(value) not in taken}
    assert left == {"stem.0.weight", "head.weight"}
    depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8))
    assert hidden_matrices(depthwise) == []


def test_a_model_without_hidden_matrices_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with pytest.raises(ValueError, match="Muon has nothing to update: use AdamW"):
        fit(model, quarters(64), None, replace(RECIPE, optimiser="muon"), quiet=True)


def test_a_copy_of_the_optimiser_goes_on_alone_with_the_copied_weights():
    weights = [nn.Parameter(torch.eye(4)), nn.Parameter(torch.ones(4))]
    optimiser = MuonAndAdamW([{"params": weights, "weight_decay": 0.0}], weights[:1], 0.1, fused=False)

    def step(each):
        for weight in each.param_groups[0]["params"] + each.param_groups[1]["params"]:
            weight.grad = torch.ones_like(weight)
        each.step()
        return [weight.clone() for group in each.param_groups for weight in group["params"]]

    step(optimiser)
    copy = deepcopy(optimiser)
    theirs = step(copy)
    assert not torch.equal(weights[0], theirs[0])
    assert all(map(torch.equal, step(optimiser), theirs))
