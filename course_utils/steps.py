"""Long work on one line: time left first, renewed in place in a notebook or a terminal, once a minute in a log."""

import io
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, suppress
from typing import Any

from course_utils.console import duration, in_notebook
from course_utils.sampler import sampled

LOG_SECONDS = 60.0  # between two lines in a log
TICK_SECONDS = 1.0  # between two updates while nothing happens


class Line:
    """Call it as often as something happens: ``line("epoch 1 of 3")``. The last text of a part stays: ``last=True``."""

    def __init__(self) -> None:
        self._display = _display() if in_notebook() else None
        self._logged = time.monotonic()
        self._width = 0  # of what is on the terminal's line
        self._lock = threading.RLock()

    def __call__(self, text: str, last: bool = False, log: bool = False) -> None:
        """log: also write it to a log if the minute is not over yet."""
        with self._lock:
            if self._display is not None:
                self._display.update({"text/plain": text}, raw=True)
            elif sys.stdout.isatty():
                width = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be renewed
                shown = text if last else text[:width]
                print(f"\r{shown.ljust(min(self._width, width))}", end="\n" if last else "", flush=True)
                self._width = 0 if last else len(shown)
            elif last or log or time.monotonic() - self._logged >= LOG_SECONDS:
                self._logged = time.monotonic()
                print(text, flush=True)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within the block, something else can be printed: a terminal has no line."""
        with self._lock:
            if self._width:
                print(f"\r{' ' * self._width}\r", end="", flush=True)
            self._width = 0
            yield


def _display() -> Any:
    from IPython.display import display

    return display({"text/plain": ""}, raw=True, display_id=True)


class Steps:
    """Counted steps and the line that tells of them: "about 3 min left · notebook 3 of 11 · 02_local_attention"."""

    def __init__(self, noun: str, total: int, even: bool = True) -> None:
        """even: the steps take about as long as one another, so that the time left can be told from those before."""
        self.noun, self.total, self.even = noun, total, even
        self.number = 0  # of the step under way
        self.about = ""
        self.part, self.parts = 0, 0  # of the step: those that are done, and all
        self._began = self._step_began = time.monotonic()
        self._line = Line()

    def next(self, about: str) -> None:
        """Begin the next step, or, after the last one, what comes at the end; about: what it does."""
        self.number, self.about, self.part, self.parts = self.number + 1, about, 0, 0
        self._step_began = time.monotonic()
        self._line(str(self), log=True)

    def within(self, part: int, parts: int) -> None:
        """The step under way is at this part, counted from one."""
        self.part, self.parts = part - 1, parts
        self.renew()

    def renew(self) -> None:
        """Write the line again: time has passed."""
        with suppress(OSError, ValueError):  # nobody reads it any more
            if self.number:
                self._line(str(self))

    def aside(self) -> AbstractContextManager[None]:
        """Within the block, something else can be printed."""
        return self._line.aside()

    def __str__(self) -> str:
        counts = f"{self.noun} {self.number} of {self.total}" if self.number <= self.total > 1 else ""
        part = f"{self.part + 1} of {self.parts}" if self.parts else ""
        return " · ".join(filter(None, (self._time(), counts, self.about, part)))

    def _time(self) -> str:
        """The time left, once a step has ended; until then the time so far."""
        now, before = time.monotonic(), self.number - 1
        if not (self.even and 0 < before < self.total):
            return f"{duration(now - self._began)} so far"
        mean = (self._step_began - self._began) / before
        of_step = mean * (1 - self.part / self.parts) if self.parts else max(0.0, mean - (now - self._step_began))
        return f"about {duration(of_step + mean * (self.total - self.number))} left"


@contextmanager
def counted(noun: str, total: int, even: bool = True) -> Iterator[Steps]:
    """Within the block, a line tells of the steps; it is renewed by itself. Nothing of it stays in a terminal."""
    steps = Steps(noun, total, even)
    try:
        with sampled(steps.renew, TICK_SECONDS):
            yield steps
    finally:
        with steps.aside():
            pass


@contextmanager
def downloading(what: str) -> Iterator[None]:
    """Within the block, a library downloads and shows its own bar; in a log, there is a line a minute instead."""
    if in_notebook() or sys.stderr.isatty():
        yield
        return
    with counted("", 1) as steps, redirect_stderr(io.StringIO()):
        steps.next(f"downloading {what}")
        yield
