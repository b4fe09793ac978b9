"""Fine-tune a network on a few images of each new class: all methods of notebook 09 in one function.

Every method except training from scratch starts from the nearest-prototype head, so step 0 is nearest prototype, or
from a linear head that is fitted first: Kumar et al. 2022, arXiv:2202.10054.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.few_shot.episodes import check_support, checked_prototypes, fit_head, prototype_head
from course_utils.few_shot.lora import add_lora
from course_utils.models import ResNet, build
from course_utils.models.encoder import head_of, pooled
from course_utils.models.model import seeded
from course_utils.modes import evaluating
from course_utils.settings import Count, Seed, Settings, WrongSetting, above, at_least, checked, one_of
from course_utils.training.augment import shift_and_flip
from course_utils.training.inputs import Examples, check_images, for_model, random_kept
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe

LEARNERS = ("nothing", "head", "all", "lora")
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Method(Settings):
    """How to adapt a teacher: which parameters learn, for how many steps over the whole support set, and how fast."""

    learns: Annotated[str, one_of(LEARNERS)]  # "nothing", "head", "all" or "lora"
    steps: Annotated[int, at_least(0)] = 0
    learning_rate: Annotated[float, above(0)] = 1e-3
    frozen_normalisation: bool = False  # BatchNorm uses and keeps its stored means and variances
    from_scratch: bool = False  # forget the teacher's weights first
    fit_head_first: bool = False  # "all" and "lora" start from a linear head, not from the prototypes
    unit_logits: bool = False  # scale the head first: same answers, small logits (see unit_logits below)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.learns in ("all", "lora") and not self.steps:
            raise WrongSetting(f"steps is 0, but {self.learns!r} learns: choose at least 1, or learns = 'nothing'.")
        if self.from_scratch and (self.fit_head_first or self.unit_logits):
            raise WrongSetting(
                "from_scratch forgets the head that fit_head_first and unit_logits are about: leave these out."
            )


@torch.no_grad()
def features_of(model: nn.Module, images: Tensor, batch_size: int = 256) -> Tensor:
    """(count, channels, height, width) → (count, dim): the inputs of the head; the model's modes stay the same.

    model: a ResNet, or a network of timm's. Images are converted to the type of the model's weights; the features are
    on the images' device. Raises ValueError for images that the model cannot read, and for another model.
    """
    check_images(images, "set of images")
    parts = for_model(model, images).split(checked("batch_size", batch_size, Count))
    device = next(model.parameters()).device
    with evaluating(model), random_kept(device):
        found = [pooled(model, part.to(device)) for part in parts]
        return torch.cat(found).to(images.device)


def with_head(model: M, head: nn.Linear) -> M:
    """A copy of the model with another head, on the model's device and in its type."""
    copy, name = deepcopy(model), head_of(model)
    weight = getattr(model, name).weight
    setattr(copy, name, head.to(weight.device, weight.dtype))
    if isinstance(copy, ResNet):
        copy.config = replace(copy.config, classes=head.out_features)
    return copy


@torch.no_grad()
def unit_logits(head: nn.Linear, features: Tensor) -> nn.Linear:
    """The head with its weights and biases scaled: its logits of features (images, dim) have standard deviation 1.

    Each image's mean logit is subtracted before, because the softmax does not see it. Every answer stays the same.
    The head is changed in place. Raises ValueError if it gives all classes the same logit.
    """
    logits = head(features)
    if torch.equal(logits.amin(dim=1), logits.amax(dim=1)):
        raise ValueError("The head gives all classes the same logit, which no scale changes: check the images.")
    spread = (logits - logits.mean(dim=1, keepdim=True)).std()
    head.weight.div_(spread)
    head.bias.div_(spread)
    return head


def untrained(model: nn.Module, ways: int, seed: int) -> Any:
    """The same architecture with random weights, for other classes."""
    if isinstance(model, ResNet):
        return build(replace(model.config, classes=ways), seed).to(next(model.parameters()).device)
    with seeded(seed):
        copy: Any = with_head(model, nn.Linear(getattr(model, head_of(model)).in_features, ways))
        for module in copy.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return copy


def adapt(method: Method, teacher: M, images: Tensor, labels: Tensor, ways: int, seed: int = 0) -> M:
    """→ a network for the new classes, in evaluation mode;
    the teacher, a ResNet or a network of timm's, is not changed.

    images (count, channels, height, width) and labels (count,) in 0 … ways - 1 are the support set; there are no
    other images, so training cannot stop early. Raises ValueError for a support set in which a class has no image.
    """
    if not isinstance(method, Method):
        raise ValueError(f"The method is a {type(method).__name__}, but must be a Method, such as Method('all', 20).")
    check_images(images, "support set")
    check_support(images.flatten(1), labels, ways)
    if method.from_scratch:
        model = untrained(teacher, ways, seed)
    else:
        features = features_of(teacher, images)
        if method.learns == "head" or method.fit_head_first:
            head = fit_head(features, labels, ways)
        else:
            head = prototype_head(checked_prototypes(features, labels, ways))
        model = with_head(teacher, unit_logits(head, features) if method.unit_logits else head)
    if method.learns in ("nothing", "head"):
        return model.eval()
    if method.learns == "lora":
        name = head_of(model)
        head = getattr(model, name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(checked("seed", seed, Seed))
            add_lora(model)
        setattr(model, name, head.requires_grad_(True))
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
    """Cross-entropy while every BatchNorm uses its stored means and variances and does not update them."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    logits = model(images)
    return F.cross_entropy(logits, labels), logits
