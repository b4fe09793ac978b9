"""What the widgets send to the page."""

import numpy as np
import psutil
import pytest
import torch
from samples import MAPS, PICTURE

from course_utils.analysis.rollout import attention_rollout
from course_utils.front_end import FOLDER
from course_utils.widgets import AttentionExplorer, MemoryExplorer, PatchExplorer, Quiz


def test_the_page_gets_every_weight_and_the_rollout_after_it():
    widget = AttentionExplorer(PICTURE, MAPS.clone().requires_grad_())
    (model,) = widget.models
    numbers = np.frombuffer(widget.weights, "<f2").astype(np.float32)
    weights = numbers[model["attention"] : model["rollout"]].reshape(MAPS.shape)
    np.testing.assert_allclose(weights, MAPS, atol=1e-3)
    rollout = numbers[model["rollout"] :].reshape(2, 17, 17)
    expected = torch.cat(attention_rollout(list(MAPS[:, None])))
    np.testing.assert_allclose(rollout, expected, atol=1e-3)
    assert (model["rows"], model["columns"], model["special"]) == (4, 4, 1)


def test_the_tokens_that_a_query_sees_are_counted_before_small_weights_are_rounded_to_zero():
    causal = torch.full((2, 3, 17, 17), 1.0).tril()
    causal[:, 0] *= 1e-9 ** torch.arange(17)  # in half floats, zero at all keys but the first
    widget = AttentionExplorer(PICTURE, causal / causal.sum(-1, keepdim=True))
    assert widget.models[0]["seen"] == list(range(1, 18))
    with np.errstate(all="raise"):  # weights of 1e-18 are zero in half floats
        (sharp,) = AttentionExplorer(PICTURE, (40 * torch.eye(17)).softmax(-1)[None, None]).models
    assert sharp["seen"] == [17] * 17


def test_it_starts_at_a_patch_of_the_first_model_or_in_the_middle():
    assert AttentionExplorer(PICTURE, MAPS, start=(0, 3)).start == [3.5 / 4, 0.5 / 4]
    assert AttentionExplorer(PICTURE, MAPS).start == [2.5 / 4, 2.5 / 4]


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
    np.testing.assert_allclose(numbers, MAPS, atol=4e-3)


@pytest.mark.parametrize("form", ["two axes", "stacked batches of one", "generator", "averaged over heads"])
def test_one_head_or_one_layer_may_lack_its_axis_in_a_list(form):
    attention = {
        "two axes": [MAPS[0, 0]],
        "stacked batches of one": MAPS[:1, None, :1],
        "generator": (layer for layer in MAPS[:1, :1]),
        "averaged over heads": [MAPS[:1, 0]],  # what nn.MultiheadAttention returns for a batch of one
    }[form]
    (model,) = AttentionExplorer(PICTURE, attention).models
    assert (model["layers"], model["heads"], model["tokens"]) == (1, 1, 17)


@pytest.mark.parametrize(
    ("tokens", "size", "passed", "found"),
    [
        (17, (28, 28), None, (1, 4, 4)),
        (16, (28, 28), 0, (0, 4, 4)),
        (21, (32, 32), 5, (5, 4, 4)),
        (21, (32, 36), 1, (1, 4, 5)),
        (505, (300, 451), None, (1, 18, 28)),  # patches of 16, the border cut off or filled up
        (5, (31, 77), 1, (1, 1, 4)),  # patches of 16, the border cut off
        (10, (33, 48), 1, (1, 3, 3)),  # patches of 16, the border filled up
        (2, (28, 28), None, (1, 1, 1)),
        (1, (28, 28), 0, (0, 1, 1)),
    ],
)
def test_patches_form_the_grid_of_their_image(tokens, size, passed, found):
    weights = torch.full((1, 1, tokens, tokens), 1 / tokens)
    (model,) = AttentionExplorer(torch.zeros(size), weights, special_tokens=passed).models
    assert (model["special"], model["rows"], model["columns"]) == found


def test_models_may_be_numbered():
    models = AttentionExplorer(PICTURE, {0: MAPS, 1: MAPS}, special_tokens={0: 1}).models
    assert [model["name"] for model in models] == ["0", "1"]


@pytest.mark.parametrize("dtype", [torch.float16, "torch.float16", "float16", np.str_("float16")])
def test_memory_explorer_knows_a_dtype_by_its_names(dtype):
    assert MemoryExplorer(dtype=dtype).dtype == "float16"


def test_several_models_with_other_grids_share_one_picture():
    fine = torch.rand(1, 2, 49, 49).softmax(-1)
    widget = AttentionExplorer(PICTURE, {"coarse": MAPS, "fine": fine}, special_tokens={"coarse": 1, "fine": 0})
    assert [(m["name"], m["rows"], m["special"]) for m in widget.models] == [("coarse", 4, 1), ("fine", 7, 0)]
    start = widget.models[1]["attention"]
    np.testing.assert_allclose(
        np.frombuffer(widget.weights, "<f2")[start : start + fine.numel()].reshape(fine.shape), fine, atol=1e-3
    )


def test_models_share_one_image_in_any_order():
    oblong = torch.rand(3, 32, 64)
    models = {"2 x 4": torch.full((1, 1, 9, 9), 1 / 9), "3 x 3": torch.full((1, 1, 10, 10), 1 / 10)}
    for names in (list(models), list(models)[::-1]):
        with (
            pytest.warns(UserWarning, match="cropped to its central 32 × 32"),
            pytest.raises(ValueError, match=r"The attention of 2 x 4 has 9 tokens.*do not form a grid.*32 × 32"),
        ):
            AttentionExplorer(oblong, {name: models[name] for name in names})


def test_pixels_arrive_in_rows_with_four_bytes_each():
    picture = torch.zeros(3, 4, 6)
    picture[0, 1, 2] = 1
    widget = PatchExplorer(picture, 2)
    pixels = np.frombuffer(widget.pixels, np.uint8).reshape(4, 6, 4)
    assert pixels[1, 2].tolist() == [255, 0, 0, 255]
    assert pixels[..., :3].sum() == 255
    assert widget.choices == [2]


@pytest.mark.parametrize("patch_size", [2500, 2600, 3000, 4096, 3])
def test_memory_explorer_proposes_an_image_that_it_takes(patch_size):
    with pytest.raises(ValueError, match="does not divide image_size 4000: try") as refused:
        MemoryExplorer(image_size=4000, patch_size=patch_size)
    MemoryExplorer(image_size=int(str(refused.value).rstrip(".").split()[-1]), patch_size=patch_size)


def test_memory_explorer_knows_the_machine_that_runs_it():
    machine = MemoryExplorer().machine
    assert machine["memory of the machine that ran this"] == psutil.virtual_memory().total
    assert 0 < machine["free memory when it ran"] <= machine["memory of the machine that ran this"]


@pytest.mark.parametrize("path", sorted((FOLDER / "quizzes").glob("*.json")), ids=lambda path: path.stem)
def test_every_quiz_of_the_course_is_sound(path):
    quiz = Quiz.from_notebook(path.stem)
    assert len(quiz.questions) >= 4
    for question in quiz.questions:
        texts = [answer["text"] for answer in question["answers"]]
        assert len(set(texts)) == len(texts)
