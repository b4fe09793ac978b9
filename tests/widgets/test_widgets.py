"""The Python half of the widgets: what goes to the page is right, and what cannot be shown is refused in words."""

import numpy as np
import psutil
import pytest
import torch

from course_utils.analysis.rollout import attention_rollout
from course_utils.widgets import (
    AttentionExplorer,
    DistillationExplorer,
    MemoryExplorer,
    PatchExplorer,
    Quiz,
    WindowExplorer,
)
from course_utils.widgets.front_end import FOLDER

PICTURE = torch.rand(3, 28, 28)
MAPS = torch.rand(2, 3, 17, 17).softmax(-1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: PatchExplorer("cat"), "The picture is a str, but must be a tensor"),
        (
            lambda: PatchExplorer(torch.rand(2, 3, 8, 8)),
            r"shape \(2, 3, 8, 8\), but must be \(channels, height, width",
        ),
        (lambda: PatchExplorer(torch.rand(3, 8, 8) * 255), r"must lie in \[0, 1\]: divide by 255"),
        (lambda: PatchExplorer(torch.randn(3, 8, 8)), r"must lie in \[0, 1\]: undo its normalisation"),
        (lambda: PatchExplorer(torch.full((3, 8, 8), float("nan"))), "holds 192 values that are NaN"),
        (lambda: PatchExplorer(torch.rand(3, 0, 8)), r"is empty \(shape \(3, 0, 8\)\)"),
        (
            lambda: PatchExplorer(PICTURE, 5),
            "patch_size 5 does not divide a picture of 28 × 28 pixels: choose one of 2, 4",
        ),
        (lambda: AttentionExplorer(PICTURE, []), "is an empty list"),
        (lambda: AttentionExplorer(PICTURE, {}), "There is no attention to show"),
        (lambda: AttentionExplorer(PICTURE, MAPS[0, 0]), r"shape \(17, 17\), but must be \(layers, heads"),
        (lambda: AttentionExplorer(PICTURE, MAPS[..., :16]), r"shape \(2, 3, 17, 16\), but must be"),
        (lambda: AttentionExplorer(PICTURE, MAPS * 2), r"rows that do not sum to one \(one sums to 2\)"),
        (lambda: AttentionExplorer(PICTURE, MAPS - 0.1), "negative weights"),
        (lambda: AttentionExplorer(PICTURE, MAPS.log() * float("inf")), "NaN or infinite"),
        (lambda: AttentionExplorer(PICTURE, MAPS[:, :, :0]), "is empty"),
        (lambda: AttentionExplorer(PICTURE, [MAPS[:, :, :16, :16].softmax(-1), MAPS]), "layers of different shapes"),
        (lambda: AttentionExplorer(PICTURE, [MAPS, MAPS]), "is of a batch of 2 pictures"),
        (lambda: AttentionExplorer(PICTURE, MAPS, special_tokens=0), "17 patches make no grid"),
        (
            lambda: AttentionExplorer(PICTURE, {"mine": MAPS, "b": MAPS * 3}),
            "attention of b has rows that do not sum",
        ),
        (lambda: AttentionExplorer(PICTURE, MAPS, head_names=["a"]), "There are 1 head_names for 3 heads"),
        (lambda: MemoryExplorer(heads=0), "heads is 0, but must be at least 1"),
        (
            lambda: MemoryExplorer(image_size=224, patch_size=15),
            "patch_size 15 does not divide image_size 224: try 225",
        ),
        (lambda: MemoryExplorer(dtype="int4"), "dtype is 'int4', but must be one of float32"),
        (lambda: Quiz([]), "The quiz has no questions"),
        (
            lambda: Quiz([{"question": "Why?", "answers": [{"text": "a"}]}]),
            "Question 1 needs a text .* two 'answers'",
        ),
        (
            lambda: Quiz([{"question": "Why?", "answers": [{"text": "a", "why": "b"}, {"text": "c", "why": "d"}]}]),
            "Question 1 has no correct answer",
        ),
        (
            lambda: Quiz(
                [{"question": "Why?", "answers": [{"text": "a", "correct": True}, {"text": "c", "why": "d"}]}]
            ),
            "Question 1 has an answer without",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_the_page_gets_every_weight_and_the_rollout_after_it():
    widget = AttentionExplorer(PICTURE, MAPS.requires_grad_())
    (model,) = widget.models
    numbers = np.frombuffer(widget.weights, "<f2").astype(np.float32)
    weights = numbers[model["attention"] : model["rollout"]].reshape(MAPS.shape)
    np.testing.assert_allclose(weights, MAPS.detach(), atol=1e-3)
    rollout = numbers[model["rollout"] :].reshape(2, 17, 17)
    expected = torch.cat(attention_rollout(list(MAPS.detach()[:, None])))
    np.testing.assert_allclose(rollout, expected, atol=1e-3)
    assert (model["rows"], model["columns"], model["special"]) == (4, 4, 1)


@pytest.mark.parametrize("form", ["list of batches of one", "list", "tensor", "bfloat16", "numpy"])
def test_attention_is_taken_as_models_give_it(form):
    attention = {
        "list of batches of one": [layer[None] for layer in MAPS],
        "list": list(MAPS),
        "tensor": MAPS,
        "bfloat16": MAPS.bfloat16(),
        "numpy": MAPS.numpy(force=True),
    }[form]
    widget = AttentionExplorer(PICTURE, attention)
    numbers = np.frombuffer(widget.weights, "<f2").astype(np.float32)[: MAPS.numel()].reshape(MAPS.shape)
    np.testing.assert_allclose(numbers, MAPS.detach(), atol=4e-3)


def test_several_models_with_other_grids_share_one_picture():
    fine = torch.rand(1, 2, 49, 49).softmax(-1)
    widget = AttentionExplorer(PICTURE, {"coarse": MAPS, "fine": fine}, special_tokens={"coarse": 1, "fine": 0})
    assert [(m["name"], m["rows"], m["special"]) for m in widget.models] == [("coarse", 4, 1), ("fine", 7, 0)]
    start = widget.models[1]["attention"]
    np.testing.assert_allclose(
        np.frombuffer(widget.weights, "<f2")[start : start + fine.numel()].reshape(fine.shape), fine, atol=1e-3
    )


def test_pixels_arrive_in_rows_with_four_bytes_each():
    picture = torch.zeros(3, 4, 6)
    picture[0, 1, 2] = 1
    widget = PatchExplorer(picture, 2)
    pixels = np.frombuffer(widget.pixels, np.uint8).reshape(4, 6, 4)
    assert pixels[1, 2].tolist() == [255, 0, 0, 255]
    assert pixels[..., :3].sum() == 255
    assert widget.choices == [2]


def test_memory_explorer_knows_this_machine():
    machine = MemoryExplorer().machine
    assert machine["memory of this machine"] == psutil.virtual_memory().total
    assert 0 < machine["free of it when this was shown"] <= machine["memory of this machine"]


@pytest.mark.parametrize("path", sorted((FOLDER / "quizzes").glob("*.json")), ids=lambda path: path.stem)
def test_every_quiz_of_the_course_is_sound(path):
    quiz = Quiz.from_notebook(path.stem)
    assert len(quiz.questions) >= 4
    for question in quiz.questions:
        texts = [answer["text"] for answer in question["answers"]]
        assert len(set(texts)) == len(texts)


def test_an_unknown_quiz_is_named_with_those_there_are():
    with pytest.raises(FileNotFoundError, match=r"no quiz for notebook '77': choose one of 00, .*04"):
        Quiz.from_notebook("77")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"teacher": torch.zeros(2, 4)},
            r"teacher's logits have shape \(2, 4\), but there are 2 pictures and 3 classes",
        ),
        (
            {"student": torch.full((2, 3), torch.nan)},
            "The tensor of the student's logits holds 6 values that are NaN",
        ),
        ({"labels": [0, 3]}, r"The labels are \[0, 3\], but must be one class number from 0 to 2"),
        ({"images": torch.full((2, 1, 4, 4), 2.0)}, "The picture has values from 2 to 2"),
    ],
)
def test_the_distillation_explorer_refuses_what_does_not_fit(change, sentence):
    fits = {
        "images": torch.rand(2, 1, 4, 4),
        "teacher": torch.zeros(2, 3),
        "student": torch.zeros(2, 3),
        "labels": [0, 1],
    }
    with pytest.raises(ValueError, match=sentence):
        DistillationExplorer(**{**fits, **change}, classes=["a", "b", "c"])


@pytest.mark.parametrize(
    ("shape", "settings", "sentence"),
    [
        ((3, 32, 30), {}, "A picture of 32 × 30 cannot be cut into 16 × 16 tokens"),
        ((3, 30, 30), {}, "A picture of 30 × 30 cannot be cut into 16 × 16 tokens"),
        ((3, 32, 32), {"window": 16}, "window is 16, but must divide the last stage's 8 tokens a side"),
        ((3, 32, 32), {"window": 3}, "window is 3, but must divide the last stage's 8 tokens a side"),
        ((3, 24, 24), {"tokens": 6, "depths": (1, 1, 1)}, "6 tokens a side cannot be halved 2 times"),
        ((3, 32, 32), {"depths": (2, 0)}, r"depths is \(2, 0\), but must name at least one stage"),
    ],
)
def test_the_window_explorer_refuses_what_makes_no_windows(shape, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        WindowExplorer(torch.rand(shape), **settings)
