"""The pair of notebook 05 on images that never run out: fresh, shuffled, or with a place to tell."""

from itertools import product

import pytest
import torch
from torch import nn

from course_utils.experiments import interval, nb05_crossing, paired, percents, read_results
from course_utils.experiments.nb05_crossing import (
    HALVES_LENGTHS,
    LENGTHS,
    MARGIN,
    MARKS,
    SIDE,
    SWEEP,
    TEST,
    WRAPPED,
    FreshImages,
    marks_anywhere,
    marks_in_halves,
    orders,
    shuffle_pixels,
    source,
    train_on_marks,
    without_border,
)
from course_utils.experiments.nb05_data_size import PAIR, PATCH
from course_utils.lab import notebooks
from course_utils.models import build
from course_utils.models.refusals import UnknownName
from course_utils.models.vit import patchify
from course_utils.paths import ROOT
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe


def corner(image, kind):
    """→ row and column of the mark's first pixel, in an image that shows nothing else."""
    wanted = [[dot == "#" for dot in row] for row in MARKS[kind].split()]
    windows = image.gt(0).unfold(0, 4, 1).unfold(1, 4, 1)  # (25, 25, 4, 4)
    places = (windows == torch.tensor(wanted)).all((2, 3)).nonzero()
    assert int(image.gt(0).sum()) == sum(map(sum, wanted))
    assert len(places) == 1
    return tuple(places[0].tolist())


def test_an_image_shows_the_mark_that_its_label_names_at_one_place_and_nothing_else():
    seen = marks_anywhere(400, seed=3, noise=0)
    assert seen.classes == tuple(MARKS)
    assert seen.images.shape == (400, 1, SIDE, SIDE)
    corners = {
        corner(image, seen.classes[label]) for image, label in zip(seen.images[:, 0], seen.labels, strict=True)
    }
    assert len(corners) > 250  # anywhere
    assert {0, SIDE - 4} <= {row for row, _ in corners}


@pytest.mark.parametrize("margin", [0, MARGIN])
def test_where_place_counts_the_label_names_the_mark_and_its_half(margin):
    seen = marks_in_halves(400, seed=3, noise=0, margin=margin)
    assert seen.images.shape == (400, 1, SIDE + 2 * margin, SIDE + 2 * margin)
    assert len(seen.classes) == len(set(seen.classes)) == 8
    columns = {"left": set(), "right": set()}
    for image, label in zip(seen.images[:, 0], seen.labels, strict=True):
        kind, half = seen.classes[label].split(", ")
        columns[half].add(corner(image, kind)[1] - margin)
    assert columns == {"left": set(range(12)), "right": set(range(12, 25))}  # the middle is two pixels further
    assert not torch.equal(*marks_in_halves(2, seed=3, margin=margin).images)


def test_without_border_a_shift_by_all_strides_changes_nothing_and_with_one_it_does():
    images = marks_in_halves(8, seed=0, margin=MARGIN).images
    moved = images.roll(8, dims=-1)
    with torch.no_grad():
        resnet = build(PAIR["ResNet"], 0).eval()
        assert (resnet(images) - resnet(moved)).abs().max() > 1e-3
        assert without_border(resnet) is resnet
        torch.testing.assert_close(resnet(images), resnet(moved), atol=1e-6, rtol=0)


def test_the_shuffle_moves_whole_patches_and_their_pixels_in_each_the_same_way():
    places, pixels = orders(5)
    numbers = torch.arange(SIDE**2).view(1, 1, SIDE, SIDE)
    pieces = patchify(shuffle_pixels(numbers, places, pixels), PATCH)[0]
    assert torch.equal(pieces, patchify(numbers, PATCH)[0][places][:, pixels])
    for order, again, other, size in zip(orders(5), orders(5), orders(6), (49, 16), strict=True):
        assert torch.equal(order, again)
        assert not torch.equal(order, other)
        assert sorted(order.tolist()) == list(range(size)) != order.tolist()


def test_a_run_sees_all_its_images_in_one_order_and_in_place_changes_nothing():
    whole, halves = marks_anywhere(4, seed=0), marks_in_halves(4, seed=0)
    for pixels, images, labels in (
        ("in place", whole.images, whole.labels),
        ("shuffled", shuffle_pixels(whole.images, *orders(1)), whole.labels),
        ("shape and place", halves.images, halves.labels),
        (WRAPPED, marks_in_halves(4, seed=0, margin=MARGIN).images, halves.labels),
    ):
        seen = source(pixels, 1)(4, 0)
        assert torch.equal(seen.images, images)
        assert torch.equal(seen.labels, labels)
    with pytest.raises(ValueError, match="'sorted', but must be 'in place', 'shuffled', 'shape and place' or"):
        source("sorted", 1)


def test_a_vit_whose_embedding_and_positions_are_shuffled_too_cannot_tell():
    places, pixels = orders(5)
    images, vit = marks_anywhere(8, seed=0).images, build(PAIR["ViT"], 0).eval()
    with torch.no_grad():
        before = vit(images)
        vit.project.weight.copy_(vit.project.weight[:, pixels])
        vit.positions[:, 1:] = vit.positions[:, 1:][:, places].clone()
        torch.testing.assert_close(vit(shuffle_pixels(images, places, pixels)), before)


def test_every_step_sees_fresh_images_which_depend_on_seed_and_step_alone():
    def seen(seed):
        drawn = []

        def draw(count, number):
            drawn.append((count, number))
            return marks_anywhere(count, number)

        recipe = Recipe(epochs=1, batch_size=4, learning_rate=1e-3, seed=seed)
        fit(build(PAIR["ResNet"], 0), 12, None, recipe, task=FreshImages(draw), quiet=True)
        return drawn

    three, again, others = seen(0), seen(0), seen(1)
    assert again == three
    assert len({*three, *others}) == 6
    assert all(count == 4 and number >= 0 > TEST for count, number in three)
    first, second = (marks_anywhere(*each).images for each in three[:2])
    assert not torch.equal(first, second)


def test_a_point_is_the_same_again_and_a_shuffle_is_another_point(monkeypatch):
    whole = marks_anywhere
    monkeypatch.setattr(nb05_crossing, "marks_anywhere", lambda count, seed: whole(min(count, 50), seed))
    settings = {"model": "ViT", "seed": 3, "steps": 2, "quiet": True}
    (one, found), (other, again) = (train_on_marks("in place", **settings) for _ in range(2))
    assert found["accuracy"] == again["accuracy"]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    puzzled, _ = train_on_marks("shuffled", **settings)
    assert not torch.equal(one.project.weight, puzzled.project.weight)
    with pytest.raises(UnknownName):
        train_on_marks("in place", **{**settings, "model": "CNN"})


def test_only_the_arm_without_border_wraps_its_maps(monkeypatch):
    few = marks_in_halves
    monkeypatch.setattr(nb05_crossing, "marks_in_halves", lambda count, seed, **how: few(min(count, 50), seed, **how))
    for pixels, mode in ((WRAPPED, "circular"), ("shape and place", "zeros")):
        resnet, _ = train_on_marks(pixels, "ResNet", seed=3, steps=1, quiet=True)
        assert {layer.padding_mode for layer in resnet.modules() if isinstance(layer, nn.Conv2d)} == {mode}


def test_the_sweep_finishes_one_seed_after_the_other_and_never_the_one_that_chose_the_settings():
    seeds = [point["seed"] for point in SWEEP.points]
    assert seeds == sorted(seeds)
    assert 9 not in seeds
    lines = {(point["pixels"], point["model"]) for point in SWEEP.points}
    assert lines == {*product(("in place", "shuffled", "shape and place"), PAIR), (WRAPPED, "ResNet")}


def guess_from_the_phase() -> float:
    """→ the share of right halves, if of a mark's column only the remainder by eight is known."""
    right = [column + 2 >= SIDE // 2 for column in range(SIDE - 3)]
    most = [max(right[phase::8].count(half) for half in (False, True)) for phase in range(8)]
    return sum(most) / len(right)


def test_the_row_of_the_measurements_is_the_table():
    right = percents(read_results("sweep-crossing"), "pixels", "model", "steps")
    page = (ROOT / "docs/measured.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if "sweep-crossing" in line)
    for pixels, lengths in (("in place", LENGTHS), ("shuffled", LENGTHS), ("shape and place", HALVES_LENGTHS)):
        gaps = [paired(right[pixels, "ResNet", steps], right[pixels, "ViT", steps]) for steps in lengths]
        assert "; ".join(f"{gap:+.1f}" for gap in gaps).replace("-", "−") in row
    ends = [paired(right[WRAPPED, "ResNet", n], right["shape and place", "ViT", n]) for n in HALVES_LENGTHS]
    assert "; ".join(f"{gap:+.1f}" for gap in ends).replace("-", "−") in row


def test_what_the_text_says_beside_the_claims_is_in_the_table():
    """The intervals of the claims are held by ``test_claims_in_text``."""
    right = percents(read_results("sweep-crossing"), "pixels", "model", "steps")

    def ahead(pixels: str, one: str, other: str, steps: int) -> str:
        return f"{paired(right[pixels, one, steps], right[pixels, other, steps]):.1f}"

    text = next(cell.source for cell in notebooks.read(notebooks.find("05")).cells if cell.id == "crossing-after")
    means = {run: interval([*each.values()]).mean for run, each in right.items()}
    lines = [(pixels, model) for pixels in ("in place", "shuffled") for model in PAIR]
    gains = [means[*line, 2400] - means[*line, 1200] for line in lines]
    for said in (
        f"there by {ahead('in place', 'ResNet', 'ViT', 600)} points",
        f"nothing can be told ({ahead('in place', 'ResNet', 'ViT', 300)};",
        f"The ViT needs 2,400 steps to reach {means['in place', 'ViT', 2400]:.0f} %; the ResNet is past it after 600.",
        f"from {ahead('in place', 'ResNet', 'ViT', 1200)} points after 1,200",
        f"after 300 steps by {ahead('shuffled', 'ViT', 'ResNet', 300)} points",
        f"took {paired(right['in place', 'ResNet', 2400], right['shuffled', 'ResNet', 2400]):.1f} points",
        f"the four lines gain {min(gains):.1f} to {max(gains):.1f} points",
        f"after 150 steps by {ahead('shape and place', 'ResNet', 'ViT', 150)} points",
        f"after 1,200 by {ahead('shape and place', 'ResNet', 'ViT', 1200)}",
        f"from {means[WRAPPED, 'ResNet', 300]:.1f} % after 300 steps to {means[WRAPPED, 'ResNet', 1200]:.1f} % after "
        "1,200",
        f"{guess_from_the_phase():.0%}".replace("%", " %"),
    ):
        assert said in text
    for steps in HALVES_LENGTHS:
        assert means["shape and place", "ResNet", steps] > means["shape and place", "ViT", steps]
    assert means["in place", "ResNet", 600] > means["in place", "ViT", 2400]
    assert all(means["shuffled", "ViT", steps] > means["shuffled", "ResNet", steps] for steps in LENGTHS)
