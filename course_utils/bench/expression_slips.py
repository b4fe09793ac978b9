"""Slips in an expression: the source of likely wrong alternatives."""

import ast
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, combinations
from typing import TypeVar

Slips = Iterator[str]
Item = TypeVar("Item")

SIGNS: Mapping[type[ast.AST], tuple[str, tuple[str, ...]]] = {  # its symbol, and likely wrong symbols
    ast.Add: ("+", ("-", "*")),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("/", "+")),
    ast.Div: ("/", ("*", "//")),
    ast.FloorDiv: ("//", ("/", "*")),
    ast.Mod: ("%", ("//",)),
    ast.Pow: ("**", ("*",)),
    ast.MatMult: ("@", ("*",)),
    ast.BitAnd: ("&", ("|",)),
    ast.BitOr: ("|", ("&",)),
    ast.And: ("and", ("or",)),
    ast.Or: ("or", ("and",)),
    ast.Lt: ("<", ("<=", ">", ">=")),
    ast.LtE: ("<=", ("<", ">", ">=")),
    ast.Gt: (">", (">=", "<", "<=")),
    ast.GtE: (">=", (">", "<", "<=")),
    ast.Eq: ("==", ("!=", "<=", ">=")),
    ast.NotEq: ("!=", ("==", "<", ">")),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
}
ORDERED = {"-", "/", "//", "%", "**", "@"}  # operators whose sides cannot be exchanged
LIKE = (  # functions and attributes that are easily confused
    {"mean", "sum"},
    {"max", "min"},
    {"maximum", "minimum"},
    {"argmax", "argmin"},
    {"amax", "amin"},
    {"softmax", "log_softmax"},
    {"floor", "round", "ceil"},
    {"cat", "stack"},
    {"tril", "triu"},
    {"ones", "zeros"},
    {"exp", "log"},
    {"values", "indices"},
)
ALIKE = {name: sorted(names - {name}) for names in LIKE for name in names}
PATTERNED = {"rearrange", "repeat", "reduce", "einsum"}
MODULES = {"torch", "F", "math"}
CHOOSING = {"max", "min", "torch.maximum", "torch.minimum", "torch.where"}  # they return one of their arguments


def text(node: ast.AST) -> str:
    """The source of an expression, in brackets if needed."""
    return ast.unparse(node) if isinstance(node, ast.Name) else f"({ast.unparse(node)})"


def number(node: ast.AST) -> int | float | None:
    """The value of a number literal, with its sign, or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        size = number(node.operand)
        return None if size is None else -size
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def constants(node: ast.expr) -> Slips:
    """A number one off, doubled, zero or negated, which also gives neighbouring axes; a flag inverted."""
    value = number(node)
    if value is not None:
        yield from map(repr, (value + 1, value - 1, 2 * value, 0 * abs(value), -value or value))
    match node:
        case ast.Constant(value=bool(flag)):
            yield repr(not flag)
        case ast.Constant(value="ij"):
            yield repr("xy")
        case ast.Attribute(attr="inf"):
            yield "0.0"


def patterns(node: ast.expr) -> Slips:
    """Two axes of an einops pattern exchanged on one side, or two neighbouring groups of them."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and " -> " in node.value):
        return
    sides = node.value.split(" -> ")
    for at, side in enumerate(sides):
        tokens = side.replace("(", "( ").replace(")", " )").split()
        groups = _groups(tokens)
        axes = [place for place, token in enumerate(tokens) if token.isidentifier()]
        slips = [exchanged(tokens, *pair) for pair in combinations(axes, 2)]
        slips += [list(chain(*exchanged(groups, first, first + 1))) for first in range(len(groups) - 1)]
        for slip in slips:
            written = " ".join(slip).replace("( ", "(").replace(" )", ")")
            yield repr(" -> ".join([*sides[:at], written, *sides[at + 1 :]]))


def _groups(tokens: list[str]) -> list[list[str]]:
    """Each bracket with its content, and each axis outside brackets."""
    groups: list[list[str]] = []
    for token in tokens:
        if groups and groups[-1][0] == "(" and groups[-1][-1] != ")":
            groups[-1].append(token)
        else:
            groups.append([token])
    return groups


def exchanged(items: list[Item], one: int, other: int) -> list[Item]:
    """The items with two of them exchanged."""
    items = list(items)
    items[one], items[other] = items[other], items[one]
    return items


def without(items: list[Item], at: int) -> list[Item]:
    """The items with one left out."""
    return [*items[:at], *items[at + 1 :]]


def operators(node: ast.expr) -> Slips:
    """Another operator, the sides exchanged, one side only; a sign, a ``not`` or a ``~`` left out."""
    match node:
        case ast.UnaryOp(operand=operand):
            yield text(operand)
        case ast.BinOp(left=left, op=op, right=right):
            sign, others = SIGNS[type(op)]
            yield from (f"{text(left)} {other} {text(right)}" for other in others)
            yield from (text(left), text(right))
            if sign in ORDERED:
                yield f"{text(right)} {sign} {text(left)}"
        case ast.BoolOp(op=op, values=values):
            yield from (f" {other} ".join(map(text, values)) for other in SIGNS[type(op)][1])
            yield from (f" {SIGNS[type(op)][0]} ".join(map(text, without(values, at))) for at in range(len(values)))


def comparisons(node: ast.expr) -> Slips:
    """The other comparisons, one of which differs only if both sides are equal."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = text(node.left), text(node.comparators[0])
        yield from (f"{left} {other} {right}" for other in SIGNS[type(node.ops[0])][1])


def choices(node: ast.expr) -> Slips:
    """One branch of ``a if condition else b``."""
    if isinstance(node, ast.IfExp):
        yield from (text(node.body), text(node.orelse))


def slices(node: ast.expr) -> Slips:
    """A bound off by one, every other item, an axis moved, a mask inverted, everything instead of a part."""
    if not isinstance(node, ast.Subscript):
        return
    whole = text(node.value)
    yield whole
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    written = list(map(ast.unparse, items))
    slips = [exchanged(written, at, at + 1) for at in range(len(items) - 1)]
    for at, item in enumerate(items):
        slips += [[*written[:at], other, *written[at + 1 :]] for other in _other_items(item)]
        slips += [without(written, at)] if len(items) > 1 and ast.unparse(item) == "None" else []
    yield from (f"{whole}[{', '.join(slip)}]" for slip in slips)


def _other_items(item: ast.expr) -> Slips:
    if isinstance(item, ast.Name):
        yield f"~{item.id}"
    if not isinstance(item, ast.Slice):
        return
    lower, upper, step = ("" if part is None else text(part) for part in (item.lower, item.upper, item.step))
    for other in [f"{lower} + 1", f"{lower} - 1"] if lower else ["1"]:
        yield f"{other}:{upper}:{step}"
    for other in [f"{upper} + 1", f"{upper} - 1"] if upper else ["-1"]:
        yield f"{lower}:{other}:{step}"
    yield f"{lower}:{upper}:{'' if step else 2}"


def functions(node: ast.expr) -> Slips:
    """A function or an attribute that is easily confused with this one; ``.mT`` left out."""
    match node:
        case ast.Attribute(value=value, attr=attr):
            yield from (f"{text(value)}.{other}" for other in ALIKE.get(attr, ()))
            if attr in ("T", "mT"):
                yield text(value)
        case ast.Name(id=name):
            yield from ALIKE.get(name, ())


def calls(node: ast.expr) -> Slips:
    """The object or argument of a call, without the call."""
    match node:
        case ast.Call(func=ast.Attribute(value=receiver)) if ast.unparse(receiver) not in MODULES:
            yield text(receiver)
        case ast.Call(func=function, args=arguments) if ast.unparse(function) in CHOOSING:
            yield from map(text, arguments)
        case ast.Call(args=[first, *_]) if not isinstance(first, ast.Constant | ast.List | ast.Tuple):
            yield text(first)


def arguments(node: ast.expr) -> Slips:
    """Neighbouring arguments exchanged, one left out, a bound or a diagonal forgotten, a mask inverted."""
    if not isinstance(node, ast.Call):
        return
    function = ast.unparse(node.func)
    given, named = list(map(ast.unparse, node.args)), list(map(ast.unparse, node.keywords))
    slips = [(exchanged(given, at, at + 1), named) for at in range(len(given) - 1)]
    if function not in PATTERNED:
        slips += [(given, without(named, at)) for at in range(len(named))]
        slips += [(given[:-1], named)] if len(given) > 1 else []
    match function.rpartition(".")[2], given:
        case "clamp", [_, high]:
            slips.append(([], [f"max={high}"]))
        case "tril" | "triu", []:
            slips += [(["1"], named), (["-1"], named)]
        case "masked_fill" | "where", [mask, *values] if not mask.startswith("~"):
            slips.append(([f"~({mask})", *values], named))
    yield from (f"{function}({', '.join([*some, *others])})" for some, others in slips)


def parts(node: ast.expr) -> Slips:
    """Neighbouring items of a tuple or list exchanged, one left out."""
    if not isinstance(node, ast.Tuple | ast.List):
        return
    items = list(map(ast.unparse, node.elts))
    slips = [exchanged(items, at, at + 1) for at in range(len(items) - 1)]
    slips += [without(items, at) for at in range(len(items))] if len(items) > 1 else []
    for slip in slips:
        inner = ", ".join(slip)
        yield f"[{inner}]" if isinstance(node, ast.List) else f"({inner})"


def softmaxes(node: ast.expr) -> Slips:
    """The same as a formula, which overflows or loses precision where the function does not."""
    if not isinstance(node, ast.Call):
        return
    function, arguments = ast.unparse(node.func), ", ".join(map(ast.unparse, [*node.args, *node.keywords]))
    match node.func:
        case ast.Attribute(value=scores, attr="softmax"):
            yield f"{text(scores)}.exp() / {text(scores)}.exp().sum({arguments}, keepdim=True)"
        case ast.Attribute(value=scores, attr="log_softmax"):
            yield f"{text(scores)}.softmax({arguments}).log()"
    if function == "F.cross_entropy" and not node.keywords:
        logits, targets = map(ast.unparse, node.args)
        yield f"F.nll_loss({logits}.softmax(-1).log(), {targets})"


FAMILIES: Mapping[str, Callable[[ast.expr], Slips]] = {
    "constant": constants,
    "pattern": patterns,
    "operator": operators,
    "comparison": comparisons,
    "condition": choices,
    "slice": slices,
    "function": functions,
    "call": calls,
    "argument": arguments,
    "part": parts,
    "softmax": softmaxes,
}
