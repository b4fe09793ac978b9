"""What a newcomer meets first: versions that agree, notebooks without outputs, a README whose rows lead somewhere."""

import ast
import functools
import graphlib
import importlib.metadata
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_utils.exercises.source import WIDTH
from course_utils.paths import NOTEBOOKS, ROOT


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs_and_with_cells_one_can_read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            assert len(cell.source.splitlines()) <= 30, cell.id
            assert max(map(len, cell.source.splitlines())) <= WIDTH, cell.id


def test_every_path_the_readme_names_exists():
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text()
        targets = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text))
        assert targets, document
        missing = [target for target in targets if not (ROOT / target).exists()]
        assert not missing, document


FLOORS = (  # from the ground: each imports from those below it and from itself, never from its own floor's neighbours
    {"paths", "console", "downloads", "extras", "files", "front_end", "linux", "modes", "sampler", "settings"},
    {"consent", "costs", "plots", "processes", "steps", "tables"},
    {"attention"},
    {"data", "models"},
    {"analysis", "robustness"},
    {"training", "deployment"},
    {"few_shot"},
    {"experiments", "exercises", "widgets"},
    {"lab"},
    {"teaching"},
    {"grading", "bench"},  # grading: the old address of teaching.grading, in instructors' files
    {"cli"},
)


def test_imports_go_down_never_up_never_round():
    package = ROOT / "course_utils"
    height = {part: number for number, floor in enumerate(FLOORS) for part in floor}
    for path in package.rglob("*.py"):
        inside = path.relative_to(package).with_suffix("").parts
        if inside == ("__init__",):
            continue
        assert inside[0] in height, f"{path} is on no floor: name its package in FLOORS, above all that it imports"
        for part in imported_parts(path.read_text()) - {inside[0]}:
            assert part in height, f"{path} imports course_utils.{part}, which does not exist"
            assert height[part] < height[inside[0]], f"{path} imports {part}, which is not below {inside[0]}"
    assert set(height) == {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()} - IGNORED


IGNORED = {"__init__", "__pycache__"}


def test_no_module_is_part_of_a_circle():
    """Inside a package too: whoever reads a module has read what it needs before."""
    package = ROOT / "course_utils"
    needs = {}
    for path in package.rglob("*.py"):
        inside = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(inside).removesuffix(".__init__")
        needs[name] = imported_modules(path.read_text())
    graphlib.TopologicalSorter({name: needed & set(needs) - {name} for name, needed in needs.items()}).prepare()


def test_modules_are_short_enough_to_be_read_in_one_sitting():
    for path in (ROOT / "course_utils").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 350, f"{path} is too long to read in one sitting: split it"


TAUGHT = ("analysis", "attention", "costs", "data", "deployment", "experiments", "few_shot", "models")
TAUGHT += ("plots", "robustness", "training", "widgets")


def test_a_module_of_what_is_taught_names_the_notebooks_that_it_belongs_to():
    """From the file back to the notebook: ``Notebook 05.``, ``Notebooks 02 and 05 to 10.`` or ``All notebooks.``"""
    wanted = {module: set() for module in course_modules() if module.split(".")[1] in TAUGHT}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        code = (cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        lines = (line for source in code for line in source.splitlines())
        for line in lines:
            if line.startswith(("from course_utils", "import course_utils")) and not line.endswith("("):
                for module in defining_modules(line):
                    wanted.get(module, set()).add(path.name[:2])
    for module, notebooks in wanted.items():
        said = ast.get_docstring(ast.parse(course_modules()[module].read_text())) or ""
        named = notebooks_named(said)
        assert named, f"{module}: end its docstring with the notebooks that it belongs to, such as 'Notebook 05.'"
        missing = sorted(notebooks - named)
        assert not missing, f"{module}: notebook {missing[0]} imports it, but its docstring does not name it"


def notebooks_named(text: str) -> set[str]:
    if re.search(r"[Aa]ll\s+notebooks", text):
        return {f"{number:02d}" for number in range(11)}
    lists = re.findall(r"[Nn]otebooks?\s+((?:\d\d(?:,\s+|\s+and\s+|\s+to\s+)?)+)", text)
    ranges = [found for listed in lists for found in re.findall(r"(\d\d)\s+to\s+(\d\d)", listed)]
    between = {f"{number:02d}" for first, last in ranges for number in range(int(first), int(last) + 1)}
    return between | {number for listed in lists for number in re.findall(r"\d\d", listed)}


@functools.cache
def course_modules() -> dict[str, Path]:
    paths = (ROOT / "course_utils").rglob("*.py")
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    return {name.removesuffix(".__init__"): path for name, path in named.items() if name != "course_utils.__init__"}


def defining_modules(line: str) -> set[str]:
    """Modules in which the names of an import line are written, through the packages that hand them on."""
    found, todo = set(), list(imported_names(line))
    while todo:
        module, name = todo.pop()
        if f"{module}.{name}" in course_modules():
            found.add(f"{module}.{name}")
        elif module in course_modules():
            handed_on = [pair for pair in imported_names(course_modules()[module].read_text()) if pair[1] == name]
            todo += handed_on
            found |= set() if handed_on else {module}
    return found


def imported_names(source: str) -> list[tuple[str, str]]:
    froms = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return [(str(node.module), alias.name) for node in froms for alias in node.names]


def imported_modules(source: str) -> set[str]:
    """Modules that a source names in its imports, those of ``from package import module`` too."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import: write the whole name, as everywhere here"
            modules |= {module_or_member(f"{node.module}.{alias.name}") for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


def module_or_member(name: str) -> str:
    """``package.module`` as it is; ``package.module.function`` without the function."""
    place = ROOT.joinpath(*name.split("."))
    return name if place.is_dir() or place.with_suffix(".py").exists() else name.rpartition(".")[0]


def imported_parts(source: str) -> set[str]:
    return {name.split(".")[1] for name in imported_modules(source) if name.startswith("course_utils.")}


def test_every_library_that_is_imported_is_declared():
    """One that merely comes along with another is gone on the day that the other no longer needs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]
    lines = [*project["project"]["dependencies"], *itertools.chain(*groups)]
    known = {canonicalize_name(Requirement(line).name) for line in lines}
    distributions = importlib.metadata.packages_distributions()
    for path in (ROOT / "course_utils").rglob("*.py"):
        libraries = {name.split(".")[0] for name in imported_modules(path.read_text())}
        for library in libraries - sys.stdlib_module_names - {"course_utils"}:
            names = {canonicalize_name(name) for name in distributions.get(library, [library])}
            assert names & known, (
                f"{path} imports {library}: declare {' or '.join(names)} in pyproject.toml, as CONTRIBUTING.md says"
            )


@pytest.mark.slow
def test_importing_the_package_does_not_import_heavy_libraries():
    code = (
        "import course_utils.data, course_utils.experiments, sys; "
        "print([m for m in ('torchvision', 'sklearn', 'skimage', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
