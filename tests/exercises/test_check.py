"""The check engine: whatever a student's function does, one kind sentence and a notebook that goes on."""

import _thread
import contextlib
import gc
import os
import random
import signal
import sys
import threading
import types
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from course_utils import exercises as course
from course_utils.analysis.rollout import attention_rollout
from course_utils.attention import attend, split_heads
from course_utils.attention.blocks import encoder_block
from course_utils.costs import attention_bytes
from course_utils.exercises import Kind, check, checking, examine, find, time_limit
from course_utils.exercises.exercise import FORMER_NAMES
from course_utils.exercises.report import Report
from course_utils.models.palette import quantise
from course_utils.models.vit import patchify, sequence


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    monkeypatch.setattr(checking, "_verdicts", {})
    monkeypatch.setattr(checking, "_hints_given", {})
    return tmp_path


def split_with(change):
    """A student's split_heads: the right one, then something done to its result."""

    def student(tokens, heads):
        return change(split_heads(tokens, heads))

    return student


def raises(error):
    def student(tokens, heads):
        raise error

    return student


def bytes_with(change):
    def student(tokens, heads, layers, dtype=torch.float32, batch=1):
        return change(attention_bytes(tokens, heads, layers, dtype, batch))

    return student


def forgets_that_there_may_be_no_mask(query, key, value, mask=None):
    return attend(query, key, value, ~mask)


def of_the_labels_that_are_there(features, labels, ways):
    return torch.stack([features[labels == label].mean(0) for label in labels.unique()])


def writes_into_its_input(tokens, heads):
    tokens += 1
    return split_heads(tokens - 1, heads)


NOTHING = np.zeros(2)


def wants_gradients(images, patch_size):
    images.requires_grad_()
    return patchify(images, patch_size)


def freezes_its_layers(tokens, norm1, attention, norm2, mlp):
    for layer in (norm1, attention, norm2, mlp):
        if isinstance(layer, torch.nn.Module):
            layer.requires_grad_(False)
    return encoder_block(tokens, norm1, attention, norm2, mlp)


def has_no_gradient_where_all_is_masked(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores + torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1).nan_to_num()
    return weights @ value, weights


def collects_in_its_default(attention_maps, rollouts=[]):  # noqa: B006, what a student writes
    rollouts += attention_rollout(attention_maps)
    return rollouts


def stores_by_shape(images, palette, stored={}):  # noqa: B006
    if images.shape not in stored:
        stored[images.shape] = quantise(images, palette)
    return stored[images.shape]


def shrinks_its_list(attention_maps):
    result = attention_rollout(attention_maps)
    attention_maps.pop()
    return result


@pytest.mark.parametrize(
    ("name", "student", "kind", "words"),
    [
        ("00.split_heads", None, Kind.NOT_A_FUNCTION, ["None", "without brackets"]),
        ("00.split_heads", torch.ones(2, 3), Kind.NOT_A_FUNCTION, ["(2, 3)", "split_heads"]),
        ("00.split_heads", torch.nn.Identity, Kind.NOT_A_FUNCTION, ["the class Identity", "Identity()"]),
        ("00.split_heads", lambda tokens, heads: None, Kind.BLANK, ["return"]),
        ("00.split_heads", lambda tokens, heads: ..., Kind.BLANK, ["return"]),
        ("00.split_heads", raises(NotImplementedError()), Kind.BLANK, ["raise NotImplementedError"]),
        ("00.split_heads", lambda tokens, heads: print(end=""), Kind.TYPE, ["The result is None, but"]),
        ("00.split_heads", lambda tokens: tokens, Kind.SIGNATURE, ["(tokens)", "split_heads(tokens, heads)"]),
        ("00.split_heads", lambda x, h: x, Kind.SIGNATURE, ["(x, h)", "with these names"]),
        ("00.attend", lambda query, key, value, mask: 1, Kind.SIGNATURE, ["mask=None"]),
        ("00.split_heads", lambda tokens, heads: tokens.numpy(), Kind.TYPE, ["type ndarray", "(2, 3, 5, 4)"]),
        ("00.split_heads", lambda tokens, heads: "done", Kind.TYPE, ["type str", "(2, 3, 5, 4)"]),
        ("00.split_heads", split_with(lambda t: t.to_sparse()), Kind.TYPE, ["sparse", "strided"]),
        ("00.split_heads", split_with(lambda t: t.to("meta")), Kind.TYPE, ["meta", "cpu"]),
        ("00.split_heads", split_with(lambda t: t[..., 1:]), Kind.SHAPE, ["(2, 3, 5, 3)", "(2, 3, 5, 4)"]),
        ("00.split_heads", split_with(lambda t: t.half()), Kind.DTYPE, ["float16", "float32"]),
        ("00.split_heads", split_with(lambda t: t + 0.25),
         Kind.PATTERN, ["0.25 too large", "case 1 of 4", "(2, 5, 12)"]),
        ("00.split_heads", split_with(lambda t: t * t.sign().cumsum(-1)), Kind.VALUES, ["off by up to", "at index"]),
        ("00.split_heads", split_with(lambda t: t / 0), Kind.NOT_FINITE, ["division by zero"]),
        ("00.split_heads", split_with(lambda t: t.detach()), Kind.GRADIENT, ["`tokens`", ".detach()"]),
        ("04.sequence", lambda patches, class_token, positions: sequence(patches, class_token.data, positions),
         Kind.GRADIENT, ["reaches `class_token`,"]),
        ("00.split_heads", lambda tokens, heads: torch.from_numpy(split_heads(tokens, heads).numpy()),
         Kind.GRADIENT, ["numpy"]),
        ("00.split_heads", writes_into_its_input, Kind.CHANGED_INPUT, ["its input `tokens`", "x = x + y"]),
        ("04.attention_rollout", shrinks_its_list,
         Kind.CHANGED_INPUT, ["its input `attention_maps`", "list(attention_maps)"]),
        ("04.patchify", wants_gradients, Kind.CHANGED_INPUT, ["switches `requires_grad` of its input `images` on"]),
        ("00.encoder_block", freezes_its_layers, Kind.CHANGED_INPUT, ["changes the layer `norm1`"]),
        ("00.attend", has_no_gradient_where_all_is_masked, Kind.GRADIENT,
         ["a query may attend to no key", "the gradient of `query` is NaN"]),
        ("04.attention_rollout", collects_in_its_default,
         Kind.PATTERN, ["result of an earlier one", "default argument"]),
        ("03.quantise", stores_by_shape, Kind.PATTERN, ["returns the result of an earlier call"]),
        ("02.local_attend", lambda query, key, value, inside, prior=NOTHING: query, Kind.SIGNATURE, ["restore it"]),
        ("00.split_heads", raises(ValueError("too few heads")), Kind.ERROR,
         ["`raise ValueError`", "line 2 of your function", "case 1 of 4"]),
        ("00.split_heads", raises(KeyboardInterrupt()), Kind.ERROR, ["KeyboardInterrupt"]),
        ("00.split_heads", lambda tokens, heads: sys.exit(), Kind.ERROR, ["exit()", "remove it"]),
        ("00.attend", forgets_that_there_may_be_no_mask, Kind.ERROR, ["TypeError", "`return attend(", "~mask"]),
        ("04.attention_bytes", bytes_with(float), Kind.TYPE, ["a float", "//"]),
        ("04.attention_bytes", bytes_with(lambda right: right + 1999), Kind.PATTERN, ["1,999 too large"]),
        ("00.attend", lambda query, key, value, mask=None: (1, 2, 3), Kind.TYPE, ["3 items"]),
        ("00.attend", lambda query, key, value, mask=None: (attend(query, key, value, mask)[0] + 1,
         attend(query, key, value, mask)[1]), Kind.PATTERN, ["The output: every number is 1 too large"]),
        ("09.prototypes", of_the_labels_that_are_there, Kind.PROMISE, ["use `ways`, not the labels"]),
        ("05.shuffle_patches", lambda images, patch_size, order: torch.full_like(images, 0.5), Kind.PATTERN,
         ["0.5 everywhere"]),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_is_told_apart_and_the_notebook_goes_on(name, student, kind, words, capsys):
    exercise = find(name)
    verdict = examine(exercise, student)
    assert verdict.kind is kind, verdict.message
    for word in words:
        assert word in verdict.message
    assert check(name, student) is exercise.reference
    assert verdict.message in capsys.readouterr().out


def test_a_right_function_is_handed_back_and_a_number_off_by_rounding_is_right(capsys):
    def student(tokens, heads):
        return split_heads(tokens, heads) * (1 + 1e-6)

    assert check("00.split_heads", student) is student
    assert "passed" in capsys.readouterr().out


def test_a_harmless_other_type_passes_and_the_notebook_gets_the_usual_one(capsys):
    tokens = torch.rand(2, 5, 12)
    split = check("00.split_heads", lambda tokens, heads: split_heads(tokens, heads).double())
    assert split(tokens, 3).dtype is torch.float32
    assert split(tokens.double(), 3).dtype is torch.float64
    rolled = check("04.attention_rollout", lambda attention_maps: torch.stack(attention_rollout(attention_maps)))
    assert isinstance(rolled([torch.rand(1, 2, 3, 3)]), list)
    words = check("03.quantise", lambda images, palette: quantise(images, palette).int())
    assert words(torch.rand(1, 3, 2, 2), torch.rand(4, 3)).dtype is torch.int64
    causal = check("00.causal_mask", torch.inference_mode()(lambda tokens: torch.ones(tokens, tokens).tril() > 0))
    scores = torch.zeros(3, 3, requires_grad=True)
    (scores * causal(3)).sum().backward()  # autograd refuses to store a tensor of inference mode
    assert scores.grad.sum() == 6
    assert capsys.readouterr().out.count(": passed") == 4


def loops():
    def busy(tokens, heads):
        while True:
            pass

    def swallows(tokens, heads):
        while True:
            try:  # noqa: SIM105, what a student writes
                tokens = tokens + 1
            except BaseException:
                pass

    def late(tokens, heads):
        while heads == 4:  # the second case
            pass
        return split_heads(tokens, heads)

    def prints(tokens, heads):
        while True:
            print("still here")

    return [(busy, "case 1 of 4"), (swallows, "case 1 of 4"), (late, "case 2 of 4"), (prints, "case 1 of 4")]


@pytest.mark.parametrize(("student", "where"), loops(), ids=["busy", "swallows exceptions", "late", "prints"])
def test_an_endless_loop_is_stopped_and_leaves_no_thread(student, where, capsys):
    before = set(threading.enumerate())
    verdict = examine(replace(find("00.split_heads"), seconds=0.3), student)
    assert verdict.kind is Kind.TOO_SLOW
    assert where in verdict.message
    assert "0.3 s" in verdict.message
    assert "restart" not in verdict.message
    assert set(threading.enumerate()) <= before
    assert len(capsys.readouterr().out) < 10_000


@pytest.mark.slow
def test_what_cannot_be_stopped_is_said_and_does_not_hold_the_notebook():
    release = threading.Event()

    def deaf(tokens, heads):
        release.wait()  # one call into C that hears nothing

    verdict = examine(replace(find("00.split_heads"), seconds=0.1), deaf)
    release.set()
    assert verdict.kind is Kind.WAITING
    assert "could not be stopped and still runs: restart the kernel" in verdict.message


@pytest.mark.parametrize(("pauses", "why"), [((0.02, 9, 0.02), None), (100 * (0.02,), time_limit.Why.WAITING)])
def test_a_machine_that_stood_still_is_not_taken_for_a_function_that_waits(pauses, why, monkeypatch):
    left, clock = list(pauses), types.SimpleNamespace(now=0.0)

    def over():
        if left:
            clock.now += left.pop(0)
            return False
        return True

    monkeypatch.setattr(time_limit, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    assert time_limit.watched(over, [time_limit.Clock(lambda: 0.01, noise=0.0005)], 0.3) is why


def test_ctrl_c_interrupts_a_check_and_stops_the_students_code():
    def interrupted(tokens, heads):
        _thread.interrupt_main()
        while True:
            pass

    before = set(threading.enumerate())
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores ctrl-C
    try:
        with pytest.raises(KeyboardInterrupt):
            check("00.split_heads", interrupted)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert set(threading.enumerate()) <= before
    assert type(sys.stdout).__name__ != "Shortened"


def test_a_check_leaves_randomness_defaults_and_the_process_as_they_were(capsys):
    def meddles(tokens, heads):
        torch.manual_seed(1), random.seed(1), np.random.seed(1)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False), torch.set_num_threads(3), gc.disable()
        os.chdir("/"), os.environ.clear(), sys.setrecursionlimit(500), sys.setswitchinterval(1)
        print("x" * 10_000, file=sys.stderr)
        return split_heads(tokens, heads).detach()

    def state():
        default, grad = torch.get_default_dtype(), torch.is_grad_enabled()
        numbers = torch.rand(1).item(), random.random(), np.random.rand(), torch.get_num_threads()
        process = os.getcwd(), dict(os.environ), sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled()
        return default, grad, *numbers, *process, sys.stdout, sys.stderr

    def seeded():
        torch.manual_seed(7), random.seed(7), np.random.seed(7)

    seeded()
    untouched = state()
    for context in (contextlib.nullcontext, torch.no_grad, torch.inference_mode):
        with context():
            seeded()
            examine(find("00.split_heads"), meddles)
            after = state()
            assert after[1] is (context is contextlib.nullcontext)
            assert (after[0], *after[2:]) == (untouched[0], *untouched[2:])
            assert len(capsys.readouterr().err) < 5000
            assert examine(find("00.split_heads"), split_with(lambda result: result)).passed


def test_a_function_that_rolls_dice_gets_the_same_verdict_every_time():
    def dice(tokens, heads):
        noise = torch.rand(()) + random.random() + np.random.rand()
        return split_heads(tokens, heads) + noise.float()

    torch.manual_seed(1)
    first = examine(find("00.split_heads"), dice)
    torch.manual_seed(2)
    assert examine(find("00.split_heads"), dice) == first


def test_a_students_prints_are_shown_but_not_without_end(capsys):
    def chatty(tokens, heads):
        print("shape:", tuple(tokens.shape), "." * 5000)
        return split_heads(tokens, heads)

    assert examine(find("00.split_heads"), chatty).passed
    out = capsys.readouterr().out
    assert "shape: (2, 5, 12)" in out
    assert len(out) < 5000
    assert "not shown" in out


def test_running_the_check_again_without_the_function_does_not_count_the_courses_version_as_the_students(capsys):
    lent = check("04.patchify", lambda images, patch_size: images)
    assert check("04.patchify", lent) is patchify
    assert "run the cell that defines your patchify" in capsys.readouterr().out
    assert not course.passed("04.patchify")
    row = next(row for row in course.progress("04") if row.name == "04.patchify")
    assert (row.status, row.attempts) == ("tried", 1)


def test_a_graded_cell_can_ask_whether_the_last_check_passed():
    assert not course.passed("00.split_heads")
    check("00.split_heads", lambda tokens, heads: split_heads(tokens, heads))
    assert course.passed("00.split_heads")
    check("00.split_heads", lambda tokens, heads: tokens)
    assert not course.passed("00.split_heads")


def test_hints_come_one_at_a_time_and_the_solution_last(capsys):
    exercise = find("00.causal_mask")
    for number, text in enumerate(exercise.hints, start=1):
        course.hint(exercise.name)
        out = capsys.readouterr().out
        assert text in out
        assert f"hint {number} of {len(exercise.hints)}" in out
        assert "tril()\n" not in out
    for _ in range(2):
        course.hint(exercise.name)
        assert course.solution(exercise.name) in capsys.readouterr().out


@pytest.mark.parametrize(("former", "present"), FORMER_NAMES.items())
def test_an_earlier_editions_name_finds_the_exercise_and_counts_for_it(former, present, capsys):
    exercise = find(former)
    assert exercise is find(present)
    solved = types.FunctionType(exercise.reference.__code__.replace(), exercise.reference.__globals__)
    solved.__defaults__ = exercise.reference.__defaults__
    assert check(former, solved) is solved
    assert course.passed(former)
    assert course.passed(present)
    assert course.solution(former) == course.solution(present)
    course.hint(former)
    course.hint(present)
    assert f"{present}, hint 2" in capsys.readouterr().out
    assert [row.name for row in course.progress() if row.status == "passed"] == [present]


@pytest.mark.parametrize("ask", [lambda name: check(name, len), course.hint, course.solution, course.passed])
def test_a_name_that_there_is_not_is_one_sentence_with_the_nearest(ask):
    with pytest.raises(course.UnknownExercise, match=r"no exercise '04.patchfy': did you mean '04.patchify'\?"):
        ask("04.patchfy")


class WellFormed(HTMLParser):
    """Keeps the text, and complains of a tag that is not closed."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_report_says_the_same_as_html_and_as_text_and_runs_nobodys_markup():
    def student(tokens, heads):
        raise ValueError("<script>alert(1)</script>")

    for fn in (student, split_with(lambda result: result)):
        exercise = find("00.split_heads")
        report = Report(exercise, examine(exercise, fn), note="*Not* saved, 2 * 3 * 4.")
        page = WellFormed()
        page.feed(report._repr_html_())
        assert not page.open
        for line in report.lines:
            assert line.replace("`", "").replace("*Not*", "Not") in page.text
            assert line in repr(report)
        assert ("passed" in page.text.split("\n")[0]) is report.verdict.passed
        assert "<script>" not in report._repr_html_()
        assert "<em>Not</em> saved" in report._repr_html_()
