"""Tables of results: the same numbers as text and as HTML, aligned, with names for every row and column."""

import re

import pytest
import torch

from course_utils import tables
from course_utils.experiments import interval
from course_utils.tables import Table

ROWS = [
    {
        "model": "a <ViT>",
        "tokens": torch.tensor(50_176),
        "right": torch.tensor(0.5),
        "gap": interval([1.0, 2.0, 3.0]),
    },
    {"model": "ResNet & block", "tokens": 49, "right": 1.0, "size": "7 × 7"},
]


@pytest.fixture
def table():
    return Table(ROWS, "Accuracy > chance", ".1%", {"gap": "+.2f"})


def test_numbers_are_aligned_to_the_right_and_words_to_the_left(table):
    assert repr(table).splitlines() == [
        "Accuracy > chance",
        "model           tokens   right           gap   size",
        "a <ViT>         50,176   50.0%  +2.00 ± 2.48      –",
        "ResNet & block      49  100.0%             –  7 × 7",
    ]
    aligned = re.findall(r'<t[dh] [^>]*style="text-align: (\w+)[^>]*>([^<]*)<', table._repr_html_())
    assert aligned[:2] == [("left", "model"), ("right", "tokens")]
    assert aligned[5:8] == [("left", "a &lt;ViT&gt;"), ("right", "50,176"), ("right", "50.0%")]


def test_every_cell_has_a_heading_of_its_column_and_of_its_row_and_the_table_has_a_caption(table):
    html = table._repr_html_()
    assert re.findall(r"<caption[^>]*>([^<]*)<", html) == ["Accuracy &gt; chance"]
    assert re.findall(r'<th scope="col"[^>]*>([^<]*)<', html) == ["model", "tokens", "right", "gap", "size"]
    assert re.findall(r'<th scope="row"[^>]*>([^<]*)<', html) == ["a &lt;ViT&gt;", "ResNet &amp; block"]
    assert len(re.findall("<td", html)) == 8
    two = Table(ROWS, "", headers=2)._repr_html_()
    assert re.findall(r'<th scope="row"[^>]*>([^<]*)<', two)[1::2] == ["50,176", "49"]


def test_the_frame_has_the_numbers_as_they_are(table):
    assert table.frame.tokens.tolist() == [50_176, 49]
    assert table.frame.right.sum() == 1.5
    assert table.frame.gap[0].mean == 2


def test_what_is_missing_and_what_is_yes_or_no_is_said():
    table = Table([{"a": None, "b": float("nan"), "c": True}, {"a": 1, "d": False}], "", "+.0e")
    assert [line.split() for line in repr(table).splitlines()[2:]] == [["–", "–", "yes", "–"], ["1", "–", "–", "no"]]


@pytest.mark.parametrize(
    ("rows", "formats", "sentence"),
    [
        ([], {}, "The table 'Gaps' has no rows: pass at least one."),
        (ROWS, {"gaps": ".2f"}, r"formats names \['gaps'\], but the table's columns are \['model', 'tokens', "),
    ],
)
def test_a_table_without_rows_or_a_format_without_a_column_is_refused(rows, formats, sentence):
    with pytest.raises(ValueError, match=sentence):
        tables.show(rows, "Gaps", formats=formats)


def test_outside_a_notebook_the_text_is_printed(capsys, table):
    tables.show(ROWS, "Accuracy > chance", ".1%", {"gap": "+.2f"})
    assert capsys.readouterr().out == f"{table!r}\n"
