"""The pages about the library: every name that a notebook imports, from its docstring,
with the sections that use it."""

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

from nbformat import NotebookNode

from course_utils.lab import notebooks

PACKAGE = "course_utils"
SHORT = 60  # characters of a constant that its entry shows


@dataclass
class Name:
    """A name of the course. home: the module that defines it. imports: the statements that notebooks write for it.

    uses: number of a notebook → the heading below which it is first used there.
    """

    home: str
    name: str  # "" for the module itself
    thing: Any
    imports: list[str] = field(default_factory=list)
    uses: dict[str, str] = field(default_factory=dict)

    @property
    def dotted(self) -> str:
        """Its full name, under which its entry stands."""
        return f"{self.home}.{self.name}".rstrip(".")


def names_in(pages: Mapping[str, NotebookNode]) -> dict[str, Name]:
    """Dotted name → every name of the course that these notebooks import or read from a module that they import.

    pages: number → notebook. Raises AttributeError or ModuleNotFoundError for an import that does not work.
    """
    found: dict[str, Name] = {}
    for number, notebook in pages.items():
        for (module, attribute), heading in _used(notebook)[1].items():
            name = _defined(module, attribute)
            known = found.setdefault(name.dotted, name)
            known.uses.setdefault(number, heading)
            statement = f"from {module} import {attribute}"
            if statement not in known.imports:
                known.imports.append(statement)
    return found


def written_in(notebook: NotebookNode) -> dict[str, str]:
    """How the notebook writes each name of the course, such as "data.load" → its dotted name."""
    return {written: _defined(*where).dotted for written, where in _used(notebook)[0].items()}


Where = tuple[str, str]  # a module, and a name in it


def _used(notebook: NotebookNode) -> tuple[dict[str, Where], dict[Where, str]]:
    """Each name that the notebook imports, and each that it reads from a module so imported:
    how it is written → where it is from → the heading below which it is first used."""
    written: dict[str, Where] = {}
    used: dict[Where, str] = {}
    heading = first = notebooks.headings(notebook.cells[0])[0]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = (notebooks.headings(cell) or [heading])[-1]
        elif "remove-cell" not in cell.metadata.get("tags", ()):
            for node in ast.walk(ast.parse(re.sub(r"^[%!].*", "", cell.source, flags=re.MULTILINE))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
                    written |= {each.asname or each.name: (str(node.module), each.name) for each in node.names}
                elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in written:
                    module = _value(*written[ast.unparse(node.value)])
                    if isinstance(module, ModuleType) and hasattr(module, node.attr):
                        written[ast.unparse(node)] = where = module.__name__, node.attr
                        used.setdefault(where, heading)
                elif isinstance(node, ast.Name) and node.id in written:
                    used.setdefault(written[node.id], heading)
    return written, {where: used.get(where, first) for where in written.values()}


def _value(module: str, name: str) -> Any:
    """What ``from module import name`` imports."""
    found = import_module(module)
    return getattr(found, name) if hasattr(found, name) else import_module(f"{module}.{name}")


def _defined(module: str, name: str) -> Name:
    """What ``from module import name`` imports, where it is defined."""
    thing = _value(module, name)
    if isinstance(thing, ModuleType):
        return Name(thing.__name__, "", thing)
    if inspect.isroutine(thing) or inspect.isclass(thing):
        return Name(thing.__module__, thing.__qualname__, thing)
    for statement in ast.parse(inspect.getsource(import_module(module))).body:
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(PACKAGE):
            for each in statement.names:
                if (each.asname or each.name) == name:
                    return _defined(str(statement.module), each.name)
    return Name(module, name, thing)


def write_pages(folder: Path, pages: Mapping[str, NotebookNode]) -> None:
    """Write a page in reStructuredText for each part of the library, and ``index.rst``, into the folder."""
    parts: defaultdict[str, defaultdict[str, list[Name]]] = defaultdict(lambda: defaultdict(list))
    for _, name in sorted(names_in(pages).items()):
        parts[name.home.split(".")[1]][name.home].append(name)
    folder.mkdir(parents=True, exist_ok=True)
    for part, modules in parts.items():
        text = _heading(part, "=") + "".join(
            _module(module, names, module != f"{PACKAGE}.{part}") for module, names in sorted(modules.items())
        )
        (folder / f"{part}.rst").write_text(text, encoding="utf-8")
    (folder / "index.rst").write_text(INDEX + "".join(f"   {part}\n" for part in sorted(parts)), encoding="utf-8")


INDEX = """The library
===========

What the notebooks import, with the docstring of each name: its shapes, its errors and its source. \
Each entry links to its
code and to the sections that use it; in the code of a notebook, the name links to its entry. \
:ref:`genindex` lists all names.

.. toctree::
   :maxdepth: 2

"""


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n\n"


def _module(module: str, names: list[Name], headed: bool) -> str:
    itself = [each for each in names if not each.name]
    text = (_heading(module.removeprefix(f"{PACKAGE}."), "-") if headed else "") + f".. automodule:: {module}\n"
    text += "\n" + "".join(_fields(each) for each in itself) + "\n"
    return text + "".join(f".. {_directive(each)}{_fields(each)}\n" for each in names if each.name)


def is_constant(thing: Any) -> bool:
    """Whether it is no module, class or function, so that it has no docstring of its own."""
    return not (inspect.ismodule(thing) or inspect.isclass(thing) or inspect.isroutine(thing))


def _directive(name: Name) -> str:
    """The directive of autodoc that makes the entry; of a constant, with its value if that is short."""
    kind = "autodata" if is_constant(name.thing) else "autofunction"
    if inspect.isclass(name.thing):
        kind = "autoexception" if issubclass(name.thing, BaseException) else "autoclass"
    short = isinstance(name.thing, (int, float, str, tuple, range)) and len(repr(name.thing)) <= SHORT
    return f"{kind}:: {name.dotted}\n{'   :no-value:' if kind == 'autodata' and not short else ''}\n\n"


def comment_on(module: str, name: str) -> list[str]:
    """The lines of the comment above a module's constant, and of the one behind it, which say what it is."""
    lines = inspect.getsource(import_module(module)).splitlines()
    first = next(number for number, line in enumerate(lines) if re.match(rf"(?:\w+, )*{name}\b[^=]*= ", line))
    above = list(takewhile(lambda line: line.startswith("# "), reversed(lines[:first])))[::-1]
    comments = [line.removeprefix("# ") for line in above] + lines[first].split("  # ")[1:]
    return [each for each in comments if not each.startswith(("type:", "fmt:"))]


def _fields(name: Name) -> str:
    """What stands below the docstring: how the notebooks import it, and where they first use it."""
    uses = ", ".join(
        f":ref:`{number}, {_escaped(heading)} <{notebooks.find(number).stem}:{_plain(heading)}>`"
        for number, heading in sorted(name.uses.items())
    )
    indent = "   " if name.name else ""
    return f"{indent}:Import: {', '.join(f'``{each}``' for each in name.imports)}\n{indent}:Used in: {uses}\n"


def _plain(heading: str) -> str:
    return heading.replace("*", "").replace("`", "").replace("$", "")


def _escaped(heading: str) -> str:
    return _plain(heading).replace("\\", "\\\\").replace("<", "\\<")
