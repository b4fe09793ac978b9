"""A student's server starts with whole copies, whatever a kill left behind."""

import os

from course_utils.lab import notebooks
from course_utils.teaching.hub.hand_out import FOLDER, hand_out


def test_every_notebook_is_copied_once_and_what_kills_left_is_swept(tmp_path):
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / ".writing-999999999-0a1b2c3d-04.ipynb").write_text("half")
    (folder / notebooks.find("00").name).write_text("mine")
    made = hand_out(tmp_path)
    assert [path.name[:2] for path in made] == [number for number in notebooks.numbers() if number != "00"]
    assert sorted(os.listdir(folder)) == sorted(notebooks.find(number).name for number in notebooks.numbers())
    assert (folder / notebooks.find("00").name).read_text() == "mine"
    assert hand_out(tmp_path) == []
