"""Notebook 01's further controls: what the networks of the table are, and what the texts say of it."""

from dataclasses import replace
from statistics import fmean

import pytest
import torch

from course_utils.costs import count_parameters
from course_utils.experiments.nb01_control import NETWORKS, as_pair_network
from course_utils.experiments.sweep import read_results
from course_utils.lab import notebooks
from course_utils.models import ResNet, build
from course_utils.paths import NOTEBOOKS


def made(network: str) -> ResNet:
    return as_pair_network(network, build(replace(NETWORKS[network], classes=8), 0), seed=1).eval()


def test_the_mlp_head_has_as_many_weights_as_the_block_and_is_not_a_sum_over_positions():
    models = {network: made(network) for network in NETWORKS}
    weights = {network: count_parameters(model) for network, model in models.items()}
    assert weights["CNN + MLP head"] == pytest.approx(weights["CNN + block"], rel=0.01)
    images = torch.rand(2, 3, 48, 48)
    plain, head = models["CNN"], models["CNN + MLP head"]
    with torch.no_grad():
        assert torch.equal(plain.features(images), head.features(images))
        averages = torch.randn(2, 64)
        for model, is_linear in ((plain, True), (head, False)):
            bent = (model.head(averages).mean(0) - model.head(averages.mean(0))).abs().max()
            assert (bent < 1e-5) == is_linear


def accuracies(network: str, epochs: int) -> list[float]:
    return [
        100 * row["accuracy"]
        for row in read_results("sweep-deeper-cnn")
        if (row["split"], row["network"], row["epochs"]) == ("test", network, epochs)
    ]


def test_what_the_texts_say_of_the_table_is_in_it():
    cells = {cell.id: cell.source for cell in notebooks.read(notebooks.find("01")).cells}
    head, block = accuracies("CNN + MLP head", 1), accuracies("CNN + block", 1)
    deeper = accuracies("deeper CNN", 20)
    assert len(head) == len(block) == len(deeper) == 10
    learned, partly = [x for x in deeper if x > 90], [x for x in deeper if 60 < x < 90]
    said = [
        f"reaches {min(block[:3]):.1f} to {max(block[:3]):.1f} %",
        f"it reaches {min(head):.1f} to {max(head):.1f} %, the block {min(block):.1f} to {max(block):.1f} %",
        f"reach {min(learned):.0f} to {max(learned):.0f} %",
        f"{min(partly):.0f} to {max(partly):.0f} %",
    ]
    assert [len(learned), len(partly)] == [3, 5]
    for words in said:
        assert words in cells["table-after"], words
    teacher = (NOTEBOOKS / "INSTRUCTOR.md").read_text(encoding="utf-8")
    assert f"({min(head):.1f} to {max(head):.1f} % with ten seeds)" in teacher
    assert f"{min(deeper):.0f} to {max(deeper):.0f} % with ten seeds, {fmean(deeper):.0f} % on average" in teacher
