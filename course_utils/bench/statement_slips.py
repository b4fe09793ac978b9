"""Slips in statements: one left out, exchanged with the next, or in the wrong branch."""

import ast
from collections.abc import Iterator

from course_utils.bench.expression_slips import exchanged, without


def slips(block: list[ast.stmt], function: ast.FunctionDef) -> Iterator[tuple[str, list[ast.stmt]]]:
    """(family, replacement statements for a block of the function), never reading a name before it has a value."""
    for at, statement in enumerate(block):
        for slip in _conditions(statement):
            yield "condition", [*block[:at], slip, *block[at + 1 :]]
        known = _known_before(statement, function)
        if isinstance(statement, ast.Assign):
            for slip in _targets(statement):
                yield "statement", [*block[:at], slip, *block[at + 1 :]]
        left_out = isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr | ast.For) and len(block) > 1
        if left_out and _names(statement, ast.Store) <= known | _names(statement, ast.Load):
            yield "statement", without(block, at)
        if isinstance(statement, ast.For) and isinstance(block[-1], ast.Return):
            early = ast.For(statement.target, statement.iter, [*statement.body, block[-1]], [], lineno=0)
            yield "statement", [*block[:at], early, *block[at + 1 :]]
        if at + 1 < len(block) and _exchangeable(statement, block[at + 1], known):
            yield "statement", exchanged(block, at, at + 1)


def _conditions(statement: ast.stmt) -> Iterator[ast.stmt]:
    """An ``if`` that holds always, never or exactly when it should not, and an exception of another type."""
    match statement:
        case ast.If(test=test, body=body, orelse=orelse):
            turned = [] if isinstance(test, ast.Compare) else [ast.UnaryOp(ast.Not(), test)]
            for other in (ast.Constant(True), ast.Constant(False), *turned):
                yield ast.If(other, body, orelse)
        case ast.Raise(exc=ast.Call(args=args)):
            yield ast.Raise(ast.Call(ast.Name("RuntimeError"), args, []))


def _targets(statement: ast.Assign) -> Iterator[ast.stmt]:
    """``width, height = …`` instead of ``height, width = …``."""
    match statement.targets:
        case [ast.Tuple(elts=[one, other])]:
            yield from ast.parse(f"{ast.unparse(other)}, {ast.unparse(one)} = {ast.unparse(statement.value)}").body


def _exchangeable(first: ast.stmt, second: ast.stmt, known: set[str]) -> bool:
    """Whether the second can come first, with its names defined, and whether that can make a difference."""
    bound, bound_next = _names(first, ast.Store), _names(second, ast.Store)
    read, read_next = _names(first, ast.Load), _names(second, ast.Load)
    depend = bound & (bound_next | read_next) or bound_next & read
    return bool(depend) and bound & read_next <= known and not isinstance(second, ast.Return)


def _known_before(statement: ast.stmt, function: ast.FunctionDef) -> set[str]:
    """The arguments, and the names bound on earlier lines."""
    arguments = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    above = (each for each in ast.walk(function) if isinstance(each, ast.stmt) and each.lineno < statement.lineno)
    return arguments.union(
        *(_names(each, ast.Store) for each in above if isinstance(each, ast.Assign | ast.AugAssign))
    )


def _names(code: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Names that a piece of code reads (ast.Load) or binds (ast.Store)."""
    return {each.id for each in ast.walk(code) if isinstance(each, ast.Name) and isinstance(each.ctx, context)}
