"""How a verdict is shown: HTML in a notebook, plain text elsewhere, the same words in both."""

import html
from dataclasses import dataclass

from course_utils.console import in_notebook
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.verdict import Outcome, Verdict

# Middle tones: 3:1 or better against white and against JupyterLab's dark grey. They repeat what the words say.
_LOOK = {
    Outcome.PASSED: ("✓", "passed", "#2a8f5c"),
    Outcome.NOT_YET: ("✗", "not yet", "#c7641f"),
    Outcome.NOT_ATTEMPTED: ("○", "not attempted yet", "#7f7f7f"),
    Outcome.NOT_JUDGED: ("?", "could not be judged", "#7f7f7f"),
}


@dataclass(frozen=True, repr=False)
class Report:
    """A verdict on one exercise, with a note on the progress file when that could not be written."""

    exercise: Exercise
    verdict: Verdict
    note: str | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentences below the heading."""
        if self.verdict.passed:
            after = "From here on the notebook runs on your own code."
        else:
            after = "Until it passes, the notebook goes on with the course's version. "
            after += f'For a hint: `hint("{self.exercise.name}")`.'
        return tuple(line for line in (self.verdict.message, after, self.note) if line)

    def __repr__(self) -> str:
        sign, word, _ = _LOOK[self.verdict.outcome]
        heading = f"{sign} {self.exercise.name} · {self.exercise.title}: {word}"
        return "\n".join([heading, *(f"  {line}" for line in self.lines)])

    def _repr_html_(self) -> str:
        sign, word, colour = _LOOK[self.verdict.outcome]
        body = "".join(f'<div style="margin-top:0.3em">{_marked(line)}</div>' for line in self.lines)
        return (
            f'<div role="status" style="border-left:4px solid {colour};padding:0.3em 0.8em;color:inherit;'
            f'background:transparent"><strong>{sign} {html.escape(self.exercise.title)}: {word}</strong> '
            f'<span style="opacity:0.75">{html.escape(self.exercise.name)}</span>{body}</div>'
        )


@dataclass(frozen=True, repr=False)
class Hint:
    """One step of help, with how many there are; the last is code."""

    name: str
    step: int
    steps: int
    text: str
    again: bool = False  # there is no further step

    @property
    def heading(self) -> str:
        """Which step this is."""
        if self.again:
            return f"{self.name}: that was the last hint; here is the solution once more"
        last = self.step == self.steps
        return f"{self.name}, the solution" if last else f"{self.name}, hint {self.step} of {self.steps - 1}"

    def __repr__(self) -> str:
        return f"{self.heading}\n{self.text}"

    def _repr_html_(self) -> str:
        if self.step == self.steps:
            style = "margin:0.3em 0;color:inherit;overflow-x:auto"
            body = f'<pre style="{style}"><code>{html.escape(self.text)}</code></pre>'
        else:
            body = f'<div style="margin-top:0.3em">{_marked(self.text)}</div>'
        return (
            f'<div style="border-left:4px solid #7f7f7f;padding:0.3em 0.8em;color:inherit">'
            f"<strong>{html.escape(self.heading)}</strong>{body}</div>"
        )


def show(card: Report | Hint) -> None:
    """Display in a notebook, print elsewhere."""
    if in_notebook():
        from IPython.display import display

        display(card)
    else:
        print(card)


def _marked(line: str) -> str:
    """Escaped for HTML, with what stands between backticks as code."""
    pieces = html.escape(line).split("`")
    return "".join(f"<code>{piece}</code>" if n % 2 else piece for n, piece in enumerate(pieces))
