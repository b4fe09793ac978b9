"""With the same folder, another loss is another run: also one of the same name that was edited."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from types import ModuleType, SimpleNamespace  # noqa: F401 – for the losses below

import numpy as np
import pytest
import torch
from small import RECIPE, quarters, tiny_vit
from torch import nn

from course_utils.training import augment, device, fit
from course_utils.training.distill import distilling
from course_utils.training.identity import fingerprint, name_of
from course_utils.training.rand_augment import RandAugment
from course_utils.training.regularise import mixup_loss

LOSS = """
from torch.nn import functional as F
SCALE = 2.0

def helper(logits, labels):
    return F.cross_entropy(logits, labels)

def loss(model, images, labels):
    logits = model(images)
    return SCALE * helper(logits, labels), logits
"""


def written(source, name="loss"):
    """The function as a notebook's cell defines it."""
    names = {"__name__": "__main__"}
    exec(source, names)
    return names[name]


EDITS = {
    "a number in it": LOSS.replace("SCALE * helper", "3 * SCALE * helper"),
    "another call": LOSS.replace("F.cross_entropy", "F.nll_loss"),
    "a number it names": LOSS.replace("SCALE = 2.0", "SCALE = 1.0"),
    "its helper": LOSS.replace("return F", "return 0 * F"),
    "a default": LOSS.replace("labels):\n    logits", "labels, smoothing=0.1):\n    logits"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_loss_is_noticed_in_the_same_folder(edit, tmp_path):
    fit(tiny_vit(), quarters(32), None, RECIPE, folder=tmp_path, loss=written(LOSS), quiet=True)
    with pytest.raises(
        ValueError,
        match=r"whose loss, or a value that it uses, has changed since.*\(__main__\.loss\): choose another folder",
    ):
        fit(tiny_vit(), quarters(32), None, RECIPE, folder=tmp_path, loss=written(EDITS[edit]), quiet=True)


USES = {  # a global value, and how a notebook's loss uses it → another one
    "a tensor": ("torch.tensor([1.0, 2.0])", "torch.tensor([1.0, 3.0])", "{}.sum()"),
    "a list": ("[1.0, 2.0]", "[1.0, 3.0]", "sum({})"),
    "an array": ("np.ones(3)", "np.zeros(3)", "{}.sum()"),
    "a model": ("linear(1)", "linear(2)", "{}(images)"),
    "a setting of a layer": ("nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(label_smoothing=0.1)", "{}(images, 0)"),
    "an attribute": ("SimpleNamespace(a=1)", "SimpleNamespace(a=2)", "{}.a"),
    "a constant of a class": ("constant(1)", "constant(2)", "{}.NUMBER"),
    "a bound argument": ("partial(max, 1)", "partial(max, 2)", "{}(3)"),
    "another module's number": ("module(SCALE=1)", "module(SCALE=2)", "{}.SCALE"),
}


def linear(seed):
    torch.manual_seed(seed)
    return nn.Linear(2, 2)


def constant(number):
    return type("Weighted", (), {"NUMBER": number, "__module__": "__main__"})()


def module(**values):
    made = ModuleType("my_settings")
    vars(made).update(values)
    return made


def using(value, use):
    names = {**globals(), "__name__": "__main__"}
    exec(f"helper = {value}\ndef loss(model, images, labels): return {use.format('helper')}, model(images)", names)
    return names["loss"]


@pytest.mark.parametrize("used", USES)
def test_a_value_that_a_loss_finds_outside_itself_counts(used):
    one, other, use = USES[used]
    assert fingerprint(using(one, use)) == fingerprint(using(one, use))
    assert fingerprint(using(one, use)) != fingerprint(using(other, use))


def test_of_two_teachers_in_one_closure_each_counts():
    def taught(*teachers):
        return lambda model, images, labels: (sum(t(images).sum() for t in teachers), model(images))

    made = [fingerprint(taught(linear(1), linear(seed))) for seed in (2, 3, 2)]
    assert made[0] == made[2] != made[1]


def test_a_loss_that_uses_the_trained_model_by_name_is_the_same_after_training(tmp_path):
    model = tiny_vit()

    def loss(_, images, labels):
        logits = model(images)
        return nn.functional.cross_entropy(logits, labels), logits

    for _ in range(2):
        fit(model, quarters(32), None, RECIPE, loss=loss, folder=tmp_path, quiet=True)


def test_the_trained_model_itself_and_libraries_do_not_count():
    model = linear(1)
    loss = using("SimpleNamespace()", "torch.relu({})")
    loss.__globals__["helper"] = model
    before = fingerprint(loss, model), fingerprint(loss)
    torch.nn.init.zeros_(model.weight)
    assert fingerprint(loss, model) == before[0]
    assert fingerprint(loss) != before[1]
    names = [name_of(partial(max, key=made)) for made in (lambda: 1, lambda: 2)]
    assert "0x" not in names[0]


@pytest.mark.parametrize("change", [("logits =", "# a comment\n    logits ="), ("logits", "scores")])
def test_a_comment_and_another_local_name_are_no_edit(change):
    assert fingerprint(written(LOSS)) == fingerprint(written(LOSS.replace(*change)))


def test_what_a_loss_was_made_with_counts():
    teacher, other = tiny_vit(), tiny_vit()
    torch.nn.init.zeros_(other.head.bias)
    torch.nn.init.ones_(other.head.weight)
    made = [
        distilling(teacher, temperature=3.0),
        distilling(teacher, temperature=2.0),
        distilling(teacher, "hard"),
        distilling(other, temperature=3.0),
        distilling(teacher, temperature=3.0, unlabelled=torch.zeros(2, 1, 8, 8)),
        mixup_loss(0.2, 4),
        mixup_loss(0.8, 4),
        partial(augment.shift_flip_erase, pixels=2),
        partial(augment.shift_flip_erase, pixels=3),
        RandAugment(2, 10),
        RandAugment(2, 12),
    ]
    assert len({fingerprint(one) for one in made}) == len(made)
    assert fingerprint(distilling(teacher, temperature=3.0)) == fingerprint(made[0])


def test_addresses_in_the_memory_do_not_count():
    def fingerprints(make):
        made = [make() for _ in range(16)]  # all alive: each has an address of its own
        return {fingerprint(lambda one=one: one) for one in made}

    assert len(fingerprints(lambda: np.random.default_rng(0))) == 1
    assert len(fingerprints(lambda: np.array([["red", 2.5], [None, "".join(["gr", "een"])]], dtype=object))) == 1
    assert fingerprint(np.array(["red"], dtype=object)) != fingerprint(np.array(["blue"], dtype=object))


@pytest.mark.slow
def test_another_process_finds_the_same_fingerprint():
    script = (
        "from functools import partial; from course_utils.training import augment, regularise\n"
        "from course_utils.training.identity import fingerprint\n"
        "print(fingerprint(partial(augment.shift_flip_erase, pixels=2)), fingerprint(regularise.mixup_loss(0.2, 4)))"
    )
    seen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert seen == [fingerprint(partial(augment.shift_flip_erase, pixels=2)), fingerprint(mixup_loss(0.2, 4))]


def test_a_folder_of_an_earlier_version_is_continued(tmp_path):
    first = fit(tiny_vit(), quarters(32), None, RECIPE, folder=tmp_path, quiet=True)
    described = tmp_path / "run.json"
    about = {
        name: value
        for name, value in json.loads(described.read_text()).items()
        if "code" not in name and name not in ("number format", "trained parameters")
    }
    described.write_text(json.dumps(about))
    again = fit(tiny_vit(), quarters(32), None, RECIPE, folder=tmp_path, quiet=True)
    assert [row.seconds for row in again.epochs] == [row.seconds for row in first.epochs], "trained anew"


def test_the_names_in_run_json_stay_what_they_are():
    """A renamed module, function or keyword would refuse the runs that students have interrupted: rename with care."""
    assert {name_of(each) for each in (augment.shift_and_flip, augment.vary_light)} == {
        "course_utils.training.augment.shift_and_flip",
        "course_utils.training.augment.vary_light",
    }
    assert name_of(partial(augment.shift_flip_erase, pixels=2, probability=0.25)) == (
        "course_utils.training.augment.shift_flip_erase with (), {'pixels': 2, 'probability': 0.25}"
    )
    assert name_of(distilling(tiny_vit())) == "course_utils.training.distill.distilling.<locals>.loss"
    assert name_of(mixup_loss(0.2, 4)) == "course_utils.training.regularise.mixup_loss.<locals>.loss"


@pytest.mark.skipif(
    torch.cuda.is_available() or torch.mps.is_available(), reason="the processor decides only without a GPU"
)
def test_a_run_begun_in_bf16_is_not_continued_in_float32(tmp_path, monkeypatch):
    recipe = replace(RECIPE, precision="fastest")
    monkeypatch.setattr(device, "bf16_cpu", lambda: True)
    fit(tiny_vit(), quarters(32), None, recipe, folder=tmp_path, quiet=True)
    fit(tiny_vit(), quarters(32), None, recipe, folder=tmp_path, quiet=True)
    monkeypatch.setattr(device, "bf16_cpu", lambda: False)
    with pytest.raises(ValueError, match="a run with number format 'bf16', but this one has 'float32'"):
        fit(tiny_vit(), quarters(32), None, recipe, folder=tmp_path, quiet=True)
