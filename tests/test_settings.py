"""Nonsense in every field of every configuration: one sentence, or a configuration of the annotated types."""

import dataclasses
import importlib
import inspect
import math
import pickle
import pkgutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest
import torch

import course_utils
from course_utils.bench.nonsense import WITH_SETTINGS, configurations
from course_utils.few_shot import draw_episode
from course_utils.models import HybridViTConfig, ResNetConfig, SwinConfig, ViTConfig, build
from course_utils.robustness.attack import attack
from course_utils.robustness.smoothing import certify
from course_utils.settings import Count, Settings, WrongSetting, at_least, checked, one_of
from course_utils.training.rand_augment import RandAugment, variations
from course_utils.training.recipe import Recipe


@pytest.mark.slow
def test_nonsense_is_refused_in_one_sentence_or_becomes_what_the_annotation_says():
    tried = list(configurations())
    assert len(tried) > 1600
    wrong = [each for each in tried if each.wrong]
    assert not wrong, wrong[0]
    outcomes = Counter(each.outcome for each in tried)
    assert outcomes["refused in one sentence"] > outcomes["accepted"] > 100


def test_every_dataclass_with_numbers_to_choose_checks_them():
    """A result has no default values; a frozen dataclass with default numbers holds settings."""
    modules = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    names = [module.name for module in modules if module.name.split(".")[1] in WITH_SETTINGS]
    found = {
        thing for name in names for thing in vars(importlib.import_module(name)).values() if isinstance(thing, type)
    }
    for kind in (kind for kind in found if dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen):
        if kind.__module__.startswith("course_utils.") and not issubclass(kind, Settings):
            numbers = [field.name for field in dataclasses.fields(kind) if isinstance(field.default, (int, float))]
            assert not numbers, f"Derive {kind.__name__} from Settings, so that its field {numbers[0]} is checked."


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ViTConfig(layers=2.5), "layers is 2.5, but must be a whole number, such as 12."),
        (lambda: ViTConfig(dim=64.0), "dim is 64.0, but must be a whole number: write 64."),
        (lambda: ViTConfig(layers=True), "layers is True, but must be a whole number, such as 12."),
        (lambda: ViTConfig(layers=10**6), "layers is 1000000, but must be at most 1000."),
        (lambda: ViTConfig(mean="0.5"), "mean is '0.5', but must be a finite number: write 0.5."),
        (lambda: ViTConfig(mean=math.nan), "mean is nan, but must be a finite number, such as 0.0."),
        (lambda: Recipe(learning_rate="1e-3"), "learning_rate is '1e-3', but must be a finite number: write 0.001."),
        (lambda: Recipe(clip="no"), "clip is 'no', but must be a finite number or None, such as 1.0."),
        (lambda: Recipe(channels_last=1), "channels_last is 1, but must be True or False, such as False."),
        (lambda: ResNetConfig(widths=64), "widths is 64, but must be a tuple, such as (64, 128, 256, 512)."),
        (lambda: ResNetConfig(widths=(64, "x")), "widths[1] is 'x', but must be a whole number."),
        (
            lambda: HybridViTConfig(image_size=(224, 112)),
            "image_size is (224, 112), but must be a whole number, the side of a square in pixels, such as 224.",
        ),
        (
            lambda: ViTConfig(image_size=224.0),
            "image_size is 224.0, but must be a whole number, the side of a square in pixels, or (height, width): "
            "write 224.",
        ),
        (lambda: ViTConfig(image_size=(224, "x")), "image_size[1] is 'x', but must be a whole number."),
    ],
)  # fmt: skip
def test_the_sentence_names_the_field_the_value_what_was_expected_and_what_to_write(make, sentence):
    with pytest.raises(WrongSetting) as raised:
        make()
    assert str(raised.value) == sentence
    assert str(pickle.loads(pickle.dumps(raised.value))) == sentence


def test_numbers_of_numpy_and_lists_become_pythons_own():
    config = SwinConfig(dim=np.int64(96), depths=[2, np.int32(2)], heads=[3, 6], mlp_ratio=4, mean=np.float32(0.5))
    assert config == SwinConfig(depths=(2, 2), heads=(3, 6), mean=0.5)
    assert repr(config) == repr(SwinConfig(depths=(2, 2), heads=(3, 6), mean=0.5))
    assert hash(config) == hash(SwinConfig(depths=(2, 2), heads=(3, 6), mean=0.5))


@dataclass(frozen=True)
class Oven(Settings):
    dish: str
    degrees: Annotated[float, at_least(50, ": it would stay raw")] = 180.0
    place: Annotated[str, one_of(("top", "middle"))] = "middle"
    watch: Callable[[], None] | None = None


def test_a_student_who_asks_for_the_signature_sees_plain_types():
    assert str(inspect.signature(Oven)).startswith(
        "(dish: str, degrees: float = 180.0, place: str = 'middle', watch:"
    )
    assert list(inspect.signature(RandAugment()).parameters) == ["images", "generator"]


def test_fields_that_are_unknown_or_missing_are_named():
    assert Oven.from_fields({"dish": "pie", "degrees": 200}) == Oven("pie", 200.0)
    for fields, sentence in (
        ({"dish": "pie", "degres": 3}, "Oven has no field 'degres': use its fields dish, degrees, place, watch."),
        ({"degrees": 200}, "Oven lacks the field dish: add it."),
        ({"dish": "pie", "degrees": 20}, "degrees is 20, but must be at least 50: it would stay raw."),
        ({"dish": "pie", "place": "floor"}, "place is 'floor', but must be one of top, middle."),
        ({"dish": "pie", "watch": 3}, "watch is 3, but must be a function or None."),
    ):
        with pytest.raises(WrongSetting) as raised:
            Oven.from_fields(fields)
        assert str(raised.value) == sentence


def test_one_argument_is_checked_as_a_field_is():
    assert checked("size", np.int64(3), Count) == 3
    assert checked("sizes", [3, np.uint8(4)], tuple[Count, ...]) == (3, 4)
    for value, sentence in (("3", "a whole number: write 3."), (0, "at least 1."), (True, "a whole number.")):
        with pytest.raises(WrongSetting, match=f"size is .*, but must be {sentence}$"):
            checked("size", value, Count)


LABELS, IMAGE = torch.arange(200) % 10, torch.full((1, 1, 2, 2), 0.5)
SEEDED = {  # what draws random numbers, as a tensor
    "build": lambda seed: next(build(ViTConfig(8, 4, 1, dim=16, layers=1, heads=2, mlp_dim=32), seed).parameters()),
    "episode": lambda seed: draw_episode(LABELS, seed=seed).classes,
    "attack": lambda seed: attack(
        lambda images: images.sum(dim=(1, 2, 3)), IMAGE, 0.1, steps=1, restarts=2, seed=seed
    ),
    "certify": lambda seed: torch.tensor(certify(coin, IMAGE[0], 0.5, 2, choose=5, samples=9, seed=seed).votes),
    "variations": lambda seed: variations(torch.full((1, 3, 8, 8), 0.5), 1, (5,), 2, seed)[0],
}


def coin(images):
    return (images.sum(dim=(1, 2, 3)) > 2).long()


@pytest.mark.parametrize("draw", SEEDED.values(), ids=SEEDED)
def test_a_seed_is_any_whole_number_and_nothing_else(draw):
    assert torch.equal(draw(np.int64(7)), draw(7))
    for wrong in (1.5, "7", 2**64):
        with pytest.raises(ValueError, match=r"^seed is .*, but must be (a whole number|from)"):
            draw(wrong)
