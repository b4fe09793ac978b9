import hashlib
import urllib.error

import pytest
import torch
import torchvision

from course_utils.models.pretrained import load_pretrained

NAME = "squeezenet1_1"  # the smallest of torchvision's models: 5 MB


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache and no network."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def no_network(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def publish(monkeypatch, folder) -> torch.nn.Module:
    """Put a weights file in the cache under the name that carries its checksum."""
    torch.manual_seed(7)
    model = torchvision.models.get_model(NAME)
    file = folder / "weights.pth"
    torch.save(model.state_dict(), file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file = file.rename(folder / f"squeezenet-{digest[:8]}.pth")
    default = torchvision.models.get_model_weights(NAME).DEFAULT
    monkeypatch.setattr(type(default), "url", f"https://example.invalid/{file.name}", raising=False)
    monkeypatch.setattr(type(default), "meta", {"num_params": 1, "categories": ["cat", "dog"] * 500}, raising=False)
    return model


def test_without_a_network_the_model_is_untrained_and_says_what_to_do(hub):
    found = load_pretrained(NAME)
    assert not found.trained
    assert "random weights" in found.source
    assert "no network" in found.source
    assert str(hub) in found.source
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(found.model(images), load_pretrained(NAME).model(images))


def test_weights_in_the_cache_are_used_and_damaged_ones_kept_aside(hub, monkeypatch):
    published = publish(monkeypatch, hub).eval()
    images = torch.rand(1, 3, 64, 64)
    found = load_pretrained(NAME)
    assert found.trained
    assert torch.equal(found.model(images), published(images))

    (file,) = hub.glob("*.pth")
    file.write_bytes(file.read_bytes()[:-100])
    found = load_pretrained(NAME)
    assert not found.trained
    assert [path.name for path in hub.iterdir()] == [f"{file.name}.damaged"]


def test_an_unknown_model_is_refused_in_words():
    with pytest.raises(ValueError, match="torchvision has no model called 'vit_b16'"):
        load_pretrained("vit_b16")
