"""What the tests of several experiments share."""

from collections.abc import Iterator

import pytest
import timm
import torch
from torch import nn

from course_utils.few_shot import stored
from course_utils.models.pretrained import Pretrained


@pytest.fixture
def small_cnn(monkeypatch) -> Iterator[nn.Module]:
    """A small network of timm's in place of the trained ImageNet CNN; nothing is left of it afterwards."""
    torch.manual_seed(0)
    found = Pretrained(timm.create_model("test_efficientnet").eval(), (), "made", True, (0.5,) * 3, (0.5,) * 3)
    monkeypatch.setattr(stored, "load_pretrained", lambda name, seconds: found)
    monkeypatch.setattr(stored, "SIDE", 32)
    stored.imagenet_cnn.cache_clear()
    yield found.model
    stored.imagenet_cnn.cache_clear()
