"""The experiments of notebook 08: models of equal work, accuracy by scale, and what fixed windows cannot do."""

import pytest
import torch

from course_utils.costs import count_flops
from course_utils.experiments import interval, nb08_hierarchy, read_results
from course_utils.experiments.intervals import Interval
from course_utils.experiments.nb05_photographs import TRIO
from course_utils.experiments.nb08_hierarchy import (
    MODELS,
    SCALES,
    SWEEP,
    accuracy_by_scale,
    draw_for_trio,
    train_and_test_trio,
)
from course_utils.experiments.nb08_window_shift import WINDOWS, train_with, two_colours
from course_utils.lab import notebooks
from course_utils.models import Swin, build
from course_utils.models.refusals import UnknownName
from course_utils.paths import ROOT


@pytest.mark.parametrize(
    ("models", "shape", "count"),
    [(MODELS["shapes"], (3, 64, 64), 4), (MODELS["fashion_mnist"], (1, 28, 28), 3), (TRIO, (3, 32, 32), 3)],
)
def test_the_models_do_equal_work_within_a_tenth(models, shape, count):
    work = [count_flops(build(config, 0).eval(), torch.zeros(1, *shape)) for config in models.values()]
    assert len(work) == count
    assert max(work) < 1.1 * min(work)


def test_the_fine_vit_has_the_patches_of_the_swin_and_the_seeds_of_both():
    shapes = MODELS["shapes"]
    assert shapes["fine ViT"].patch_size == shapes["Swin"].patch_size < shapes["ViT"].patch_size
    seeds = {
        name: [point["seed"] for point in SWEEP.points if (point["dataset"], point["model"]) == ("shapes", name)]
        for name in ("ViT", "Swin", "fine ViT")
    }
    assert list(seeds.values()) == 3 * [list(range(10))]


def test_what_the_text_says_of_the_fine_vit_is_in_the_table():
    """The intervals beside a claim are held by ``test_claims_in_text``."""
    rows = {(row["model"], row["seed"]): row for row in read_results("sweep-hierarchy") if row["dataset"] == "shapes"}

    def ahead(one: str, other: str, column: str = "accuracy") -> Interval:
        return interval([100 * (rows[one, seed][column] - rows[other, seed][column]) for seed in range(10)])

    cells = {cell.id: cell.source for cell in notebooks.read(notebooks.find("08")).cells}
    scales = [f"scale_{k}" for k in SCALES]
    *behind, last = (ahead("fine ViT", "ViT", scale) for scale in scales)
    most = min(range(len(behind)), key=lambda place: behind[place].mean)
    assert f"about level ({last:+.1f})".replace("-", "−") in cells["by-scale-read"]
    worst = f"of scale {most + 1} to {most + 2} the fine ViT is {-behind[most].mean:.0f} points behind"
    assert worst in cells["by-scale-read"]
    gaps = [ahead("Swin", "fine ViT", scale).mean for scale in scales]
    assert f"by {min(gaps):.0f} to {max(gaps):.0f} from scale to scale" in cells["by-scale-read"]
    fine = MODELS["shapes"]["fine ViT"]
    assert f"{fine.patch_size} × {fine.patch_size} instead of 8 × 8" in cells["by-scale-read"]
    assert (fine.layers, f"two layers of {fine.dim} features" in cells["by-scale-read"]) == (2, True)

    lost = []
    for model in ("ResNet", "Swin", "ViT", "fine ViT"):
        runs = [row for (name, _), row in rows.items() if name == model]
        lost.append(f"{100 * sum(row[scales[-1]] - row[scales[0]] for row in runs) / len(runs):.0f}")
    assert lost[1] == lost[2]
    said = f"the ResNet loses {lost[0]} points, the Swin and the ViT about {lost[1]}, the fine ViT {lost[3]}."
    assert said in cells["by-scale-read"]

    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    alone = interval([100 * rows["fine ViT", seed]["accuracy"] for seed in range(10)])
    against, swin = (f"{ahead(*pair):+.1f}".replace("-", "−") for pair in (("fine ViT", "ViT"), ("Swin", "fine ViT")))
    assert f"{alone:.1f} % ({against} against the ViT; the Swin is {swin} ahead of it)" in page


@pytest.mark.slow
def test_accuracy_by_scale_asks_each_picture_in_the_place_of_its_scale():
    pictures = draw_for_trio("shapes", "test", 300, seed=1)
    scales = pictures.scales[:, 0]

    class KnowsLargeOnes(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.nothing = torch.nn.Parameter(torch.zeros(1))

        def forward(self, images):
            matches = (images[:, None] == pictures.images[None]).flatten(2).all(-1).long().argmax(1)
            right = pictures.labels[matches]
            wrong = (right + 1) % len(pictures.classes)
            return torch.nn.functional.one_hot(torch.where(scales[matches] >= 5, right, wrong), 8).float()

    assert accuracy_by_scale(KnowsLargeOnes(), pictures) == {k: float(k >= 5) for k in SCALES}


@pytest.mark.slow
def test_a_point_of_the_trio_is_the_same_again_and_unknown_names_are_refused(monkeypatch):
    monkeypatch.setattr(
        nb08_hierarchy,
        "draw_for_trio",
        lambda dataset, split, size=300, seed=0: draw_for_trio(dataset, split, size, seed),
    )
    points = [train_and_test_trio("fashion_mnist", 64, "Swin", seed=3, steps=2, quiet=True) for _ in range(2)]
    (one, found), (other, again) = points
    del found["training_seconds"], again["training_seconds"]
    assert found == again
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    for dataset, model in (("shapes", "Swan"), ("cifar10", "ViT")):
        with pytest.raises(UnknownName):
            train_and_test_trio(dataset, 64, model, seed=3, steps=2, quiet=True)


def test_an_object_never_shares_a_window_with_the_other():
    columns = two_colours(500, seed=0).masks.any(dim=2)
    assert not (columns[..., :16].any(-1) & columns[..., 16:].any(-1)).any()


@pytest.mark.parametrize("windows", WINDOWS)
def test_only_fixed_windows_make_the_score_a_sum_over_the_two_halves(windows):
    torch.manual_seed(0)
    model = Swin(WINDOWS[windows]).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    one, other = torch.rand(2, 20, 3, 32, 32, dtype=torch.double)
    crossed = [torch.cat([a[..., :16], b[..., 16:]], dim=-1) for a, b in ((one, other), (other, one))]
    with torch.no_grad():
        gap = (model(one) + model(other) - model(crossed[0]) - model(crossed[1])).abs().max()
    assert gap < 1e-12 if windows == "fixed" else gap > 1e-2


def test_windows_of_another_name_are_refused():
    with pytest.raises(UnknownName):
        train_with("sliding", 0)
