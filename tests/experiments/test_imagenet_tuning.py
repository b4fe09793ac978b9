"""Notebook 09: the CNN of ImageNet on CIFAR-10, its head alone or all of it, and what the text says of the table."""

from dataclasses import replace
from statistics import mean

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

PROTOTYPE, HEAD, TUNED = "nearest prototype", "linear head", "all weights, frozen normalisation"
LARGE, SCALED = "all weights from the prototypes", "all weights from the prototypes, logits scaled"


def photographs():
    """Twenty of each of ten classes."""
    labels = torch.arange(200) % 10
    noise = torch.rand(200, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return LabelledImages(0.5 * noise + labels.view(-1, 1, 1, 1) / 20, labels, tuple("abcdefghij"), "made", "made")


@pytest.mark.parametrize("name", METHODS)
def test_what_learns_is_what_the_name_says(name, small_cnn, monkeypatch):
    """A step changes all weights, or adapters; the head starts as it should; stored statistics never change."""
    before = {key: value.clone() for key, value in small_cnn.state_dict().items()}
    made, adapt = {}, nb09_imagenet_tuning.adapt

    def watched(method, *given):
        for steps in (method.steps, 1):
            short = replace(method, steps=min(method.steps, steps, 2), learning_rate=1e-12 if steps == 1 else 1e-2)
            made[steps] = adapt(short, *given)
        made.update({start: adapt(METHODS[start], *given).classifier for start in (HEAD, PROTOTYPE)})
        return made[method.steps]

    monkeypatch.setattr(nb09_imagenet_tuning, "adapt", watched)
    assert 0 <= accuracy_of(METHODS[name], photographs(), 3) <= 1
    model, start = made[METHODS[name].steps], made[1]
    first = model.conv_stem
    assert isinstance(first, LoRA) == (name == "LoRA")
    kernel = first.layer.weight if name == "LoRA" else first.weight
    assert torch.equal(kernel, before["conv_stem.weight"]) == (name not in (TUNED, LARGE, SCALED))
    assert (isinstance(first, LoRA) and bool(first.up.any())) == (name == "LoRA")
    for key, value in before.items():
        assert "running" not in key or torch.equal(model.state_dict()[key], value)
    head = made[PROTOTYPE if name in (PROTOTYPE, LARGE, SCALED) else HEAD]
    ratio = start.classifier.weight.norm() / head.weight.norm()
    torch.testing.assert_close(start.classifier.weight, ratio * head.weight)
    torch.testing.assert_close(start.classifier.bias, ratio * head.bias)
    assert (abs(ratio.item() - 1) < 1e-5) == (name != SCALED)
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
    wanted = [(name, episode) for episode in range(40) for name in (PROTOTYPE, HEAD, TUNED, LARGE, SCALED, "LoRA")]
    assert [tuple(point.values()) for point in SWEEP.points] == wanted
    assert EPISODES == 40


ROWS = {(row["method"], row["episode"]): 100 * row["accuracy"] for row in read_results("sweep-imagenet-tuning")}


def minus(name: str, other: str = HEAD, spec: str = "+.1f") -> str:
    """Points, as the text and the page write them."""
    points = interval([ROWS[name, number] - ROWS[other, number] for number in range(EPISODES)])
    return format(points, spec).replace("-", "−")


@pytest.mark.parametrize("name", [PROTOTYPE, HEAD])
def test_without_training_an_episode_has_the_accuracy_that_it_has_in_the_larger_table(name):
    """The same images, episodes and features, so nearly all answers are the same."""
    rows = read_results("sweep-imagenet")
    (row,) = [row for row in rows if (row["domain"], row["source"], row["method"]) == ("CIFAR-10", CNN, name)]
    wanted = [100 * float(value) for value in row["accuracies"].split()][:EPISODES]
    assert [ROWS[name, number] for number in range(EPISODES)] == pytest.approx(wanted, abs=1.5)


def test_what_the_text_says_is_in_the_table():
    cell = next(each.source for each in notebooks.read(notebooks.find("09")).cells if each.id == "tuning-after")
    for said in (
        f"{minus(TUNED, spec='.1f')} points ahead of its linear head",
        f"{minus('LoRA', spec='.1f')} points, {minus(TUNED, 'LoRA', '.1f')} fewer",
        f"{minus(PROTOTYPE, LARGE, '.1f')} points *below* the prototypes themselves",
        f"{minus(SCALED, PROTOTYPE, '.1f')} points above them",
        f"(the difference is {minus(SCALED, TUNED, '.1f')})",
    ):
        assert said in cell
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if "`course train sweep-imagenet-tuning`" in line]
    assert f"({interval([ROWS[HEAD, number] for number in range(EPISODES)]):.1f} %)" in row
    for name, label in (
        (PROTOTYPE, "nearest prototype"),
        (TUNED, "all weights from this head"),
        (LARGE, "from the prototypes"),
        (SCALED, "from the prototypes with logits scaled"),
        ("LoRA", "LoRA from this head"),
    ):
        assert f"{label} {minus(name)}" in row


def test_what_the_questions_say_is_in_the_tables():
    texts = (ROOT / "course_utils" / "widgets" / "questions" / "09.toml").read_text(encoding="utf-8")
    assert f"{minus(TUNED, spec='.1f').partition(' ')[0]} points more, on average over {EPISODES} episodes" in texts
    near = {
        row["method"]: mean(map(float, row["accuracies"].split()))
        for row in read_results("sweep-few-shot")
        if (row["task"], row["shots"]) == ("new shapes by night", 5)
    }
    assert f"({100 * near['from scratch']:.0f} against {100 * near[PROTOTYPE]:.0f} %)" in texts
    assert round(100 * (near[TUNED] - near[PROTOTYPE])) == 3  # "still gains three points"


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
