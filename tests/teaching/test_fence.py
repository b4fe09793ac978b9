"""The fence around a submission: what its code can reach and use, on each level that this machine allows."""

import contextlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import torch

from course_utils import linux
from course_utils.exercises import solution
from course_utils.teaching.grading import examiner, fence, usage
from course_utils.teaching.grading.examiner import Limits, carry_out
from course_utils.teaching.grading.student_process import Step

LINUX = sys.platform == "linux"
DAEMON = f"98765.{os.getpid()}"  # seconds, which no other process sleeps

START = """
import os, socket, sqlite3, subprocess, time
from pathlib import Path
import torch
from torch import Tensor
from einops import rearrange

def tried(action, *arguments):
    try:
        return "DONE", action(*arguments)
    except Exception as error:
        return type(error).__name__, str(error)
"""

# Each cell prints what became of it; a good fence makes of it an error.
OTHERS = """
print(tried(Path({victim!r}).write_text, "broken"), tried(os.truncate, {victim!r}, 0), tried(os.remove, {victim!r}))
print(tried(Path({victim!r}).read_text), tried(os.listdir, {course!r}), tried(os.symlink, "x", {victim!r} + ".x"))
print(tried(os.rename, {victim!r}, "mine"), tried(os.link, {victim!r}, "mine"))
"""
RIGHTS = """
import shutil
shutil.copy("given.txt", "copied.txt")  # sets rights too
print(tried(os.chmod, {victim!r}, 0), tried(os.utime, {victim!r}, (1, 1)), Path("copied.txt").read_text())
"""
GRADEBOOK = """
def raise_score():
    with sqlite3.connect({book!r}) as book:
        book.execute("UPDATE grade SET manual_score = 100")

print(tried(raise_score))
"""
PACKAGE = """
def append():
    with open({package!r}, "a") as file:
        file.write("")

print(tried(append), tried(Path({package!r} + ".new").write_text, "x"))
"""
NETWORK = """
def connect(family, address):
    with socket.socket(family) as made:
        made.settimeout(2)
        made.connect(address)

print(tried(connect, socket.AF_INET, ("127.0.0.1", {port})), tried(connect, socket.AF_UNIX, {local!r}))
print(tried(connect, socket.AF_UNIX, "\\0{abstract}"), tried(socket.socket, socket.AF_INET, socket.SOCK_DGRAM))
"""
KILL = """
import resource
print(tried(os.kill, {other}, 9), tried(resource.prlimit, {other}, resource.RLIMIT_CPU, (1, 1)))
os.kill(os.getppid(), 9)
"""
DAEMONS = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "{daemon}"])
    os._exit(0)
print(subprocess.Popen(["sleep", "{daemon}"], start_new_session=True).args)
"""
SECRETS = """
print(tried(lambda: [os.readlink(f"/proc/self/fd/{{n}}") for n in range(3, 50) \
if os.path.exists(f"/proc/self/fd/{{n}}")]))
print("PYTEST_CURRENT_TEST" in Path("/proc/self/environ").read_text(), tried(os.listdir, os.path.expanduser("~")))
print(*(line for line in Path("/proc/self/status").read_text().splitlines() \
if line.startswith(("CapEff", "NoNewPrivs"))))
print(tried(os.system, "true"), tried(lambda: Path("kept").write_text("x")), Path("given.txt").read_text())
"""
HALF_A_MESSAGE = """
import gc, os, struct, time
from multiprocessing.connection import Connection
for thing in gc.get_objects():
    if isinstance(thing, Connection) and not thing.closed and thing.writable:
        os.write(thing.fileno(), struct.pack("!i", 1_000_000) + b"half")
time.sleep(1000)
"""
FORK_BOMB = """
while True:
    try:
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
    except BlockingIOError:
        time.sleep(0.1)
"""
MEMORY = """
for _ in range(6):
    if os.fork() == 0:
        big = torch.ones(30 * 2**20 // 4 * 4)  # 120 MiB
        time.sleep(1000)
time.sleep(1000)
"""
ATTACKS = (OTHERS, RIGHTS, GRADEBOOK, PACKAGE, NETWORK, KILL, DAEMONS, SECRETS)
EXCESSES = (FORK_BOMB, MEMORY)


def sleeping() -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if DAEMON in (p.info["cmdline"] or [])]


def skip_unless_allowed(level: fence.Level) -> None:
    """Skip a test if this machine does not allow the level; found out in another way than fence does."""
    allowed = False
    with contextlib.suppress(OSError):
        if LINUX and level is fence.Level.NAMESPACES:
            command = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "true"]
            allowed = subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
        elif LINUX:
            allowed = linux.landlock_version() >= 3
    if not allowed:
        pytest.skip(f"this machine does not allow {level}")
    assert fence._refusal(level) == ""


@pytest.fixture(scope="module", params=[fence.Level.NAMESPACES, fence.Level.LANDLOCK])
def attacked(request, tmp_path_factory):
    """A submission that tries everything on one level of the fence: what it printed, and what is left."""
    skip_unless_allowed(request.param)
    course = tmp_path_factory.mktemp("course")
    folder, victim, book = course / "autograded/me/04", course / "submitted/z/04/04.ipynb", course / "gradebook.db"
    for made in (folder, victim.parent):
        made.mkdir(parents=True)
    (folder / "given.txt").write_text("given")
    victim.write_text("honest")
    with sqlite3.connect(book) as connection:
        connection.execute("CREATE TABLE grade (manual_score)")
        connection.execute("INSERT INTO grade VALUES (1)")
    package = Path(examiner.__file__)
    server, local = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    abstract = socket.socket(socket.AF_UNIX)
    local.bind(str(course / "socket"))
    abstract.bind(f"\0fence-{os.getpid()}")
    with server, local, abstract, subprocess.Popen(["sleep", "600"]) as other, pytest.MonkeyPatch.context() as patch:
        for listening in (server, local, abstract):
            listening.listen()
            listening.setblocking(False)
        names = {
            "victim": str(victim),
            "course": str(course),
            "book": str(book),
            "package": str(package),
            "port": server.getsockname()[1],
            "local": str(course / "socket"),
            "abstract": f"fence-{os.getpid()}",
            "other": other.pid,
            "daemon": DAEMON,
        }
        steps = [Step(-1, "run", START)]
        steps += [Step(number, "extra", cell) for number, cell in enumerate(EXCESSES, 100)]
        steps += [Step(number, "extra", cell.format(**names)) for number, cell in enumerate(ATTACKS)]
        steps += [Step(9, "extra", "os.fork()")]  # the copy must not send the results of the next steps
        steps += [Step(10, "run", solution("04.patchify")), Step(11, "check", "04.patchify")]
        patch.setattr(fence, "level", lambda: request.param)
        before = package.read_bytes(), package.stat().st_mtime_ns
        found = carry_out(steps, folder, Limits(cell_seconds=120, memory=2**29))
        assert found[-1] == "", "the cells below need its names"
        half = [
            Step(200, "extra", HALF_A_MESSAGE),
            Step(20, "run", f"import torch\n{solution('04.attention_bytes')}"),
        ]
        found |= carry_out([*half, Step(21, "check", "04.attention_bytes")], folder, Limits(cell_seconds=3))
        printed = {attack: found[number] for number, attack in (*enumerate(ATTACKS), *enumerate(EXCESSES, 100))}
        printed[HALF_A_MESSAGE] = found[200]
        connected = []
        for listening in (server, local, abstract):
            with contextlib.suppress(BlockingIOError):
                connected.append(listening.accept())
        facts = {
            "files": sorted(path.relative_to(course).as_posix() for path in course.rglob("*") if path.is_file()),
            "victim": (victim.read_text(), oct(victim.stat().st_mode & 0o777), victim.stat().st_mtime > 1),
            "score": sqlite3.connect(book).execute("SELECT manual_score FROM grade").fetchall(),
            "package": (package.read_bytes(), package.stat().st_mtime_ns) == before,
            "connected": connected,
            "other": other.poll(),
            "left": sleeping(),
            "honest": (found[11].outcome.value, found[21].outcome.value),
        }
        other.kill()
    print(request.param, printed)
    return printed, facts


@pytest.mark.slow
def test_nothing_outside_its_own_folder_is_read_or_changed(attacked):
    printed, facts = attacked
    assert facts["files"] == ["autograded/me/04/given.txt", "gradebook.db", "submitted/z/04/04.ipynb"]
    assert facts["victim"] == ("honest", "0o644", True)
    assert printed[RIGHTS].endswith("given\n")
    assert facts["score"] == [(1,)]
    assert facts["package"]
    for attack in (OTHERS, GRADEBOOK, PACKAGE):
        assert "DONE" not in printed[attack]
        assert "Error" in printed[attack]


@pytest.mark.slow
def test_it_reaches_no_network_and_no_process(attacked):
    printed, facts = attacked
    assert facts["connected"] == []
    assert "DONE" not in printed[NETWORK]
    assert facts["other"] is None
    assert "DONE" not in printed[KILL].splitlines()[0]


@pytest.mark.slow
def test_no_process_outlives_it(attacked):
    printed, facts = attacked
    assert "sleep" in printed[DAEMONS]  # they were started
    assert sum(examiner.LEFT_RUNNING in text for text in printed.values()) == 1
    assert facts["left"] == []


@pytest.mark.slow
def test_it_inherits_no_secret_and_no_open_file_and_may_write_to_its_folder(attacked):
    printed, _ = attacked
    files, environment, rights, own = printed[SECRETS].splitlines()
    assert files.startswith("('DONE'")
    assert set(re.findall(r"'(/[^']*|[a-z]+:[^']*)'", files)) <= {"/dev/null", *re.findall(r"pipe:\[\d+\]", files)}
    assert files.count("pipe:") == 2
    assert environment.startswith("False")
    assert rights.split() == ["CapEff:", "0" * 16, "NoNewPrivs:", "1"]
    assert own == "('DONE', 0) ('DONE', 1) given"


@pytest.mark.slow
def test_half_a_message_a_fork_bomb_and_much_memory_end_their_own_cell_only(attacked):
    printed, facts = attacked
    assert "was still running after 3 s" in printed[HALF_A_MESSAGE]
    assert f"started more than {usage.PROCESSES} processes" in printed[FORK_BOMB]
    assert "used more than 0.5 GiB of memory in all its processes" in printed[MEMORY]
    assert facts["honest"] == ("passed", "passed")


@pytest.mark.slow
def test_on_a_busy_machine_a_cell_is_not_blamed_for_what_the_next_one_starts(monkeypatch, tmp_path):
    read = examiner._Student.read
    monkeypatch.setattr(examiner._Student, "read", lambda student: time.sleep(3) or read(student))
    steps = [Step(0, "run", f"{START}\ntime.sleep(4)"), Step(1, "extra", FORK_BOMB)]
    found = carry_out(steps, tmp_path, Limits(cell_seconds=120))
    assert found[0] == ""
    assert f"started more than {usage.PROCESSES} processes" in found[1]


READ_ONLY = """
isolation.leave()
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
isolation.new_root(place / "root", [place / "tree"], 2**20)
isolation.enter_root(place / "root")
refused(OSError, open, place / "tree/file", "w")
refused(OSError, open, "/dev/full", "w")
refused(OSError, Path("/submission/large").write_bytes, bytes(2**21))
"""
CALLS = """
other = os.getppid()
isolation.give_up_rights(None)
isolation.refuse_calls({alone}, False)
refused(PermissionError, socket.socket, socket.AF_INET)
refused(PermissionError, isolation.leave)
if {alone}:
    socket.socket(socket.AF_UNIX)
else:
    refused(PermissionError, socket.socket, socket.AF_UNIX)
    refused(PermissionError, os.kill, other, 0)
    refused(PermissionError, fcntl.fcntl, 0, fcntl.F_SETOWN, other)
    refused(PermissionError, fcntl.ioctl, 0, 0x8901, struct.pack("i", other))
    refused(PermissionError, resource.prlimit, other, resource.RLIMIT_CPU, (1, 1))
    os.chmod(place / "tree/file", 0)
threading.Thread(target=print).start()
subprocess.run(["true"], check=True)
"""
BARE = """
import fcntl, os, resource, socket, struct, subprocess, sys, threading
from pathlib import Path
from course_utils.teaching.grading import isolation

def refused(kind, action, *arguments):
    try:
        action(*arguments)
    except kind:
        return
    sys.exit(f"{{action}} with {{arguments}} is not refused")

place = Path({place!r})
"""


@pytest.mark.skipif(not LINUX, reason="the fence is Linux's")
@pytest.mark.parametrize(
    ("level", "code"),
    [
        (fence.Level.NAMESPACES, READ_ONLY),
        (fence.Level.LANDLOCK, CALLS.format(alone=False)),
        (fence.Level.LANDLOCK, CALLS.format(alone=True)),
    ],
    ids=["a file system", "calls among others", "calls alone"],
)
def test_each_wall_holds_by_itself_even_for_the_owner_of_a_file(tmp_path, level, code):
    skip_unless_allowed(level)
    (tmp_path / "tree").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "tree/file").write_text("mine")
    command = [sys.executable, "-c", BARE.format(place=str(tmp_path)) + code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tree/file").read_text() == "mine"
    assert (tmp_path / "tree/file").stat().st_mode & 0o600 == 0o600


@pytest.mark.skipif(not LINUX, reason="the fence is Linux's")
def test_folders_inside_one_another_stop_neither_the_watch_nor_the_removal(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")  # in memory, because it is faster
    here = os.getcwd()
    with fence.scratch() as folder:
        try:
            os.chdir(folder)
            for _ in range(1100):
                os.mkdir("d")
                os.chdir("d")
        finally:
            os.chdir(here)
        assert usage.Watch(os.getpid(), 2**40, folder).excess() in (None, "made too many folders inside one another")
    assert not folder.exists()


def test_what_a_machine_does_not_allow_is_said_with_what_is_then_possible(monkeypatch):
    for allowed in fence.Level:
        monkeypatch.setattr(fence, "_refusal", lambda tried, a=allowed: "" if tried is a else f"no {tried}")
        fence._found.cache_clear()
        said = fence.missing()
        assert fence.level() is (allowed if LINUX else fence.Level.NONE)
        assert fence.described() == said or said is None
        if fence.level() is fence.Level.NAMESPACES:
            assert said is None
            assert "no other file, no network and no other process" in fence.described()
        elif fence.level() is fence.Level.LANDLOCK:
            assert "no namespaces for them (no namespaces)" in said
        else:
            assert said.startswith("WARNING: nothing fences")
            assert "gradebook.db" in said
    monkeypatch.setattr(sys, "platform", "darwin")
    fence._found.cache_clear()
    assert "(it needs Linux)" in fence.missing()
    monkeypatch.undo()
    fence._found.cache_clear()


@pytest.mark.skipif(not LINUX, reason="the fence is Linux's")
def test_a_course_folder_inside_the_course_or_behind_a_link_stays_hidden(tmp_path, monkeypatch):
    real, linked = tmp_path / "real", tmp_path / "linked"
    folder = real / "classes/vision/autograded/me/04"
    for made in (folder, real / "classes/other", real / "course_utils"):
        made.mkdir(parents=True)
    linked.symlink_to(real)
    monkeypatch.setattr(fence, "_PACKAGE", linked)
    own = [path for path in fence._needed(folder) if path.is_relative_to(tmp_path)]
    names = ("classes/other", "course_utils")
    assert own == [top / name for top in (linked, real) for name in names]
    assert any(Path(torch.__file__).is_relative_to(path) for path in fence._needed(folder))


def test_the_copy_of_a_folder_has_its_plain_files_only_as_far_as_they_fit(tmp_path, monkeypatch):
    folder, base = tmp_path / "folder", tmp_path / "base"
    (folder / "in").mkdir(parents=True)
    base.mkdir()
    (folder / "in/small.txt").write_text("small")
    (folder / "large.bin").write_bytes(bytes(1000))
    if LINUX:
        (folder / "link").symlink_to("/etc/passwd")
        os.mkfifo(folder / "pipe")
    monkeypatch.setattr(fence, "WRITABLE", 1000)
    fence._furnished(folder, base)
    assert {path.relative_to(base).as_posix() for path in base.rglob("*")} == {"desk", "desk/in", "desk/in/small.txt"}
