"""Whole or not at all: after an error, a full disk, a kill in the middle of it, and with two who write at once."""

import errno
import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import files
from course_utils.console import in_words

CHUNK = 1_000_000


def write(path: Path, text: str) -> None:
    with files.atomic(path) as partial:
        partial.write_text(text)


def write_folder(path: Path, text: str) -> None:
    with files.atomic(path) as partial:
        (partial / "inner").mkdir(parents=True)
        (partial / "inner" / "page").write_text(text)


def content(path: Path) -> str:
    return (path / "inner" / "page" if path.is_dir() else path).read_text()


@pytest.fixture(params=[write, write_folder], ids=["file", "folder"])
def writer(request):
    return request.param


@pytest.fixture
def running():
    """Start Python code, and end it with the test."""
    processes = []

    def start(code: str, *arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_what_is_written_takes_its_place_and_leaves_nothing_beside(writer, tmp_path):
    path = tmp_path / "made" / "too" / "it"
    writer(path, "old")
    writer(path, "new")
    assert content(path) == "new"
    assert os.listdir(path.parent) == ["it"]


def test_a_file_gets_the_rights_of_any_other(tmp_path):
    write(tmp_path / "ours", "")
    (tmp_path / "any").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_block_keeps_the_old_one(writer, error, tmp_path):
    path = tmp_path / "it"
    writer(path, "old")
    with pytest.raises(error), files.atomic(path) as partial:  # noqa: PT012
        writer(partial, "half")
        raise error
    assert content(path) == "old"
    assert os.listdir(tmp_path) == ["it"]


@pytest.mark.parametrize("named", [[], ["."], ["part"]], ids=["nothing", "itself", "a part"])
def test_an_error_of_the_system_names_the_file_and_not_the_temporary_one(named, tmp_path):
    with pytest.raises(OSError, match="No space left") as failed, files.atomic(tmp_path / "it") as partial:
        raise OSError(errno.ENOSPC, "No space left on device", *(str(partial / name) for name in named))
    assert in_words(failed.value).startswith(f"{tmp_path / 'it'} cannot be used (No space left on device): free")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_one(writer, call, tmp_path, monkeypatch):
    path = tmp_path / "it"
    writer(path, "old")
    real = getattr(os, call)

    def full(*arguments):
        if call == "replace" and content(arguments[0]) == "old":  # a folder is moved aside, and comes back
            return real(*arguments)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        writer(path, "new")
    assert content(path) == "old"
    assert os.listdir(tmp_path) == ["it"]


def test_everything_is_on_the_disk_before_it_takes_its_place_and_its_name_afterwards(writer, tmp_path, monkeypatch):
    seen, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(os.fstat(number).st_ino) or fsync(number))
    monkeypatch.setattr(os, "replace", lambda *names: seen.append("renamed") or replace(*names))
    path = tmp_path / "it"
    writer(path, "text")
    written = [path, *path.rglob("*")]
    before, after = seen[: seen.index("renamed")], seen[seen.index("renamed") + 1 :]
    assert sorted(before) == sorted(each.stat().st_ino for each in written)
    assert after == [tmp_path.stat().st_ino]


@pytest.fixture
def windows(monkeypatch):
    """The way of Windows, where fsync wants a file that is open for writing, and folders have none."""
    real = os.fsync

    def fsync(number):
        if stat.S_ISDIR(os.fstat(number).st_mode) or _read_only(number):
            raise OSError(errno.EBADF, "Bad file descriptor")
        real(number)

    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(files, "BUSY_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(os, "fsync", fsync)


def _read_only(number: int) -> bool:
    import fcntl

    return fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


@pytest.mark.skipif(sys.platform == "win32", reason="there, all tests are of Windows")
def test_windows_flushes_what_is_open_for_writing_only(windows, writer, tmp_path):
    path = tmp_path / "it"
    writer(path, "old")
    writer(path, "new")
    assert content(path) == "new"


@pytest.mark.parametrize("busy", [1, 3, 99])
def test_windows_waits_a_moment_for_another_process_that_has_the_file_open(
    windows, writer, busy, tmp_path, monkeypatch
):
    path, replace, tries = tmp_path / "it", os.replace, []
    writer(path, "old")

    def refused(new, old):
        tries.append(old)
        if len(tries) <= busy:
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(new, old)

    monkeypatch.setattr(os, "replace", refused)
    if busy == 99:
        with pytest.raises(PermissionError):
            writer(path, "new")
        assert len(tries) == 4
    else:
        writer(path, "new")
    assert content(path) == ("old" if busy == 99 else "new")
    assert os.listdir(tmp_path) == ["it"]


def test_elsewhere_a_folder_without_permission_is_said_at_once(tmp_path, monkeypatch):
    tries = []

    def refused(*names):
        tries.append(names)
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "WINDOWS", False)
    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(PermissionError):
        write(tmp_path / "it", "text")
    assert len(tries) == 1


HALF = """
import sys, pathlib
from course_utils import files
with files.atomic(pathlib.Path(sys.argv[1])) as partial:
    if sys.argv[2] == "write_folder":
        partial.mkdir()
        partial = partial / "page"
    file = partial.open("w")
    file.write("half of it")
    file.flush()
    print("ready", flush=True)
    input()
"""


def test_killed_in_the_middle_the_old_one_is_whole_and_the_rest_is_cleared(writer, running, tmp_path):
    path = tmp_path / "it"
    writer(path, "old")
    killed, alive = (running(HALF, path, writer.__name__) for _ in range(2))
    for process in (killed, alive):
        assert process.stdout.readline() == "ready\n"
    killed.kill()
    killed.wait()
    assert content(path) == "old"
    assert len(os.listdir(tmp_path)) == 3
    (tmp_path / ".writing-epoch-0003").mkdir()  # as an earlier version of the course left it
    (tmp_path / f".writing-{os.getpid()}-0a1b2c3d-it").touch()  # of an earlier process with this one's number
    files.clear(tmp_path)
    left = sorted(os.listdir(tmp_path))
    assert len(left) == 2
    assert left[0].startswith(f".writing-{alive.pid}-")
    assert left[1] == "it"
    writer(path, "new")
    assert content(path) == "new"


def test_two_processes_write_the_same_file_and_every_reader_finds_one_whole(running, tmp_path):
    code = f"""
import sys, pathlib
from course_utils import files
for _ in range(40):
    with files.atomic(pathlib.Path(sys.argv[1])) as partial, partial.open("w") as file:
        for _ in range(4):
            file.write(sys.argv[2] * {CHUNK // 4})
            file.flush()
"""
    path = tmp_path / "it"
    write(path, "a" * CHUNK)
    writers = [running(code, path, letter) for letter in "ab"]
    seen = set()
    while any(process.poll() is None for process in writers):
        text = path.read_text()
        assert len(text) == CHUNK
        assert text == text[0] * CHUNK
        seen.add(text[0])
    assert [process.returncode for process in writers] == [0, 0]
    assert seen == {"a", "b"}
    assert os.listdir(tmp_path) == ["it"]


def test_what_is_removed_is_out_of_sight_before_it_is_taken_apart(writer, tmp_path, monkeypatch):
    path = tmp_path / "it"
    writer(path, "old")
    monkeypatch.setattr(files, "_delete", lambda unwanted: None)  # killed here
    files.remove(path)
    assert not path.exists()
    monkeypatch.undo()
    files.clear(tmp_path)
    assert not os.listdir(tmp_path)


LOCKED = """
import sys, pathlib
from course_utils import files
with files.locked(pathlib.Path(sys.argv[1]), "It is used"):
    print("ready", flush=True)
    input()
"""


def test_a_lock_names_its_process_and_is_freed_with_it(running, tmp_path):
    path = tmp_path / ".lock"
    holder = running(LOCKED, path)
    assert holder.stdout.readline() == "ready\n"
    sentence = f"^It is used by process {holder.pid}: wait until it ends, or stop it.$"
    with pytest.raises(files.Refused, match=sentence), files.locked(path, "It is used"):
        pass
    holder.kill()
    holder.wait()
    with files.locked(path, "It is used"):
        assert path.read_text() == str(os.getpid())
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks in another way")
@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_a_folder_without_locks_is_used_without(tmp_path, monkeypatch, number):
    def unsupported(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", unsupported)
    if number == errno.EIO:
        with (
            pytest.raises(files.Refused, match=r"cannot be locked \(Input/output error"),
            files.locked(tmp_path / "it", ""),
        ):
            pass
    else:
        with files.locked(tmp_path / ".lock", "It is used"):
            pass


@pytest.mark.parametrize("call", ["mkdir", "fsync"])
def test_a_folder_is_tried_before_the_work(tmp_path, monkeypatch, call):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((Path, "mkdir") if call == "mkdir" else (os, "fsync")), full)
    with pytest.raises(
        files.Refused, match=r"^Nothing can be written to .*out \(No space left on device\): use --output.$"
    ):
        files.prepare(tmp_path / "out", 1, "use --output")


def test_a_folder_that_is_tried_stays_empty(tmp_path):
    files.prepare(tmp_path / "new" / "out", 1, "use --output")
    assert not os.listdir(tmp_path / "new" / "out")
    with pytest.raises(files.Refused, match="needed: free some space, or use --output"):
        files.prepare(tmp_path, 2**40, "use --output")
    with pytest.raises(files.Refused, match="null byte"):
        files.prepare(Path("a\0b"), 1, "use --output")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_only_plain_files_are_opened(tmp_path):
    for make in (
        os.mkdir,
        os.mkfifo,
        lambda path: os.symlink(path, path),
        lambda path: os.symlink("/dev/zero", path),
    ):
        make(path := tmp_path / secrets.token_hex(4))
        with pytest.raises(OSError), files.opened(path):  # noqa: PT011 – any
            pass
    with pytest.raises(OSError, match="null byte"), files.opened(Path("a\0b")):
        pass
