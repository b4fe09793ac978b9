"""torchvision's models, with their published weights if available. Notebooks 01, 02, 04, 05 and 08."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import nn

from course_utils.downloads import patience


@dataclass(frozen=True)
class Pretrained:
    """A torchvision model in evaluation mode, its class names (none if untrained), and the source of its weights."""

    model: nn.Module
    classes: tuple[str, ...]
    source: str

    @property
    def trained(self) -> bool:
        """Whether the weights are the published ones."""
        return bool(self.classes)


def load_pretrained(name: str, seconds: float = 10.0) -> Pretrained:
    """torchvision's ``name`` with its default weights: from the cache, or downloaded and checked.

    Without a network, or when the download fails, the model has random weights (seed 0), and ``source`` gives the
    reason. seconds: how long to wait for a silent server. A cached file that does not match its checksum is renamed
    to ``….damaged``. Raises ValueError for a name that torchvision does not have.
    """
    from torchvision.models import get_model, get_model_weights, list_models

    if name not in list_models():
        raise ValueError(f"torchvision has no model called {name!r}: see torchvision.models.list_models().")
    weights = get_model_weights(name).DEFAULT
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
    _set_aside_if_damaged(cached)
    try:
        with patience(seconds):
            model = get_model(name, weights=weights).eval()
        return Pretrained(model, tuple(weights.meta["categories"]), f"published weights {weights} from {cached}")
    except (OSError, RuntimeError) as error:  # no network, or a download that does not match its checksum
        reason = str(error) or type(error).__name__
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = get_model(name).eval()
            for parameter in model.parameters():  # torchvision's heads start at zero, so every logit is zero
                if not parameter.any():
                    nn.init.normal_(parameter, std=0.02)
        return Pretrained(
            model,
            (),
            f"random weights, because the published ones could not be downloaded ({reason}): connect and run this "
            f"again, or put {cached.name} from download.pytorch.org/models in {cached.parent}",
        )


def _set_aside_if_damaged(cached: Path) -> None:
    """torchvision puts the start of a file's SHA-256 into its name, but checks it only after a download."""
    if cached.exists():
        expected = cached.stem.rpartition("-")[2]
        with cached.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(expected):
            cached.replace(cached.with_name(cached.name + ".damaged"))
