"""Notebook 09: the CNN of ImageNet on CIFAR-10, its head alone or all of it, and what the text says of the table."""

from dataclasses import replace

import pytest
import timm
import torch
from torch import nn

from course_utils.data import LabelledImages
from course_utils.experiments import interval, nb09_imagenet_tuning, read_results
from course_utils.experiments.nb09_imagenet_to_cifar import CNN
from course_utils.experiments.nb09_imagenet_tuning import EPISODES, METHODS, SWEEP, accuracy_of, run
from course_utils.few_shot.lora import LoRA, add_lora
from course_utils.lab import notebooks
from course_utils.models.refusals import UnknownName
from course_utils.paths import ROOT

HEAD, TUNED = "linear head", "all weights, frozen normalisation"


def photographs():
    """Twenty of each of ten classes."""
    labels = torch.arange(200) % 10
    noise = torch.rand(200, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return LabelledImages(0.5 * noise + labels.view(-1, 1, 1, 1) / 20, labels, tuple("abcdefghij"), "made", "made")


@pytest.mark.parametrize("name", METHODS)
def test_what_learns_is_what_the_name_says(name, small_cnn, monkeypatch):
    """A step changes all weights, or adapters; the head starts as the fitted one; stored statistics never change."""
    before = {key: value.clone() for key, value in small_cnn.state_dict().items()}
    made, adapt = {}, nb09_imagenet_tuning.adapt

    def watched(method, *given):
        for steps in (method.steps, 1):
            short = replace(method, steps=min(method.steps, steps, 2), learning_rate=1e-12 if steps == 1 else 1e-2)
            made[steps] = adapt(short, *given)
        made["head"] = adapt(METHODS[HEAD], *given)
        return made[method.steps]

    monkeypatch.setattr(nb09_imagenet_tuning, "adapt", watched)
    assert 0 <= accuracy_of(METHODS[name], photographs(), 3) <= 1
    model, start = made[METHODS[name].steps], made[1]
    first = model.conv_stem
    assert isinstance(first, LoRA) == (name == "LoRA")
    kernel = first.layer.weight if name == "LoRA" else first.weight
    assert torch.equal(kernel, before["conv_stem.weight"]) == (name != TUNED)
    assert (isinstance(first, LoRA) and bool(first.up.any())) == (name == "LoRA")
    for key, value in before.items():
        assert "running" not in key or torch.equal(model.state_dict()[key], value)
    same = torch.allclose(start.classifier.weight, made["head"].classifier.weight, atol=1e-6)
    assert same == (name != "nearest prototype")
    assert all(torch.equal(value, before[key]) for key, value in small_cnn.state_dict().items())


def test_every_method_adapts_to_the_same_images_and_answers_the_same(small_cnn, monkeypatch):
    seen = []

    def watched(method, teacher, images, labels, ways, seed):
        seen.append((images, labels, ways, seed))
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, ways))

    monkeypatch.setattr(nb09_imagenet_tuning, "adapt", watched)
    monkeypatch.setattr(nb09_imagenet_tuning, "load_images", lambda domain: {"CIFAR-10": photographs()}[domain])
    for name in METHODS:
        found = run(name, 7)
        assert found["images"] == "made"
        assert 0 <= found["accuracy"] <= 1
    assert len(seen) == len(METHODS)
    for images, labels, ways, seed in seen:
        assert torch.equal(images, seen[0][0])
        assert (labels.bincount().tolist(), ways, seed) == ([5] * 10, 10, 7)
    run(HEAD, 8)
    assert not torch.equal(seen[-1][0], seen[0][0])
    with pytest.raises(UnknownName):
        run("patience", 0)


def test_the_sweep_has_every_method_in_each_of_forty_episodes():
    wanted = [(name, episode) for episode in range(40) for name in ("nearest prototype", HEAD, TUNED, "LoRA")]
    assert [tuple(point.values()) for point in SWEEP.points] == wanted
    assert EPISODES == 40


ROWS = {(row["method"], row["episode"]): 100 * row["accuracy"] for row in read_results("sweep-imagenet-tuning")}


def minus_head(name: str) -> str:
    """Points, as the text and the page write them."""
    return f"{interval([ROWS[name, number] - ROWS[HEAD, number] for number in range(EPISODES)]):+.1f}"


@pytest.mark.parametrize("name", ["nearest prototype", HEAD])
def test_without_training_an_episode_has_the_accuracy_that_it_has_in_the_larger_table(name):
    """The same images, episodes and features, so nearly all answers are the same."""
    rows = read_results("sweep-imagenet")
    (row,) = [row for row in rows if (row["domain"], row["source"], row["method"]) == ("CIFAR-10", CNN, name)]
    wanted = [100 * float(value) for value in row["accuracies"].split()][:EPISODES]
    assert [ROWS[name, number] for number in range(EPISODES)] == pytest.approx(wanted, abs=1.5)


def test_what_the_text_says_is_in_the_table():
    cell = next(each.source for each in notebooks.read(notebooks.find("09")).cells if each.id == "tuning-after")
    assert f"{minus_head(TUNED)[1:]} points ahead of its linear head" in cell
    assert f"{minus_head('LoRA')[1:]} points" in cell
    both = interval([ROWS[TUNED, number] - ROWS["LoRA", number] for number in range(EPISODES)])
    assert f"{both:.1f}" in cell
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if "`course train sweep-imagenet-tuning`" in line]
    head = interval([ROWS[HEAD, number] for number in range(EPISODES)])
    assert f"({head:.1f} %)" in row
    for name, label in (
        ("nearest prototype", "nearest prototype"),
        (TUNED, "all weights from this head"),
        ("LoRA", "LoRA from this head"),
    ):
        assert f"{label} {minus_head(name)}".replace("-", "−") in row


def test_the_text_counts_what_learns():
    network = timm.create_model("tf_efficientnet_lite0", num_classes=10)
    cells = {each.id: each.source for each in notebooks.read(notebooks.find("09")).cells}
    assert (
        f"its {sum(each.numel() for each in network.parameters()) / 1e6:.1f} million weights learn"
        in cells["imagenet-table-after"]
    )
    head = network.classifier
    add_lora(network)
    network.classifier = head.requires_grad_(True)
    count = sum(each.numel() for each in network.parameters() if each.requires_grad)
    assert f"LoRA, which trains {count:,} numbers" in cells["tuning-after"]
