"""The types of the expressions of a running function, and whether gradients pass through them."""

import ast
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

Place = tuple[int, int, int | None, int | None]


def place(node: ast.expr) -> Place:
    """The start and end of an expression, which are unique."""
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


@dataclass
class Trace:
    """By place: the dtype of a tensor, or the type of another value; which are matrices; which learn."""

    types: defaultdict[Place, set[torch.dtype | type]] = field(default_factory=lambda: defaultdict(set))
    matrices: set[Place] = field(default_factory=set)  # tensors with two axes or more
    learning: set[Place] = field(default_factory=set)  # tensors through which a gradient passes

    def note(self, where: Place, value: Any) -> Any:
        """Record the value at that place, and return it."""
        tensor = isinstance(value, Tensor)
        self.types[where].add(value.dtype if tensor else type(value))
        self.matrices |= {where} if tensor and value.ndim > 1 else set()
        self.learning |= {where} if tensor and value.requires_grad else set()
        return value


def traced(
    tree: ast.FunctionDef, function: Callable[..., Any], cases: Iterable[Sequence[Any]], learns: Collection[str] = ()
) -> Trace:
    """Run the function with this syntax tree on the cases; the arguments named by learns require a gradient.

    If the function raises in a case, the part before counts.
    """
    trace = Trace()
    watching = ast.Module([_Watching().visit(deepcopy(tree))], [])
    namespace = {**function.__globals__, "_note": trace.note}
    exec(compile(ast.fix_missing_locations(watching), "<traced>", "exec"), namespace)
    arguments = [argument.arg for argument in tree.args.args]
    for case in cases:
        given = [_copied(value, name in learns) for name, value in zip(arguments, case, strict=False)]
        with suppress(Exception):
            namespace[tree.name](*given)
    return trace


def _copied(value: Any, learning: bool) -> Any:
    """A copy of the value with its tensors and modules, in lists and tuples too, with or without requires_grad."""
    match value:
        case Tensor():
            return value.detach().clone().requires_grad_(learning and value.is_floating_point())
        case nn.Module():
            return deepcopy(value).requires_grad_(learning)
        case tuple() | list():
            return type(value)(_copied(item, learning) for item in value)
    return value


class _Watching(ast.NodeTransformer):
    """Replaces every expression that is read by ``_note(its place, expression)``."""

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.JoinedStr):
            return node
        self.generic_visit(node)
        read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        if not isinstance(node, ast.expr) or isinstance(node, ast.Slice | ast.Starred) or not read:
            return node
        where: Any = place(node)
        return ast.Call(ast.Name("_note", ast.Load()), [ast.Constant(where), node], [])
