"""Notebook 04: maps that know the model, and maps that know the image only, against erasing."""

import pytest
import torch

from course_utils.data import DataNotFound
from course_utils.experiments import interval, read_results
from course_utils.experiments.nb04_explanation import MAPS, agreement, compare, load_images, maps_of
from course_utils.lab import notebooks
from course_utils.models import DistilledViTConfig, RegisterViTConfig, ViTConfig, build
from course_utils.training import load_checkpoint

SMALL = {"image_size": 12, "patch_size": 4, "channels": 1, "dim": 8, "layers": 2, "heads": 2, "mlp_dim": 8}


@pytest.mark.parametrize("config", [ViTConfig, DistilledViTConfig, RegisterViTConfig])
def test_every_map_has_a_value_per_patch_and_the_simple_ones_know_the_image_only(config):
    images, blank = torch.full((2, 1, 12, 12), 0.25), torch.tensor([0.25])
    images[0, :, 4:8, 8:12] = 0.75  # patch 5, evenly filled
    images[1, :, ::2, 0:4] = 0  # the left column, striped
    one, other = (maps_of(build(config(**SMALL, classes=3), seed).eval(), images, blank) for seed in (0, 1))
    assert tuple(one) == MAPS
    assert {each.shape for each in one.values()} == {(2, 9)}
    assert one["ink"].tolist() == [[0, 0, 0, 0, 0, 0.5, 0, 0, 0], [0.125, 0, 0] * 3]
    assert one["contrast"][0].max() == 0 < one["contrast"][1, 0]
    assert one["nearness to the centre"].argmax(dim=1).tolist() == [4, 4]
    assert [torch.equal(one[name], other[name]) for name in MAPS] == [False, False, True, True, True]


def test_patches_that_erasing_cannot_change_say_nothing_of_the_size_of_the_cost():
    """Ink is zero there, and so is the cost: they would agree for free."""
    cost = torch.tensor([[0.0, 0.0, 0.0, 0.0, -3.0, 1.0, 2.0]])
    ink = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.1, 0.3, 0.2]])
    found = {name: value.item() for name, value in agreement(ink, cost, ink).items()}
    assert found["with_size"] == pytest.approx(-1)
    assert found["where_changed"] == pytest.approx(0.5)


def test_what_the_text_says_beside_the_claims_is_in_the_table():
    """The intervals of the claims are held by ``test_claims_in_text``."""
    rows = {(row["dataset"], row["map"]): row for row in read_results("sweep-explanation")}

    def said(dataset: str, name: str, column: str = "correlations") -> str:
        return f"{interval([100 * float(value) for value in rows[dataset, name][column].split()]):.1f}"

    text = {cell.id: cell.source for cell in notebooks.read(notebooks.find("04")).cells}["explains-after"]
    rollout, ink = (said("fashion_mnist", name, "with_size") for name in ("rollout", "ink"))
    assert f"rollout's correlation with the cost is {rollout} points on garments" in text
    assert f"the ink's is higher, {ink}." in text
    photographs = [said("cifar10", name) for name in ("rollout", "attention of the last layer")]
    assert "{} points for rollout on CIFAR-10, and {} for the last layer".format(*photographs) in text
    assert f"the nearness to the centre, has {said('cifar10', 'nearness to the centre')}." in text


@pytest.mark.slow
def test_the_stored_table_is_what_the_stored_model_gives_again():
    """Its first three images."""
    try:
        few = load_images("fashion_mnist", 3)
    except DataNotFound as missing:
        pytest.skip(str(missing))
    model, _ = load_checkpoint("fashion-vit-small")
    found = compare(model, few.images, few.labels)
    for row in read_results("sweep-explanation"):
        if row["dataset"] == "fashion_mnist":
            for column, values in found[row["map"]].items():
                stored = [float(value) for value in row[column].split()]
                assert len(stored) == 500
                assert values.tolist() == pytest.approx(stored[:3], abs=0.02), (row["map"], column)  # ranks may tie
