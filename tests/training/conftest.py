"""Training is stopped in these tests, and no hand presses the button twice: nothing waits for a second press."""

import pytest

from course_utils.training import device


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(device, "GRACE", 0.0)
