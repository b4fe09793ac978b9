"""AugRegGrid: accuracy by model, augmentation and regularisation, as an interactive table. Notebook 06."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import WrongSetting, between, by_text, checked, shown
from course_utils.widgets.tensors import as_names, as_tensor
from course_utils.widgets.widget import Widget


class AugRegGrid(Widget):
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
        rows = as_names(rows, "rows", table.shape[0], "row")
        levels = as_names(levels, "levels", table.shape[2], "level")
        if table.min() < 0 or table.max() > 100:
            raise ValueError(
                f"The table has values from {table.min():.3g} to {table.max():.3g}, but must be in per cent: pass "
                "values from 0 to 100."
            )
        if not isinstance(original, Mapping | None):
            raise WrongSetting(f"original is {shown(original)}, but must be a dict from names of rows to numbers.")
        compared = by_text(original or {}, "original")
        if unknown := [name for name in compared if name not in rows]:
            raise ValueError(
                f"original names {shown(unknown[0])}, but it must name a row: choose among {', '.join(rows)}."
            )
        per_cent = Annotated[float, between(0, 100)]
        if isinstance(regularisation, Real):
            regularisation = str(regularisation)
        super().__init__(
            values=[[[round(value, 4) for value in half] for half in row] for row in table.tolist()],
            rows=rows,
            levels=levels,
            original={name: checked(f"original[{name!r}]", value, per_cent) for name, value in compared.items()},
            regularisation=checked("regularisation", regularisation, str),
        )
