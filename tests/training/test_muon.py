"""Muon moves hidden matrices in every direction alike, as far as AdamW would; AdamW moves everything else."""

from dataclasses import replace

import pytest
import torch
from small import RECIPE, quarters, tiny_vit
from torch import nn

from course_utils.training import fit
from course_utils.training.muon import hidden_matrices
from course_utils.training.recipes import RECIPES

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
        assert singular[: len(singular) // 2].min() > 0.4, name
        assert singular.max() < 1.3, name
        theirs = torch.linalg.svdvals(adamw[name])
        assert theirs[0] / theirs.median() > 1.5 * singular[0] / singular.median(), "AdamW prefers a few directions"


@pytest.mark.parametrize("name", ["fashion-vit", "fashion-swin", "fashion-distilled"])
def test_what_reads_pixels_and_what_gives_logits_is_not_hidden(name):
    model = RECIPES[name].new_model()
    taken = {id(parameter) for parameter in hidden_matrices(model)}
    left = {key for key, value in model.named_parameters() if key.endswith("weight") and id(value) not in taken}
    linear = {f"{key}.weight" for key, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    heads = {"head.weight", "distillation_head.weight"}
    assert left & linear <= {"project.weight", *heads}
    assert "head.weight" in left
    assert len(taken) >= 4 * len([key for key, _ in model.named_modules() if key.endswith(".mlp")])


def test_a_model_without_hidden_matrices_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with pytest.raises(ValueError, match="Muon has nothing to do: use AdamW"):
        fit(model, quarters(64), None, replace(RECIPE, optimiser="muon"), quiet=True)
