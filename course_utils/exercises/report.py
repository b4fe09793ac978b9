"""Show a verdict as HTML in a notebook and as plain text elsewhere, with the same words."""

import html
import re
from dataclasses import dataclass

from course_utils.console import in_notebook
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.verdict import Outcome, Verdict

# Contrast of at least 3:1 against white and against JupyterLab's dark grey. The words say the same as the colours.
_LOOK = {
    Outcome.PASSED: ("✓", "passed", "#2a8f5c"),
    Outcome.NOT_YET: ("✗", "not yet", "#c7641f"),
    Outcome.NOT_ATTEMPTED: ("○", "not attempted yet", "#7f7f7f"),
    Outcome.NOT_JUDGED: ("?", "could not be judged", "#7f7f7f"),
}


@dataclass(frozen=True, repr=False)
class Report:
    """A verdict on one exercise, with a note if the progress file could not be written, and the progress so far."""

    exercise: Exercise
    verdict: Verdict
    note: str | None = None
    progress: str | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentences below the heading."""
        if self.verdict.passed:
            after = "From now on the notebook uses your code."
        else:
            after = "Until it passes, the notebook uses the course's version. "
            after += f'For a hint: `hint("{self.exercise.name}")`.'
        return tuple(line for line in (self.verdict.message, after, self.note, self.progress) if line)

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
    """One step of help and the number of steps; the last one is the solution."""

    name: str
    step: int
    steps: int
    text: str
    again: bool = False  # this is the last step

    @property
    def heading(self) -> str:
        """The title of this step."""
        if self.again:
            return f"{self.name}: there are no more hints; here is the solution again"
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
    """Display in a notebook, or print elsewhere."""
    if in_notebook():
        from IPython.display import display

        display(card)
    else:
        print(card)


def _marked(line: str) -> str:
    """Escape for HTML, with text between backticks as code and words between asterisks emphasised."""
    pieces = html.escape(line).split("`")
    pieces[::2] = [re.sub(r"(?<!\w)\*(\w[^*]*\w)\*(?!\w)", r"<em>\1</em>", piece) for piece in pieces[::2]]
    return "".join(f"<code>{piece}</code>" if n % 2 else piece for n, piece in enumerate(pieces))
