"""Mutants of a function: its source with one slip that a student might make."""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_utils.bench import statement_slips
from course_utils.bench.expression_slips import FAMILIES, number, text
from course_utils.bench.same_code import bytecode
from course_utils.bench.traced import Trace, place, traced
from course_utils.exercises.source import only_checks

NOTHING = "(nothing)"
FORM = {"shape", "ndim", "dtype", "device"}  # of a tensor: they carry no gradient
CONVERSIONS = ("float", "double", "half", "bool", "int")


@dataclass(frozen=True)
class Mutant:
    """One slip: its family, the changed line ``before -> after``, and the source of the whole function."""

    family: str
    change: str
    source: str


def mutants(
    function: Callable[..., Any], cases: Sequence[Sequence[Any]] = (), learns: Collection[str] = ()
) -> list[Mutant]:
    """All mutants of a plain function, without repetitions and without provably equivalent ones.

    The function runs on the cases, to find the types of its results and the expressions through which gradients reach
    the arguments named by learns. Without cases, no mutant detaches or converts anything.
    """
    tree = tree_of(function)
    original = ast.unparse(tree)
    trace = traced(tree, function, cases, learns)
    seen = {bytecode(original)}
    found: dict[str, Mutant] = {}
    for family, owner, field, slip in _slips(tree, inspect.signature(function), trace):
        before = getattr(owner, field)
        setattr(owner, field, slip)
        source = ast.unparse(tree)
        setattr(owner, field, before)
        try:
            code = bytecode(source)
        except SyntaxError:
            continue
        if code not in seen:
            seen.add(code)
            change = _unlike(_change(original, source), found)
            found[change] = Mutant(family, change, source)
    return list(found.values())


def compiled(mutant: Mutant, function: Callable[..., Any]) -> Callable[..., Any]:
    """The mutant as a function with the globals of the original; a traceback can show its lines."""
    file = f"<mutant of {function.__name__}: {mutant.change}>"
    linecache.cache[file] = len(mutant.source), None, mutant.source.splitlines(keepends=True), file
    namespace = {"torch": torch, **function.__globals__}
    exec(compile(mutant.source, file, "exec"), namespace)
    return namespace[function.__name__]


def tree_of(function: Callable[..., Any]) -> ast.FunctionDef:
    """The function's syntax tree without docstring, decorators, annotations and checks of its arguments."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(tree, ast.FunctionDef):
        raise TypeError(f"{function!r} is not a plain function, so it has no mutants.")
    if ast.get_docstring(tree) is not None:
        del tree.body[0]
    tree.body = [statement for statement in tree.body if not only_checks(statement)]
    tree.decorator_list, tree.returns = [], None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return tree


def _change(before: str, after: str) -> str:
    """``before -> after``: the lines that differ, ignoring indentation."""
    old, new = ([line.strip() for line in source.splitlines()] for source in (before, after))
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    return " -> ".join("; ".join(lines) or NOTHING for lines in (old, new))


def _unlike(change: str, others: Collection[str]) -> str:
    """The change, with a number if the same change of the same line occurs elsewhere in the function."""
    count = 1
    while (counted := f"{change} ({count})" if count > 1 else change) in others:
        count += 1
    return counted


def _slips(
    function: ast.FunctionDef, signature: inspect.Signature, trace: Trace
) -> Iterator[tuple[str, ast.AST, str, Any]]:
    """(family, node, field, a wrong value for that field of the node), for the whole function."""
    yield from _whole(function, signature, trace)
    for node in _walk(function):
        for field, value in ast.iter_fields(node):
            if field in ("body", "orelse") and isinstance(value, list):
                for family, block in statement_slips.slips(value, function):
                    yield family, node, field, block
            elif isinstance(value, ast.expr):
                for family, slip in _instead(value, node, signature, trace):
                    yield family, node, field, slip
            elif isinstance(value, list):
                for at, item in enumerate(value):
                    for family, slip in _instead(item, node, signature, trace):
                        yield family, node, field, [*value[:at], slip, *value[at + 1 :]]


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The node and its descendants, except error messages and the parts of a number."""
    if isinstance(node, ast.Raise | ast.JoinedStr) or number(node) is not None:
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def _instead(
    node: ast.AST, around: ast.AST, signature: inspect.Signature, trace: Trace
) -> Iterator[tuple[str, ast.expr]]:
    """(family, expression) for every wrong alternative to an expression that is read."""
    if not isinstance(node, ast.expr) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    sources = [(family, source) for family, slips in FAMILIES.items() for source in slips(node)]
    argument = signature.parameters.get(node.id) if isinstance(node, ast.Name) else None
    if argument is not None:
        alike = (other for other in signature.parameters.values() if other.annotation == argument.annotation)
        sources += [("name", other.name) for other in alike]
    formal = (isinstance(around, ast.Attribute) and around.attr in FORM) or ast.unparse(around).startswith("len(")
    if place(node) in trace.learning and not formal and (argument is not None or isinstance(node, ast.Call)):
        sources.append(("gradient", f"{text(node)}.detach()"))
    for family, source in sources:
        with suppress(SyntaxError):  # valid in an index but not in a tuple: x[:, 0]
            yield family, ast.parse(source, mode="eval").body


def _whole(
    function: ast.FunctionDef, signature: inspect.Signature, trace: Trace
) -> Iterator[tuple[str, ast.AST, str, Any]]:
    """Slips of the function as a whole: its results, all gradients, a default, its input."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            for converted in _converted(node.value, trace):
                yield "result", node, "value", converted
    if trace.learning:
        silent = ast.withitem(ast.parse("torch.no_grad()", mode="eval").body)
        yield "gradient", function, "body", [ast.With([silent], function.body, lineno=0)]
    if function.args.defaults:
        yield "default", function.args, "defaults", function.args.defaults[1:]
    tensors = [argument.name for argument in signature.parameters.values() if argument.annotation is Tensor]
    for name in tensors[:1]:
        yield "input", function, "body", [*ast.parse(f"{name} += 1\n{name} = {name} - 1").body, *function.body]


def _converted(result: ast.expr, trace: Trace) -> Iterator[ast.expr]:
    """A result with another dtype or transposed; if there are several results, one of them.

    float64 for float32 and int32 for int64 are left out, because the checks accept them.
    """
    if isinstance(result, ast.Tuple):
        for at, part in enumerate(result.elts):
            for converted in _converted(part, trace):
                yield ast.Tuple([*result.elts[:at], converted, *result.elts[at + 1 :]], ast.Load())
    sources = [f"{text(result)}.mT"] if place(result) in trace.matrices else []
    for kind in trace.types[place(result)]:
        if kind is int:
            sources.append(f"float({text(result)})")
        if isinstance(kind, torch.dtype):
            same = "float double" if kind.is_floating_point else "bool" if kind is torch.bool else "int"
            sources += [f"{text(result)}.{name}()" for name in CONVERSIONS if name not in same.split()]
    yield from (ast.parse(source, mode="eval").body for source in sources)
