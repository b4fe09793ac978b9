"""AdamW with the usual exemptions from weight decay, Muon, and the learning-rate schedule. Notebook 06."""

import math
from typing import Any

import torch
from torch import nn

from course_utils.training.inputs import check_model
from course_utils.training.muon import MuonAndAdamW, hidden_matrices
from course_utils.training.recipe import Recipe
from course_utils.training.weights import state_of


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups of trainable parameters: with weight decay, and without.

    The matrices and kernels of linear and convolutional layers decay. Biases, norms, class tokens, positions and
    embeddings do not: pulling these towards zero does not make the function simpler. Steiner et al. 2022, section
    3.3, and timm do the same. Raises ValueError if nothing is trainable.
    """
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    decayed: list[nn.Parameter] = []
    exempt: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            matrix = name.endswith("weight") and parameter.ndim >= 2 and id(parameter) not in embeddings
            (decayed if matrix else exempt).append(parameter)
    if not decayed and not exempt:
        raise ValueError(
            f"This {type(model).__name__} has no trainable parameter: set requires_grad on those to train."
        )
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": exempt, "weight_decay": 0.0}]


def check_trainable(model: nn.Module, recipe: Recipe) -> None:
    """Raise ValueError unless the recipe's optimiser can train the model: in float32 or float64, with gradients.

    Also the error of :func:`state_of`: the best state could not be kept.
    """
    check_model(model)
    state_of(model)
    groups = parameter_groups(model, recipe.weight_decay)
    if recipe.optimiser == "muon":
        MuonAndAdamW(groups, hidden_matrices(model), recipe.learning_rate, fused=False)
    for group in groups:
        for parameter in group["params"]:
            if parameter.dtype not in (torch.float32, torch.float64):
                raise ValueError(
                    f"The weights of this {type(model).__name__} are {str(parameter.dtype).removeprefix('torch.')}, in "
                    "which small steps are rounded away: use model.float(), and Recipe(precision='bf16') for speed."
                )
            if parameter.is_inference():
                raise ValueError(
                    f"This {type(model).__name__} was built under torch.inference_mode(), so it cannot have gradients: "
                    "build it outside."
                )


def make_optimiser(model: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    """The recipe's optimiser over :func:`parameter_groups`: AdamW, Loshchilov & Hutter 2019, algorithm 2, or
    :class:`MuonAndAdamW`. Raises ValueError if nothing is trainable, or if Muon finds no hidden matrix.
    """
    groups = parameter_groups(model, recipe.weight_decay)
    fused = device.type in ("cpu", "cuda", "mps")
    if recipe.optimiser == "muon":
        return MuonAndAdamW(groups, hidden_matrices(model), recipe.learning_rate, fused)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=fused)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Of step 0 … steps - 1: a linear warm-up, then half a cosine down to zero. Loshchilov & Hutter 2017, eq. 5."""
    rising = recipe.warmup * steps
    if step + 1 <= rising:
        return recipe.learning_rate * (step + 1) / rising
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the same rate for all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate
