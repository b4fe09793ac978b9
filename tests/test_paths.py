"""Where the four places of the course are: in one's own clone, and everywhere else."""

import os
import runpy
import shutil
from pathlib import Path

import platformdirs
import pytest

from course_utils import paths


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """installed(content): what paths says in a package that has its content inside, as in a wheel, or around it."""
    monkeypatch.delenv("COURSE_STATE", raising=False)
    package = tmp_path / "course_utils"
    package.mkdir()
    shutil.copy(paths.__file__, package)

    def there(content: bool) -> dict:
        if content:
            (package / "content").mkdir()
        return runpy.run_path(str(package / "paths.py"))

    return there


def test_a_clone_of_ones_own_has_everything_in_it(installed, tmp_path):
    said = installed(content=False)
    assert (said["NOTEBOOKS"], said["DATA"]) == (tmp_path / "notebooks", tmp_path / "data")
    assert (said["CLONE"], said["DOWNLOADS"], said["MADE"]) == (tmp_path, tmp_path / "data", tmp_path)
    assert (said["state_dir"](), said["cache_dir"]()) == (tmp_path / ".course", tmp_path / ".course" / "cache")
    assert said["own_clone"]("It") == tmp_path


@pytest.mark.parametrize("wheel", [True, False], ids=["a wheel", "somebody else's clone"])
def test_elsewhere_a_student_writes_into_folders_of_their_own(installed, wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: wheel)
    said = installed(content=wheel)
    content = tmp_path / "course_utils" / "content" if wheel else tmp_path
    assert (said["NOTEBOOKS"], said["CHECKPOINTS"]) == (content / "notebooks", content / "data" / "checkpoints")
    cache = platformdirs.user_cache_path("attention-for-vision", appauthor=False)
    assert (said["CLONE"], said["DOWNLOADS"], said["MADE"]) == (None, cache / "data", Path())
    assert said["state_dir"]() == platformdirs.user_data_path("attention-for-vision", appauthor=False)
    assert said["cache_dir"]() == cache
    with pytest.raises(
        PermissionError, match=f"It is part of the course, which is installed in {content} and only read"
    ):
        said["own_clone"]("It")
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "chosen"))
    assert (said["state_dir"](), said["cache_dir"]()) == (tmp_path / "chosen", tmp_path / "chosen" / "cache")


def test_an_account_without_a_home_folder_can_import_the_course_and_is_told_where_progress_needs_a_place(
    installed, tmp_path, monkeypatch
):
    def no_home(*_, **__):
        raise RuntimeError("could not determine the home directory")

    for kind in ("user_cache_path", "user_data_path"):
        monkeypatch.setattr(platformdirs, kind, no_home)
    said = installed(content=True)
    assert said["DOWNLOADS"].is_absolute()
    with pytest.raises(NotADirectoryError, match="This account has no home folder: set COURSE_STATE to a folder"):
        said["state_dir"]()
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "chosen"))
    assert (said["state_dir"](), said["cache_dir"]()) == (tmp_path / "chosen", tmp_path / "chosen" / "cache")


def test_on_colab_progress_is_in_a_mounted_drive_and_on_kaggle_in_what_is_kept(installed, tmp_path, monkeypatch):
    said = installed(content=True)
    drive, kaggle = folders = tmp_path / "drive", tmp_path / "kaggle"
    monkeypatch.setitem(said["state_dir"].__globals__, "HOSTED", folders)
    kaggle.mkdir()
    assert said["state_dir"]() == kaggle / "attention-for-vision"
    drive.mkdir()
    assert said["state_dir"]() == drive / "attention-for-vision"
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "chosen"))
    assert said["state_dir"]() == tmp_path / "chosen"


def test_the_folders_of_colab_and_kaggle_are_the_documented_ones():
    assert [folder.as_posix() for folder in paths.HOSTED] == ["/content/drive/MyDrive", "/kaggle/working"]
