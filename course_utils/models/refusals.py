"""Errors of the models: an unknown name, images of the wrong shape, heads that cannot share a token. All notebooks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from torch import Tensor

from course_utils.modes import known

T = TypeVar("T")


class UnknownName(ValueError):
    """A name that is not known: ``UnknownName("published ViT", "vit_b16", ["vit_b_16"])``."""

    def __init__(self, kind: str, name: object, known: Iterable[object]) -> None:
        super().__init__(kind, name, tuple(known))

    def __str__(self) -> str:
        kind, name, known = self.args
        choice = f"choose one of {', '.join(map(str, known))}" if known else "none is known"
        return f"There is no {kind} called {name!r}: {choice}."


class WrongShape(ValueError):
    """Images of the wrong shape. The message has their shape, the reader, the shape it reads and what to do."""

    def __init__(self, shape: Iterable[int], reader: str, reads: str, remedy: str) -> None:
        super().__init__(tuple(shape), reader, reads, remedy)

    def __str__(self) -> str:
        shape, reader, reads, remedy = self.args
        return f"Got images of shape {shape}, but {reader} reads {reads}: {remedy}."


def check_heads(dim: int, heads: int, prefix: str = "") -> None:
    """Raise ValueError unless dim features can be shared equally among the heads; prefix: of the fields' names."""
    if dim % heads:
        raise ValueError(
            f"{prefix}dim {dim} cannot be shared equally among {heads} {prefix}heads: try {prefix}dim "
            f"{-(-dim // heads) * heads}."
        )


def look_up(table: Mapping[str, T], name: str, kind: str) -> T:
    """``table[name]``. Raises UnknownName, with the kind of the entries, for a name that is not in the table."""
    if name not in table:
        raise UnknownName(kind, name, table)
    return table[name]


_RUNS: ContextVar[tuple[set[bool], ...]] = ContextVar(
    "runs", default=()
)  # the innermost last; empty in its first step


def may_read(values: Tensor) -> bool:
    """Whether a check may read values: always on a CPU; on a GPU, which would wait, not in a run's later steps."""
    return values.device.type == "cpu" or not (values.is_meta or any(_RUNS.get()[-1:]))


@contextmanager
def values_read_once() -> Iterator[Callable[[], object]]:
    """In the block, :func:`may_read` holds on a GPU until the yielded function is called: after the first step."""
    later: set[bool] = set()
    with known(_RUNS, later):
        yield lambda: later.add(True)
