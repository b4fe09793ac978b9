"""Whatever is passed to a widget: what everybody has is shown as it is, and nonsense gets one sentence of ours."""

import inspect
import itertools
import random
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from samples import SAMPLES, build
from torch import nn

from course_utils import widgets
from course_utils.paths import ROOT

NONSENSE: tuple[Any, ...] = (
    None,
    "",
    "16",
    "cat",
    b"cat",
    Path("cat.png"),
    True,
    -1,
    0,
    2.5,
    16.0,
    float("nan"),
    float("inf"),
    10**30,
    1e300,
    3j,
    [],
    {},
    {"a": [1, "b"]},
    {1, 2},
    object(),
    len,
    int,
    [[1.0], [2.0, 3.0]],
    [None],
    ["a", 2.0],
    [["a"], ["b"]],
    [10**30],
    itertools.count(),
    np.array(["a", "b"]),
    np.array([np.nan, 1.0]),
    np.datetime64("2024-01-01"),
    np.zeros((0, 3)),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]),
    torch.empty(0),
    torch.rand(3, 4, device="meta"),
    torch.complex(torch.ones(2, 2), torch.ones(2, 2)),
    torch.rand(2, 2, 2, 2, 2, 2, 2, 2),
    torch.full((3, 8, 8), -1e30),
    torch.float16,
    nn.Linear(2, 2),
    Image.new("LAB", (8, 8)),
    Image.new("RGB", (1, 3)),
)


def backwards(array: np.ndarray) -> np.ndarray:
    """The same values with negative strides."""
    return np.ascontiguousarray(array[..., ::-1])[..., ::-1]


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.setflags(write=False)
    return array


CLOTHES: dict[type, dict[str, Callable[[Any], Any]]] = {
    torch.Tensor: {
        "requires_grad": lambda t: t.clone().requires_grad_() if t.is_floating_point() else t,
        "parameter": lambda t: nn.Parameter(t, requires_grad=False),
        "double": lambda t: t.double() if t.is_floating_point() else t.to(torch.int32),
        "not contiguous": lambda t: t.movedim(0, -1).contiguous().movedim(-1, 0),
        "sparse": lambda t: t.to_sparse() if t.ndim > 1 else t,
        "negative view": lambda t: (
            torch.view_as_complex(torch.stack([t, -t], -1)).conj().imag if t.is_floating_point() else t
        ),
        "inference": lambda t: torch.inference_mode()(t.clone)(),
        "array": lambda t: t.numpy(),
        "double array": lambda t: t.numpy().astype(np.float64 if t.is_floating_point() else np.int16),
        "big endian": lambda t: t.numpy().astype(">f4" if t.is_floating_point() else ">i8"),
        "backwards": lambda t: backwards(t.numpy()),
        "fortran": lambda t: np.asfortranarray(t.numpy()),
        "read only": lambda t: read_only(t.numpy()),
        "lists": lambda t: t.tolist(),
        "tensors in a list": list,
        "negative views in a list": lambda t: (
            list(torch.view_as_complex(torch.stack([t, -t], -1)).conj().imag) if t.is_floating_point() else list(t)
        ),
        "arrays in a tuple": lambda t: tuple(each.numpy() for each in t),
    },
    int: {"numpy": np.int64, "unsigned": np.uint16, "array": np.array, "tensor": torch.tensor},
    float: {
        "numpy": np.float64,
        "array": np.array,
        "parameter": lambda x: nn.Parameter(torch.tensor(x, dtype=torch.float64)),
    },
    str: {"numpy": np.str_},
    list: {
        "tuple": tuple,
        "generator": iter,
        "dict keys": lambda values: dict.fromkeys(values).keys() if isinstance(values[0], str) else values,
        "array": lambda values: np.array(values) if isinstance(values[0], (str, int)) else values,
        "objects": lambda values: np.array(values, dtype=object) if isinstance(values[0], str) else values,
    },
}


def state(widget: Any) -> dict[str, Any]:
    """What the page gets, without what differs between two widgets of the same content or two moments."""
    return {
        key: value for key, value in widget.get_state().items() if key[0] != "_" and key not in ("layout", "machine")
    }


def examples() -> Iterator[tuple[str, str, Any]]:
    for name, sample in SAMPLES.items():
        for argument, value in sample.arguments.items():
            yield name, argument, value


@pytest.mark.parametrize(
    ("name", "argument", "value"), list(examples()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_the_same_values_in_other_clothes_are_the_same_to_the_page(name, argument, value):
    kind = next((kind for kind in CLOTHES if isinstance(value, kind)), None)
    expected = state(build(name))
    for clothes, change in CLOTHES.get(kind, {}).items():
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", module="ipywidgets")  # version 7 deprecates what it uses itself
            assert state(build(name, **{argument: change(value)})) == expected, f"{argument} as {clothes}"


def complaint(name: str, changes: dict[str, Any]) -> str:
    """What is wrong with a widget's answer to these arguments: neither a widget nor one sentence of the course's."""
    try:
        build(name, **changes)
    except (ValueError, TypeError) as error:
        innermost = traceback.extract_tb(error.__traceback__)[-1]
        ours = Path(innermost.filename).is_relative_to(ROOT / "course_utils")
        one = re.fullmatch(r"[^\n]+\.", str(error)) and re.search(": |, but ", str(error))
        return (
            "" if ours and one and not re.search(r"[.?!] [A-Z]", str(error)) else f"{type(error).__name__}: {error}"
        )
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("name", widgets.__all__)
def test_nonsense_gets_one_sentence(name):
    """Each value at each argument, and three hundred draws of several at once."""
    known = tuple(inspect.signature(getattr(widgets, name)).parameters)
    tried = [{argument: value} for argument in known for value in NONSENSE]
    draw = random.Random(0)
    for _ in range(300):
        chosen = draw.sample(known, min(len(known), draw.randint(2, 3)))
        tried.append({argument: draw.choice(NONSENSE) for argument in chosen})
    wrong = {}
    for changes in tried:
        if found := complaint(name, changes):
            wrong[str(changes)[:100]] = found[:200]
    assert not wrong


@pytest.mark.parametrize("name", widgets.__all__)
def test_the_defaults_of_the_notebook_change_nothing(name):
    expected = state(build(name))
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            assert state(build(name)) == expected
    finally:
        torch.set_default_dtype(before)
