"""The grid of notebook 06: what its levels and sizes do, and that a point can be had again."""

import torch

from course_utils.experiments import nb06_augreg, read_results
from course_utils.experiments.nb06_augreg import LEVELS, SIZES, SWEEP, train_augreg
from course_utils.lab import notebooks
from course_utils.models import ViT
from course_utils.paths import DATA
from course_utils.training.inputs import Examples


def pictures() -> Examples:
    labels = torch.arange(64) % 10
    images = (
        torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 0.3 + labels.view(-1, 1, 1, 1) / 20
    )
    return Examples(images, labels)


def text(cell: str) -> str:
    return next(each.source for each in notebooks.read(notebooks.find("06")).cells if each.id == cell)


def test_every_cell_of_the_grid_is_there_for_every_seed():
    cells = [
        (p["size"], p["regularisation"], p["augmentation"], p["seed"]) for p in SWEEP.points if p["epochs"] == 40
    ]
    assert len(set(cells)) == len(cells) == 2 * 2 * 4 * 3
    assert sum(p.numel() for p in ViT(SIZES["small"]).parameters()) > 10 * sum(
        p.numel() for p in ViT(SIZES["tiny"]).parameters()
    )


def test_a_cell_trained_again_is_the_same_and_each_setting_changes_it():
    weights = {}
    for cell in ((0.0, "none"), (0.1, "none"), (0.0, "light"), (0.0, "heavy"), (0.1, "heavy")):
        model, history = train_augreg("tiny", *cell, seed=1, train=pictures(), epochs=1, quiet=True)
        weights[cell] = model.head.weight.detach()
        assert len(history.epochs) == 1
    again, _ = train_augreg("tiny", 0.1, "heavy", seed=1, train=pictures(), epochs=1, quiet=True)
    assert torch.equal(again.head.weight, weights[0.1, "heavy"])
    for one in weights:
        for other in weights:
            assert one == other or not torch.equal(weights[one], weights[other])


def test_regularisation_is_dropout_and_stochastic_depth_and_levels_grow():
    model, _ = train_augreg("tiny", 0.1, "none", seed=0, train=pictures(), epochs=1, quiet=True)
    assert model.blocks[0].mlp[2].p == 0.1
    assert [round(block.survive.survival, 3) for block in model.blocks] == [0.95, 0.9]
    strengths = [(level.number, level.magnitude, level.alpha) for level in LEVELS.values()]
    assert strengths == sorted(strengths)
    assert strengths[0] == (0, 0, 0)


def test_the_text_says_the_weight_decay_of_every_cell(monkeypatch):
    decays = set()
    monkeypatch.setattr(nb06_augreg, "fit", lambda *given, **_: decays.add(given[3].weight_decay))
    for point in SWEEP.points:
        cell = (point[name] for name in ("size", "regularisation", "augmentation", "seed"))
        train_augreg(*cell, train=pictures(), epochs=1)
    (decay,) = decays
    assert f"weight decay is {decay} in every cell" in text("own-text")
    assert f"Weight decay is Recipe's {decay} in every cell" in nb06_augreg.__doc__


def test_the_text_says_how_far_the_grids_first_cells_are_below_the_originals():
    rows = read_results("steiner_augreg", DATA / "papers")
    original = {row["model"]: float(row["value"]) for row in rows if row["augmentation"] == "original"}
    plain = [row for row in rows if (row["regularisation"], row["augmentation"]) == (0.0, "none")]
    first = {row["model"]: row["value"] for row in plain if row["model"] in original}
    known = {
        (row["model"], row["setting"][:3]): row["value"]
        for row in read_results("steiner_validation", DATA / "papers")
    }
    for name, before in original.items():
        assert 7.5 < before - first[name] < 8
        assert 0 < known[name, "384"] - known[name, "224"] < 2
    assert f"begin at {first['B/16']:.0f} and {first['L/16']:.0f} %, almost 8 points below" in text("claims-after")
    assert "384 pixels instead of 224 explain less than 2 of them (table 3)" in text("claims-after")
