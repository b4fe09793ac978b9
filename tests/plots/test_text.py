"""Figures on a slide: no text that is drawn is lower than 1/40 of the slide."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.backends.backend_agg import RendererAgg

from course_utils import plots
from course_utils.plots.text import PLACES, WIDE
from course_utils.teaching.site import shown

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def drawn(monkeypatch) -> list[float]:
    """Sizes in points of the texts that are drawn from here on."""
    sizes = []
    draw = RendererAgg.draw_text

    def noting(self, gc, x, y, text, prop, *rest, **named):
        sizes.append(prop.get_size_in_points())
        draw(self, gc, x, y, text, prop, *rest, **named)

    monkeypatch.setattr(RendererAgg, "draw_text", noting)
    return sizes


def on_a_slide(figure, drawn) -> float:
    """The smallest text of the figure, as a share of the height of a slide that it fills."""
    drawn.clear()
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    across, down = PLACES[bool(width / height >= WIDE)]
    return min(drawn) / 72 * min(across / width, down / height)


@pytest.mark.parametrize("size", [(3.2, 3.2), (7.2, 2), (7.6, 2.9), (7.6, 5.2), (10, 2.9), (9, 3.4), (8, 4)])
def test_ticks_titles_and_legends_of_any_figure(size, drawn):
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    axis.plot([1, 2], label="a line")
    axis.set(title="title", xlabel="x")
    axis.legend()
    assert on_a_slide(figure, drawn) >= 1 / 40 - 1e-9


@pytest.mark.parametrize(("count", "columns", "size"), [(6, 3, 2.2), (4, 2, 3.2), (18, 6, 1.2)])
def test_titles_of_many_images_and_of_maps_over_them(count, columns, size, drawn):
    images, titles = torch.rand(count, 3, 4, 4), ["a title"] * count
    assert on_a_slide(plots.show_images(images, titles, columns, size), drawn) >= 1 / 40 - 1e-9
    figure = plots.show_attention_over(images[:columns], torch.rand(columns, 2, 2), titles[:columns], size=1.3)
    assert on_a_slide(figure, drawn) >= 1 / 40 - 1e-9


def test_long_titles_are_wrapped_to_the_width_of_their_images(drawn):
    figure = plots.show_images(torch.rand(8, 3, 4, 4), ["said: orange checked triangle"] * 8, columns=4, size=1.75)
    figure.canvas.draw()
    for axis in figure.axes:
        assert axis.title.get_window_extent().width <= 1.75 * figure.dpi
        assert axis.get_title().split() == ["said:", "orange", "checked", "triangle"]


def test_matrices_side_by_side_and_their_numbers_stay_in_their_cells(drawn):
    figure = plots.show_matrices({name: torch.rand(4, 4) for name in "abc"}, annotate=True)
    assert on_a_slide(figure, drawn) >= 1 / 40 - 1e-9
    axis = plots.show_matrices({"a": torch.rand(12, 12)}, annotate=True).axes[0]
    axis.figure.canvas.draw()
    cell = axis.get_window_extent().width / 12
    assert all(text.get_window_extent().width <= cell for text in axis.texts)


def test_slides_and_figures_mean_the_same_by_wide():
    assert shown.WIDE is WIDE
