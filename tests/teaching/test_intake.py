"""What lies in a submitted folder: read if it is a plain file, found under another name, refused in a sentence."""

import json
import os
import re
import socket
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

pytest.importorskip("nbgrader", reason="the group of dependencies `teach` is not installed")

from course_utils.lab import notebooks
from course_utils.teaching.grading import intake
from course_utils.teaching.grading.intake import NotGradable, look
from course_utils.teaching.grading.restore import recognised

GIVEN = notebooks.read(notebooks.find("04"))
NAME = "04_vision_transformer"


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "submitted" / "alice" / NAME
    made.mkdir(parents=True)
    return made


def found(folder: Path):
    return look(folder, NAME, lambda notebook: recognised(notebook, GIVEN))


def refusal(folder: Path) -> str:
    with pytest.raises(NotGradable) as refused:
        found(folder)
    sentence = str(refused.value)
    assert re.fullmatch(r"[A-Z\d][^\n]*\.", sentence), sentence
    return sentence


def write(path: Path, notebook=GIVEN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize(
    "name",
    [
        f"{NAME} (1).ipynb",
        f"{NAME}-Copy1.ipynb",
        "vision_transformer.ipynb",
        f"{NAME.upper()}.IPYNB",
        f"{NAME}.ipynb.txt",
        f"{NAME}.json",
        f"{NAME}/{NAME}.ipynb",
        "a/b/c/d/e/f.ipynb",
        "Ünïcode «1».ipynb",
    ],
)
def test_the_only_notebook_with_the_exercises_is_graded_whatever_its_name_and_that_is_noted(folder, name):
    write(folder / name)
    write(folder / "mine.ipynb", new_notebook(cells=[new_code_cell("x = 1")]))
    (folder / "notes.txt").write_text("{ not a notebook")
    handed_in = found(folder)
    assert handed_in.name == name
    assert f"The notebook was handed in as {name}: it was graded as {NAME}.ipynb." in handed_in.notes
    assert "mine.ipynb was not graded: only one notebook counts." in handed_in.notes


def test_the_right_name_wins_and_what_programs_leave_is_ignored(folder):
    write(folder / f"{NAME}.ipynb")
    write(folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb")
    write(folder / "__MACOSX" / f"._{NAME}.ipynb")
    assert found(folder).notes == ()
    write(folder / f"{NAME}-Copy1.ipynb")
    assert found(folder).notes == (f"{NAME}-Copy1.ipynb was not graded: only one notebook counts.",)


def test_what_cannot_be_told_is_refused_with_what_was_found(folder):
    assert "found: nothing: hand in the notebook" in refusal(folder)
    (folder / "work.zip").write_bytes(b"PK")
    assert "found: work.zip: unpack the archive" in refusal(folder)
    write(folder / "a.ipynb")
    write(folder / "b.ipynb")
    assert f"There are 2 notebooks, a.ipynb, b.ipynb: rename the one that counts to {NAME}.ipynb." == refusal(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_pipes_and_folders_are_refused_and_never_opened(folder, tmp_path, monkeypatch):
    solution = write(tmp_path / "source" / f"{NAME}.ipynb")
    wanted = folder / f"{NAME}.ipynb"
    for target in (solution, "/etc/passwd", "/dev/zero", tmp_path / "nowhere", wanted):
        wanted.symlink_to(target)
        assert refusal(folder) == f"{NAME}.ipynb is a link: hand in the file itself."
        with monkeypatch.context() as late:  # exchanged after the first look
            late.setattr(intake, "_refused_kind", lambda path: "")
            assert "cannot be read (Too many levels of symbolic links)" in refusal(folder)
        wanted.unlink()
    os.mkfifo(wanted)
    assert "is a pipe" in refusal(folder)
    wanted.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket has at most 107 characters
        listening.bind(wanted.name)
        os.chdir(here)
    assert "is a device or a socket" in refusal(folder)
    wanted.unlink()
    wanted.mkdir()
    assert "is a folder" in refusal(folder)
    wanted.rmdir()
    (folder / "other.ipynb").symlink_to(solution)
    assert "found: other.ipynb (a link)" in refusal(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_other_files_belong_to_a_submission_but_no_links_and_not_without_limit(folder, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.write_text("solutions")
    write(folder / f"{NAME}.ipynb")
    (folder / "data").mkdir()
    (folder / "data" / "mine.txt").write_text("mine")
    (folder / "link.txt").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    handed_in = found(folder)
    assert "link.txt was left out: it is a link." in handed_in.notes
    assert "linked was left out: it is a link." in handed_in.notes
    assert "pipe was left out: it is a pipe." in handed_in.notes
    assert [path.name for path in handed_in.others] == ["mine.txt"]
    monkeypatch.setattr(intake, "LARGEST", 10)
    assert f"{NAME}.ipynb has " in refusal(folder)
    monkeypatch.setattr(intake, "LARGEST", (folder / f"{NAME}.ipynb").stat().st_size)
    assert any("mine.txt was left out: it is too large" in note for note in found(folder).notes)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permissions_is_one_sentence(folder):
    write(folder / f"{NAME}.ipynb").chmod(0)
    assert "cannot be read (Permission denied)" in refusal(folder)
    folder.chmod(0)
    assert "cannot be read (Permission denied)" in refusal(folder)
    folder.chmod(0o700)
    folder.parent.chmod(0)
    (one,) = intake.submissions(folder.parent.parent)
    folder.parent.chmod(0o700)
    assert one.misplaced == f"submitted/{one.student} cannot be read (Permission denied): make it readable."


def test_the_fingerprint_changes_with_the_notebook_and_with_the_other_files(folder):
    write(folder / f"{NAME}.ipynb")
    first = found(folder).fingerprint()
    assert found(folder).fingerprint() == first
    (folder / "timestamp.txt").write_text("2026-11-29 10:00:00.0 UTC")
    (folder / "mine.txt").write_text("mine")
    second = found(folder)
    assert second.timestamp == "2026-11-29 10:00:00.0 UTC"
    prints = {first, second.fingerprint()}
    (folder / "mine.txt").write_text("changed")
    assert len(prints | {found(folder).fingerprint()}) == 3
    for nonsense in ("soon", "", "\0", "9" * 90):
        (folder / "timestamp.txt").write_text(nonsense)
        assert any("timestamp.txt contains no time" in note for note in found(folder).notes), nonsense


def test_the_folders_of_a_class_are_listed_and_what_lies_elsewhere_has_a_sentence(folder):
    root = folder.parent.parent
    write(root / "bob" / f"{NAME}.ipynb")
    write(root / "carol.ipynb")
    (root / "roster.txt").write_text("alice, bob")
    (root / "bob" / "03_pixel_transformer").mkdir()
    listed = list(intake.submissions(root))
    assert [(one.student, one.assignment) for one in listed] == [
        ("alice", NAME),
        ("bob", "03_pixel_transformer"),
        ("bob", f"{NAME}.ipynb"),
        ("carol.ipynb", ""),
    ]
    assert [bool(one.misplaced) for one in listed] == [False, False, True, True]
    assert listed[2].misplaced.endswith(f"move it to submitted/bob/{NAME}/.")
    assert listed[3].misplaced.endswith("move it to submitted/STUDENT/ASSIGNMENT/.")
    assert [one.student for one in intake.submissions(root, "bob", "04*")] == ["bob"]
    assert list(intake.submissions(root / "nowhere")) == []


def read(data: object):
    return intake.notebook(json.dumps(data).encode())


def test_every_format_that_an_editor_saves_becomes_the_same_plain_cells():
    three = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {"cells": [{"cell_type": "code", "input": ["x = 1\n", "y"], "outputs": [], "language": "python"}]},
            {"cells": [{"cell_type": "markdown", "source": "text"}]},
        ],
    }
    assert [(cell.cell_type, cell.source) for cell in read(three).cells] == [
        ("code", "x = 1\ny"),
        ("markdown", "text"),
    ]
    cell = {
        "cell_type": "code",
        "source": ["x = ", "'\ud800'\r\n", "y\r", "z"],
        "metadata": {"nbgrader": {"grade_id": "patchify", "points": 100}, "tags": 7, "transient": "x", "id": "colab"},
        "outputs": [{"output_type": "display_data", "data": {"text/html": "<script>"}, "metadata": {}}],
        "execution_count": 3,
    }
    for minor in (0, 4, 5):
        hostile = {"nbformat": 4, "nbformat_minor": minor, "metadata": {"language_info": "x"}, "cells": [cell]}
        (made,) = read(hostile).cells
        assert made.source == "x = '?'\ny\nz"
        assert made.metadata == {"nbgrader": {"grade_id": "patchify"}}
        assert made.outputs == []
    nbformat.validate(read(hostile))
    assert intake.notebook(b"\xef\xbb\xbf" + json.dumps(hostile).encode()).cells


def test_only_pictures_remain_of_the_attachments():
    attachments = {
        "a.png": {"image/png": "iVBORw0KGgo="},
        "b.svg": {"image/svg+xml": "PHN2Zz4="},
        "c.png": {"image/png": '"><script>'},
    }
    cell = {"cell_type": "markdown", "source": "", "metadata": {}, "attachments": attachments}
    (made,) = read({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).cells
    assert made.attachments == {"a.png": {"image/png": "iVBORw0KGgo="}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{ this is no notebook",
        b"\xff\xfe\x00",
        b"[]",
        b'"text"',
        b"{}",
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [7]}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"a": 1}}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": 7}]}',
        b"[" * 100_000,
        b'{"nbformat": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda content: content[:70].decode(errors="replace"),
)
def test_what_is_no_notebook_is_refused_in_a_sentence(content):
    with pytest.raises(
        NotGradable, match=r"^It cannot be read as a notebook \([^\n]*\): hand in the file again.*\.$"
    ):
        intake.notebook(content)


def test_a_name_cannot_write_to_the_terminal():
    assert intake.shown("a\x1b[2J\n\udcffb") == "a�[2J��b"
    assert len(intake.shown("x" * 500)) == 80
