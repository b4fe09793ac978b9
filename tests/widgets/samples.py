"""A small example of every widget, and what each refuses: the tests of all widgets are made of these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anywidget
import pytest
import torch

from course_utils import models, widgets
from course_utils.models import ViT, ViTConfig


@dataclass(frozen=True)
class Sample:
    """A small example of a widget.

    arguments: those of the example. refused: changes to them that are refused, each with a regular expression for the
    sentence; what is refused by another call than the constructor's is a function instead.
    """

    arguments: Mapping[str, Any]
    refused: tuple[tuple[Mapping[str, Any] | Callable[[], Any], str], ...]


def build(name: str, **changes: Any) -> anywidget.AnyWidget:
    """The example of the widget called name, with some arguments changed."""
    if name not in SAMPLES:
        pytest.fail(f"{name} has no small example: give it one in SAMPLES of tests/widgets/samples.py.")
    return getattr(widgets, name)(**{**SAMPLES[name].arguments, **changes})


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def inside(rows: int, columns: int, size: int) -> torch.Tensor:
    """(rows, columns, size, size): 1 for a neighbour inside the image, 0 beyond the border."""
    ones = torch.nn.functional.unfold(torch.ones(1, 1, rows, columns), size, padding=size // 2)
    return ones.mT.reshape(rows, columns, size, size)


PICTURE = random(3, 28, 28)
MAPS = (4 * random(2, 3, 17, 17)).softmax(-1)
WINDOWS = [(4 * random(count, 1, 16, 16)).softmax(-1) for count in (16, 4, 4)]  # of a Swin's stages
REGISTERS = random(1, 2, 21, 21).softmax(-1)  # a class token, four registers and 4 × 4 patches
DROPPED = MAPS * (random(2, 3, 17, 17).flip(-1) > 0.3) / 0.7  # as dropout does
NEAR = random(2, 8, 12, 3, 3) * inside(8, 12, 3)
NEAR /= NEAR.sum((-1, -2), keepdim=True)
TABLE = torch.tensor([[[70.0, 72], [71, 69]], [[60, 66], [65, 68]]])
PAIR = random(2, 1, 6, 8)
COSINES = 2 * random(3, 2) - 1
VIT = models.build(ViTConfig(8, 4, channels=1, dim=8, layers=2, heads=2, mlp_dim=8, classes=3), seed=0)
HEADLESS = models.build(ViTConfig(8, 4, channels=1, dim=8, layers=2, heads=2, mlp_dim=8, classes=0), seed=0)
QUESTIONS = [
    {
        "question": "How large is the matrix of `4` tokens?",
        "answers": [
            {"text": "`4 × 4`", "correct": True, "why": "One row per query, one column per key."},
            {"text": "`4`", "why": "That is one row of it."},
        ],
    },
    {
        "question": "Which are even?",
        "answers": [
            {"text": "2", "correct": True, "why": "It is."},
            {"text": "4", "correct": True, "why": "It is."},
            {"text": "5", "why": "It is odd."},
        ],
    },
]


def replaced() -> ViT:
    """A model of which a layer was replaced."""
    model = models.build(VIT.config, seed=0)
    model.head = torch.nn.Linear(8, 4)
    return model


def question(**answers: Any) -> Mapping[str, Any]:
    return {"questions": [{"question": "Why?", "answers": list(answers.values())}]}


ASKED = {"question": "Is `4` even?", "options": ["yes", "no", "odd"], "right": "A", "reason": "`2 · 2` is *4*."}
IN_WORDS = {"question": "Why?", "answer": "Because *two* divides it."}
SAMPLES = {
    "AttentionExplorer": Sample(
        {"image": PICTURE, "attention": MAPS, "start": (1, 3), "special_name": "start token"},
        (
            ({"attention": []}, "is an empty list"),
            ({"attention": {}}, "dict of attention weights is empty"),
            ({"attention": {1: MAPS, "1": MAPS}}, "weights has the names 1 and '1', .*: rename one"),
            ({"attention": MAPS[0, 0]}, r"shape \(17, 17\), but must be \(layers, heads.*attention\[None\]"),
            ({"attention": MAPS[..., :16]}, r"shape \(2, 3, 17, 16\), but must be .*: show local attention with"),
            ({"attention": torch.ones(1).expand(2**20, 65, 1, 1)}, "68,157,440 weights, too many"),
            ({"attention": MAPS * 2}, r"rows that do not sum to one \(one sums to 2\)"),
            ({"attention": MAPS - 0.1}, "negative weights"),
            ({"attention": MAPS[:, :, :0]}, "is empty"),
            ({"attention": [MAPS[0, :, :16, :16], MAPS[0]]}, "layers of different shapes"),
            ({"attention": [MAPS, MAPS]}, "is for a batch of 2 images, but"),
            ({"attention": WINDOWS[1:]}, "is for a batch of 4 images or windows, but .* WindowExplorer"),
            ({"attention": WINDOWS}, "16 maps in layer 1 .*: show windows with WindowExplorer"),
            ({"attention": [MAPS[0], {"a": 1}]}, "The attention, layer 2 is a dict"),
            ({"attention": MAPS.to("meta")}, "device 'meta', which stores no values"),
            ({"attention": DROPPED}, r"do not sum to one .*: call model.eval\(\) .* dropout"),
            ({"attention": {"mine": MAPS, "b": MAPS * 3}}, "attention of b has rows that do not sum"),
            ({"special_tokens": 0}, "17 patches do not form a grid .*: pass special_tokens=1 for 4 × 4 patches"),
            ({"attention": REGISTERS}, "20 patches do not form a grid .*: pass special_tokens=5 for 4 × 4 patches"),
            (
                {"attention": REGISTERS, "image": random(32, 36)},
                "unclear, 1 and 4 × 5 patches or 5 and 4 × 4 patches",
            ),
            ({"special_tokens": 17}, "special_tokens is 17, but must be from 0 to 16"),
            ({"special_tokens": {"b": 1}}, "special_tokens has a number for 'b', but there is no attention"),
            ({"head_names": ["a"]}, "head_names has 1 names, but there are 3 heads"),
            ({"head_names": [["a"]] * 3}, r"head_names contains \['a'\], but must be a list of texts"),
            ({"start": (4, 0)}, "start is row 4, column 0, but the patches form 4 × 4: pass a row from 0 to 3"),
        ),
    ),
    "AugRegGrid": Sample(
        {"values": TABLE, "rows": ["Ti/16", "B/16"], "levels": ["none", "light"], "original": {"B/16": 67.0}},
        (
            ({"values": TABLE[:, 0]}, r"must be \(rows, 2, levels\)"),
            ({"rows": ["a"]}, "rows has 1 names, but there are 2 rows"),
            ({"levels": ["x"]}, "levels has 1 names, but there are 2 levels"),
            ({"levels": "no"}, "levels is 'no', but must be a list"),
            ({"values": TABLE * 2}, "in per cent: pass values from 0 to 100"),
            ({"original": {"c": 1}}, "original names 'c'"),
            ({"original": {1: 1.0, "1": 2.0}}, "original has the names 1 and '1', .*: rename one"),
            ({"original": [1, 2]}, r"original is \[1, 2\], but must be a dict"),
            ({"original": {"B/16": 101}}, "is 101, but must be from 0 to 100"),
        ),
    ),
    "AugmentationExplorer": Sample(
        {
            "images": PAIR,
            "names": ["boot", "bag"],
            "changed": random(2, 3, 3, 3, 1, 6, 8),
            "magnitudes": [0, 15, 30],
            "transforms": [["rotate", "invert"], ["shear", "posterize"], ["invert", "rotate"]],
        },
        (
            ({"images": PAIR[:1]}, "at least two"),
            ({"images": []}, "is empty, but the widget needs at least one"),
            ({"images": random(101, 6, 8)}, "has 101 images, too many .*: pass at most 100"),
            ({"images": PAIR * 2}, "Image 1 of the batch .* must lie in"),
            ({"names": ["a"]}, "names has 1 names, but there are 2 images"),
            ({"changed": random(2, 2, 3, 3, 1, 6, 8)}, r"must be \(2, 3, 3, 3, 1, 6, 8\)"),
            ({"changed": random(2, 3, 3, 3, 1, 6, 8) + 1}, r"The tensor of changed images .* must lie in \[0, 1\]"),
            ({"transforms": [["rotate", "invert"]] * 2}, r"must be \(2, 3, 3, 2, 1, 6, 8\)"),
            (
                {"transforms": [["rotate", "invert"], ["shear"], ["rotate"]]},
                "The first sample has 2 transforms, but another",
            ),
            ({"number": 3}, "number is 3, but must be from 0 to 2"),
            ({"magnitude": 10}, "magnitude is 10, but must be one of the magnitudes 0, 15, 30"),
        ),
    ),
    "CaptionExplorer": Sample(
        {
            "images": random(3, 3, 4, 5),
            "captions": ["a ring", "a star"],
            "cosines": COSINES,
            "right": torch.tensor([1, 0, 1]),
            "temperature": 0.07,
        },
        (
            ({"cosines": COSINES.mT}, "one row per image"),
            ({"cosines": COSINES / 0.07}, "not yet divided by the temperature"),
            ({"captions": ["a"] * 17, "cosines": torch.zeros(3, 17)}, "at most 16"),
            ({"images": 2 * random(3, 3, 4, 5)}, "must lie in"),
            ({"right": [0, 1]}, "right has 2 numbers, but there are 3 images"),
            ({"right": [0, 1, 2]}, r"right\[2\] is 2, but must be a whole number from 0 to 1"),
            ({"names": ["one"]}, "names has 1 names, but there are 3 images"),
            ({"temperature": 0.0}, "temperature is 0.0, but must be from 0.01 to 1"),
        ),
    ),
    "DistillationExplorer": Sample(
        {
            "images": random(2, 1, 4, 4),
            "teacher": 5 * random(2, 3),
            "student": 3 * random(2, 3),
            "labels": [0, 1],
            "classes": ["a", "b", "c"],
        },
        (
            ({"teacher": random(2, 4)}, "teacher's logits have shape .* 2 images and 3 classes"),
            ({"student": random(2, 3) / 0}, "The tensor of the student's logits has 6 values that are NaN"),
            ({"labels": [0, 3]}, r"labels\[1\] is 3, but must be a whole number from 0 to 2"),
            ({"labels": [0, 1.5]}, r"labels\[1\] is 1.5, but must be a whole number"),
            ({"labels": [0]}, "labels has 1 numbers, but there are 2 images"),
            ({"images": torch.full((2, 1, 4, 4), 2.0)}, "Image 1 of the batch has values from 2 to 2"),
            ({"classes": range(20_000)}, "classes has more than 10,000 entries"),
            ({"temperature": 0.1}, "temperature is 0.1, but must be from 0.5 to 20"),
        ),
    ),
    "LocalAttentionExplorer": Sample(
        {"image": random(1, 8, 12), "attention": NEAR, "kernel": random(3, 3), "head_names": ["one", "two"]},
        (
            ({"attention": NEAR[0]}, r"must be \(heads, rows, columns, size, size\) with an odd"),
            ({"attention": NEAR[..., :2, :2]}, "with an odd size"),
            ({"kernel": random(5, 5)}, r"shape \(5, 5\), but must be \(3, 3\)"),
            ({"attention": NEAR - 0.1}, "negative weights"),
            ({"attention": NEAR * 2}, "do not sum to one .one sums to 2"),
            ({"attention": torch.full_like(NEAR, 1 / 9)}, "gives weight to positions beyond the border"),
            ({"image": random(1, 7, 12)}, "8 × 12 positions do not fit into an image of 7 × 12"),
            ({"start": (8, 0)}, "start is row 8, column 0, but the positions form 8 × 12"),
            ({"head_names": ["a"]}, "head_names has 1 names, but there are 2 heads"),
        ),
    ),
    "MemoryExplorer": Sample(
        {"image_size": 224, "heads": 12, "dtype": "float32"},
        (
            ({"heads": 0}, "heads is 0, but must be from 1 to 1000"),
            ({"image_size": 224, "patch_size": 15}, "patch_size 15 does not divide image_size 224: try 225"),
            ({"dtype": "int4"}, "dtype is 'int4', .* choose one of float32"),
        ),
    ),
    "PatchExplorer": Sample(
        {"image": PICTURE, "patch_size": 7},
        (
            ({"image": "cat"}, "The image is 'cat', but must be a tensor"),
            ({"image": random(2, 3, 8, 8)}, r"shape \(2, 3, 8, 8\), but must be \(channels, height, width"),
            ({"image": PICTURE * 255}, r"must lie in \[0, 1\]: divide by 255"),
            ({"image": PICTURE - 0.5}, r"must lie in \[0, 1\]: undo its normalisation"),
            ({"image": random(3, 0, 8)}, r"is empty \(shape \(3, 0, 8\)\)"),
            ({"image": random(3, 8, 8) / 0}, "has 192 values that are NaN"),
            ({"choices": [4, 9]}, "patch sizes 4, 7, 9 do not all divide one part of an image of 28 × 28 pixels"),
            ({"patch_size": 29}, "patch_size is 29, but must be from 1 to 28"),
        ),
    ),
    "Predict": Sample(
        {"questions": [ASKED, IN_WORDS]},
        (
            ({"questions": []}, "There are no questions"),
            ({"questions": "Why"}, "questions is 'Why', but must be a list"),
            ({"questions": [ASKED, "Why."]}, "Question 2 is 'Why.', but must be a dict"),
            ({"questions": [ASKED | {"options": ["yes"]}]}, "Question 1 has 1 options, but must have two to four"),
            ({"questions": [ASKED | {"options": range(5)}]}, "Question 1 has 5 options, but must have two to four"),
            ({"questions": [{"question": "Why?"}]}, "Question 1 has 0 options, but .* or an 'answer' in words"),
            ({"questions": [ASKED | {"options": "yes"}]}, "'options' of question 1 is 'yes', but must be a list"),
            ({"questions": [ASKED | {"right": "D"}]}, "'right' of question 1 is 'D', but .* option: A, B, C"),
            (
                {"questions": [ASKED | {"right": 0}]},
                "'right' of question 1 is 0, but must be a text that is not empty",
            ),
            ({"questions": [ASKED | {"reason": ""}]}, "'reason' of question 1 is '', but .* not empty"),
            (
                {"questions": [IN_WORDS | {"question": None}]},
                "'question' of question 1 is None, but must be a text that is not empty",
            ),
            (lambda: widgets.Predict.from_demo("window"), "no demo 'window': choose one of colours, "),
            (lambda: widgets.Predict.from_demo(["windows"]), r"no demo \['windows'\]: choose one of colours, "),
            (
                lambda: widgets.Predict.from_notebook("04", ["look"]),
                r"no questions called \['look'\]: choose one of look, ",
            ),
            (lambda: widgets.Predict.from_notebook("04", "lock"), "called 'lock': choose one of look, "),
            (lambda: widgets.Predict.from_notebook("77", "look"), "no questions for notebook '77': choose one of 00"),
        ),
    ),
    "QuantisationExplorer": Sample(
        {
            "layers": {"conv": random(4, 3, 3, 2) - 0.5, "linear": random(5, 6) - 0.4},
            "layer": "linear",
            "accuracies": random(7, 2, 2),
        },
        (
            ({"layers": {}}, "no layers to show"),
            ({"layers": {1: random(2, 2), "1": random(2, 2)}}, "layers has the names 1 and '1', .*: rename one"),
            ({"layers": [PAIR]}, "layers is .*, but must be a dict"),
            ({"layer": "head"}, "layer is 'head', but it must name a layer: choose among conv, linear"),
            ({"layers": {"norm": torch.ones(4)}}, r"The weight of norm has shape \(4,\), but must be"),
            ({"layers": {"conv": random(2, 2) / 0}}, "The weight of conv has 4 values that are NaN"),
            ({"layers": {"conv": "weights"}}, "The weight of conv is 'weights', but must be a tensor"),
            ({"layers": {"big": torch.zeros(1001, 1000)}}, "has 1,001,000 numbers"),
            ({"bits": 9}, "bits is 9, but must be from 2 to 8"),
            ({"accuracies": torch.ones(7, 2)}, r"accuracies has shape \(7, 2\), but must be \(7, 2, 2\)"),
            (
                {"accuracies": torch.full((7, 2, 2), 61.0)},
                r"accuracies .* must lie in \[0, 1\]: divide per cent by 100",
            ),
        ),
    ),
    "Quiz": Sample(
        {"questions": QUESTIONS},
        (
            ({"questions": []}, "The quiz has no questions"),
            ({"questions": ["Why?"]}, "Question 1 is 'Why.', but must be a dict"),
            (
                question(a={"text": "a", "why": "b", "correct": "no"}, c={"text": "c", "why": "d"}),
                "'correct' of an answer",
            ),
            (question(a={"text": "a"}), "Question 1 lacks a text .* two 'answers'"),
            (question(a={"text": "a", "why": "b"}, c={"text": "c", "why": "d"}), "Question 1 has no correct answer"),
            (question(a={"text": "a", "correct": True}, c={"text": "c", "why": "d"}), "has an answer without"),
            (lambda: widgets.Quiz.from_notebook("77"), r"no quizzes for notebook '77': choose one of 00, .*04"),
        ),
    ),
    "ViTExplorer": Sample(
        {"model": VIT, "images": random(2, 1, 8, 8), "classes": ["boot", "bag", "coat"], "names": ["one", "two"]},
        (
            (
                {"model": torch.nn.Linear(2, 2)},
                "model is a Linear, but .* ViT, DistilledViT or RegisterViT: pass one",
            ),
            ({"model": "vit"}, "model is 'vit', but"),
            ({"model": HEADLESS, "classes": [], "guided": True}, "guided is True, but .* this ViT has no classes"),
            ({"model": HEADLESS}, "classes has 3 names, but there are 0 outputs"),
            (
                {"model": HEADLESS, "classes": [], "in_kernel": False},
                "in_kernel is False, but this ViT cannot run in",
            ),
            ({"model": {}}, "The dict of models is empty"),
            ({"model": {1: VIT, "1": torch.nn.Flatten()}}, "dict of models has the names 1 and '1', .*: rename one"),
            ({"model": {"a": VIT, "b": 3}}, "The model b is 3, but must be a module"),
            (
                {"model": {"a": VIT, "flat": torch.nn.Flatten()}},
                r"The model flat makes \(1, 64\) of images of shape \(1, 1, 8, 8\), "
                r"but must make logits of shape \(1, 3\)",
            ),
            ({"model": {"a": VIT, "conv": torch.nn.Conv2d(3, 3, 3)}}, "makes no tensor of .* \\(RuntimeError: Given"),
            ({"in_kernel": "yes"}, "in_kernel is 'yes', but must be True or False"),
            ({"prepare": 3}, "prepare is 3, but must be a function"),
            ({"prepare": torch.flatten}, r"prepare is .*, but must .* images of shape \(1, 1, 8, 8\)"),
            ({"prepare": len}, "prepare is .*, but must be a function"),
            ({"prepare": torch.Tensor.byte}, r"prepare is .*: it makes torch.uint8 of shape \(1, 1, 8, 8\)"),
            ({"prepare": {}.__getitem__}, r"prepare is .*: it makes no tensor \(KeyError: tensor"),
            ({"model": replaced()}, "This ViT computes something else than its configuration and its layers say"),
            (
                {"model": models.build(replace(VIT.config, channels=4), seed=0)},
                "The model reads images of 4 channels, but .*: pass a model that reads 1 or 3",
            ),
            ({"classes": ["boot"]}, "classes has 1 names, but there are 3 outputs"),
            ({"names": ["one"]}, "names has 1 names, but there are 2 images"),
            ({"start": (2, 0)}, "start is row 2, column 0, but the patches form 2 × 2"),
            ({"guided": "yes"}, "guided is 'yes', but must be True or False"),
        ),
    ),
    "WindowExplorer": Sample(
        {"image": random(3, 32, 32), "tokens": 16, "depths": [2, 2]},
        (
            ({"image": random(3, 32, 15)}, "An image of 32 × 15 cannot be cut into 16 × 16 tokens"),
            ({"window": 16}, "window is 16, but must divide the last stage's 8 tokens per side"),
            ({"window": 3}, "window is 3, but must divide the last stage's 8 tokens per side"),
            ({"tokens": 2, "depths": (1, 1, 1)}, "2 tokens per side cannot be halved 2 times"),
            ({"depths": (2, 0)}, r"depths\[1\] is 0, but must be from 1 to 24"),
            ({"start": (3, 16)}, "start is row 3, column 16, but the tokens form 16 × 16"),
            ({"block": 5}, "block is 5, but must be from 1 to 4"),
        ),
    ),
}
