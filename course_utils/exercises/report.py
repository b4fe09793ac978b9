"""How a verdict is shown: a coloured note in a notebook, a line elsewhere."""

import re
from dataclasses import dataclass
from html import escape

from course_utils.exercises.judge import Verdict

MARKS = {"passed": ("✓", "#2e7d32"), "wrong": ("✗", "#c62828"), "not attempted": ("○", "#757575")}


@dataclass(frozen=True, repr=False)
class Report:
    """A verdict on an exercise, ready for display."""

    name: str
    title: str
    verdict: Verdict

    def __repr__(self) -> str:
        mark, _ = MARKS[self.verdict.status]
        more = f'\n  Stuck? hint("{self.name}")' if self.verdict.status == "wrong" else ""
        return f"{mark} {self.name} {self.verdict.status}: {self.title}\n  {self.verdict.message}{more}"

    def _repr_html_(self) -> str:
        mark, colour = MARKS[self.verdict.status]
        message = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(self.verdict.message))
        more = f'<br><small>Stuck? <code>hint("{self.name}")</code></small>' if self.verdict.status == "wrong" else ""
        return (
            f'<div role="status" style="border-left: 4px solid {colour}; padding: 4px 12px; margin: 4px 0">'
            f'<strong><span style="color: {colour}">{mark}</span> {self.name} {self.verdict.status}</strong>'
            f" – {escape(self.title)}<br>{message}{more}</div>"
        )


def show(report: Report) -> None:
    """Display in a notebook, print elsewhere."""
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(report)
    else:
        display(report)
