"""Tables of results: a pandas DataFrame with a caption, for a notebook, a page, a slide or a terminal.
All notebooks.
"""

import math
import re
from collections.abc import Iterable, Mapping
from numbers import Number, Real
from typing import Annotated, Any
from xml.etree import ElementTree

import pandas as pd
from IPython.display import display

from course_utils.settings import WrongSetting, at_least, by_text, checked, shown

LEFT, RIGHT = "text-align: left", "text-align: right; white-space: nowrap"
MISSING = "–"
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")  # control characters and half ones


class Table:
    """Results in rows and columns, as text and as HTML; ``frame`` is the pandas DataFrame.

    rows: for each row, the name of a column → a number (also a tensor or an array with one element), an interval, or
    anything else, which is shown as text; what a row does not have is shown as "–". floats: how numbers that are not
    whole, and intervals, are written, as in an f-string; formats: the same for all numbers of a column, by its name.
    headers: so many columns, from the left, name the row. Raises ValueError if there is no row, for what is no row, if
    formats names a column that is not there, and for a format that does not fit a number.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        caption: str,
        floats: str = ".1f",
        formats: Mapping[str, str] | None = None,
        headers: int = 1,
    ) -> None:
        self.caption = _on_one_line(checked("caption", caption, str))
        self.headers = checked("headers", headers, Annotated[int, at_least(0)])
        entries = list(rows) if isinstance(rows, Iterable) else [rows]
        if not all(isinstance(each, Mapping | pd.Series) for each in entries):
            raise WrongSetting(
                f"rows is {shown(rows)}, but must be a list with a dict for each row: put a single dict into a list, "
                'and turn a DataFrame into one with to_dict("records").'
            )
        if not isinstance(formats, Mapping | None):
            raise WrongSetting(f"formats is {shown(formats)}, but must be a dict from names of columns to formats.")
        floats, formats = checked("floats", floats, str), by_text(formats or {}, "formats")
        named = [by_text(row, f"Row {number}") for number, row in enumerate(entries, 1)]
        exact = pd.DataFrame([{name: _cell(value) for name, value in row.items()} for row in named], dtype=object)
        if exact.empty:
            raise ValueError(f"The table {caption!r} has no rows: pass at least one.")
        if unknown := set(formats) - set(exact):
            raise ValueError(f"formats names {sorted(unknown)}, but the table's columns are {list(exact)}.")
        formats = {name: checked(f"formats[{name!r}]", each, str) for name, each in formats.items()}
        self.frame = exact.infer_objects()
        self._aligned = [LEFT if _has_words(exact[name]) else RIGHT for name in exact]
        self._shown = pd.DataFrame(
            {name: [_written(each, formats.get(name), floats, name) for each in exact[name]] for name in exact}
        )
        self._shown.columns = [_on_one_line(name) for name in exact]

    def __repr__(self) -> str:
        columns = []
        for (name, values), style in zip(self._shown.items(), self._aligned, strict=True):
            whole = pd.Series([name, *values])
            columns.append(whole.str.pad(whole.str.len().max(), "right" if style == LEFT else "left"))
        return "\n".join([self.caption, *columns[0].str.cat(columns[1:], sep="  ").str.rstrip()])

    def _repr_html_(self) -> str:
        html = self._shown.to_html(index=False, border=0)
        table = ElementTree.fromstring(html.replace("&nbsp;", " "))  # pandas' own, for two spaces in a heading
        for row in table.iter("tr"):
            row.attrib.clear()
            for position, (cell, style) in enumerate(zip(row, self._aligned, strict=True)):
                if cell.tag == "th":
                    cell.attrib = {"scope": "col", "style": style.partition(";")[0]}
                elif position < self.headers:
                    cell.tag, cell.attrib = "th", {"scope": "row", "style": style}
                else:
                    cell.attrib = {"style": style}
        table.insert(0, caption := ElementTree.Element("caption", style=LEFT))
        caption.text = self.caption
        return f'<div style="overflow-x: auto">{ElementTree.tostring(table, encoding="unicode")}</div>'


def show(
    rows: Iterable[Mapping[str, Any]],
    caption: str,
    floats: str = ".1f",
    formats: Mapping[str, str] | None = None,
    headers: int = 1,
) -> None:
    """Show a :class:`Table` below the cell, among its prints and figures, or print it in a terminal."""
    display(Table(rows, caption, floats, formats, headers))


def _has_words(values: Iterable[Any]) -> bool:
    return any(isinstance(each, str) and any(map(str.isalpha, each)) for each in values)


def _cell(value: Any) -> Any:
    """A number, Python's own for a tensor or an array with one element, or an interval; None for what is missing; the
    text of anything else.
    """
    try:
        found = value.item() if math.prod(value.shape) == 1 else value
    except (AttributeError, TypeError, RuntimeError):  # no tensor, or one on the device 'meta'
        found = value
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if getattr(getattr(value, "dtype", None), "kind", None) in ("M", "m"):  # dates and spans, which NumPy counts in
        return str(value)
    has_format = isinstance(found, tuple) and type(found).__format__ is not object.__format__  # as an interval has
    return found if isinstance(found, Number | str) or has_format else str(found)


def _written(value: Any, own: str | None, floats: str, name: str) -> str:
    if value is None or value != value:  # NaN
        return MISSING
    if isinstance(value, str):
        return _on_one_line(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    form = own or (",d" if isinstance(value, int) else floats)
    try:
        return format(float(value) if isinstance(value, Real) and not isinstance(value, int) else value, form)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"The format {form!r} does not fit {shown(value)} in the column {name!r}: pass one such as '.1f', or ',d' "
            "for whole numbers."
        ) from error


def _on_one_line(text: str) -> str:
    """The text with spaces for line breaks, and marks for what neither a terminal nor a page can show."""
    return UNSEEN.sub(lambda sign: " " if sign[0].isspace() else "\N{REPLACEMENT CHARACTER}", text)
