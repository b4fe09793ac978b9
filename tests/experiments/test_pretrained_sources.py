"""Experiments with a trained network: few-shot, as a teacher, under a caption head, layer by layer.
Here it is a small one.
"""

import tarfile
from dataclasses import replace

import pytest
import timm
import torch
from PIL import Image
from torch import nn

from course_utils import costs, data
from course_utils.data import LabelledImages
from course_utils.experiments import (
    cifar_copies,
    nb04_layers,
    nb07_distillation,
    nb07_imagenet_teacher,
    nb09_imagenet_to_cifar,
    nb10_frozen_encoder,
)
from course_utils.experiments.nb10_captions import UNSEEN_PAIRS
from course_utils.experiments.runs_captions import CONFIG
from course_utils.few_shot import stored
from course_utils.lab import notebooks
from course_utils.models import build
from course_utils.models.pretrained import Pretrained


@pytest.fixture
def small(monkeypatch, small_cnn):
    """The small network in the experiments too, none of which remembers what it made of it."""
    for module in (nb07_imagenet_teacher, nb09_imagenet_to_cifar, nb10_frozen_encoder):
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear") and value is not stored.imagenet_cnn:
                monkeypatch.setattr(module, value.__name__, value.__wrapped__)
    return small_cnn


def test_without_its_own_files_cifar_comes_from_copies_and_says_so(tmp_path, monkeypatch):
    asked = []

    def nowhere(test):
        asked.append(test)
        raise data.DataNotFound("not here.")

    monkeypatch.setitem(data.DATASETS, "cifar10", replace(data.DATASETS["cifar10"], read=nowhere))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "stick"))
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("course_utils.data.resolve.DOWNLOADS", tmp_path / "none")
    monkeypatch.setattr(cifar_copies, "_images", cifar_copies._images.__wrapped__)
    with pytest.raises(data.DataNotFound, match="not here"):
        cifar_copies.cifar10("test")
    assert not cifar_copies.available()
    asked.clear()
    (tmp_path / "stick").mkdir()
    with tarfile.open(tmp_path / "stick/cifar10-jpeg.tar.gz", "w:gz") as archive:
        for number, name in enumerate(("cat", "dog") * 3):
            picture = tmp_path / f"{number}.jpg"
            Image.new("RGB", (32, 32), (40 * number, 0, 0)).save(picture)
            archive.add(picture, f"{'test' if number < 4 else 'train'}/{name}/{number:04d}.jpg")
    test = cifar_copies.cifar10("test")
    assert cifar_copies.available()
    assert not asked, "asked for a download, though there are copies"
    assert test.classes == ("cat", "dog")
    assert test.images.shape == (4, 3, 32, 32)
    assert test.source == "JPEG files in cifar10-jpeg.tar.gz"
    assert len(cifar_copies.cifar10("test", 3, seed=1)) == 3


@pytest.mark.slow
def test_every_source_and_method_answers_the_same_episodes(small, monkeypatch):
    module = nb09_imagenet_to_cifar
    monkeypatch.setattr(module, "EPISODES", 1)
    asked = []
    monkeypatch.setattr(module, "share_right", lambda logits, episode: asked.append((logits, episode.query)) or 0.5)
    for source in module.SOURCES:
        for method in module.METHODS:
            assert module.run("digits", source, method) == {
                "images": "scikit-learn's handwritten digits, 8 × 8", "episodes": 1, "accuracies": "0.5000"
            }  # fmt: skip
    assert len(asked) == 6
    for number, (logits, query) in enumerate(asked):
        assert logits.shape == (150, 10)
        assert torch.equal(query, asked[0][1])
        assert number == 0 or not torch.equal(logits, asked[0][0])


def test_a_better_teacher_is_asked_once_for_each_image(small, monkeypatch):
    module = nb07_imagenet_teacher
    made = LabelledImages(torch.rand(40, 3, 32, 32), torch.arange(40) % 10, tuple("abcdefghij"), "made", "made")
    monkeypatch.setattr(module, "load_images", lambda dataset, split, size=None, seed=0: made.select(slice(0, size)))
    for home, name, value in (
        (module, "LABELS", 20),
        (module, "TEST", 30),
        (nb07_distillation, "LABELS", 20),
        (nb07_distillation, "STEPS", 3),
    ):
        monkeypatch.setattr(home, name, value)
    seen = []
    forward = small.forward_features
    monkeypatch.setattr(small, "forward_features", lambda images: seen.append(len(images)) or forward(images))
    for method in module.METHODS:
        point = module.run("cifar10", method, 0)
        assert 0 <= point["accuracy"] <= 1
        assert (0 <= point["teacher_accuracy"] <= 1) == ("teacher" in method)
    assert sum(seen) == 30


def test_the_table_of_garments_has_no_row_of_digits(monkeypatch):
    def nowhere(*_):
        raise data.DataNotFound("not here.")

    for module in (nb07_imagenet_teacher, nb09_imagenet_to_cifar):
        monkeypatch.setattr(module, "load", nowhere)
    with pytest.raises(data.DataNotFound):
        nb07_imagenet_teacher.run("fashion_mnist", "soft, ImageNet teacher", 0)
    with pytest.raises(data.DataNotFound):
        nb09_imagenet_to_cifar.run("ten clothes", "pixels", "nearest prototype")


def test_a_frozen_encoder_learns_only_its_caption_head(small, monkeypatch):
    module = nb10_frozen_encoder
    for name, value in (("STEPS", 2), ("TEST", 60)):
        monkeypatch.setattr(module, name, value)
    shapes = module.training_shapes(40, seed=1)
    assert len(shapes) == 40
    assert not any(
        f"{colour} " in text and text.endswith(shape) for text in shapes.captions for colour, shape in UNSEEN_PAIRS
    )
    for kind in (module.SCRATCH, module.FROZEN):
        assert set(module.run(kind, 40, 0)) >= {"top1_seen", "top1_unseen", "zero_shot_shape"}
    before = {name: value.clone() for name, value in small.state_dict().items()}
    features = module.as_features(shapes, quiet=True)
    assert features.images.shape == (40, 256, 1, 1)
    monkeypatch.setattr(
        small, "forward_features", None
    )  # of images that it has seen, another experiment needs nothing
    again = nb09_imagenet_to_cifar.features(nb09_imagenet_to_cifar.CNN, shapes.images, quiet=True)
    assert torch.equal(again, features.images[:, :, 0, 0])
    model = module.train(module.FROZEN, features, 0)
    assert isinstance(model.pictures[1], nn.Linear)
    assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())
    one, again = (module.new_model(module.FROZEN, 3).pictures[1].weight for _ in range(2))
    assert torch.equal(one, again)


def test_the_text_says_what_the_frozen_encoder_and_the_small_one_cost():
    large, small = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval(), build(CONFIG, 0).pictures.eval()
    sides = {large: stored.SIDE, small: 32}  # large images for the one, the shapes as they are for the other
    work = [costs.count_flops(encoder, torch.zeros(1, 3, side, side)) / 2e6 for encoder, side in sides.items()]
    weights = [costs.count_parameters(encoder) for encoder in (large, small)]
    text = {cell.id: cell.source for cell in notebooks.read(notebooks.find("10")).cells}["frozen-after"]
    assert f"{weights[0] / 1e6:.1f} million weights instead of {round(weights[1], -3):,}" in text
    assert f"{work[0]:.0f} instead of {work[1]:.0f} million multiply-adds" in text


def test_each_layer_of_the_vit_is_judged_on_the_same_images(monkeypatch):
    torch.manual_seed(0)
    vit = timm.models.VisionTransformer(
        img_size=28, patch_size=14, embed_dim=16, depth=2, num_heads=2, num_classes=0
    ).eval()
    found = Pretrained(vit, (), "made", True, (0.5,) * 3, (0.5,) * 3)
    monkeypatch.setattr(nb04_layers, "load_pretrained", lambda name: found)
    monkeypatch.setattr(nb04_layers, "stored", nb04_layers.stored.__wrapped__)
    monkeypatch.setattr(nb04_layers, "SIDE", 28)
    points = [nb04_layers.run("digits", token) for token in nb04_layers.TOKENS]
    for point in points:
        assert point["images"] == "360 of scikit-learn's handwritten digits, 8 × 8"
        by_layer = [float(value) for value in point["accuracies"].split()]
        assert len(by_layer) == 2
        assert all(0.1 < value <= 1 for value in by_layer)
    assert points[0]["accuracies"] != points[1]["accuracies"]
