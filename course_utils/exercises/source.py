"""An exercise's stub and its solution, both read from the reference."""

import ast
import re
import textwrap

from course_utils.exercises.listed import find_listed

WIDTH = 88  # of a line in the notebooks: what a page shows without scrolling

# The library's own names for modules, and the names that notebooks use.
_PLAIN = {"Layer": "Callable", "Transform": "Callable", "Layers": "list[tuple[int, int]]", "Sequence": "list"}


def stub(name: str) -> str:
    """The cell that a student starts with: signature, docstring, ``raise NotImplementedError``."""
    signature, docstring, _ = _parts(find_listed(name).source())
    return f"{signature}\n{docstring}\n    raise NotImplementedError\n"


def solution(name: str) -> str:
    """The source of the reference. Raises UnknownExercise, a LookupError, for an unknown name."""
    return "\n".join(_parts(find_listed(name).source())) + "\n"


def _parts(source: str) -> tuple[str, str, str]:
    """Signature, docstring and body from the library, without names and comments that do not belong in a notebook."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    lines = source.splitlines()
    first = function.body[0]
    signature = re.sub(r"\w+", lambda word: _PLAIN.get(word[0], word[0]), "\n".join(lines[: first.lineno - 1]))
    docstring = "\n".join(lines[first.lineno - 1 : first.end_lineno])
    for statement in filter(only_checks, function.body):
        for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
            lines[number] = ""
    body = "\n".join(lines[first.end_lineno : function.end_lineno]).strip("\n")
    return _one_call(signature), _filled(re.sub(r":func:`([\w.]+)`", r"`\1`", docstring)), body


def _one_call(signature: str) -> str:
    """The signature within WIDTH, as the formatter wraps it: arguments on a line of their own, or on one line each."""
    whole = re.sub(r"\(\n\s*(.*?),?\n\)", r"(\1)", re.sub(r",\n\s+", ", ", signature))
    start, inside, end = re.fullmatch(r"(.*?\()(.*)(\) ->.*)", whole, re.DOTALL).groups()  # type: ignore[union-attr]
    if len(whole) <= WIDTH:
        return whole
    if len(inside) + 4 <= WIDTH:
        return f"{start}\n    {inside}\n{end}"
    arguments = re.split(r", (?=\w+:)", inside)
    return f"{start}\n" + "".join(f"    {argument},\n" for argument in arguments) + end


def _filled(docstring: str) -> str:
    """The docstring within WIDTH: every paragraph filled anew, and a line that begins with an arrow kept on its own."""
    text, several = docstring.strip().removesuffix('"""'), "\n" in docstring
    paragraphs = [
        "\n".join(_fill(" ".join(part.split())) for part in re.split(r"\n\s+(?=→)", paragraph))
        for paragraph in text.split("\n\n")
    ]
    return "\n\n".join(paragraphs) + ('\n    """' if several else '"""')


def _fill(text: str) -> str:
    """Lines of at most WIDTH characters, indented; a shape, such as (batch, tokens, dim), is not torn."""
    whole = re.sub(r"\([^()]{1,50}\)", lambda shape: shape[0].replace(" ", "\0"), text)
    lines = textwrap.fill(whole, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    return lines.replace("\0", " ")


def only_checks(statement: ast.stmt) -> bool:
    """Whether a statement calls a ``check_…`` function: a service to users of the library, no part of the solution."""
    match statement:
        case ast.Expr(ast.Call(ast.Name(name))):
            return name.startswith("check_")
    return False
