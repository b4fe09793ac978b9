"""The input and the result of a diagnosis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pair:
    """A student's result, or one part of it, with the right one and the arguments by name."""

    yours: Any
    right: Any
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """A pattern's stable name and its sentence. A weak finding may have a simpler cause."""

    name: str
    sentence: str
    weak: bool = False
