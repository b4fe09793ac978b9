"""Long work on one line: in a terminal however narrow, in a log once a minute, with the time left first."""

import sys
import threading
from types import SimpleNamespace

import pytest

from course_utils import steps
from course_utils.steps import Line, Steps, counted, downloading


@pytest.fixture
def clock(monkeypatch):
    """The clock of ``steps``, in seconds, which stands still unless a test moves it; no line is renewed by itself."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(steps, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    monkeypatch.setattr(steps, "TICK_SECONDS", 3600.0)
    return now


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of so many columns."""

    def of(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setenv("COLUMNS", str(columns))

    return of


def screen(written: str) -> list[str]:
    """What a terminal shows of a text: a carriage return goes back to the beginning of the line."""
    shown = []
    for line in written.split("\n"):
        cells = ""
        for part in line.split("\r"):
            cells = part + cells[len(part) :]
        shown.append(cells.rstrip())
    return shown


def test_a_terminal_shows_only_the_latest_text_and_keeps_what_is_last(clock, terminal, capsys):
    terminal(80)
    line = Line()
    line("a long text at the beginning")
    line("short")
    assert screen(capsys.readouterr().out) == ["short"]
    line("epoch 1: the result", last=True)
    line("again")
    assert screen(capsys.readouterr().out) == ["epoch 1: the result", "again"]


@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal_cuts_the_end_and_never_the_time_left(clock, terminal, capsys, columns):
    terminal(columns)
    work = Steps("notebook", 11)
    work.next("00_attention_recap")
    clock.seconds = 60.0
    work.next("01_attention_in_cnns")
    *_, shown = capsys.readouterr().out.split("\r")
    assert shown.startswith("about 10 min 00 s l")
    assert len(shown) < columns
    assert "\n" not in shown


def test_a_log_gets_a_line_per_step_and_one_a_minute_in_between(clock, capsys):
    work = Steps("point", 3)
    work.next("seed 0")
    for second in range(1, 151):
        clock.seconds = float(second)
        work.renew()
    work.next("seed 1")
    assert capsys.readouterr().out.splitlines() == [
        "0 s so far · point 1 of 3 · seed 0",
        "60 s so far · point 1 of 3 · seed 0",
        "2 min 00 s so far · point 1 of 3 · seed 0",
        "about 5 min 00 s left · point 2 of 3 · seed 1",
    ]


def test_training_writes_into_a_log_once_a_minute_too(clock, capsys):
    line = Line()
    for second in range(0, 130, 10):
        clock.seconds = float(second)
        line(f"{second} s of work")
    line("the result", last=True)
    assert capsys.readouterr().out.splitlines() == ["60 s of work", "120 s of work", "the result"]


def test_the_time_left_counts_the_part_of_a_step_that_is_done(clock):
    work = Steps("notebook", 4)
    work.next("00")
    clock.seconds = 100.0
    work.next("01")
    assert str(work) == "about 5 min 00 s left · notebook 2 of 4 · 01"
    work.within(6, 10)  # the sixth of ten cells begins
    assert str(work) == "about 4 min 10 s left · notebook 2 of 4 · 01 · 6 of 10"
    work.within(1, 10)
    clock.seconds = 500.0  # much longer than the one before: its own part says more than the clock
    assert str(work).startswith("about 5 min 00 s left")


def test_a_step_longer_than_those_before_takes_nothing_from_those_to_come(clock):
    work = Steps("point", 3)
    work.next("first")
    clock.seconds = 10.0
    work.next("second")
    clock.seconds = 500.0
    assert str(work) == "about 10 s left · point 2 of 3 · second"


def test_steps_of_unlike_length_and_what_comes_after_the_last_have_no_time_left(clock):
    work = Steps("load", 2, even=False)
    work.next("1 kernel")
    clock.seconds = 5.0
    work.next("8 kernels")
    assert str(work) == "5 s so far · load 2 of 2 · 8 kernels"
    work = Steps("notebook", 1)
    work.next("00")
    assert str(work) == "0 s so far · 00"
    work.next("writing the pages")
    assert str(work) == "0 s so far · writing the pages"


def test_what_is_printed_aside_stands_alone_on_its_line(clock, terminal, capsys):
    terminal(80)
    with counted("point", 2) as work:
        work.next("a")
        with work.aside():
            print("a: 0.9")
        work.next("b")
    assert screen(capsys.readouterr().out) == ["a: 0.9", ""]


def test_the_line_is_renewed_by_itself(monkeypatch, capsys):
    monkeypatch.setattr(steps, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(steps, "LOG_SECONDS", 0.0)
    renewed = threading.Event()
    with counted("point", 1) as work:
        work.next("a")
        monkeypatch.setattr(work, "_line", lambda text: renewed.set())
        assert renewed.wait(60)
        monkeypatch.undo()


def test_nobody_reads_any_more(monkeypatch, clock):
    work = Steps("point", 1)
    work.next("a")

    def closed(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    clock.seconds = 100.0
    work.renew()  # the work goes on


def test_a_download_into_a_log_shows_lines_instead_of_the_librarys_bar(clock, capsys):
    with downloading("Fashion-MNIST"):
        print("\r 12%", end="", file=sys.stderr)
    assert capsys.readouterr() == ("0 s so far · downloading Fashion-MNIST\n", "")


def test_a_download_in_a_terminal_keeps_its_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with downloading("Fashion-MNIST"):
        print("\r 12%", end="", file=sys.stderr)
    assert capsys.readouterr() == ("", "\r 12%")
