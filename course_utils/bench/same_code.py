"""Whether two functions with different sources are the same: equal bytecode in a normal form."""

import ast
from types import CodeType
from typing import Any

from course_utils.bench.expression_slips import PATTERNED

COMMUTING = {"max", "min", "torch.maximum", "torch.minimum"}  # functions whose arguments can be in any order


def bytecode(source: str) -> Any:
    """The normalised bytecode of the source, with names and constants; it is equal for equivalent sources.

    First, axes of einops patterns are renamed in order of appearance, arguments are sorted where their order has no
    effect, and code without effect is dropped; then the compiler folds constants. Raises SyntaxError for source that
    does not compile.
    """
    return _plain(compile(ast.fix_missing_locations(_Normal().visit(ast.parse(source))), "", "exec"))


def _plain(code: CodeType) -> Any:
    """The code without line numbers. Constants have type and sign: 1, 1.0 and True differ, as do 0.0 and -0.0."""
    constants = [
        _plain(constant) if isinstance(constant, CodeType) else (type(constant), repr(constant))
        for constant in code.co_consts
    ]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, tuple(constants)


class _Normal(ast.NodeTransformer):
    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        twice = isinstance(node.operand, ast.UnaryOp) and type(node.operand.op) is type(node.op)
        if twice and isinstance(node.op, ast.Invert | ast.USub):
            return node.operand.operand  # type: ignore[attr-defined]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        itself = len(node.targets) == 1 and ast.unparse(node.targets[0]) == ast.unparse(node.value)
        return ast.Pass() if itself else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """A final ``:`` selects everything: ``x[None, :]`` is ``x[None]``, and ``x[:]`` is ``x``."""
        self.generic_visit(node)
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        while items and ast.unparse(items[-1]) == ":" and "..." not in map(ast.unparse, items):
            items = items[:-1]
        node.slice = ast.Tuple(items, ast.Load())
        return node if items or isinstance(node.ctx, ast.Store) else node.value

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = ast.unparse(node.func)
        if function in COMMUTING:
            node.args.sort(key=ast.unparse)
        for keyword in node.keywords:
            if keyword.arg == "dim" and isinstance(keyword.value, ast.Tuple):
                keyword.value.elts.sort(key=ast.unparse)
        if function in PATTERNED:
            _rename_axes(node)
        node.keywords.sort(key=lambda keyword: keyword.arg or "")
        return node


def _rename_axes(node: ast.Call) -> None:
    for pattern in node.args:
        if isinstance(pattern, ast.Constant) and isinstance(pattern.value, str):
            tokens = pattern.value.replace("(", "( ").replace(")", " )").split()
            axes = dict.fromkeys(token for token in tokens if token.isidentifier())
            new = {axis: f"axis{count}" for count, axis in enumerate(axes)}
            pattern.value = " ".join(new.get(token, token) for token in tokens)
            for keyword in node.keywords:
                keyword.arg = new.get(keyword.arg or "", keyword.arg)
