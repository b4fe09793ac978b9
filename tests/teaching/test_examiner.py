"""The process for a student's code: what it may not do to the other exercises, to the machine, or to the clock."""

import json
import os
from collections.abc import Callable

import pytest
import torch
from safetensors import SafetensorError
from torch import Tensor

from course_utils.exercises import Kind, exercises, solution
from course_utils.teaching.grading import confirm, examiner
from course_utils.teaching.grading.examiner import Limits, carry_out
from course_utils.teaching.grading.student_process import Step, borrows, pack, unpack

IMPORTS = Step(
    -1,
    "run",
    "import math, os, subprocess, threading, time\nimport torch\n"
    "from torch import Tensor\nfrom einops import rearrange\n",
)
PATCHIFY = [Step(10, "run", solution("04.patchify")), Step(11, "check", "04.patchify")]
PARAMETERS = [Step(20, "run", solution("04.vit_parameters")), Step(21, "check", "04.vit_parameters")]


def outcomes(findings) -> dict[int, str]:
    return {number: found.outcome.value for number, found in findings.items() if not isinstance(found, str)}


@pytest.mark.slow
def test_what_a_cell_leaves_behind_ends_that_cell_and_no_exercise(tmp_path):
    bomb = "go = threading.Event()\nthreading.Thread(target=lambda: go.wait() and os._exit(9), daemon=True).start()"
    waits = Step(15, "extra", "go.set()\ntime.sleep(1000)")
    findings = carry_out([IMPORTS, Step(5, "extra", bomb), *PATCHIFY, waits, *PARAMETERS], tmp_path, Limits())
    assert outcomes(findings) == {11: "passed", 21: "passed"}
    assert "exit code 9" in findings[15]


@pytest.mark.slow
def test_a_process_that_ends_where_nothing_is_done_is_blamed_on_a_cell_and_no_verdict_is_lost(tmp_path):
    bomb = (
        "import course_utils.teaching.grading.student_process as process\n"
        "pack = process.pack\n"
        "process.pack = lambda value: os._exit(9) if value is None else pack(value)\n"  # a verdict that is kept
    )
    ends = Step(15, "extra", "os._exit(3)")  # so that there is a second process, which keeps the first one's verdict
    findings = carry_out([IMPORTS, Step(5, "extra", bomb), *PATCHIFY, ends, *PARAMETERS], tmp_path, Limits())
    assert outcomes(findings) == {11: "passed", 21: "passed"}
    assert "exit code 9" in findings[5]
    assert "exit code 3" in findings[15]
    with pytest.raises(RuntimeError, match="killed although it ran no cell"):
        examiner._culprit(keep := Step(11, "keep", "04.patchify"), [keep], examiner._Stopped("killed", ""))


@pytest.mark.slow
def test_when_the_time_is_used_up_extra_cells_are_left_out_and_exercises_are_not(tmp_path):
    slow = [Step(number, "extra", "time.sleep(2)") for number in range(5)]
    findings = carry_out([IMPORTS, *slow, *PATCHIFY], tmp_path, Limits(notebook_seconds=3))
    assert outcomes(findings) == {11: "passed"}
    assert all("took longer than 3 s" in findings[number] for number in range(5))


@pytest.mark.slow
def test_a_function_that_cannot_be_interrupted_is_ended_from_outside(tmp_path, monkeypatch):
    monkeypatch.setattr(examiner, "SECONDS_BESIDES", -10.0)  # not to wait longer than needed
    body = "def patchify(images, patch_size):\n    return 10**10**9\n"  # one call into C that holds Python's lock
    findings = carry_out([IMPORTS, Step(10, "run", body), PATCHIFY[1], *PARAMETERS], tmp_path, Limits())
    assert outcomes(findings) == {11: "not yet", 21: "passed"}
    assert findings[11].kind is Kind.TOO_SLOW
    assert "loop that never ends" in findings[11].message


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork") or os.uname().sysname != "Linux", reason="limits are Linux's")
def test_memory_beyond_the_limit_is_an_error_and_not_the_machines_trouble(tmp_path):
    body = "def patchify(images, patch_size):\n    return torch.ones(2**28)\n"  # 1 GiB
    check = PATCHIFY[1]
    findings = carry_out([IMPORTS, Step(10, "run", body), check, *PARAMETERS], tmp_path, Limits(memory=2**29))
    assert findings[11].kind is Kind.ERROR
    assert "allocate" in findings[11].message
    assert findings[21].passed


def test_nothing_of_the_examination_is_left_in_the_students_folder_or_in_the_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))
    (tmp_path / "desk").mkdir()
    again = Step(5, "extra", 'from course_utils.exercises import check\ncheck("04.patchify", len)')
    findings = carry_out([again, *PATCHIFY], tmp_path / "desk", Limits())
    assert "04.patchify" in findings[5]
    assert [path.name for path in tmp_path.rglob("*")] == ["desk"]


PASSES_ITSELF = """
from course_utils.exercises import engine

engine.wrong_gradient = lambda *arguments: None
"""
CUT_OFF = solution("00.attend").replace("return weights @ value,", "return (weights @ value).detach(),")
BORROWS = """
import inspect
from course_utils.exercises import exercises

def borrowed(reference):
    answer = lambda *arguments: reference(*arguments)
    answer.__signature__ = inspect.signature(reference)
    return answer

for exercise in exercises("04"):
    globals()[exercise.function] = borrowed(exercise.reference)
"""


@pytest.mark.slow
def test_marks_are_not_won_by_a_patched_examination_nor_by_the_courses_own_code(tmp_path):
    attend = [Step(30, "run", CUT_OFF), Step(31, "check", "00.attend")]
    honest = [Step(32, "run", solution("00.attend")), Step(33, "check", "00.attend")]
    steps = [IMPORTS, Step(4, "extra", PASSES_ITSELF), *attend, *honest, Step(5, "extra", BORROWS), PATCHIFY[1]]
    findings = carry_out([*steps, *PARAMETERS], tmp_path, Limits())
    assert findings[31].kind is Kind.GRADIENT
    assert "Code in this notebook disturbs the examination" in findings[31].message
    assert findings[11].kind is Kind.LENT
    assert "calls the course's own version" in findings[11].message
    assert outcomes(findings) == {31: "not yet", 33: "passed", 11: "not attempted", 21: "passed"}


def test_a_borrowed_answer_is_recognised_and_one_that_is_written_out_is_not():
    for exercise in exercises():
        names = {"Tensor": Tensor, "Callable": Callable, **exercise.reference.__globals__}
        exec(compile(solution(exercise.name), "<cell>", "exec"), names)
        assert not borrows(exercise, names[exercise.function]), exercise.name
        assert borrows(exercise, lambda *arguments, reference=exercise.reference: reference(*arguments))


def test_a_message_is_data_only():
    sent = {"results": (torch.ones(2).double(), torch.ones(()), [1, 2.5, None, "x"]), "of": {"a.b": torch.ones(2, 0)}}
    found = unpack(pack(sent))
    assert found["results"][2] == [1, 2.5, None, "x"]
    assert torch.equal(found["results"][0], torch.ones(2).double())
    assert found["of"]["a.b"].shape == (2, 0)
    assert unpack(pack(os)) == "an object of type module"
    assert unpack(pack(torch.ones(3).expand(2, 3))).shape == (2, 3)
    many = json.dumps([[]] * 2**21).encode()  # small on the way, large in memory
    for forged in (b"", b"ab", bytes(4), len(many).to_bytes(4, "big") + many, b"\0\0\0\1x" + pack(1)[5:]):
        with pytest.raises((ValueError, SafetensorError)):
            unpack(forged)
    with pytest.raises(TypeError, match="list is no text"):  # its text could be endless
        confirm.text([[], []])
