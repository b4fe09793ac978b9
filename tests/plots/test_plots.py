"""What a figure shows is what its tensors hold, whatever their device, precision and gradient."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_rgba

from course_utils import plots

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def shown(axis) -> torch.Tensor:
    """The values of an axis's last image."""
    return torch.as_tensor(axis.images[-1].get_array().filled())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_image_stands_in_its_place_under_its_title_and_empty_places_stay_empty(dtype):
    images = torch.rand(5, 3, 4, 6, dtype=dtype, requires_grad=True)
    figure = plots.show_images(images, titles=list("abcde"), columns=3)
    assert [axis.get_title() for axis in figure.axes] == [*"abcde", ""]
    for axis, image in zip(figure.axes, images, strict=False):
        torch.testing.assert_close(shown(axis), image.detach().float().movedim(0, -1))
    assert not figure.axes[5].images
    grid = figure.axes[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == (2, 3)
    assert not any(axis.axison for axis in figure.axes)


def test_one_channel_is_grey_from_black_to_white_and_what_is_outside_is_clamped():
    (axis,) = plots.show_images([torch.tensor([[[-1.0, 0.25], [0.5, 2.0]]])]).axes
    assert shown(axis).tolist() == [[0, 0.25], [0.5, 1]]
    drawn = axis.images[0]
    assert drawn.to_rgba(drawn.get_array()).tolist()[0][1] == pytest.approx([0.25, 0.25, 0.25, 1], abs=0.01)
    assert (drawn.norm.vmin, drawn.norm.vmax) == (0, 1)


def test_matrices_keep_their_scale_down_to_what_is_below_zero_and_small_ones_are_written_out():
    positive, signed = torch.tensor([[0.5, 1.0], [0.25, 0.75]]), torch.tensor([[-2.0, 1.0]])
    left, right = plots.show_matrices({"weights": positive, "scores": signed}, annotate=True).axes
    assert (left.get_title(), left.get_xlabel(), left.get_ylabel()) == ("weights", "key", "query")
    assert (left.images[0].norm.vmin, left.images[0].norm.vmax) == (0, 1)
    assert (right.images[0].norm.vmin, right.images[0].norm.vmax) == (-2, 1)
    written = {text.get_position(): (text.get_text(), to_rgba(text.get_color())) for text in left.texts}
    white, black = to_rgba("white"), to_rgba("black")  # against dark and light cells
    assert written == {
        (0, 0): ("0.50", black),
        (1, 0): ("1.00", black),
        (0, 1): ("0.25", white),
        (1, 1): ("0.75", black),
    }


def test_the_axes_of_a_large_matrix_name_its_first_and_last_only():
    (axis, _bar) = plots.show_matrices({"large": torch.rand(13, 12)}).axes
    assert axis.get_yticks().tolist() == [0, 12]
    assert axis.get_xticks().tolist() == list(range(12))


def test_attention_lies_over_the_whole_image_below_the_image_itself():
    image, weights = torch.rand(1, 8, 12), torch.rand(2, 3)
    above, below = plots.show_attention_over([image], [weights], titles=["layer 1"]).axes
    assert above.get_title() == "layer 1"
    assert len(above.images) == 1
    assert list(below.images[1].get_extent()) == [-0.5, 11.5, 7.5, -0.5]
    assert torch.equal(shown(below), weights)


def test_each_small_map_compares_its_own_place_with_every_place():
    positions = torch.randn(6, 4)
    *maps, bar = plots.show_position_similarity(positions, columns=3).axes
    assert len(maps) == 6
    for place, axis in enumerate(maps):
        expected = torch.cosine_similarity(positions[place], positions, dim=-1).reshape(2, 3)
        torch.testing.assert_close(shown(axis), expected)
        assert (axis.images[0].norm.vmin, axis.images[0].norm.vmax) == (-1, 1)
    assert bar.get_ylabel() == "cosine similarity"
    assert len(plots.show_position_similarity(torch.randn(9, 4)).axes) == 10  # taken to be square
    for count, columns in ((12, None), (10, 3), (2, 3)):
        with pytest.raises(ValueError, match=f"^{count} positions do not fill"):
            plots.show_position_similarity(torch.randn(count, 4), columns)
