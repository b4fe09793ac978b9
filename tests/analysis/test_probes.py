"""Probes of inductive bias: known distances, known moves, and what shuffled patches mean to a ViT and a ResNet."""

import re

import pytest
import torch

from course_utils.analysis.probes import (
    accuracy_under_shifts,
    attention_distance,
    grid_distances,
    shift_images,
    shuffle_patches,
)
from course_utils.front_end import FOLDER
from course_utils.lab import notebooks
from course_utils.models import ResNet, ResNetConfig, ViT, ViTConfig


def test_a_head_that_looks_at_itself_a_neighbour_or_everywhere_has_the_distance_worked_out_by_hand():
    distances = grid_distances(1, 3, 16)  # three patches in a row: 0, 16, 32 pixels
    itself, neighbour = torch.eye(3), torch.eye(3)[[1, 2, 1]]
    everywhere = torch.full((3, 3), 1 / 3)
    weights = torch.zeros(1, 3, 4, 4)
    weights[0, :, 1:, 1:] = 0.25 * torch.stack([itself, neighbour, everywhere])  # the rest looks at the class token
    weights[0, :, :, 0] = 1 - weights[0].sum(-1)
    torch.testing.assert_close(attention_distance(weights, distances), torch.tensor([0.0, 16.0, 128 / 9]))
    assert grid_distances(2, 2, 4)[0, 3] == pytest.approx(4 * 2**0.5)


@pytest.mark.parametrize(
    ("side", "patch_size", "kernel", "said"),
    [
        (7, 4, 3, r"3 × 3 window over these patches, evenly weighted, would sit at (\d\.\d) pixels"),
        (16, 1, 5, r"as near as a 5 × 5 window \((\d\.\d)\)"),
    ],
)
def test_notebook_05_says_how_far_an_even_window_looks(side, patch_size, kernel, said):
    distances, numbers = grid_distances(side, side, patch_size), torch.arange(side**2)
    places = torch.stack([numbers // side, numbers % side], dim=1)
    window = (places[:, None] - places).abs().amax(-1) <= kernel // 2
    found = ((window * distances).sum(1) / window.sum(1)).mean()
    texts = [(FOLDER / "questions" / "05.toml").read_text(encoding="utf-8")]
    texts += [cell.source for cell in notebooks.read(notebooks.find("05")).cells]
    assert set(re.findall(said, "\n".join(texts))) == {f"{found:.1f}"}


def test_a_shift_moves_a_dot_and_loses_it_at_the_edge():
    dot = torch.zeros(1, 1, 5, 5)
    dot[0, 0, 2, 2] = 1
    assert shift_images(dot, -1, 2).nonzero().tolist() == [[0, 0, 1, 4]]
    assert shift_images(dot, 0, 3).sum() == 0


@pytest.mark.parametrize(
    ("patch_size", "order", "sentence"),
    [
        (8, torch.arange(2), r"order is a torch.int64 of shape \(2,\), but must be a permutation of the 4 patches"),
        (8, torch.tensor([0, 1, 2, 2]), "order does not contain every number once, but must be a permutation"),
        (8, torch.tensor([0, 1, 2, -1]), r"order does not .*: draw one with torch.randperm\(4\)"),
        (8, torch.ones(4, dtype=torch.bool), "order is a torch.bool"),
        (8, [3, 2, 1, 0], "order is a list"),
        (5, torch.arange(9), "Images of 16 × 16 pixels cannot be cut into patches of 5 × 5: choose a patch_size"),
    ],
)
def test_only_a_permutation_of_the_patches_shuffles_them(patch_size, order, sentence):
    with pytest.raises(ValueError, match=sentence):
        shuffle_patches(torch.rand(1, 3, 16, 16), patch_size, order)


@torch.no_grad()
def test_a_vit_whose_positions_are_shuffled_alike_does_not_notice_shuffled_patches_and_a_resnet_does():
    torch.manual_seed(0)
    vit = ViT(ViTConfig(image_size=12, patch_size=4, channels=1, dim=16, layers=2, heads=2, mlp_dim=16, classes=5))
    images, order = torch.rand(2, 1, 12, 12), torch.randperm(9)
    shuffled, before = shuffle_patches(images, 4, order), vit.eval()(images)
    assert (vit(shuffled) - before).abs().max() > 1e-3
    vit.positions[:, 1:] = vit.positions[:, 1:][:, order].clone()
    torch.testing.assert_close(vit(shuffled), before)

    small = ResNetConfig(
        block="basic", blocks=(1,), widths=(8,), stem_kernel=3, stem_stride=1, max_pool=False, channels=1, classes=5
    )
    resnet = ResNet(small).eval()
    assert (resnet(shuffled) - resnet(images)).abs().max() > 1e-3


def test_accuracy_under_shifts_is_the_mean_of_four_ways():
    class Looks(torch.nn.Module):
        """Says 1 when the middle pixel is lit."""

        def forward(self, images):
            lit = images[:, 0, 2, 2]
            return torch.stack([1 - lit, lit], dim=1)

    images = torch.zeros(4, 1, 5, 5)
    images[:, :, 2, 1:3] = 1  # the middle, and the pixel to its left
    labels = torch.ones(4, dtype=torch.long)
    model = Looks().train()
    assert accuracy_under_shifts(model, images, labels, (0, 1, 2)) == [1.0, 0.25, 0.0]
    assert model.training
    with pytest.raises(ValueError, match="choose from 0 to 4"):
        accuracy_under_shifts(model, images, labels, (5,))
    for pictures, names in ((images, labels[:1]), (images[:0], labels[:0])):
        with pytest.raises(ValueError, match="pass one label per image"):
            accuracy_under_shifts(model, pictures, names, (1,))
