"""The benchmark of widgets measures what it says, in a real JupyterLab; how fast they are is not tested."""

import pytest

from course_utils.bench import widgets

pytestmark = pytest.mark.browser


def test_both_figures_are_measured_and_the_hand_is_answered(monkeypatch, browser, lab):
    seen = []
    measure = widgets.pointer_to_paint

    def watched(page):
        late = measure(page)
        seen.append(page.locator(".afv-attention [data-fact]").first.inner_text())
        return late

    monkeypatch.setattr(widgets, "pointer_to_paint", watched)
    visible, paint = widgets.figures_in(browser, lab, rounds=1)
    assert visible.budget == "first_widget_seconds"
    assert visible.seconds > 0
    assert paint.budget == "paint_seconds"
    assert all(late > 0 for late in paint.times)
    assert all(seen), "the pointer was over the widget, which answered"


def test_a_pass_in_the_page_is_measured_for_each_model_and_beside_pytorch(browser):
    figures = list(widgets.pass_figures(browser, rounds=1))
    assert [figure.budget for figure in figures] == ["pass_seconds", None] * 2
    assert all(figure.seconds > 0 for figure in figures)
