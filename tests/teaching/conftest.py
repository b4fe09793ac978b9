import pytest


@pytest.fixture
def state(tmp_path, monkeypatch):
    """state(student): from now on, progress is this student's; → their progress folder."""

    def become(student):
        monkeypatch.setenv("COURSE_STATE", str(tmp_path / student))
        return tmp_path / student / "progress"

    return become
