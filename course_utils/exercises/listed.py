"""All exercises as a list, read from the source: names, titles and solutions without importing PyTorch."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course_utils.exercises.exercise import known


@dataclass(frozen=True)
class Listed:
    """What the source says about an exercise.
    module: the dotted name of a module that has the reference, or imports it.
    """

    name: str
    title: str
    module: str
    reference: str  # name of the function

    def source(self) -> str:
        """The source of the reference. Raises TypeError if it is not a plain function."""
        return _source(self.module, self.reference)


def listed(notebook: str | None = None) -> tuple[Listed, ...]:
    """All exercises in course order, or those of one notebook, such as ``"04"``."""
    return tuple(one for one in _all() if one.name.startswith(notebook or ""))


def find_listed(name: str) -> Listed:
    """The exercise with this current or former name. Raises UnknownExercise, with a suggestion, if there is none."""
    return known(name, {one.name: one for one in _all()})


@cache
def _all() -> tuple[Listed, ...]:
    packages = sorted(path.name for path in Path(__file__).parent.glob("nb[0-9][0-9]_*/"))
    return tuple(one for package in packages for one in _in_package(f"{__package__}.{package}"))


def _in_package(package: str) -> Iterator[Listed]:
    """The exercises of a package in the order of its EXERCISES."""
    names = _assigned(package, "EXERCISES")
    assert isinstance(names, ast.Tuple), f"EXERCISES of {package} is not a tuple of names"
    for name in map(ast.unparse, names.elts):
        module = _imports(package)[name][0]
        made = _assigned(module, name)
        assert isinstance(made, ast.Call), f"{name} in {module} is not an Exercise(…)"
        said = {keyword.arg: keyword.value for keyword in made.keywords}
        number, title = (ast.literal_eval(said[field]) for field in ("name", "title"))
        yield Listed(number, title, module, ast.unparse(said["reference"]))


def _source(module: str, name: str) -> str:
    """The source of a function, in this module or in the one that it is imported from."""
    for statement in _parsed(module).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            lines = _text(module).splitlines()
            first = min([statement.lineno, *(each.lineno for each in statement.decorator_list)])
            return "\n".join(lines[first - 1 : statement.end_lineno])
    if name not in _imports(module):
        raise TypeError(
            f"{module}.{name} is not a plain function, but an exercise's reference must be one: "
            "use a function with def."
        )
    return _source(*_imports(module)[name])


def _assigned(module: str, name: str) -> ast.expr:
    """The value of a module's variable. Only its own statement is parsed: all modules would take half a second."""
    statement = re.search(rf"^{name} = (.*\n(?:[ )].*\n|\n)*)", _text(module), re.MULTILINE)
    assert statement, f"{module} has no line that begins with {name} ="
    return ast.parse(statement[1].strip(), mode="eval").body


def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Name in a module → the module of the course that it is imported from, and its name there."""
    return {
        each.asname or each.name: (statement.module, each.name)
        for statement in _parsed(module).body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for each in statement.names
    }


@cache
def _parsed(module: str) -> ast.Module:
    return ast.parse(_text(module))


@cache
def _text(module: str) -> str:
    return _path(module).read_text(encoding="utf-8")


def _path(module: str) -> Path:
    """The file of a module of the course, which is not imported."""
    package = Path(__file__).parent.parent
    path = package.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
