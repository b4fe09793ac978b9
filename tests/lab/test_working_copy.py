"""A student's copy of the notebooks: made once, found again, never overwritten, brought up to date."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from course_utils import cli, files
from course_utils.cli import lab
from course_utils.lab import library, notebooks, working_copy
from course_utils.lab.update import update
from course_utils.lab.working_copy import HANDED_OUT, hand_out

ONE, TWO = "00_one.ipynb", "01_two.ipynb"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two notebooks, installed for somebody else; → the folder of what ships."""
    ships = tmp_path / "ships"
    ships.mkdir()
    for module in (working_copy, notebooks, lab):
        monkeypatch.setattr(module, "NOTEBOOKS", ships)
    monkeypatch.setattr(working_copy, "CLONE", None)
    monkeypatch.setattr(library, "copy", lambda folder: None)
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name in (ONE, TWO):
        ship(ships / name, title=name, stub="raise NotImplementedError")
    return ships


@pytest.fixture
def mine(course, tmp_path):
    hand_out(tmp_path / "mine")
    return tmp_path / "mine"


def ship(path: Path, **cells: str) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(text, id=name) for name, text in cells.items()]), path)


def texts(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != HANDED_OUT)


def said(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_every_notebook_is_copied_once_and_what_kills_left_is_swept(course, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / ".writing-999999999-0a1b2c3d-04.ipynb").write_text("half")
    (folder / ONE).write_text("mine")
    assert hand_out(folder) == [folder / TWO]
    assert names(folder) == [ONE, TWO]
    assert (folder / ONE).read_text() == "mine"
    assert os.listdir(folder / HANDED_OUT) == [TWO]  # nobody knows what the other one began as
    assert hand_out(folder) == []


def test_the_code_to_read_is_read_only_and_python_imports_the_installed_one(tmp_path):
    library.copy(tmp_path)
    copy, source = tmp_path / "course_utils", library.PACKAGE
    assert (copy / "attention/core.py").read_bytes() == (source / "attention/core.py").read_bytes()
    assert not (copy / "attention/core.py").stat().st_mode & 0o222
    command = [sys.executable, "-c", "import course_utils.paths; print(course_utils.paths.__file__)"]
    environment = {**os.environ, "PYTHONPATH": str(source.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == str(source / "paths.py")

    before = {path: path.stat().st_ino for path in copy.rglob("*.py")}
    core, gone = copy / "attention/core.py", copy / "attention/gone.py"
    for path, mode in ((core, 0o444), (gone, 0o444), (copy / "costs.py", 0o644), (copy / "notes.py", 0o644)):
        path.chmod(0o644) if path.exists() else None
        path.write_text("another")
        path.chmod(mode)
    library.copy(tmp_path)
    assert core.read_bytes() == (source / "attention/core.py").read_bytes()
    assert not gone.exists()
    assert (copy / "costs.py").read_text() == (copy / "notes.py").read_text() == "another"  # the student's now
    changed = {path for path, number in before.items() if path.stat().st_ino != number}
    assert changed <= {core}


def test_a_copy_that_was_killed_is_repeated_and_no_cell_counts_as_the_students(course, tmp_path, monkeypatch):
    written = []

    def write(path: Path, content: bytes, write=working_copy.write) -> None:
        if written:
            raise Killed
        written.append(path)
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(working_copy, "write", write)
        with pytest.raises(Killed):
            hand_out(tmp_path / "mine")
    ship(course / ONE, title="second edition", stub="raise NotImplementedError")
    list(update(tmp_path / "mine"))
    assert texts(tmp_path / "mine" / ONE) == ["second edition", "raise NotImplementedError"]
    assert names(tmp_path / "mine") == [ONE, TWO]


@pytest.mark.skipif(os.name == "nt", reason="its names are text")
def test_a_copy_may_have_a_name_that_is_no_text(course, tmp_path, monkeypatch):
    try:
        folder = tmp_path / os.fsdecode(b"\xe9t\xe9")
        folder.mkdir()
    except OSError:
        pytest.skip("this system knows only names of text")
    monkeypatch.setattr(lab, "_become_the_server", lambda *arguments: None)
    assert said("lab", str(folder)) == (0, "")
    assert working_copy.find() == folder


def test_the_copy_is_found_again_from_everywhere(course, tmp_path, monkeypatch):
    assert working_copy.find() == tmp_path / "home" / "attention-for-vision"
    assert working_copy.find(Path("there")) == tmp_path / "there"
    assert working_copy.find(Path("~/there")) == tmp_path / "home" / "there"
    for name in ("first", "second"):
        hand_out(tmp_path / name)
    working_copy.remember(tmp_path / "first")
    assert working_copy.find() == tmp_path / "first"
    (tmp_path / "second" / "below").mkdir()
    monkeypatch.chdir(tmp_path / "second" / "below")
    assert working_copy.find() == tmp_path / "second"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").rename(tmp_path / "moved")
    assert working_copy.find() == tmp_path / "home" / "attention-for-vision"
    monkeypatch.setattr(working_copy, "CLONE", tmp_path / "clone")
    assert working_copy.find() == tmp_path / "clone" / "my_notebooks"


@pytest.mark.parametrize("folder", ["ships", "ships/below", "data/below"])
def test_a_copy_is_never_in_what_ships(course, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(working_copy, "DATA", tmp_path / "data")
    monkeypatch.setattr(lab, "_become_the_server", lambda *arguments: None)
    code, printed = said("lab", folder)
    assert code == 2
    assert "belongs to the course, which updates replace: choose another folder." in printed


def test_a_folder_that_cannot_be_one_is_a_sentence(course, tmp_path):
    (tmp_path / "file").write_text("")
    for folder, words in (
        ("file", "Nothing can be written to"),
        ("~nosuchuser/x", "The home folder of ~nosuchuser is unknown"),
        ("two folders", ""),
    ):
        code, printed = said("lab", *folder.split())
        assert code == 2
        assert words in printed
    assert "two folders is more than one folder and one notebook's number" in printed
    assert "mine/01_two.ipynb is a notebook: name its folder and its number" in said("lab", f"mine/{TWO}")[1]
    assert "--edit opens the course's own notebooks, which are not in mine" in said("lab", "mine", "--edit")[1]
    assert said("reset", "00")[1].endswith("run `course lab` first, or name their --folder.")
    for none in ("", "000", "²"):
        with pytest.raises(FileNotFoundError, match=f"There is no notebook '{none}': choose one of 00, 01"):
            notebooks.find(none)


def test_what_was_edited_in_place_in_a_clone_comes_along_and_counts_as_the_students(course, tmp_path, monkeypatch):
    monkeypatch.setattr(working_copy, "CLONE", tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    git = ["git", "-C", str(course), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    committed = (course / ONE).read_bytes()
    ship(course / ONE, title=ONE, stub="return 1")
    mine = tmp_path / "mine"
    hand_out(mine)
    assert texts(mine / ONE) == [ONE, "return 1"]
    assert (mine / HANDED_OUT / ONE).read_bytes() == committed
    ship(course / ONE, title="second edition", stub="raise NotImplementedError")
    subprocess.run([*git, "commit", "-q", "-a", "-m", "second"], check=True)
    list(update(mine))
    assert texts(mine / ONE) == ["second edition", "return 1"]


def test_reset_keeps_every_version_beside(course, mine):
    assert said("reset", "0", "--folder", str(mine)) == (0, f"{mine / ONE} is as the course has it.")
    for answer in ("return 1", "return 2"):
        ship(mine / ONE, title=ONE, stub=answer)
        code, printed = said("reset", "00", "--folder", str(mine))
        assert code == 0
    assert printed.endswith("yours is 00_one.old-2.ipynb.")
    assert (mine / ONE).read_bytes() == (course / ONE).read_bytes()
    assert [texts(mine / f"00_one.old-{number}.ipynb")[1] for number in (1, 2)] == ["return 1", "return 2"]
    assert names(mine) == ["00_one.ipynb", "00_one.old-1.ipynb", "00_one.old-2.ipynb", TWO]
    (mine / ONE).write_text("{ damaged")
    said("reset", "00", "--folder", str(mine))
    assert (mine / "00_one.old-3.ipynb").read_text() == "{ damaged"


def test_update_brings_news_keeps_work_and_says_so(course, mine):
    ship(mine / ONE, title=ONE, stub="return 1", own="note")
    ship(course / ONE, hello="hello", title="second edition", stub="raise NotImplementedError  # better")
    ship(course / TWO, title="second edition")
    ship(course / "02_three.ipynb", title="three")
    code, printed = said("update", "--folder", str(mine))
    assert code == 0
    assert printed == (
        "02_three.ipynb is new. "
        "00_one.ipynb: cells: 1 new, 1 changed, 2 of yours kept. The one before is 00_one.old-1.ipynb. "
        "Of stub, the course has another version now: `course reset 00` shows it. "
        "01_two.ipynb is the new version; you had not used it."
    )
    assert texts(mine / ONE) == ["hello", "second edition", "return 1", "note"]
    assert texts(mine / "00_one.old-1.ipynb") == [ONE, "return 1", "note"]
    assert (mine / TWO).read_bytes() == (course / TWO).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in mine.rglob("*")}
    assert said("update", "--folder", str(mine)) == (0, f"{mine} is up to date.")
    assert {path: path.stat().st_mtime_ns for path in mine.rglob("*") if path != mine / HANDED_OUT} == {
        path: when for path, when in before.items() if path != mine / HANDED_OUT
    }


def test_a_notebook_that_is_none_stays_and_the_others_are_updated(course, mine):
    (mine / ONE).write_text('{"cells": [')
    for name in (ONE, TWO):
        ship(course / name, title="second edition")
    code, printed = said("update", "--folder", str(mine))
    assert code == 1
    assert f"{mine / ONE} cannot be read as a notebook (" in printed
    assert (
        "`course reset 00` puts the course's in its place and keeps this one beside it. It stays as it is." in printed
    )
    assert (mine / ONE).read_text() == '{"cells": ['
    assert texts(mine / TWO) == ["second edition"]
    for other in ("", "[]", "{}", '{"cells": 1, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "\xff"):
        (mine / ONE).write_bytes(other.encode("latin-1"))
        assert said("update", "--folder", str(mine))[0] == 1
        assert (mine / ONE).read_bytes() == other.encode("latin-1")


def test_half_a_character_of_a_student_is_kept(course, mine):
    content = (mine / ONE).read_text().replace("raise NotImplementedError", r"'\ud83d'")  # of an emoji
    (mine / ONE).write_text(content, encoding="utf-8-sig")  # with the mark of an editor on Windows
    ship(course / ONE, title="second edition", stub="raise NotImplementedError")
    assert said("update", "--folder", str(mine))[0] == 0
    assert texts(mine / ONE) == ["second edition", "'\ud83d'"]


def _identity(path: Path) -> tuple[int, ...]:
    """What changes when `path` is replaced or written; reading it, which turns its time of access, changes nothing."""
    found = os.lstat(path)
    return found.st_mode, found.st_ino, found.st_nlink, found.st_size, found.st_mtime_ns


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path.mkdir(), "it is not a plain file"),
        pytest.param(
            lambda path: os.mkfifo(path),
            "it is not a plain file",
            marks=pytest.mark.skipif(os.name == "nt", reason="needs a pipe with a name"),
        ),
    ],
    ids=["dangling", "loop", "folder", "pipe"],
)
def test_what_is_no_file_stays_and_the_others_are_updated(course, mine, put, why):
    (mine / ONE).unlink()
    put(mine / ONE)
    before = _identity(mine / ONE)
    for name in (ONE, TWO):
        ship(course / name, title="second edition")
    code, printed = said("update", "--folder", str(mine))
    assert code == 1
    assert f"{mine / ONE} cannot be used ({why}): check this path. It stays as it is." in printed
    assert _identity(mine / ONE) == before
    assert texts(mine / TWO) == ["second edition"]


def test_so_does_one_of_which_nobody_can_read_what_it_began_as(course, mine, monkeypatch):
    def read_bytes(path: Path, read=Path.read_bytes) -> bytes:
        if path == mine / HANDED_OUT / ONE:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    for name in (ONE, TWO):
        ship(course / name, title="second edition")
    code, printed = said("update", "--folder", str(mine))
    assert code == 1
    assert f"{mine / HANDED_OUT / ONE} cannot be used (Permission denied): " in printed
    assert [texts(mine / name)[0] for name in (ONE, TWO)] == [ONE, "second edition"]


def test_a_link_stays_one_and_what_it_leads_to_is_updated_with_its_mode(course, mine, tmp_path):
    real = tmp_path / "elsewhere" / "real.ipynb"
    real.parent.mkdir()
    (mine / ONE).rename(real)
    ship(real, title=ONE, stub="return 1")
    (mine / ONE).symlink_to(real)
    for path in (real, mine / TWO):
        path.chmod(0o444)
    for name in (ONE, TWO):
        ship(course / name, title="second edition", stub="raise NotImplementedError")
    assert said("update", "--folder", str(mine))[0] == 0
    assert (mine / ONE).readlink() == real
    assert texts(real) == ["second edition", "return 1"]
    assert texts(mine / "00_one.old-1.ipynb") == [ONE, "return 1"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (real, mine / TWO)] == [0o444, 0o444]
    assert os.listdir(real.parent) == [real.name]


def test_an_update_that_was_killed_is_repeated_without_a_loss(course, mine, monkeypatch):
    ship(mine / ONE, title=ONE, stub="return 1")
    ship(course / ONE, title="second edition", stub="raise NotImplementedError")
    with monkeypatch.context() as patched:
        patched.setattr(
            "course_utils.lab.update.write", lambda path, content: stop_at(mine / HANDED_OUT, path, content)
        )
        with pytest.raises(Killed):
            list(update(mine))
    assert texts(mine / ONE) == ["second edition", "return 1"]
    assert [sentence for sentence, _ in update(mine)] == ["00_one.ipynb was up to date."]
    assert texts(mine / ONE) == ["second edition", "return 1"]
    assert names(mine) == [ONE, "00_one.old-1.ipynb", TWO]


class Killed(BaseException):
    """Nothing catches it."""


def stop_at(folder: Path, path: Path, content: bytes) -> None:
    if path.parent == folder:
        raise Killed
    working_copy.write(path, content)


def test_a_notebook_that_leaves_the_course_stays_with_the_student(course, mine):
    (course / TWO).unlink()
    assert [sentence for sentence, _ in update(mine)] == [
        "01_two.ipynb is no longer part of the course; yours stays."
    ]
    assert names(mine) == [ONE, TWO]
    assert list(update(mine)) == []


def test_two_updates_at_once_are_one(course, mine):
    with files.locked(mine / HANDED_OUT / ".lock", "it"):
        for command in (["update"], ["reset", "00"]):
            code, printed = said(*command, "--folder", str(mine))
            assert code == 2
            assert "is being updated by" in printed


def test_what_a_killed_update_left_is_swept_without_a_word(course, mine):
    for folder in (mine, mine / HANDED_OUT):
        (folder / f".writing-999999999-0a1b2c3d-{ONE}").write_text("half")
    (mine / HANDED_OUT / f".writing-{os.getppid()}-0a1b2c3d-{ONE}").write_text("of a process that lives")
    assert list(update(mine)) == []
    assert [path.name for path in mine.rglob(".writing-*")] == [f".writing-{os.getppid()}-0a1b2c3d-{ONE}"]


def test_lab_understands_a_folder_a_number_and_what_is_for_jupyterlab(course, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("course_utils.paths.CLONE", tmp_path)
    monkeypatch.setattr(lab, "_become_the_server", lambda *arguments: started.append(arguments))
    assert said("lab", "mine", "1", "--port", "9000", "--no-browser", "--ServerApp.ip=0.0.0.0", "--debug")[0] == 0
    (log, folder, options) = started.pop()
    assert (log, folder) == (tmp_path / "state" / "lab.log", str(tmp_path / "mine"))
    assert f"--ServerApp.root_dir={tmp_path / 'mine'}" in options
    assert "--LabApp.default_url=/lab/tree/01_two.ipynb" in options
    assert {"--ServerApp.port=9000", "--no-browser"} <= set(options)
    assert options[-2:] == ["--ServerApp.ip=0.0.0.0", "--debug"]
    for number in ("01", "1", TWO, "01.exercise"):
        said("lab", "mine", number)
        assert "--LabApp.default_url=/lab/tree/01_two.ipynb" in started.pop()[2]
    assert said("lab", "1", "--folder", "mine", "--debug")[0] == 0
    (_, named, options) = started.pop()
    assert (named, options[-1]) == (folder, "--debug")
    assert "mine other is more than one folder" in said("lab", "other", "--folder", "mine")[1]
    assert (
        said("lab", "--folder=")
        == said("lab", "")
        == (2, "course: A folder or a number is empty: write it, or leave it out.")
    )
    ship(course / TWO, title="second edition")
    code, printed = said("lab")
    assert printed == "There is a new version of notebook 01: `course update` brings it."
    assert started.pop()[1] == folder  # the one used last
    assert said("lab", "--edit")[0] == 0
    assert "--LabApp.default_url=/lab/tree/ships/00_one.ipynb" in started.pop()[2]
    monkeypatch.setattr("course_utils.paths.CLONE", None)
    code, printed = said("lab", "--edit")
    assert code == 2
    assert "course: A notebook in place is part of the course, which is installed in" in printed
