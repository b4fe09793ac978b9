"""Tables of results: the same numbers as text and as HTML, aligned, with names for every row and column."""

import re
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
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
        (ROWS, ["gap"], r"formats is \['gap'\], but must be a dict"),
        (ROWS, {"gap": 2}, r"formats\['gap'\] is 2, but must be text"),
        (ROWS, {"right": "d"}, "The format 'd' does not fit 0.5 in the column 'right': pass one such as"),
        (ROWS[0], {}, "rows is {.*, but must be a list with a dict for each row"),
        (pd.DataFrame(ROWS), {}, r"rows is .* turn a DataFrame into one with to_dict"),
        (None, {}, "rows is None, but"),
        ([{1: "a", "1": "b"}], {}, "Row 1 has the names 1 and '1', which are the same as text: rename one"),
    ],
)
def test_what_is_no_table_and_a_format_that_does_not_fit_are_refused(rows, formats, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        tables.show(rows, "Gaps", formats=formats)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("wrong", [{"caption": None}, {"floats": None}, {"headers": "1"}, {"headers": -1}])
def test_every_argument_is_checked(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} is .*, but must be "):
        Table(**{"rows": ROWS, "caption": "", **wrong})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2026, 1, 2), "2026-01-02"),
        (np.datetime64("2026-01-02T03:04:05", "ns"), "2026-01-02T03:04:05.000000000"),
        (np.timedelta64(3, "ns"), "3 nanoseconds"),
        (timedelta(1), "1 day, 0:00:00"),
        (pd.NA, "–"),
        (np.datetime64("NaT"), "–"),
        (Decimal("NaN"), "–"),
        (Fraction(1, 3), "0.3"),
        (np.float16(0.5), "0.5"),
        (torch.Size([2, 3]), "torch.Size([2, 3])"),
        ([1, 2], "[1, 2]"),
        ({"a": 1}, "{'a': 1}"),
        (b"a", "b'a'"),
        (Path("a"), "a"),
        (torch.float16, "torch.float16"),
        (torch.device("cpu"), "cpu"),
        (torch.zeros(3), "tensor([0., 0., 0.])"),
        (torch.zeros(1, device="meta"), "tensor(..., device='meta', size=(1,))"),
        ("a\x00\nb\x1b[0m\udcff", "a\ufffd b\ufffd[0m\ufffd"),
    ],
)
def test_what_is_no_number_is_shown_as_text(value, text):
    assert shown({"a": value}) == ["A table\ufffd", "a", text]


@pytest.mark.parametrize("column", [1, None, ("a", 1), "a\n\x0bb"])
def test_every_name_of_a_column_is_taken(column):
    assert shown({column: 1}) == ["A table\ufffd", str(column).replace("\n\x0b", "  "), "1"]


def shown(row):
    """Caption, heading and cell of a table with one cell: the same as text and as HTML."""
    table = Table([row], "A table\x00")
    lines = [line.strip() for line in repr(table).splitlines()]
    assert re.findall(">([^<>]+)</(?:caption|th)>", table._repr_html_()) == lines
    return lines


def test_outside_a_notebook_the_text_is_printed(capsys, table):
    tables.show(ROWS, "Accuracy > chance", ".1%", {"gap": "+.2f"})
    assert capsys.readouterr().out == f"{table!r}\n"
