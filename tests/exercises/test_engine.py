"""The check engine: every kind of answer gets a kind verdict, and nothing a student writes stops the notebook."""

import json

import pytest
import torch

from course_utils import exercises
from course_utils.attention import attend, causal_mask, split_heads
from course_utils.exercises import check, hint, progress, solution, stub
from course_utils.exercises.exercise import find
from course_utils.exercises.judge import judge


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    return tmp_path / "progress"


def loops_forever(tokens, heads):
    while True:
        pass


def swallows_everything(tokens, heads):
    while True:
        try:
            while True:
                pass
        except Exception:
            continue


def scaled_in_place(query, key, value, mask=None):
    result = attend(query, key, value, mask)
    with torch.no_grad():
        key /= 2
    return result


@pytest.mark.parametrize(
    ("name", "answer", "status", "words"),
    [
        ("00.split_heads", lambda tokens, heads: None, "not attempted", "returns nothing"),
        ("00.split_heads", lambda tokens, heads: ..., "not attempted", "Nothing to check yet"),
        ("00.split_heads", lambda tokens, heads: tokens.tolist(), "wrong", "returns a list, but a tensor of shape"),
        ("00.split_heads", lambda tokens, heads: tokens, "wrong", r"returns shape \(2, 5, 12\), but \(2, 3, 5, 4\)"),
        ("00.split_heads", lambda tokens, heads: split_heads(tokens, heads).double(), "wrong", "type torch.float64"),
        ("00.split_heads", lambda tokens, heads: split_heads(tokens, heads) + 1, "wrong", "values differ by up to 1"),
        ("00.split_heads", lambda tokens, heads: split_heads(tokens, heads) / 0, "wrong", "infinite or not a number"),
        ("00.split_heads", lambda tokens, heads: tokens.nonsense, "wrong", "AttributeError in the line `.*nonsense"),
        ("00.split_heads", lambda tokens, heads: exit(), "wrong", "SystemExit"),
        ("00.split_heads", lambda tokens: tokens, "wrong", r"cannot be called with \(tokens, heads\)"),
        ("00.split_heads", torch.ones(2), "wrong", "needs your function, but got a Tensor"),
        (
            "00.attend",
            lambda q, k, v, mask=None: attend(q, k, v, mask)[1],
            "wrong",
            "returns a Tensor, but a tuple of 2",
        ),
        ("00.attend", lambda q, k, v, mask=None: (*attend(q, k, v, mask), 1), "wrong", "returns 3 things, but 2"),
        ("00.attend", scaled_in_place, "wrong", "changes its input in place"),
        ("00.attend", lambda q, k, v, mask=None: [x.detach() for x in attend(q, k, v, mask)], "wrong", "no gradient"),
        ("04.attention_bytes", lambda *a: "many", "wrong", "returns a str, but a number was expected"),
    ],
)
def test_every_kind_of_answer_gets_its_own_sentence(name, answer, status, words):
    verdict = judge(find(name), answer)
    assert verdict.status == status
    assert __import__("re").search(words, verdict.message), verdict.message


@pytest.mark.parametrize("answer", [loops_forever, swallows_everything])
def test_an_endless_loop_is_stopped_and_said(answer):
    import dataclasses
    import threading

    quick = dataclasses.replace(find("00.split_heads"), seconds=0.2)
    before = threading.active_count()
    verdict = judge(quick, answer)
    assert verdict.status == "wrong"
    assert "still running after 0.2 seconds" in verdict.message
    assert threading.active_count() == before


def test_a_check_leaves_random_numbers_gradients_and_dtype_alone():
    def meddles(tokens, heads):
        torch.manual_seed(99)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        return split_heads(tokens, heads)

    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    judge(find("00.split_heads"), meddles)
    assert torch.equal(torch.rand(4), expected)
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() is torch.float32


def test_check_returns_the_students_function_when_right_and_the_reference_when_not(capsys):
    def mine(tokens):
        return torch.arange(tokens)[:, None] >= torch.arange(tokens)

    assert check("00.causal_mask", mine) is mine
    assert "passed" in capsys.readouterr().out
    assert check("00.causal_mask", lambda tokens: 3) is causal_mask
    assert 'Stuck? hint("00.causal_mask")' in capsys.readouterr().out


def test_progress_counts_attempts_and_a_later_failure_does_not_take_back_a_pass(own_progress):
    check("00.causal_mask", lambda tokens: None)
    check("00.causal_mask", lambda tokens: torch.ones(tokens, tokens).bool())
    check("00.causal_mask", causal_mask)
    check("00.causal_mask", lambda tokens: 1)
    (row,) = [row for row in progress() if row.name == "00.causal_mask"]
    assert (row.status, row.attempts) == ("passed", 3)
    assert row.passed_at
    assert [path.name for path in own_progress.iterdir()] == ["00.causal_mask.json"]


def test_progress_survives_a_damaged_file_and_a_folder_that_cannot_be_written(own_progress, monkeypatch):
    check("00.causal_mask", causal_mask)
    (own_progress / "00.causal_mask.json").write_text('{"status": "pas')
    assert {row.status for row in progress()} == {"not attempted"}

    def full(*_):
        raise OSError(28, "No space left on device")

    check("00.causal_mask", causal_mask)
    before = (own_progress / "00.causal_mask.json").read_text()
    monkeypatch.setattr("course_utils.exercises.records.os.fsync", full)
    with pytest.warns(UserWarning, match="could not be kept in .*No space left on device"):
        assert check("00.causal_mask", causal_mask) is causal_mask
    assert (own_progress / "00.causal_mask.json").read_text() == before
    assert json.loads(before)["attempts"] == 1
    assert len(list(own_progress.iterdir())) == 1


def test_hints_come_in_steps_and_the_solution_comes_last(capsys):
    name = "04.sequence"
    exercises._hints_given.pop(name, None)
    for _ in range(4):
        hint(name)
    printed = capsys.readouterr().out
    assert printed.index("Hint 1 of 3") < printed.index("Hint 3 of 3") < printed.index("The solution")
    assert solution(name) in printed


def test_an_unknown_exercise_is_named_with_those_there_are():
    with pytest.raises(KeyError, match=r"no exercise '04.patchfy': choose one of 04.patchify"):
        check("04.patchfy", print)


def test_the_stub_has_signature_and_docstring_and_nothing_more():
    text = stub("00.split_heads")
    assert text.startswith("def split_heads(tokens: Tensor, heads: int) -> Tensor:")
    assert "(batch, heads, tokens, dim)" in text
    assert "rearrange" not in text
    assert text.endswith("raise NotImplementedError\n")


def test_a_report_reads_well_as_text_and_as_html(capsys):
    from course_utils.exercises.report import Report

    verdict = judge(find("00.causal_mask"), lambda tokens: torch.ones(tokens, tokens).tril())
    report = Report("00.causal_mask", "A mask", verdict)
    assert "✗ 00.causal_mask wrong" in repr(report)
    assert "<code>dtype=torch.bool</code>" in report._repr_html_()
    assert "<script>" not in Report("x", "<script>", verdict)._repr_html_()
