"""Faults injected on purpose are met, and one that is not is reported."""

import random
from functools import partial

import pytest

from course_utils.bench import faults
from course_utils.bench.budget import exceeded
from course_utils.bench.injected import Injected
from course_utils.bench.measure import Measured
from course_utils.bench.report import fault_table


@pytest.mark.parametrize(
    "inject",
    [
        partial(faults.flipped_cards, count=24),
        partial(faults.damaged_files, count=20),
        pytest.param(partial(faults.flipped_checkpoints, count=3), marks=pytest.mark.slow),
    ],
    ids=["cards", "files", "checkpoints"],
)
def test_the_course_meets_every_fault(inject):
    injected = list(inject(random.Random(1)))
    assert injected
    assert not [each for each in injected if each.wrong]


def test_a_card_that_is_believed_is_wrong(monkeypatch):
    monkeypatch.setattr(faults, "load_checkpoint", lambda name, folder: None)
    assert [each.wrong for each in faults.flipped_cards(random.Random(0), 6)] == ["loaded with another card"] * 6


def test_a_file_that_is_used_unread_or_renamed_is_wrong(monkeypatch):
    monkeypatch.setattr(faults, "find_files", lambda *_, **__: ({"noise": b"another"}, None))
    assert {each.wrong for each in faults.damaged_files(random.Random(0), 10)} == {"used"}

    def renames(wanted, names, download):
        (path,) = faults.Path(faults.os.environ["COURSE_DATA"]).iterdir()
        path.rename(path.with_suffix(".damaged"))
        raise LookupError("Noise is not on this machine")

    monkeypatch.setattr(faults, "find_files", renames)
    wrong = {each.wrong for each in faults.damaged_files(random.Random(0), 10)}
    assert wrong == {"somebody's file was changed or renamed"}


def test_what_is_wrong_is_over_budget_and_counted():
    injected = [Injected("card", "a bit flipped", "loaded"), Injected("card", "a bit flipped", "loaded", "believed")]
    assert list(exceeded(Measured(injected=injected))) == ["card, a bit flipped: loaded, but believed"]
    assert [list(column.cells) for column in fault_table(injected).columns] == [["card"], ["loaded"], ["2"], ["1"]]
