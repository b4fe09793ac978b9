"""The twins of notebook 02: equal work, equal time, and trained again they are the same."""

import math
from dataclasses import replace
from statistics import fmean

import torch

from course_utils import data
from course_utils.costs import count_flops
from course_utils.experiments import interval, nb02_twins, read_results
from course_utils.experiments.claims import examine, find_claim
from course_utils.experiments.nb02_twins import IN_EQUAL_TIME, TWINS, train_twin
from course_utils.lab import notebooks
from course_utils.models import LRNet
from course_utils.paths import ROOT


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


def test_a_twin_trains_for_the_epochs_of_its_row(monkeypatch):
    pictures, epochs = data.load("fashion_mnist", "test", 128, fallback="digits"), []
    monkeypatch.setattr(nb02_twins, "load", lambda *given: pictures)
    fit = nb02_twins.fit
    monkeypatch.setattr(
        nb02_twins, "fit", lambda *given, **more: epochs.append(given[3].epochs) or fit(*given, **more)
    )
    for length in (1, IN_EQUAL_TIME):
        nb02_twins.run("ResNet", 0, 6000, length)
    assert epochs == [1, 3]


def test_equal_time_is_the_price_in_whole_epochs_and_the_docs_have_its_effect():
    """The ResNet gets as many epochs as fit into one of local attention, at the ledger's price, and no more."""
    assert math.floor(math.exp(examine(find_claim("02.price")).effect.mean)) == IN_EQUAL_TIME
    claim = find_claim("02.equal_time")
    (ours,), (rival,) = claim.of, claim.minus
    assert (ours["network"], rival["network"]) == ("local attention", "ResNet")
    assert rival["epochs"] == IN_EQUAL_TIME * ours["epochs"]
    rows = {
        (row["network"], row["epochs"], row["seed"]): row
        for row in read_results("sweep-twins")
        if row["pictures"] == 6000
    }
    pairs = [
        [100 * rows[name, epochs, seed]["accuracy"] for name, epochs in (("local attention", 1), ("ResNet", 3))]
        for seed in range(10)
    ]
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if "`course train sweep-twins`" in line]
    assert f"in equal time {interval([a - b for a, b in pairs]):+.1f} points".replace("-", "−") in row
    assert (
        f"three epochs of the ResNet on the 6,000 images | ResNet 73.4 %; 83.1 %; {fmean(b for _, b in pairs):.1f} %"
        in row
    )
    cell = next(each.source for each in notebooks.read(notebooks.find("02")).cells if each.id == "seeds-after")
    assert f"the ResNet then leads by {interval([b - a for a, b in pairs]):.1f} points" in cell
