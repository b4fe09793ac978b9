"""A function that hangs, crashes or rearranges its process ends a copy of the session, and the check says how."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import types
from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch

from course_utils.attention import split_heads
from course_utils.bench import hostile
from course_utils.exercises import Kind, Outcome, confined, find, forked, guard, session, sheltered, watchdog
from course_utils.exercises.time_limit import Why
from course_utils.paths import ROOT

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux copies a process with threads reliably")
MEMORY = 2**29


def end_of(work, seconds=5.0):
    return forked.run_forked(work, seconds, MEMORY)


def endless():
    return str(7**7**7**7)


@linux
class TestCopies:
    def test_a_copy_has_the_sessions_variables_and_changes_none(self, capsys):
        seen = [torch.ones(2)]

        def work():
            seen.append(3)
            os.chdir("/")
            os.environ["CHANGED"] = "yes"
            torch.set_default_dtype(torch.float64)
            os.umask(0o777)
            print("printed", seen[0].tolist())
            os.write(1, b"below\n")
            print("an error", file=sys.stderr)
            return "answered"

        files, children = len(os.listdir("/proc/self/fd")), psutil.Process().children()
        folder, umask = os.getcwd(), os.umask(0o22)
        os.umask(umask)
        end = end_of(work)
        assert (end.answer, end.why, end.trace) == ("answered", None, "")
        assert capsys.readouterr() == ("printed [1.0, 1.0]\nbelow\n", "an error\n")
        assert seen == [seen[0]]
        assert (os.getcwd(), "CHANGED" in os.environ, torch.get_default_dtype()) == (folder, False, torch.float32)
        assert (len(os.listdir("/proc/self/fd")), psutil.Process().children()) == (files, children)

    def test_gradients_and_threads_that_the_session_has_used_work_in_a_copy(self):
        def work():
            weights = torch.randn(300, 300, requires_grad=True)
            torch.nn.functional.layer_norm(weights @ weights, (300,)).sum().backward()
            return str(bool(weights.grad.isfinite().all()))

        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            assert work() == "True"
            assert end_of(work).answer == "True"
        finally:
            torch.set_num_threads(threads)

    @pytest.mark.parametrize(
        ("work", "status"),
        [
            (lambda: ctypes.string_at(0), -signal.SIGSEGV),
            (os.abort, -signal.SIGABRT),
            (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
            (lambda: os._exit(3), 3),
            (lambda: os.execv("/bin/true", ["true"]), 0),
        ],
        ids=["segmentation fault", "abort", "killed", "exit", "another program"],
    )
    def test_a_copy_that_ends_itself_is_reported_with_its_status(self, work, status):
        end = end_of(work)
        assert (end.answer, end.why, end.status) == (None, None, status)

    def test_one_operation_without_end_is_ended_and_located(self):
        end = end_of(endless, 0.3)
        assert end.why is Why.COMPUTING
        assert f"line {endless.__code__.co_firstlineno + 1} in endless" in end.trace

    def test_waiting_is_ended_too_even_without_releasing_the_interpreter(self):
        assert end_of(lambda: ctypes.PyDLL(None).pause(), 0.3).why is Why.WAITING
        assert end_of(lambda: os.kill(os.getpid(), signal.SIGSTOP), 0.3).why is Why.WAITING

    def test_what_a_copy_has_started_ends_with_it(self):
        def work():
            left = subprocess.Popen(["sleep", "1000"], start_new_session=True)
            away = "import os, subprocess; os.setsid(); print(subprocess.Popen(['sleep', '1001'], stdout=2).pid)"
            orphan = subprocess.check_output([sys.executable, "-c", away], stderr=subprocess.DEVNULL, text=True)
            return f"{left.pid} {orphan.strip()}"

        first, second = map(int, end_of(work, 60).answer.split())
        deadline = time.monotonic() + 60
        while (psutil.pid_exists(first) or psutil.pid_exists(second)) and time.monotonic() < deadline:
            time.sleep(0.01)  # their zombies are taken away by the system
        assert not psutil.pid_exists(first)
        assert not psutil.pid_exists(second)

    def test_memory_is_limited_and_the_session_is_not(self):
        def work():
            try:
                return str(np.empty(2 * MEMORY, np.uint8).size)
            except MemoryError:
                return "refused"

        assert end_of(work).answer == "refused"
        assert np.empty(2 * MEMORY, np.uint8).size == 2 * MEMORY

    def test_nothing_that_a_copy_writes_reaches_a_file_of_the_session_or_takes_the_place_of_its_answer(
        self, tmp_path
    ):
        reading, writing = os.pipe()
        (tmp_path / "kept").write_text("mine")

        def work():
            for file in range(3, 200):
                try:
                    os.write(file, b'["forged"]\n')
                except OSError:
                    continue
            return "answered"

        with (tmp_path / "kept").open("a"):
            assert end_of(work).answer == "answered"
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):
            os.read(reading, 1)
        os.close(reading), os.close(writing)
        assert (tmp_path / "kept").read_text() == "mine"

    def test_output_without_end_is_cut_and_a_copy_of_the_copy_does_not_answer(self, capsys):
        def work():
            os.write(1, b"x" * 10**7)
            if copy := os.fork():
                os.waitpid(copy, 0)
            return "answered" if copy else "forged"

        assert end_of(work, 60).answer == "answered"
        assert "not shown" in capsys.readouterr().out

    def test_ctrl_c_ends_the_copy(self):
        before = psutil.Process().children()

        def interrupt():
            while len(psutil.Process().children()) == len(before):
                pass
            os.kill(os.getpid(), signal.SIGINT)

        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            threading.Thread(target=interrupt).start()
            with pytest.raises(KeyboardInterrupt):
                end_of(endless, 1000)
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        finally:
            signal.signal(signal.SIGINT, handler)
        assert psutil.Process().children() == before

    @pytest.mark.skipif(not confined.refuses_signals(), reason="Landlock refuses signals from Linux 6.12 on")
    def test_a_copy_cannot_kill_its_session(self):
        def work():
            try:
                os.kill(os.getppid(), signal.SIGTERM)
            except PermissionError:
                return "refused"
            return "sent"

        handler = signal.signal(signal.SIGTERM, lambda *_: None)
        try:
            assert end_of(work).answer == "refused"
        finally:
            signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def splitting(monkeypatch):
    """As if in a notebook, with a short limit."""
    monkeypatch.setattr(sheltered, "in_notebook", lambda: True)
    monkeypatch.setattr(sheltered, "MORE_SECONDS", 0.1)
    return replace(find("00.split_heads"), seconds=0.2)


def ends(tokens, heads):
    os._exit(3)


def crashes(tokens, heads):
    ctypes.string_at(0)


def is_endless(tokens, heads):
    return heads**heads**heads**heads**heads


def waits(tokens, heads):
    ctypes.PyDLL(None).pause()


def is_killed(tokens, heads):
    os.kill(os.getpid(), signal.SIGKILL)


def checks_itself(tokens, heads):
    return sheltered.examine_sheltered(find("00.split_heads"), split_heads)


class Leaves:
    def __call__(self, tokens, heads):
        os._exit(0)


@linux
@pytest.mark.parametrize(
    ("student", "kind", "words"),
    [
        (is_endless, Kind.TOO_SLOW,
         ["0.3 s of computing", "grows too large", "line 2 of your function: `return heads**"]),
        (waits, Kind.WAITING, ["waits without computing", "line 2 of your function: `ctypes"]),
        (crashes, Kind.ERROR, ["SIGSEGV", "line 2 of your function: `ctypes.string_at(0)`", "unharmed"]),
        (ends, Kind.ERROR, ["exit status 3", "os._exit()"]),
        (is_killed, Kind.ERROR, ["SIGKILL", "too much memory"]),
        (checks_itself, Kind.ERROR, ["check is called inside the function"]),
        (Leaves(), Kind.ERROR, ["exit status 0"]),
    ],
)  # fmt: skip
def test_how_a_copy_ended_is_said_in_a_sentence(splitting, student, kind, words):
    verdict, number = sheltered.examine_sheltered(splitting, student)
    assert (verdict.outcome, verdict.kind, number) == (Outcome.NOT_YET, kind, None), verdict.message
    for word in words:
        assert word in verdict.message


@linux
def test_a_copys_verdict_is_that_of_the_session_and_says_which_case_has_another_type(splitting):
    splitting = replace(splitting, seconds=5.0)
    for student in (
        split_heads,
        lambda tokens, heads: tokens,
        lambda tokens, heads: split_heads(tokens, heads).double(),
    ):
        assert sheltered.examine_sheltered(splitting, student) == sheltered._examined(splitting, student)
    assert sheltered.examine_sheltered(splitting, lambda tokens, heads: split_heads(tokens, heads).double())[1] == 0


def runs_here(exercise):
    """Whether the student's function runs in this process, and not in a copy."""
    ran = []

    def noting(tokens, heads):
        ran.append(heads)
        return split_heads(tokens, heads)

    assert sheltered.examine_sheltered(replace(exercise, seconds=5.0), noting)[0].passed
    return bool(ran)


@linux
def test_a_debugger_a_profiler_and_a_script_get_the_function_in_their_own_process(splitting, monkeypatch):
    assert not runs_here(splitting)
    with monkeypatch.context() as without:
        without.delattr(os, "fork")
        assert runs_here(splitting)
    sys.setprofile(lambda *_: None)
    try:
        assert runs_here(splitting)
    finally:
        sys.setprofile(None)
    trace = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        assert runs_here(splitting)
    finally:
        sys.settrace(trace)
    monkeypatch.setattr(sheltered, "in_notebook", lambda: False)
    assert runs_here(splitting)


class Kernel:
    """What the watchdog sees of a kernel: its CPU seconds, and whether it was killed."""

    def __init__(self, seconds):
        self.seconds, self.killed = iter(seconds), False

    def cpu_times(self):
        return psutil.Process().cpu_times()._replace(user=next(self.seconds), system=0.0)

    def kill(self):
        self.killed = True


class Lines:
    """Lines of a kernel; None stands for half a second without one."""

    def __init__(self, *lines):
        self.lines = iter(lines)

    def get(self, timeout):
        line = next(self.lines)
        if line is None:
            raise watchdog.queue.Empty
        return line


BEGIN = '{"exercise": "04.attention_bytes", "seconds": 8}\n'


@pytest.mark.parametrize(
    ("lines", "seconds", "killed", "words"),
    [
        ((BEGIN, None, None), (1, 5, 9), True, "in one operation for 8 s"),  # stuck
        ((BEGIN, ".\n", None, ".\n", "\n", None, ""), (1, 5, 12, 12, 12), False, None),  # slow, but responding
        ((BEGIN, "\n", None, ""), (1, 2), False, None),  # busy in another cell
        ((BEGIN, None, None, "\n", ""), (1, 1, 1, 1), False, None),  # waits, or the machine is busy
        ((BEGIN, ""), (1,), False, "look in that function for os._exit()"),  # crashed
    ],
    ids=["stuck", "slow", "another cell", "waiting", "crashed"],
)
def test_the_watchdog_ends_a_kernel_that_is_stuck_in_a_check_and_no_other(
    lines, seconds, killed, words, tmp_path, monkeypatch
):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    kernel = Kernel(seconds)
    watchdog.watch(Lines(*lines), kernel, tmp_path / watchdog.NOTE)
    assert kernel.killed is killed
    said = guard.last_words()
    assert (said is None) if words is None else ("04.attention_bytes" in said and words in said)
    assert guard.last_words() is None  # once


@pytest.mark.slow
def test_a_process_that_is_stuck_in_a_check_ends_and_the_next_kernel_says_why(tmp_path, monkeypatch, capsys):
    stuck = (
        "from course_utils.exercises import find, guard\n"
        "with guard.guarded(find('04.attention_bytes'), 0.5):\n"
        "    sum(range(10**6))\n"
        "sum(range(10**8))  # outside a check\n"
        "with guard.guarded(find('04.attention_bytes'), 0.5):\n"
        "    print('begun', flush=True)\n"
        "    7**7**7**7\n"
    )
    environment = {**os.environ, "COURSE_STATE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", stuck], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "begun\n"
    assert ended.returncode not in (0, 1), ended.stderr
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    monkeypatch.setattr(session, "in_notebook", lambda: True)
    monkeypatch.setattr(
        session, "ipython", lambda: types.SimpleNamespace(user_ns={}, custom_exceptions=(ValueError,))
    )
    session.prepare_kernel()
    assert "The check of 04.attention_bytes ended the last kernel" in capsys.readouterr().err
    session.prepare_kernel()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"exercise": "x"}', "{" * 10**5])
def test_a_note_that_cannot_be_read_is_no_error(note, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    (tmp_path / watchdog.NOTE).write_text(note)
    assert guard.last_words() is None


def test_every_hostile_answer_is_a_cell():
    cells = [cell for answers in hostile.hostile().values() for cell in answers.values()]
    assert len(cells) > 99
    for cell in cells:
        compile(cell, "<cell>", "exec")


# One or two of each kind, in the course's own table; `course bench faults` tries all.
SOME = {
    "computes without end": ("a tower of powers", "an operation that no signal can dump", "comparing its result"),
    "waits without end": ("sleep", "a signal, without releasing the interpreter"),
    "ends its process": ("reads address 0", "os._exit", "SIGINT", "another program instead"),
    "leaves processes behind": ("many copies", "a daemon"),
    "takes memory": ("a tensor of 50 GB",),
    "prints too much": ("100 MB from below", "cards", "all files closed", "a breakpoint"),
    "changes the session": ("modules", "builtins", "the check", "umask", "its own check"),
    "returns something strange": ("a signature that complains", "a coroutine"),
}
SHORT = """
from course_utils.exercises import find, sheltered
object.__setattr__(find("00.split_heads"), "seconds", 0.5)
sheltered.MORE_SECONDS = 0.3
"""


@linux
@pytest.mark.notebook
@pytest.mark.slow
def test_hostile_answers_get_a_verdict_and_leave_a_kernel_as_it_was():
    table = hostile.hostile()
    some = {kind: {name: table[kind][name] for name in names} for kind, names in SOME.items()}
    for injected in hostile.answers(some, SHORT, seconds=3600):
        assert not injected.wrong, injected
        assert injected.outcome in ("not yet", "could not be judged"), injected
