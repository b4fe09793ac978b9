import os

import pytest

from course_utils.paths import ROOT


@pytest.fixture
def state(tmp_path, monkeypatch):
    """state(student): from now on, progress is this student's; → their progress folder."""

    def become(student):
        monkeypatch.setenv("COURSE_STATE", str(tmp_path / student))
        return tmp_path / student / "progress"

    return become


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """loaded(): the hub's configuration as JupyterHub loads it, or another file of it.
    Raises SystemExit with its sentence.

    No variable of the hub is set but a folder for its state; afterwards the umask is that of the tests.
    """
    from course_utils.teaching.hub import class_view

    for name in [name for name in os.environ if name.startswith("COURSE_HUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COURSE_HUB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(class_view, "account", lambda environment: "")

    def load(file="course_utils/teaching/hub/jupyterhub_config.py"):
        from traitlets.config import PyFileConfigLoader

        return PyFileConfigLoader(str(ROOT / file)).load_config()

    before = os.umask(0o022)
    yield load
    os.umask(before)
