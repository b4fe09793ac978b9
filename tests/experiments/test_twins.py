"""The twins of notebook 02: equal work, and trained again they are the same."""

from dataclasses import replace

import torch

from course_utils import data
from course_utils.costs import count_flops
from course_utils.experiments.nb02_twins import TWINS, train_twin
from course_utils.models import LRNet


def test_the_twins_do_the_same_work_within_a_tenth():
    work = {}
    for name, config in TWINS.items():
        with torch.device("meta"):
            network = LRNet(replace(config, implementation="unfold")).eval()
            work[name] = count_flops(network, torch.empty(1, 1, 28, 28))
    for flops in work.values():
        assert abs(flops / work["ResNet"] - 1) < 0.1


def test_a_twin_trained_again_is_the_same():
    pictures = data.load("fashion_mnist", "test", 128, fallback="digits")
    (one, score, _), (other, _, _) = (train_twin("ResNet", 5, pictures, pictures, quiet=True) for _ in range(2))
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert score.count == 128
