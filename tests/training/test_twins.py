"""The twins of notebook 02: equal work, and the table that is shipped is whole."""

import csv
from collections import Counter
from dataclasses import asdict, replace

import torch

from course_utils import data
from course_utils.costs import count_flops
from course_utils.models import LRNet
from course_utils.models.lr_net import TWINS
from course_utils.training.twins import RESULTS, append, train_twin


def test_the_twins_do_the_same_work_within_a_tenth():
    work = {}
    for name, config in TWINS.items():
        with torch.device("meta"):
            network = LRNet(replace(config, implementation="unfold")).eval()
            work[name] = count_flops(network, torch.empty(1, 1, 28, 28))
    for flops in work.values():
        assert abs(flops / work["ResNet"] - 1) < 0.1


def test_the_shipped_table_has_three_seeds_of_every_twin():
    with RESULTS.open() as file:
        runs = Counter((row["network"], row["pictures"], row["epochs"]) for row in csv.DictReader(file))
    assert {name for name, _, _ in runs} == set(TWINS)
    assert set(runs.values()) == {3}
    assert len(runs) % len(TWINS) == 0


def test_a_twin_trained_again_is_the_same_and_its_row_is_kept(tmp_path):
    pictures = data.load("fashion_mnist", "test", 128, fallback="digits")
    (one, row), (other, _) = (train_twin("ResNet", 5, pictures, pictures, quiet=True) for _ in range(2))
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    append(row, tmp_path / "table.csv")
    append(row, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows == 2 * [{key: str(value) for key, value in asdict(row).items()}]
    assert (row.network, row.seed, row.pictures, row.epochs) == ("ResNet", 5, 128, 1)
