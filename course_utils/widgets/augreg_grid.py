"""AugRegGrid: accuracy by model, augmentation and regularisation, as an interactive table. Notebook 06."""

from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_tensor


class AugRegGrid(anywidget.AnyWidget):
    """Accuracy of models (rows) at levels of augmentation (columns), without and with regularisation, in four views.

    values: (rows, 2, levels) in per cent, first without regularisation, then with it. rows and levels: their names.
    original: for some rows, a value to compare them with. regularisation: a name for what the second half uses.
    Raises ValueError for names that do not match the values.
    """

    _esm = script("augreg_grid")
    _css = style("augreg_grid")
    values = traitlets.List(traitlets.Any()).tag(sync=True)
    rows = traitlets.List(traitlets.Unicode()).tag(sync=True)
    levels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    original = traitlets.Dict().tag(sync=True)
    regularisation = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        values: Any,
        rows: Sequence[str],
        levels: Sequence[str],
        *,
        original: Mapping[str, float] | None = None,
        regularisation: str = "0.1",
    ) -> None:
        table = as_tensor(values, "The table")
        if table.ndim != 3 or table.shape[1] != 2:
            raise ValueError(
                f"The table has shape {tuple(table.shape)}, but must be (rows, 2, levels): without and with "
                "regularisation."
            )
        for names, count, what in ((rows, table.shape[0], "rows"), (levels, table.shape[2], "levels")):
            if len(names) != count:
                raise ValueError(f"There are {len(names)} names for {count} {what}: pass one name each.")
        if table.min() < 0 or table.max() > 100:
            raise ValueError(
                f"The table has values from {table.min():.3g} to {table.max():.3g}, but must be in per cent: pass "
                "values from 0 to 100."
            )
        unknown = [name for name in original or {} if name not in rows]
        if unknown:
            raise ValueError(
                f"original names {unknown[0]!r}, but it must name a row: choose among {', '.join(rows)}."
            )
        super().__init__(
            values=[[[round(value, 4) for value in half] for half in row] for row in table.tolist()],
            rows=list(rows),
            levels=list(levels),
            original={name: float(value) for name, value in (original or {}).items()},
            regularisation=regularisation,
        )
