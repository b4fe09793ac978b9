"""The progress of training on one line, time left first. All notebooks that train."""

import io
import math
import time
from collections.abc import Callable
from typing import Any

from course_utils.console import duration, in_notebook
from course_utils.steps import Line
from course_utils.training.history import Epoch, draw_curves

LINE_SECONDS = 0.5  # between two updates
FIGURE_SECONDS = 2.0
FIGURE_SHARE = 0.05  # at most this share of the time goes into drawing: a slow machine draws less often
FIRST_STEPS = 3  # slower than the rest (memory, kernels), so the estimate leaves them out


class Progress:
    """Updated by the training loop; writes to a notebook, a terminal or a log, or nowhere if quiet."""

    def __init__(
        self, about: str, steps: int, steps_per_epoch: int, *, plot: bool, quiet: bool, before: float = 0.0
    ) -> None:
        """before: seconds already spent on this run, if it is continued."""
        self.before, self.began = before, time.perf_counter()
        self.about, self.steps, self.steps_per_epoch = about, steps, steps_per_epoch
        self.epochs = -(-steps // steps_per_epoch)
        self.write, self.show = _outlets(plot, quiet)
        self.losses: list[tuple[float, float]] = []  # (epochs done, running loss)
        self.validated: list[Epoch] = []
        self.running: tuple[float, float] | None = None  # loss and accuracy, averaged over about 20 reports
        self.shown = self.draw_next = 0.0
        self.clock: tuple[float, int] | None = None  # time and step at which the estimate began
        self.evaluation = 0.0  # seconds per evaluation, once known
        self.done = 0
        self.write(f"{about}: measuring the speed …")

    def step(self, done: int, loss: float, accuracy: float, images: int) -> None:
        """After step number done (from 1) of the whole run; images: the size of its batch."""
        now = time.perf_counter()
        self.done += 1
        if self.done == FIRST_STEPS:
            self.clock = (now, done)
        old = self.running or (loss, accuracy)
        self.running = (0.95 * old[0] + 0.05 * loss, 0.95 * old[1] + 0.05 * accuracy)
        if self.clock is None or done == self.clock[1] or now - self.shown < LINE_SECONDS:
            return
        self.shown = now
        epoch = (done - 1) // self.steps_per_epoch + 1
        rate = (done - self.clock[1]) / (now - self.clock[0])
        left = (self.steps - done) / rate + self.evaluation * (self.epochs - epoch + 1)
        self.losses.append((done / self.steps_per_epoch, self.running[0]))
        self.write(
            f"{duration(left)} left of about {duration(self.before + now - self.began + left)}"
            f" · {self.about}: epoch {epoch} of {self.epochs} · loss {self.running[0]:.3f}"
            f" · accuracy {self.running[1]:.1%} · {rate * images:,.0f} images/s"
        )
        if now > self.draw_next:
            self.draw()

    def epoch(self, row: Epoch, evaluation_seconds: float) -> None:
        """After an epoch and its evaluation; the evaluation does not count in the speed of the steps."""
        self.evaluation = evaluation_seconds
        if self.clock is not None:
            self.clock = (self.clock[0] + evaluation_seconds, self.clock[1])
        self.validated.append(row)
        judged = "" if math.isnan(row.validation_loss) else f" · validation accuracy {row.validation_accuracy:.1%}"
        self.write(f"epoch {row.epoch} of {self.epochs} · loss {row.train_loss:.3f}{judged}", last=True)
        self.draw()

    def end(self, sentence: str) -> None:
        """Replace the line by a final sentence."""
        self.draw()
        self.write(sentence, last=True)

    def draw(self) -> None:
        if self.show is not None and (self.losses or self.validated):
            began = time.perf_counter()
            self.show(draw_curves(self.validated, self.losses, self.epochs), self._in_words())
            ended = time.perf_counter()
            self.draw_next = ended + max(FIGURE_SECONDS, (ended - began) / FIGURE_SHARE)

    def _in_words(self) -> str:
        seen = [f"loss {self.losses[0][1]:.2f} at first, {self.losses[-1][1]:.2f} now"] if self.losses else []
        seen += [f"epoch {row.epoch}: validation accuracy {row.validation_accuracy:.1%}" for row in self.validated]
        return "; ".join(seen)


def _outlets(plot: bool, quiet: bool) -> tuple[Callable[..., None], Callable[[Any, str], None] | None]:
    """Where progress is shown → (write(text, last=False), show(figure, words) or None)."""
    if quiet:
        return (lambda text, last=False: None), None
    line = Line()
    if not plot or not in_notebook():
        return line, None
    from IPython.display import display

    image = display({"text/plain": ""}, raw=True, display_id=True)

    def show(figure: Any, words: str) -> None:
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=100)
        image.update({"image/png": png.getvalue(), "text/plain": words}, raw=True)

    return line, show
