"""Settings that are what they say: every field of a configuration is checked by its annotation. All notebooks."""

import inspect
import math
import reprlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

T = TypeVar("T")
LARGEST = 2**20  # of a count: more features, classes or pixels per side fit no machine that the course is for
DEEPEST = 1000  # layers

_NOUNS: dict[Any, str] = {int: "a whole number", float: "a finite number", bool: "True or False", str: "text"}
_NOUNS |= {Callable: "a function", Mapping: "a dictionary", Path: "a path, as text or a pathlib.Path"}
_ACCEPTED: dict[Any, Any] = {int: Integral, float: Real, bool: (bool, np.bool_), Path: (str, Path)}
_SHORT = reprlib.Repr()
_SHORT.maxtuple = _SHORT.maxlist = 12
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 60


class WrongSetting(ValueError):
    """A field of a configuration whose value has the wrong type or is out of range."""


@dataclass(frozen=True, repr=False)
class Must:
    """A condition on a field, in the words that follow "must be": ``Annotated[int, Must("odd", is_odd)]``."""

    be: str
    holds: Callable[[Any], bool]

    def __repr__(self) -> str:
        return self.be


def at_least(least: float, why: str = "") -> Must:
    """The condition of being ``least`` or more; why: the end of the sentence."""
    return Must(f"at least {least}{why}", lambda value: value >= least)


def at_most(most: float) -> Must:
    """The condition of being ``most`` or less."""
    return Must(f"at most {most}", lambda value: value <= most)


def between(low: float, high: float) -> Must:
    """The condition of being in [low, high]."""
    return Must(f"from {low} to {high}", lambda value: low <= value <= high)


def above(low: float, why: str = "") -> Must:
    """The condition of being larger than low; why: the end of the sentence."""
    return Must(f"above {low}{why}", lambda value: value > low)


def share(why: str) -> Must:
    """The condition of being in [0, 1); why: the end of the sentence."""
    return Must(f"in [0, 1): {why}", lambda value: 0 <= value < 1)


def one_of(names: Collection[str]) -> Must:
    """The condition of being one of these names."""
    return Must(f"one of {', '.join(name or repr(name) for name in names)}", lambda value: value in names)


Count = Annotated[int, at_least(1), at_most(LARGEST)]
Depth = Annotated[int, at_least(1), at_most(DEEPEST)]  # of layers or blocks
Seed = Annotated[int, between(-(2**63), 2**63 - 1)]  # of a torch.Generator
ODD = Must("odd, so that it has a centre", lambda value: value % 2 == 1)
ONE_PER_STAGE = Must("one number for each of 1 to 8 stages", lambda stages: 1 <= len(stages) <= 8)
Stages = Annotated[tuple[Depth, ...], ONE_PER_STAGE]  # blocks
Widths = Annotated[tuple[Count, ...], ONE_PER_STAGE]  # channels or heads
Side = Annotated[Count, "a whole number, the side of a square in pixels"]
Size = Annotated[Count, "a whole number, the side of a square in pixels, or (height, width)"] | tuple[Count, Count]
Probability = Annotated[float, share("it is a probability")]
Deviation = Annotated[float, above(0, ": it is the standard deviation of the pixels")]


class _PlainSignature:
    """The signature of a class with types but without conditions: what Jupyter shows for ``ViTConfig?``."""

    def __get__(self, instance: object, kind: type) -> inspect.Signature:
        if instance is not None:  # which may be callable itself
            raise AttributeError
        _, *parameters = inspect.signature(kind.__init__).parameters.values()  # type: ignore[misc]
        types = get_type_hints(kind)
        return inspect.Signature([each.replace(annotation=types.get(each.name, Any)) for each in parameters])


@dataclass(frozen=True)
class Settings:
    """A frozen dataclass whose fields are checked and converted by their annotations when it is made.

    Types are int, float, bool, str, Path, tuples of these, functions, and other classes, each with or without None, or
    with a tuple as the alternative. A type may be ``Annotated`` with conditions (:class:`Must`), and with text that
    describes it in an error. NumPy's numbers become Python's, whole numbers become floats where a float is annotated,
    text becomes a Path where that is, and lists become tuples. Nothing else is converted. Raises WrongSetting for the
    first field that has another value.
    """

    __signature__ = _PlainSignature()

    def __post_init__(self) -> None:
        kind: Any = type(self)
        for name, (hint, example) in _fields(kind).items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), hint, example))

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> Self:
        """The settings with these fields. Raises WrongSetting for an unknown or missing one, too."""
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in values if name not in known]:
            raise WrongSetting(f"{cls.__name__} has no field {shown(unknown[0])}: use its fields {', '.join(known)}.")
        optional = [
            field.name for field in fields(cls) if (field.default, field.default_factory) != (MISSING, MISSING)
        ]
        if missing := [name for name in known if name not in values and name not in optional]:
            raise WrongSetting(f"{cls.__name__} lacks the field {missing[0]}: add it.")
        return cls(**values)


def checked(name: str, value: Any, hint: Any) -> Any:
    """The value of one argument, checked and converted by an annotation as a field of :class:`Settings` is.

    Raises WrongSetting if it does not fit.
    """
    return _checked(name, value, hint, "")


def by_text(entries: Mapping[Any, T], what: str) -> dict[str, T]:
    """The entries by their names as text. Raises WrongSetting if two names are the same text, such as 1 and "1"."""
    found: dict[str, tuple[Any, T]] = {}
    for name, entry in entries.items():
        if before := found.get(str(name)):
            raise WrongSetting(
                f"{what} has the names {shown(before[0])} and {shown(name)}, which are the same as text: rename one."
            )
        found[str(name)] = name, entry
    return {name: entry for name, (_, entry) in found.items()}


def shown(value: object) -> str:
    """``repr(value)`` on one line, with the middle of a long one left out."""
    try:
        return " ".join(_SHORT.repr(value).split())
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


@cache
def _fields(kind: type[Settings]) -> dict[str, tuple[Any, str]]:
    """Name of each field → its annotation, and its default value as an example in words."""
    hints = get_type_hints(kind, include_extras=True)
    examples = {
        field.name: "" if field.default in (MISSING, None) else shown(field.default) for field in fields(kind)
    }
    return {name: (hints[name], example and f", such as {example}") for name, example in examples.items()}


def _checked(name: str, value: Any, hint: Any, example: str) -> Any:
    """The value, converted to the annotation. Raises WrongSetting if it does not fit; example: end of the sentence."""
    hint, *details = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if get_origin(hint) in (Union, UnionType):
        optional, several = NoneType in get_args(hint), isinstance(value, (tuple, list))
        if value is None and optional:
            return None
        choice: list[Any] = [kind for kind in get_args(hint) if kind is not NoneType]
        hint = next((kind for kind in choice if (get_origin(kind) is tuple) == several), choice[0])
        found = _checked(name, value, hint, f" or None{example}" if optional else example)
    elif get_origin(hint) is tuple:
        kinds = get_args(hint)
        if not isinstance(value, (tuple, list)):
            raise WrongSetting(f"{name} is {shown(value)}, but must be a tuple{example}.")
        kinds = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        if len(kinds) != len(value):
            raise WrongSetting(f"{name} is {shown(value)}, but must be {len(kinds)} values{example}.")
        parts = enumerate(zip(value, kinds, strict=True))
        found = tuple(_checked(f"{name}[{place}]", part, kind, "") for place, (part, kind) in parts)
    else:
        found = _converted(value, get_origin(hint) or hint)
    conditions = [detail for detail in details if isinstance(detail, Must)]
    if found is not None:
        for condition in conditions:
            if not condition.holds(found):
                raise WrongSetting(f"{name} is {shown(value)}, but must be {condition.be}.")
    if found is None or (isinstance(found, float) and not math.isfinite(found)):
        wanted = conditions[0].be if hint is str and conditions else _noun(hint)
        noun = next((detail for detail in details if isinstance(detail, str)), wanted)
        raise WrongSetting(f"{name} is {shown(value)}, but must be {noun}{_remedy(value, hint) or example}.")
    return found


def _converted(value: Any, kind: Any) -> Any:
    """The value as this type; None if it is not of it."""
    if not isinstance(value, _ACCEPTED.get(kind, kind)) or (kind in (int, float) and isinstance(value, bool)):
        return None
    if kind is Path and value == "":  # which Path takes for the working directory
        return None
    with suppress(OverflowError):
        return kind(value) if kind in (int, float, bool, str, Path) else value
    return None


def _noun(hint: Any) -> str:
    kind = get_origin(hint) or hint
    return _NOUNS.get(kind, f"a {kind.__name__}")


def _remedy(value: Any, kind: Any) -> str:
    """What to write in place of "0.5" or 64.0; empty if that is not clear."""
    if kind in (int, float) and isinstance(value, (str, float)) and len(str(value)) < 30:
        with suppress(ValueError):
            number = float(value)
            if math.isfinite(number) and (kind is float or (number.is_integer() and abs(number) < 1e15)):
                return f": write {kind(number)}"
    return ""
