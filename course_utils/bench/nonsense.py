"""Nonsense in every field of every configuration: one sentence, or a configuration of the annotated types."""

import dataclasses
import importlib
import math
import pkgutil
import random
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import torch

import course_utils
from course_utils.bench.injected import Injected
from course_utils.models import ViTConfig, build
from course_utils.models.model import Config
from course_utils.settings import Settings, shown
from course_utils.training.recipe import Recipe

WITH_SETTINGS = ("data", "models", "analysis", "robustness", "training", "few_shot", "deployment", "experiments")
LARGEST_BUILT = 4096  # a model with a larger number in its configuration is not built, even without memory

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
    "RegisterViTConfig": VIT,
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
    "NamedRun": {"config": ViTConfig(), "recipe": Recipe()},
    "Options": {"checkpoint_seconds": 60.0, "plot": False, "quiet": True, "on_interrupt": "raise"},
    "Claim": dict.fromkeys(("says", "slide", "section", "cell", "dataset", "because"), "a sentence")
    | {"name": "01.block", "smallest": 1.0, "table": "sweep-twins"},
    "Files": {"title": "x", "folders": ("x",), "checksums": {"x": "0" * 64}, "algorithm": "sha256", "advice": "x"},
    "Card": dict.fromkeys(("name", "model", "command", "dataset", "machine", "date", "sha256"), "x")
    | {"config": {}, "seed": 0, "accuracy": 0.5, "test_count": 1},
    "Packaged": dict.fromkeys(("name", "architecture", "title", "package", "version", "wheel_sha256", "file"), "x")
    | {"sha256": "x", "wheel_bytes": 1, "bytes": 1, "licence": "x", "known": (), "inferred": (), "limits": ()},
}  # fmt: skip

NUMBERS: list[Any] = [
    0,
    -1,
    1,
    2,
    3,
    7,
    64,
    2.5,
    64.0,
    64 / 2,
    1e300,
    -0.5,
    1e-9,
    math.nan,
    math.inf,
    -math.inf,
    10**9,
    10**30,
]
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
TUPLES: list[Any] = [
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


def configurations(per_field: int = 14, seed: int = 0) -> Iterator[Injected]:
    """Values drawn for each field of each configuration, with what became of them."""
    generator = random.Random(seed)
    for kind in kinds():
        for field in dataclasses.fields(kind):
            for value in generator.sample(NONSENSE, per_field):
                yield _tried(kind, field.name, value)


def kinds() -> list[type[Settings]]:
    """Every configuration of the course."""
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if module.name.split(".")[1] in WITH_SETTINGS:
            importlib.import_module(module.name)
    found = [kind for kind in _subclasses(Settings) if dataclasses.fields(kind)]
    return sorted(
        (kind for kind in found if kind.__module__.startswith("course_utils.")), key=lambda kind: kind.__name__
    )


def _subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(_subclasses, kind.__subclasses__()))


def _tried(kind: type, name: str, value: Any) -> Injected:
    about = ("configuration", f"{kind.__name__}({name}={shown(value)})")
    tracemalloc.start()
    try:
        config = kind(**{**BASES.get(kind.__name__, {}), name: value})
    except ValueError as error:
        return Injected(*about, "refused in one sentence", _wrong_sentence(str(error), name, value))
    except Exception as error:
        return Injected(*about, "another error", f"{type(error).__name__}: {error}")
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if peak > 2**20:
        return Injected(*about, "accepted", f"took {peak:,} bytes")
    return Injected(*about, "accepted", _wrong_config(config))


def _wrong_sentence(sentence: str, name: str, value: Any) -> str:
    """What the sentence lacks; empty if it is right."""
    if "\n" in sentence or len(sentence) > 400:
        return f"too long: {sentence[:100]}"
    return "" if name in sentence and _named(value, sentence) else f"does not name field and value: {sentence}"


def _named(value: Any, sentence: str) -> bool:
    """Whether a sentence contains the beginning of the value, or of a part of it, as Python writes it."""
    value = value.item() if isinstance(value, np.generic) and "np." not in sentence else value
    parts = value[:3] if isinstance(value, (tuple, list)) else ()
    return shown(value)[:8] in sentence or any(_named(part, sentence) for part in parts)


def _wrong_config(config: Any) -> str:
    """The first field without the annotated type, or why the model cannot be built; empty if all is right."""
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        if not _fits(getattr(config, name), hint):
            return f"{name} is {shown(getattr(config, name))}"
    if isinstance(config, Config) and _largest(config) < LARGEST_BUILT:
        try:
            with torch.device("meta"):
                build(config)
        except Exception as error:
            return f"cannot be built: {error}"
    return ""


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has exactly the annotated type and is finite."""
    if get_origin(hint) is Annotated:
        return _fits(value, get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return any(value is None if kind is NoneType else _fits(value, kind) for kind in get_args(hint))
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        kinds = kinds[:1] * len(value) if kinds[-1] is ... else kinds
        return type(value) is tuple and len(kinds) == len(value) and all(map(_fits, value, kinds))
    if hint in (int, float, bool, str):
        return type(value) is hint and (hint is not float or math.isfinite(value))
    return isinstance(value, get_origin(hint) or hint)


def _largest(config: Config[Any]) -> int:
    values = [part for value in vars(config).values() for part in (value if isinstance(value, tuple) else (value,))]
    return max(value for value in values if isinstance(value, int))
