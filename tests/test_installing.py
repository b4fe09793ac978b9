"""What is installed by which route, and that no route asks for more than the code needs."""

import ast
import importlib.util
import tomllib
from pathlib import Path

import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from course_utils import extras
from course_utils.cli import app
from course_utils.deployment import export
from course_utils.lab import elsewhere, notebooks
from course_utils.models.read_onnx import read_dinov2
from course_utils.paths import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CORE = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PYPROJECT["project"]["optional-dependencies"].items()
}


@pytest.mark.parametrize("requirement", [*CORE, *(each for extra in EXTRAS.values() for each in extra)], ids=str)
def test_a_requirement_has_a_floor_which_is_tried_and_no_ceiling_which_would_age(requirement):
    """`make test-oldest` tries the floors. A ceiling needs a break that is known: name it beside the line."""
    assert [each.operator for each in requirement.specifier] == [">="], requirement


def test_an_extra_has_what_its_commands_ask_for_and_no_notebook_needs_to_have():
    core = {canonicalize_name(each.name) for each in CORE}
    for extra, libraries in extras.EXTRAS.items():
        declared = {canonicalize_name(each.name) for each in EXTRAS[extra]}
        asked = {canonicalize_name(library) for library in libraries}
        assert asked <= declared, f"{extra} in pyproject.toml lacks {asked - declared}"
        assert not asked & core, f"{asked & core} are installed always"


# These are imported after `extras.needs` has asked for their libraries, in the commands and in `check_installed`.
AFTERWARDS = ("bench", "teaching/classroom", "teaching/demo/tally.py", "teaching/grading", "teaching/hub", "grading")
AFTERWARDS += ("teaching/site/linking.py",)  # by Sphinx


def test_without_the_extras_every_other_module_can_be_imported():
    optional = {library for libraries in extras.EXTRAS.values() for library in libraries}
    for path in sorted((ROOT / "course_utils").rglob("*.py")):
        if path.relative_to(ROOT / "course_utils").as_posix().startswith(AFTERWARDS):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found = {name.partition(".")[0] for name in names} & optional
            assert not found, f"{path} needs {found} to be imported: import it where it is used, after extras.needs"


@pytest.fixture
def without(monkeypatch):
    """without(library): as if it were not installed."""
    real = importlib.util.find_spec

    def hide(*libraries):
        hidden = set(libraries)
        monkeypatch.setattr(
            "importlib.util.find_spec", lambda name, *more: None if name in hidden else real(name, *more)
        )

    return hide


@pytest.mark.parametrize(
    ("arguments", "library", "command", "extra"),
    [
        ("lab", "jupyterlab", "make lab", "lab"),
        ("run 00", "nbclient", "make lab", "lab"),
        ("run 00", "ipykernel", "make lab", "lab"),
        ("load 1", "nbclient", "make lab", "lab"),
        ("demo windows --vote", "segno", "make teach", "teach"),
        ("book 00", "sphinx", "make teach", "teach"),
        ("grade setup {folder}", "nbgrader", "make teach", "teach"),
        ("class --from {folder}", "tornado", "make teach", "teach"),
        ("bench checks", "nbclient", "make lab", "lab"),
    ],
)
def test_a_command_without_its_extra_says_what_installs_it(arguments, library, command, extra, without, tmp_path):
    without(library)
    (tmp_path / "course").mkdir()
    refused = CliRunner().invoke(app, arguments.format(folder=tmp_path / "course").split())
    assert refused.exit_code == 2, refused.output
    sentence = (
        f"course: {library} is not installed: run `{command}` first, or without make "
        f"`pip install 'attention-for-vision[{extra}]'`.\n"
    )
    assert refused.output.endswith(sentence)


@pytest.mark.parametrize(
    ("use", "library"),
    [
        (lambda path: export.OnnxModel(path), "onnxruntime"),
        (lambda path: export.export_onnx(None, None, path), "onnxscript"),
        (lambda path: export.quantise_dynamic(path, path), "onnx"),
        (lambda path: export.quantise_static(path, path, []), "onnxruntime"),
        (lambda path: export.process_memory(path, (1,)), "onnxruntime"),
        (read_dinov2, "onnx"),
    ],
)
def test_a_cell_without_onnx_says_what_installs_it(use, library, without, tmp_path):
    without(library)
    with pytest.raises(
        ModuleNotFoundError, match=rf"^{library} is not installed: .*attention-for-vision\[onnx\]'`\.$"
    ):
        use(tmp_path / "model.onnx")


COLAB = tomllib.loads(Path(__file__).with_name("colab.toml").read_text(encoding="utf-8"))
HAS = {canonicalize_name(name): version for name, version in COLAB["has"].items()}
INSTALLS = COLAB["installs"]


def for_colab(needed: Requirement) -> bool:
    """Whether the requirement counts on Colab's Linux and Python."""
    there = {"python_full_version": f"{COLAB['python']}.0", "python_version": COLAB["python"], "extra": ""}
    return needed.marker is None or needed.marker.evaluate({**there, "sys_platform": "linux"})


def test_on_colab_the_course_replaces_nothing_and_downloads_little():
    """What Colab has, and what was installed beside it in a rehearsal, is all that the course and these need."""
    needed = [*CORE, *EXTRAS["onnx"], *(Requirement(line) for each in INSTALLS.values() for line in each["needs"])]
    for requirement in filter(for_colab, needed):
        name = canonicalize_name(requirement.name)
        version = HAS.get(name) or INSTALLS[name]["version"]
        assert requirement.specifier.contains(version), (
            f"Colab has {name} {version}, so {requirement} would replace it"
        )
    assert sum(each["bytes"] for each in INSTALLS.values()) < 80e6
    assert not set(HAS) & set(INSTALLS)


def test_conda_gets_pytorch_from_conda_forge_with_our_floors_and_the_rest_as_an_extra():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    floors = {each.name: each.specifier for each in CORE}
    for teaching in (False, True):
        chosen = yaml.safe_load(text.replace("# teach: ", "") if teaching else text)
        (pip,) = (each["pip"] for each in chosen["dependencies"] if isinstance(each, dict))
        packages = [Requirement(each) for each in chosen["dependencies"] if isinstance(each, str) and ">=" in each]
        named = {"pytorch": "torch"}
        compared = {
            each.name: each.specifier == floors[named.get(each.name, each.name)]
            for each in packages
            if named.get(each.name, each.name) in floors
        }
        assert compared == {"pytorch": True, "torchvision": True}
        assert ("nodejs" in {each.name for each in packages}) == teaching
        wanted = {"lab", "onnx", "teach"} if teaching else {"lab", "onnx"}
        asked = {extra for line in pip for extra in Requirement(line.replace("--editable .", "course")).extras}
        assert asked == wanted


def test_uv_sync_installs_for_students_what_make_lab_does():
    groups = PYPROJECT["dependency-groups"]
    default = PYPROJECT["tool"]["uv"]["default-groups"]
    assert "dev" not in default
    (course,) = (Requirement(line) for group in default for line in groups[group] if "attention-for-vision" in line)
    assert course.extras == {"lab", "onnx"}
    tools = {canonicalize_name(Requirement(line).name) for line in groups["dev"]}
    assert {"mypy", "playwright", "pre-commit", "pytest", "ruff"} <= tools
    for_students = [*CORE, *EXTRAS["lab"], *EXTRAS["onnx"]]
    assert not tools & {canonicalize_name(each.name) for each in for_students}


@pytest.mark.parametrize("number", notebooks.numbers())
def test_a_notebook_begins_with_its_links_and_with_what_installs_the_course_elsewhere(number):
    path = notebooks.find(number)
    notebook = notebooks.read(path)
    assert elsewhere.place(notebooks.read(path), path.name) == notebook, "run `make format`"
    assert notebook.cells[-1].source.endswith(f"[Report it]({elsewhere.report_link(path.stem)}).")
    links = notebook.cells[1].source
    where = f"OWNER/attention-for-vision/blob/main/notebooks/{path.name})" if "OWNER" in links else f"{path.name})"
    assert links.count(where) == 2
    assert links.count("https://colab.research.google.com/github/") == 1


def run_install_cell(found) -> list[str]:
    """The magics that the cell runs if find_spec finds `found`."""
    _, install, _ = elsewhere.cells("00_attention_recap.ipynb")
    ran = []

    class Shell:
        def run_line_magic(self, name, line, **more):
            ran.append(f"{name} {line}")

        def system(self, command):
            ran.append(command)

    code = TransformerManager().transform_cell(install.source)
    code = code.replace("from importlib.util import find_spec", "find_spec = found")
    exec(compile(code, "cell", "exec"), {"get_ipython": Shell, "found": lambda name: found})
    return ran


def test_the_first_cell_installs_only_where_the_course_is_missing():
    assert run_install_cell(object()) == []
    kept, installed = run_install_cell(None)
    assert kept.startswith("pip freeze | grep == > /tmp/kept.txt")
    assert installed == 'pip install --quiet -c /tmp/kept.txt "attention-for-vision[onnx] @ {source}"'


def test_the_version_is_the_same_wherever_it_is_written():
    version = PYPROJECT["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == version
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"{version}\n")
