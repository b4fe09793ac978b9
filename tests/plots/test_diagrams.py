from inspect import getmembers, isfunction, signature
from itertools import combinations
from xml.etree import ElementTree

import pytest

from course_utils.plots import diagrams

DRAWN = [
    draw()
    for _, draw in getmembers(diagrams, isfunction)
    if draw.__module__ == diagrams.__name__ and not signature(draw).parameters
]
assert len(DRAWN) >= 5
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("diagram", DRAWN)
def test_a_diagram_is_one_svg_with_every_box_every_line_of_text_and_its_alternative(diagram):
    svg = ElementTree.fromstring(diagram._repr_html_())
    assert (svg.tag, svg.get("role"), svg.get("aria-label")) == (f"{SVG}svg", "img", diagram.alternative)
    assert len(svg.findall(f"{SVG}rect")) == len(diagram.boxes)
    assert len(svg.findall(f"{SVG}path")) == len(diagram.arrows)
    lines = [line for box in diagram.boxes.values() for line in box.text.split("\n")]
    assert [words.text for words in svg.iter(f"{SVG}tspan")] == lines


@pytest.mark.parametrize("diagram", DRAWN)
def test_no_two_boxes_touch_and_all_are_within_the_picture(diagram):
    wide, high = map(float, ElementTree.fromstring(diagram._repr_html_()).get("viewBox").split()[2:])
    for box in diagram.boxes.values():
        (x, y), (across, down) = box.centre, box.reach
        assert across <= x <= wide - across
        assert down <= y <= high - down
    for one, other in combinations(diagram.boxes.values(), 2):
        apart = [abs(a - b) for a, b in zip(one.centre, other.centre, strict=True)]
        together = [a + b for a, b in zip(one.reach, other.reach, strict=True)]
        assert apart[0] > together[0] or apart[1] > together[1], (one, other)


@pytest.mark.parametrize("diagram", DRAWN)
def test_every_box_is_reached_by_arrows_from_the_first(diagram):
    starts = {arrow.start for arrow in diagram.arrows}
    ends = {arrow.end for arrow in diagram.arrows}
    assert starts | ends == set(diagram.boxes)


def test_an_arrow_bends_where_it_is_told_and_leaves_a_circle_below_its_middle():
    boxes = {"sum": diagrams.Box(0, 0, "+"), "next": diagrams.Box(0, 2, "text")}
    across, down = boxes["sum"].centre
    path = diagrams.Arrow("sum", "next", via=1).svg(boxes)
    assert f'd="M{across + 11},{down + 6}H{diagrams.WIDTH}V' in path
