"""Progress: what was reached stays reached, whatever happens to the process, the disk or the file."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

import pytest

from course_utils.exercises import Kind, Outcome, Verdict, progress
from course_utils.exercises.progress import record

PASSED = Verdict(Outcome.PASSED, "All good.", Kind.RIGHT, None, 4, 4)
WRONG = Verdict(Outcome.NOT_YET, "Off by one.", Kind.VALUES, None, 1, 4)
STUB = Verdict(Outcome.NOT_ATTEMPTED, "Nothing yet.", Kind.BLANK)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    return tmp_path / "progress"


def row(name):
    return next(row for row in progress() if row.name == name)


def test_every_exercise_has_a_row_before_anything_is_done():
    names = [row.name for row in progress()]
    assert names[0] == "00.attend"
    assert len(names) == len(set(names)) >= 11
    assert {row.status for row in progress()} == {"not attempted"}
    assert {row.name[:2] for row in progress("04")} == {"04"}


def test_what_was_passed_stays_passed_and_a_stub_is_no_attempt():
    assert record("04.patchify", STUB) is None
    assert row("04.patchify").status == "not attempted"
    record("04.patchify", WRONG)
    assert (row("04.patchify").status, row("04.patchify").message) == ("tried", "Off by one.")
    record("04.patchify", PASSED)
    first = row("04.patchify").passed_at
    record("04.patchify", WRONG)
    record("04.patchify", PASSED)
    assert row("04.patchify").status == "passed"
    assert row("04.patchify").attempts == 4
    assert row("04.patchify").tried_at >= first
    assert row("04.patchify").passed_at == first


def test_a_message_may_hold_half_a_character():
    assert record("04.patchify", replace(WRONG, message="not '\ud83d'")) is None
    assert row("04.patchify").message == "not '\ud83d'"


def test_a_card_ends_with_the_progress_except_that_of_a_stub_and_in_grading(capsys, monkeypatch):
    from course_utils.attention import causal_mask
    from course_utils.exercises import check

    def not_written(tokens, heads):
        raise NotImplementedError

    count = len(progress())
    check("00.split_heads", not_written)
    assert "exercises passed" not in capsys.readouterr().out
    check("00.causal_mask", lambda tokens: causal_mask(tokens))
    assert capsys.readouterr().out.endswith(f"\n  1 of {count} exercises passed.\n")
    check("00.split_heads", lambda tokens, heads: tokens)
    assert capsys.readouterr().out.endswith(f"\n  1 of {count} exercises passed.\n")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    check("00.causal_mask", lambda tokens: causal_mask(tokens))
    assert "exercises passed" not in capsys.readouterr().out


def test_what_was_reached_under_a_former_name_carries_over_and_counts_once(folder):
    record("04.parameters", PASSED)
    first = row("04.vit_parameters").passed_at
    assert (row("04.vit_parameters").status, row("04.vit_parameters").attempts) == ("passed", 1)
    assert record("04.vit_parameters", WRONG) is None
    assert record("04.vit_parameters", WRONG) is None
    assert (row("04.vit_parameters").attempts, row("04.vit_parameters").passed_at) == (3, first)
    assert not any(row.name == "04.parameters" for row in progress())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_one_sentence_and_keeps_the_old_record(call, folder, monkeypatch):
    record("04.patchify", PASSED)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    sentence = record("04.patchify", WRONG)
    assert "No space left on device" in sentence
    assert "COURSE_STATE" in sentence
    assert (row("04.patchify").status, row("04.patchify").attempts) == ("passed", 1)
    assert sorted(os.listdir(folder)) == [".lock", "04.patchify.json"]


def test_a_folder_that_cannot_be_made_is_one_sentence(folder):
    folder.parent.joinpath("progress").write_text("a file is in the way")
    assert "could not be saved" in record("04.patchify", PASSED)
    assert row("04.patchify").status == "not attempted"


ABSURD = [
    "",
    "{",
    "[]",
    "null",
    '{"attempts": "many"}',
    '{"points": 3}',
    "\x00",
    '{"attempts": -3}',
    '{"attempts": 1e400}',
    '{"attempts": true}',
    '{"attempts": 1' + 400 * "0" + "}",
    '{"attempts": 2, "passed_at": 5}',
    '{"attempts": 2, "passed_at": "yesterday"}',
    '{"attempts": 2, "message": ["no"]}',
    '{"attempts": 2, "misconception": 7}',
    '{"attempts": 2, "since": "yesterday"}',
    '{"attempts": 2, "tried_at": "0001-01-01T00:00:00+14:00"}',
    100_000 * "[",
    '{"attempts": ' + 5000 * '{"a": ' + "1" + 5001 * "}",
]


@pytest.mark.parametrize("content", ABSURD, ids=range(len(ABSURD)))
def test_a_spoilt_record_is_said_and_written_anew(content, folder):
    folder.mkdir()
    (folder / "04.patchify.json").write_text(content)
    assert row("04.patchify").status == "unreadable"
    assert f"{folder / '04.patchify.json'} cannot be read (" in row("04.patchify").message
    assert record("04.patchify", PASSED) is None
    assert row("04.patchify").attempts == 1


def test_a_record_of_a_later_version_is_read(folder):
    folder.mkdir()
    (folder / "04.patchify.json").write_text('{"attempts": 7, "passed_at": "2027-01-01", "seconds": 3}')
    assert (row("04.patchify").status, row("04.patchify").attempts) == ("passed", 7)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
def test_a_record_that_is_no_file_is_said_at_once(folder):
    folder.mkdir()
    os.mkfifo(folder / "04.patchify.json")
    assert row("04.patchify").status == "unreadable"


@pytest.mark.slow
def test_two_kernels_killed_while_writing_lose_nothing(folder):
    """Each says how often it has recorded; afterwards the file holds all of these attempts, at most one more each."""
    code = """
import time
from course_utils.exercises import Kind, Outcome, Verdict
from course_utils.exercises.progress import record
print("ready", flush=True)
input()
while True:
    assert record("04.patchify", Verdict(Outcome.NOT_YET, "Off by one." * 500, Kind.VALUES)) is None
    print("x", flush=True)
    time.sleep(0.01)  # the other's turn
"""
    kernels = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for kernel in kernels:
            kernel.stdout.readline()
        for kernel in kernels:
            kernel.stdin.write("\n")
            kernel.stdin.flush()
        for kernel in kernels:
            assert kernel.stdout.readline() == "x\n"
        time.sleep(0.5)
    finally:
        for kernel in kernels:
            kernel.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    said = [1 + kernel.communicate()[0].count("x\n") for kernel in kernels]
    attempts = json.loads((folder / "04.patchify.json").read_text(encoding="utf-8"))["attempts"]
    assert sum(said) <= attempts <= sum(said) + 2
    assert record("04.patchify", WRONG) is None
    assert row("04.patchify").attempts == attempts + 1


HOLD = """
import sys
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
input()
"""


@pytest.mark.slow
def test_the_lock_of_a_killed_kernel_is_free_and_that_of_a_frozen_one_is_not_waited_for_long(folder, monkeypatch):
    waited, sleep = [], time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: waited.append(seconds) or sleep(seconds))
    folder.mkdir()
    command = [sys.executable, "-c", HOLD, str(folder / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        assert record("04.patchify", WRONG) is None
        assert 0 < sum(waited) <= 2.1
        other.kill()
    waited.clear()
    assert record("04.patchify", WRONG) is None
    assert row("04.patchify").attempts == 2
    assert not waited


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def test_on_a_network_folder_without_locks_attempts_are_counted_and_nothing_is_said(number, monkeypatch, recwarn):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for _ in range(2):
        assert record("04.patchify", WRONG) is None
    assert row("04.patchify").attempts == 2
    assert not recwarn.list


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights of a folder are POSIX's")
def test_a_folder_that_may_only_be_read_is_one_sentence_and_shows_what_it_holds(monkeypatch):
    account = os.geteuid()
    with tempfile.TemporaryDirectory() as shared:  # not below tmp_path, which is closed to other accounts
        monkeypatch.setenv("COURSE_STATE", shared)
        record("04.patchify", WRONG)
        for place, rights in ((shared, 0o755), (os.path.join(shared, "progress"), 0o555)):
            os.chmod(place, rights)
        if account == 0:
            os.seteuid(65534)  # root may write anywhere
        try:
            assert "could not be saved (Permission denied)" in record("04.patchify", PASSED)
            assert row("04.patchify").status == "tried"
        finally:
            os.seteuid(account)
            os.chmod(os.path.join(shared, "progress"), 0o755)
