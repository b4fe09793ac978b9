"""A trained ResNet learns new classes from a few pictures of each: notebook 09's methods, one function.

Every method but the one from scratch starts from the nearest-prototype head, so that step 0 is nearest prototype.
"""

from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.few_shot.episodes import fit_head, prototype_head, prototypes
from course_utils.few_shot.lora import add_lora
from course_utils.models import ResNet, build
from course_utils.models.model import modes_kept
from course_utils.training.augment import shift_and_flip
from course_utils.training.inputs import Examples
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe


@dataclass(frozen=True)
class Method:
    """How a teacher is adapted: what learns, for so many steps over the whole support set, how fast."""

    learns: str  # "nothing", "head", "all" or "lora"
    steps: int = 0
    learning_rate: float = 1e-3
    frozen_normalisation: bool = False  # BatchNorm keeps the teacher's means, variances, scales and shifts
    from_scratch: bool = False  # forget the teacher's weights first


@torch.no_grad()
def features_of(model: ResNet, images: Tensor, batch_size: int = 256) -> Tensor:
    """(count, channels, height, width) → (count, dim): what the head sees, in evaluation mode; its modes are kept."""
    with modes_kept(model):
        model.eval()
        return torch.cat([model.features(part).mean(dim=(-2, -1)) for part in images.split(batch_size)])


def with_head(model: ResNet, head: nn.Linear) -> ResNet:
    """A copy of the model with another head."""
    copy = deepcopy(model)
    copy.head = head
    copy.config = replace(model.config, classes=head.out_features)
    return copy


def adapt(method: Method, teacher: ResNet, images: Tensor, labels: Tensor, ways: int, seed: int = 0) -> ResNet:
    """→ a ResNet for the new classes, in evaluation mode; the teacher is not changed.

    images (count, channels, height, width) and labels (count,) in 0 … ways - 1 are the support set: there is no other
    picture to look at, so none decides when to stop.
    """
    if method.from_scratch:
        model = build(replace(teacher.config, classes=ways), seed)
    else:
        features = features_of(teacher, images)
        centred = method.learns != "head"
        head = prototype_head(prototypes(features, labels, ways)) if centred else fit_head(features, labels, ways)
        model = with_head(teacher, head)
    if method.learns in ("nothing", "head"):
        return model.eval()
    if method.learns == "lora":
        head = model.head
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            add_lora(model)
        model.head = head.requires_grad_(True)
    recipe = Recipe(
        epochs=method.steps,
        batch_size=len(images),
        learning_rate=method.learning_rate,
        seed=seed,
        precision="float32",
        augment=shift_and_flip,
    )
    loss = frozen_normalisation if method.frozen_normalisation else None
    fit(model, Examples(images, labels), None, recipe, loss=loss, quiet=True)
    return model.eval()


def frozen_normalisation(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy while every BatchNorm works with the means and variances that it has, and does not renew them."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    logits = model(images)
    return F.cross_entropy(logits, labels), logits
