"""Tables of results: a pandas DataFrame with a caption, for a notebook, a page, a slide or a terminal. All notebooks."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from IPython.display import display

LEFT, RIGHT = "text-align: left", "text-align: right; white-space: nowrap"
MISSING = "–"


class Table:
    """Results in rows and columns, as text and as HTML; ``frame`` is the pandas DataFrame.

    rows: for each row, the name of a column → a number (also a tensor or an array with one element), an interval, or
    text; what a row does not have is shown as "–". floats: how numbers that are not whole, and intervals, are written,
    as in an f-string; formats: the same for all numbers of a column, by its name. headers: so many columns, from the
    left, name the row. Raises ValueError if there is no row, or if formats names a column that is not there.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        caption: str,
        floats: str = ".1f",
        formats: Mapping[str, str] | None = None,
        headers: int = 1,
    ) -> None:
        exact = pd.DataFrame([{name: _number(value) for name, value in row.items()} for row in rows], dtype=object)
        formats = formats or {}
        if exact.empty:
            raise ValueError(f"The table {caption!r} has no rows: pass at least one.")
        if unknown := set(formats) - set(exact):
            raise ValueError(f"formats names {sorted(unknown)}, but the table's columns are {list(exact)}.")
        self.caption, self.headers, self.frame = caption, headers, exact.infer_objects()
        self._text = [name for name in exact if _has_words(exact[name])]
        shown = {name: [_written(each, formats.get(name), floats) for each in exact[name]] for name in exact}
        self._shown = pd.DataFrame(shown)

    def __repr__(self) -> str:
        columns = []
        for name, values in self._shown.items():
            whole = pd.Series([name, *values])
            columns.append(whole.str.pad(whole.str.len().max(), "right" if name in self._text else "left"))
        return "\n".join([self.caption, *columns[0].str.cat(columns[1:], sep="  ").str.rstrip()])

    def _repr_html_(self) -> str:
        table = ElementTree.fromstring(self._shown.to_html(index=False, border=0))
        styles = [LEFT if name in self._text else RIGHT for name in self._shown]
        for row in table.iter("tr"):
            row.attrib.clear()
            for position, (cell, style) in enumerate(zip(row, styles, strict=True)):
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


def _number(value: Any) -> Any:
    """Python's own number for a tensor or an array with one element."""
    return value.item() if hasattr(value, "item") else value


def _written(value: Any, own: str | None, floats: str) -> str:
    if value is None or value != value:  # NaN
        return MISSING
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value, own or (",d" if isinstance(value, int) else floats))
