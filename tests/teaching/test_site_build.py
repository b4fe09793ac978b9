"""What building the site refuses, and that an earlier site is still there afterwards."""

import nbformat
import pytest

from course_utils.lab import notebooks
from course_utils.teaching.site import assets, build, build_site, github_repository


def made(folder, source: str):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    folder.mkdir(exist_ok=True)
    path = folder / notebooks.find("00").name
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def old_site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / ".buildinfo").touch()
    (folder / "index.html").write_text("old")
    return folder


def test_a_failing_notebook_and_one_that_was_not_run_leave_the_old_site(old_site, tmp_path, monkeypatch):
    failing = made(tmp_path / "failing", "1 / 0")
    with pytest.raises(ValueError, match="was not executed by the course: run `course run 00 --output`"):
        build_site(["00"], old_site, executed=failing.parent)
    monkeypatch.setattr(build.notebooks, "find", lambda number: failing)
    with pytest.raises(ValueError, match=r"Notebook 00 failed, so there is no site: [\s\S]*ZeroDivisionError"):
        build_site(["00"], old_site)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".site-")] == []
    assert (old_site / "index.html").read_text() == "old"


def test_a_folder_that_is_no_site_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(FileExistsError, match="exists and is no site"):
        build_site(["00"], tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_missing_part_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "WEB", tmp_path / "nowhere")
    with pytest.raises(
        FileNotFoundError, match=r"needs requirejs/require.js, .* is not there: run `make teach` first"
    ):
        build_site(["00"], tmp_path / "site")
    monkeypatch.setattr(assets.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="run `make teach` first"):
        build_site(["00"], tmp_path / "site")


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("git@github.com:owner/name.git", "owner/name"),
        ("https://github.com/owner/na.me", "owner/na.me"),
        ("https://example.org/owner/name.git", None),
    ],
)
def test_the_repository_is_read_from_the_remote(address, repository, monkeypatch):
    class Done:
        stdout = address + "\n"

    monkeypatch.setattr(build.subprocess, "run", lambda *_, **__: Done)
    assert github_repository() == repository
