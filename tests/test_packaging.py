"""What a newcomer meets first: versions that agree, notebooks without outputs, a README whose rows lead somewhere."""

import ast
import re
import subprocess
import sys
import tomllib

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

from course_utils.paths import NOTEBOOKS, ROOT


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [Requirement(line) for line in project["project"]["dependencies"] + project["dependency-groups"]["dev"]]


def test_conda_users_get_the_locked_versions_of_every_dependency():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python = next(entry.removeprefix("python=") for entry in environment["dependencies"] if "python=" in str(entry))
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    pinned = dict(line.split("==") for line in pip if "==" in line)
    assert "--editable ." in pip
    assert set(pinned) == {requirement.name for requirement in declared()}

    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    for requirement in declared():
        assert requirement.specifier.contains(pinned[requirement.name]), requirement
        versions = {
            package["version"]
            for package in lock["package"]
            if package["name"] == requirement.name and applies(package, python)
        }
        assert versions == {pinned[requirement.name]}, requirement.name


def applies(package: dict, python: str) -> bool:
    from packaging.markers import Marker

    environment = {"python_full_version": f"{python}.0", "sys_platform": "linux", "platform_machine": "x86_64"}
    markers = package.get("resolution-markers")
    return not markers or any(Marker(marker).evaluate(environment) for marker in markers)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs_and_with_cells_one_can_read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            assert len(cell.source.splitlines()) <= 30, cell.id


def test_every_path_the_readme_names_exists():
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text()
        targets = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text))
        assert targets, document
        missing = [target for target in targets if not (ROOT / target).exists()]
        assert not missing, document


def test_imports_go_one_way():
    """Attention knows nothing of models, models nothing of training, widgets nothing of models."""
    allowed = {
        "attention": {"local_attention", "stochastic_depth", "window_attention"},
        "stochastic_depth": set(),
        "local_attention": {"attention"},
        "window_attention": {"attention"},
        "paths": set(),
        "rollout": set(),
        "few_shot": set(),
        "lora": set(),
        "quantise": set(),
        "edge": {"throughput"},
        "attack": set(),
        "smoothing": set(),
        "network": set(),
        "probes": set(),
        "throughput": {"costs"},
        "costs": set(),
        "plots": set(),
        "models": {"attention", "costs", "local_attention", "network", "stochastic_depth", "window_attention"},
        "data": {"paths", "network"},
        "widgets": {"paths", "rollout"},
        "training": {"paths", "data", "models", "attention", "attack", "few_shot", "lora", "probes", "smoothing"},
        "exercises": {
            "paths",
            "attack",
            "attention",
            "local_attention",
            "window_attention",
            "models",
            "costs",
            "few_shot",
            "lora",
            "probes",
            "quantise",
            "rollout",
            "stochastic_depth",
            "throughput",
            "training",
        },
        "grading": {"exercises", "notebooks", "say"},
        "say": set(),
        "site": {"notebooks", "paths"},
        "hub": {"paths"},
        "demo": {"notebooks", "paths"},
        "load_test": {"notebooks"},
        "lab_server": {"paths"},
        "browser": {"doctor"},
        "bench": {
            "attention",
            "browser",
            "costs",
            "data",
            "demo",
            "exercises",
            "lab_server",
            "local_attention",
            "models",
            "notebooks",
            "say",
            "throughput",
            "training",
        },
    }
    for path in (ROOT / "course_utils").rglob("*.py"):
        part = path.relative_to(ROOT / "course_utils").with_suffix("").parts[0]
        if part in allowed:
            wrong = imported_parts(path.read_text()) - allowed[part] - {part}
            assert not wrong, f"{path}: {wrong}"


def imported_parts(source: str) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return {module.split(".")[1] for module in modules if module.startswith("course_utils.")}


def test_importing_the_package_does_not_import_heavy_libraries():
    code = "import course_utils.data, course_utils.paths, sys; print([m for m in ('torchvision', 'sklearn', 'skimage') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
