"""Erasing: the right patch, the right class, the right blank; and correlations over the patches that are asked for."""

from types import SimpleNamespace

import pytest
import torch

from course_utils.analysis.erasing import border, erasing_map, rank_correlations


class ReadsOnePatch(torch.nn.Module):
    """Logits 0 and the sum of the patch in row 1, column 2 of a 2 × 3 grid of 4 × 4 pixels."""

    config = SimpleNamespace(grid=(2, 3), patch_size=4)

    def forward(self, images):
        read = images[..., 4:8, 8:12].sum(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(read), read], dim=1)


def test_erasing_costs_the_label_what_the_patch_gave_it_and_the_others_nothing():
    images, labels = torch.rand(2, 3, 8, 12), torch.tensor([1, 0])
    blank = torch.tensor([0.1, 0.0, 0.3])
    seen = images.clone()
    costs = erasing_map(ReadsOnePatch(), images, labels, blank)
    assert costs.shape == (2, 6)
    read, left = images[..., 4:8, 8:12].sum(dim=(1, 2, 3)), 16 * blank.sum()
    sign = torch.tensor([1.0, -1.0])
    before, after = (torch.nn.functional.logsigmoid(sign * each) for each in (read, left.expand(2)))
    torch.testing.assert_close(costs[:, 5], before - after)
    assert costs[0, 5] > 0 > costs[1, 5]
    assert costs[:, :5].abs().max() == 0
    assert torch.equal(images, seen)


def test_the_border_is_the_median_of_the_outermost_pixels_of_each_channel():
    images = torch.rand(3, 2, 5, 5)
    images[:, 0, 1:-1, 1:-1] = 9
    images[:, 1] = 0.25
    images[0, 1, 0] = 1
    found = border(images)
    assert found[0] < 1
    assert found[1] == 0.25


def test_a_correlation_is_of_ranks_over_the_patches_of_the_mask():
    costs = torch.tensor([[1.0, 2, 3, 4, 0], [1, 2, 3, 4, 0]])
    maps = torch.tensor([[1.0, 10, 100, 1000, 9000], [4, 3, 2, 1, 0]])
    among = torch.ones(2, 5, dtype=torch.bool)
    some = among & (torch.arange(5) < 4)
    assert rank_correlations(maps, costs, some).tolist() == pytest.approx([1, -1])
    assert rank_correlations(maps, costs, among).tolist() == pytest.approx([0, 0])
    assert rank_correlations(0 * maps, costs, among).isnan().all()
