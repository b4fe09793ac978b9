"""Nonsense in every field of every configuration: one sentence, or a configuration of the annotated types."""

import dataclasses
import importlib
import inspect
import math
import pickle
import pkgutil
import random
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import torch

import course_utils
from course_utils.models import ResNetConfig, SwinConfig, ViTConfig, build
from course_utils.models.model import Config
from course_utils.settings import Settings, WrongSetting, at_least, one_of, shown
from course_utils.training.rand_augment import RandAugment
from course_utils.training.recipe import Recipe

WITH_SETTINGS = ("data", "models", "analysis", "robustness", "training", "few_shot", "deployment", "experiments")
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    if module.name.split(".")[1] in WITH_SETTINGS:
        importlib.import_module(module.name)

# What a class has no default for, and small sizes, so that building its model takes milliseconds.
VIT = {
    "image_size": 8,
    "patch_size": 4,
    "channels": 1,
    "dim": 12,
    "layers": 1,
    "heads": 2,
    "mlp_dim": 8,
    "classes": 3,
}
STAGES = {"blocks": (1, 2), "widths": (16, 32)}
BASES: dict[str, dict[str, Any]] = {
    "ViTConfig": VIT,
    "DistilledViTConfig": VIT,
    "HybridViTConfig": {**VIT, "stages": (1,), "width": 32, "patch_size": 1},
    "PixelTransformerConfig": {"image_size": 4, "dim": 12, "layers": 1, "heads": 2, "mlp_dim": 8},
    "SwinConfig": {"dim": 12, "depths": (1, 2), "heads": (2, 4)},
    "ResNetConfig": STAGES,
    "NonLocalResNetConfig": {**STAGES, "after": ((1, 0),)},
    "LRNetConfig": {**STAGES, "outputs": (16, 32), "size": 3},
    "ImageTextConfig": {"words": ("a", "red", "ring")},
    "Method": {"learns": "head"},
    "Task": {"ways": 5, "teacher": "shapes-resnet"},
    "CaptionRun": {"recipe": Recipe()},
    "Card": dict.fromkeys(("name", "model", "command", "dataset", "machine", "date", "sha256"), "x")
    | {"config": {}, "seed": 0, "accuracy": 0.5, "test_count": 1},
}  # fmt: skip

NUMBERS = [0, -1, 1, 2, 3, 7, 64, 2.5, 64.0, 64 / 2, 1e300, -0.5, 1e-9, math.nan, math.inf, -math.inf, 10**9, 10**30]
NUMBERS += [-(10**30), 10**5000, True, False, 1j, Decimal("0.5"), Fraction(1, 2), Fraction(10**400)]
NUMPY = [
    np.int64(3),
    np.int64(-3),
    np.float32(0.5),
    np.float64(math.nan),
    np.bool_(True),
    np.array([1, 2]),
    np.ones(2000),
]
TEXTS = ["", "3", "0.5", "1e-3", "nan", "linear", "two\nlines", "x" * 10**6, b"3"]
OTHERS = [None, [], (), {}, {1}, object(), int, print, range(3), iter(()), ..., torch.tensor(3), torch.ones(2, 2)]
TUPLES = [
    (1, 2),
    [1, 2],
    (1.0, 2),
    ("a", "b"),
    ["a", "a"],
    (None,),
    (3,) * 1000,
    ((0, 0),),
    [[0, 1]],
    (True, 1),
    (0, 1),
]
TUPLES += [(10**9, 1), (math.nan, 2.0), (2, 10**5000), [[[]]], (np.int64(1), np.int64(2))]
NONSENSE = [*NUMBERS, *NUMPY, *TEXTS, *OTHERS, *TUPLES]


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


KINDS = [
    kind for kind in subclasses(Settings) if kind.__module__.startswith("course_utils.") and dataclasses.fields(kind)
]
KINDS.sort(key=lambda kind: kind.__name__)


def drawn() -> list[tuple[type, str, Any]]:
    """Fourteen values for each field of each class, always the same."""
    generator = random.Random(0)
    pairs = [(kind, field.name) for kind in KINDS for field in dataclasses.fields(kind)]
    return [(kind, name, value) for kind, name in pairs for value in generator.sample(NONSENSE, 14)]


def fits(value: Any, hint: Any) -> bool:
    """Whether a value has exactly the annotated type and is finite."""
    if get_origin(hint) is Annotated:
        return fits(value, get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return any(value is None if kind is NoneType else fits(value, kind) for kind in get_args(hint))
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        kinds = kinds[:1] * len(value) if kinds[-1] is ... else kinds
        return type(value) is tuple and len(kinds) == len(value) and all(map(fits, value, kinds))
    if hint in (int, float, bool, str):
        return type(value) is hint and (hint is not float or math.isfinite(value))
    return isinstance(value, get_origin(hint) or hint)


def named(value: Any, sentence: str) -> bool:
    """Whether a sentence contains the beginning of the value, or of a part of it, as Python writes it."""
    value = value.item() if isinstance(value, np.generic) and "np." not in sentence else value
    parts = value[:3] if isinstance(value, (tuple, list)) else ()
    return shown(value)[:8] in sentence or any(named(part, sentence) for part in parts)


@pytest.mark.slow
def test_nonsense_is_refused_in_one_sentence_or_becomes_what_the_annotation_says():
    refused = accepted = 0
    values = drawn()
    assert len(values) > 1600
    for kind, name, value in values:
        config, sentence = made(kind, name, value)
        if config is None:
            refused += 1
            assert "\n" not in sentence, (kind, name, value)
            assert len(sentence) < 400, sentence
            assert name in sentence, (kind, name, value, sentence)
            assert named(value, sentence), (kind, name, value, sentence)
        else:
            accepted += 1
            hints = get_type_hints(kind, include_extras=True)
            wrong = [each for each, hint in hints.items() if not fits(getattr(config, each), hint)]
            assert not wrong, (config, name, value)
            if isinstance(config, Config) and largest(config) < 4096:
                with torch.device("meta"):
                    build(config)
    assert refused > accepted > 100


def made(kind: type, name: str, value: Any) -> tuple[Any, str]:
    """The configuration or the sentence that refuses it; either takes less than a megabyte."""
    tracemalloc.start()
    try:
        return kind(**{**BASES.get(kind.__name__, {}), name: value}), ""
    except ValueError as error:
        return None, str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20, (kind, name, peak)


def largest(config: Config) -> int:
    values = [part for value in vars(config).values() for part in (value if isinstance(value, tuple) else (value,))]
    return max(value for value in values if isinstance(value, int))


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
            lambda: ViTConfig(image_size=(224, 112)),
            "image_size is (224, 112), but must be a whole number, the side of a square in pixels, such as 224.",
        ),
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
