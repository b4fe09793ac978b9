import hashlib
import os
import urllib.error
from pathlib import Path

import pytest
import torch
import torchvision

from course_utils.models import pretrained
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


def test_weights_in_the_cache_are_used_and_damaged_ones_are_not_and_stay(hub, monkeypatch):
    published = publish(monkeypatch, hub).eval()
    images = torch.rand(1, 3, 64, 64)
    found = load_pretrained(NAME)
    assert found.trained
    assert torch.equal(found.model(images), published(images))

    (file,) = hub.glob("*.pth")
    file.write_bytes(damaged := file.read_bytes()[:-100])
    assert not load_pretrained(NAME).trained
    assert [(path.name, path.read_bytes()) for path in hub.iterdir()] == [(file.name, damaged)]


def test_a_download_is_announced_in_one_line_and_verified_and_shows_no_home(hub, monkeypatch, capfd):
    publish(monkeypatch, hub)
    (file,) = hub.glob("*.pth")
    whole = file.read_bytes()
    file.write_bytes(b"half")
    monkeypatch.setenv("HOME", str(hub.parent))

    def download(url, target, hash_prefix, progress):
        assert hashlib.sha256(whole).hexdigest().startswith(hash_prefix)
        assert not progress
        Path(target).write_bytes(whole)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    found = load_pretrained(NAME)
    assert found.trained
    assert found.source.endswith(f"from ~/checkpoints/{file.name}")
    out, err = capfd.readouterr()
    assert (out, err) == (f"Downloading {file.name} from example.invalid.\n", "")


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('sprung')",)


def test_a_cached_file_makes_nothing_but_tensors(hub, monkeypatch):
    model = publish(monkeypatch, hub)
    (file,) = hub.glob("*.pth")
    torch.save({**model.state_dict(), "extra": Trap()}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file = file.rename(hub / f"squeezenet-{digest[:8]}.pth")
    default = torchvision.models.get_model_weights(NAME).DEFAULT
    monkeypatch.setattr(type(default), "url", f"https://example.invalid/{file.name}", raising=False)
    before = dict(os.environ)
    assert "random weights" in load_pretrained(NAME).source
    assert dict(os.environ) == before


def test_the_first_digits_alone_do_not_pass_where_all_are_known(hub, monkeypatch):
    publish(monkeypatch, hub)
    (file,) = hub.glob("*.pth")
    monkeypatch.setitem(pretrained.SHA256, file.name, file.stem.rpartition("-")[2] + "0" * 56)
    assert "no network" in load_pretrained(NAME).source
    for name, digest in pretrained.SHA256.items():
        assert digest.startswith(Path(name).stem.rpartition("-")[2])
        assert len(digest) == 64


@pytest.mark.parametrize("call", ["stat", "makedirs"])
def test_a_cache_of_another_account_is_said_in_words(hub, monkeypatch, call):
    publish(monkeypatch, hub)
    if call == "makedirs":
        next(hub.glob("*.pth")).unlink()
    real_call = {"stat": os.stat, "makedirs": Path.mkdir}[call]

    def refuse(path, *arguments, **options):
        if str(path).startswith(str(hub)):
            raise PermissionError(13, "Permission denied", str(path))
        return real_call(path, *arguments, **options)

    monkeypatch.setattr(*((os, "stat") if call == "stat" else (Path, "mkdir")), refuse)
    found = load_pretrained(NAME)
    assert not found.trained
    assert "(Permission denied): set TORCH_HOME to a folder that you can write to" in found.source


def test_the_random_numbers_of_the_notebook_go_on_whether_there_are_weights_or_not(hub, monkeypatch):
    publish(monkeypatch, hub)
    for trained in (True, False):
        before = torch.random.get_rng_state()
        assert load_pretrained(NAME).trained is trained
        assert torch.equal(torch.random.get_rng_state(), before)
        for file in hub.iterdir():
            file.unlink()


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (2, 4, 8, 8), (8, 8), ()])
def test_images_of_other_channels_are_not_prepared(hub, shape):
    with pytest.raises(
        ValueError, match=r"this SqueezeNet reads \(…, 3, height, width\): read them with open_image\.$"
    ):
        load_pretrained(NAME).prepared(torch.rand(shape))


def test_an_unknown_model_is_refused_in_words():
    with pytest.raises(ValueError, match="torchvision has no model called 'vit_b16'"):
        load_pretrained("vit_b16")
