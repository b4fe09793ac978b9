"""torchvision's models, with their published weights if available. Notebooks 01, 02, 04, 05 and 08."""

import hashlib
import os
import pickle
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlparse

import torch
from torch import nn

from course_utils.downloads import patience
from course_utils.files import opened, reason
from course_utils.models.model import seeded

# torchvision puts only the first eight digits of a file's SHA-256 into its name.
SHA256 = {
    "resnet18-f37072fd.pth": "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    "resnet50-11ad3fa6.pth": "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
    "swin_t-704ceda3.pth": "704ceda373461b0a224fcdddd75cd2a5e9f8064512ed47adbddef7f343fd147b",
    "vit_b_16-c867db91.pth": "c867db91d3e12c6cbadabb610d73c24a546bf82d8c03a9fea34f43a712ddb0e9",
}


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
    """torchvision's ``name`` with its default weights: from PyTorch's cache, or downloaded; verified in both cases.

    Without a network, or when the cache cannot be used, the model has random weights (seed 0), and ``source`` gives
    the reason. seconds: how long to wait for a silent server. A cached file that does not match its checksum stays
    until a whole one has been downloaded. Raises ValueError for a name that torchvision does not have.
    """
    from torchvision.models import get_model, get_model_weights, list_models

    if name not in list_models():
        raise ValueError(f"torchvision has no model called {name!r}: see torchvision.models.list_models().")
    weights = get_model_weights(name).DEFAULT
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
    try:
        _fetch(weights, cached, seconds)
        # torch.load makes nothing but tensors; torchvision's loader does not ask for that.
        with patch.dict(os.environ, TORCH_FORCE_WEIGHTS_ONLY_LOAD="1"):
            model = get_model(name, weights=weights, progress=False).eval()
        return Pretrained(
            model, tuple(weights.meta["categories"]), f"published weights {weights} from {_short(cached)}"
        )
    except (OSError, RuntimeError, HTTPException, pickle.UnpicklingError) as error:
        with seeded(0):
            model = get_model(name).eval()
            for parameter in model.parameters():  # torchvision's heads start at zero, so every logit is zero
                if not parameter.any():
                    nn.init.normal_(parameter, std=0.02)
        folder = _short(cached.parent)
        remedy = f"connect and run this again, or put {cached.name} from download.pytorch.org/models in {folder}"
        if isinstance(error, PermissionError):
            remedy = f"set TORCH_HOME to a folder that you can write to, in place of {folder}"
        why = f"random weights, because the published ones are not on this machine ({reason(error)})"
        return Pretrained(model, (), f"{why}: {remedy}")


def _fetch(weights: Any, cached: Path, seconds: float) -> None:
    """Download the file of weights unless the cache has it. Raises OSError or RuntimeError on failure."""
    expected = SHA256.get(cached.name, cached.stem.rpartition("-")[2])
    try:
        with opened(cached) as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest().startswith(expected)
    except FileNotFoundError:
        whole = False
    if not whole:
        size = f" ({weights.meta['_file_size']:.0f} MB)" if "_file_size" in weights.meta else ""
        print(f"Downloading {cached.name}{size} from {urlparse(weights.url).hostname}.", flush=True)
        cached.parent.mkdir(parents=True, exist_ok=True)
        with patience(seconds):
            torch.hub.download_url_to_file(weights.url, str(cached), expected, progress=False)


def _short(path: Path) -> str:
    """The path, with ``~`` for the home folder: the name of an account does not belong into a shared notebook."""
    home = os.path.expanduser("~")
    return f"~{str(path)[len(home) :]}" if str(path).startswith(home.rstrip(os.sep) + os.sep) else str(path)
