"""Whatever an editor does to cells: what passes when the notebook runs from top to bottom has its points."""

import random
from copy import deepcopy

import pytest

pytest.importorskip("nbgrader", reason="the group of dependencies `teach` is not installed")

from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.nbgraderformat import MetadataValidator

from course_utils.exercises import Kind, Outcome, Verdict, exercises, find, stub
from course_utils.lab import notebooks
from course_utils.teaching.grading import restore, student_process
from course_utils.teaching.grading.submission import steps, write_down

GIVEN = notebooks.read(notebooks.find("04"))
NAMES = [exercise.name for exercise in exercises("04")]
FIRST, SECOND = NAMES[:2]
RIGHT = 'def {}():\n    return "right"\n'


def right(name: str) -> str:
    return RIGHT.format(find(name).function)


@pytest.fixture
def answered():
    """The notebook with an answer to every exercise; a right one returns "right"."""
    notebook = deepcopy(GIVEN)
    for cell in notebook.cells:
        if name := cell.metadata.get("course", {}).get("exercise"):
            cell.source = right(name)
    return notebook


def at(notebook, name: str, kind: str = "exercise") -> int:
    """The number of the exercise's first cell of that kind."""
    return next(n for n, c in enumerate(notebook.cells) if c.metadata.get("course", {}).get(kind) == name)


@pytest.mark.parametrize("handed_out_earlier", [False, True])
def test_an_answer_in_an_earlier_editions_notebook_is_found_under_its_former_name(answered, handed_out_earlier):
    def earlier(notebook):
        for cell in notebook.cells:
            cell.source = cell.source.replace("vit_parameters", "parameters")
            for mark in (cell.metadata.get("course", {}), cell.metadata.get("nbgrader", {})):
                mark |= {
                    key: value.replace("vit_parameters", "parameters")
                    for key, value in mark.items()
                    if isinstance(value, str)
                }
        return notebook

    submitted, given = earlier(answered), earlier(deepcopy(GIVEN)) if handed_out_earlier else GIVEN
    notes = restore.restore(submitted, given)
    assert not any("parameters" in note for note in notes), notes
    todo = [step for step in steps(submitted, given) if "parameters" in step.text and step.kind in ("run", "check")]
    assert [step.kind for step in todo][-2:] == ["run", "check"]
    names = {"parameters": find("04.vit_parameters").reference}
    assert student_process._check(names, todo[-1].text)["kind"] == Kind.LENT  # it was found, and examined


class Course:
    """Runs code as a kernel would, with a check that knows "right"; the course's version returns "lent"."""

    def __init__(self) -> None:
        self.names, self.passed, self.earned = {"check": self.check}, {}, set()

    def check(self, name, function):
        try:
            self.passed[name] = function() == "right"
        except Exception:  # a stub, or no function
            self.passed[name] = False
        self.earned |= {name} if self.passed[name] else set()
        return function if self.passed[name] else lambda: "lent"

    def run(self, source: str) -> None:
        try:
            exec(compile(source, "cell", "exec"), self.names)
        except Exception as error:
            self.names["error"] = error


def as_run(notebook) -> set[str]:
    """The exercises that have passed when the student's cells and the checks run from top to bottom."""
    course, known = Course(), {cell.source for cell in GIVEN.cells}
    for cell in notebook.cells:
        if cell.cell_type == "code" and (
            cell.source not in known or "check(" in cell.source or "def " in cell.source
        ):
            course.run(cell.source)
    return course.earned


def as_graded(notebook) -> set[str]:
    """The exercises that have points when the steps of the restored submission are done."""
    course, findings = Course(), {}
    for step in steps(notebook, GIVEN):
        if step.kind == "check":
            function = find(step.text).function
            course.names[function] = course.check(step.text, course.names.get(function))
            outcome = Outcome.PASSED if course.passed[step.text] else Outcome.NOT_YET
            findings[step.number] = Verdict(outcome, "", Kind.RIGHT)
        elif step.number >= 0:
            course.run(step.text)
    write_down(notebook, GIVEN, findings)
    graded = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sorted(cell.metadata.course.check for cell in graded) == sorted(NAMES)
    assert all(cell.outputs for cell in graded)
    return {cell.metadata.course.check for cell in graded if cell.outputs[-1].output_type != "error"}


def restored(notebook) -> tuple[set[str], str]:
    """What has points, and the notes; the marks are valid for nbgrader, and no cell's code is lost."""
    before = "".join("".join(c.source for c in notebook.cells).split())
    notes = " ".join(restore.restore(notebook, GIVEN))
    MetadataValidator().validate_nb(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    after = "".join("".join(c.source for c in notebook.cells).split())
    assert len(after) >= len(before)
    return as_graded(notebook), notes


def test_an_untouched_answer_has_its_points_and_no_note(answered):
    assert restored(answered) == (set(NAMES), "")
    assert restored(deepcopy(GIVEN)) == (set(), "")


def copied_below_the_check(notebook):
    cell = deepcopy(notebook.cells[at(notebook, FIRST)])
    notebook.cells[at(notebook, FIRST)].source = stub(FIRST)
    notebook.cells.insert(at(notebook, FIRST, "check") + 1, cell)


def copied_for_an_experiment(notebook):
    cell = deepcopy(notebook.cells[at(notebook, FIRST)])
    cell.source = cell.source.replace("right", "wrong")
    notebook.cells.append(cell)


def stub_copied(notebook):
    cell = deepcopy(notebook.cells[at(notebook, FIRST)])
    cell.source = stub(FIRST).rstrip("\n")
    notebook.cells.insert(at(notebook, FIRST) + 1, cell)


def pasted_with_the_same_id(notebook):
    place = at(notebook, FIRST)
    notebook.cells.insert(place, deepcopy(notebook.cells[place]))


def check_copied(notebook):
    place = at(notebook, FIRST, "check")
    notebook.cells.insert(place + 3, deepcopy(notebook.cells[place]))


def split(notebook):
    place = at(notebook, FIRST)
    half = deepcopy(notebook.cells[place])
    half.id, notebook.cells[place].source = "half", 'word = "right"'
    half.source = f"def {find(FIRST).function}():\n    return word\n"
    notebook.cells.insert(place + 1, half)


def split_below_the_function(notebook):
    place = at(notebook, FIRST)
    half = deepcopy(notebook.cells[place])
    half.id, half.source = "half", 'word = "right"'
    notebook.cells[place].source = f"def {find(FIRST).function}():\n    return word\n"
    notebook.cells.insert(place + 1, half)


def merge(notebook, first: int, last: int, active: int) -> None:
    """As JupyterLab does: the active cell keeps its id, its type and its metadata."""
    cell = notebook.cells[active]
    cell.source = "\n\n".join(c.source for c in notebook.cells[first : last + 1])
    notebook.cells[first : last + 1] = [cell]


def merged_with_the_check(notebook):
    merge(notebook, at(notebook, FIRST), at(notebook, FIRST, "check"), at(notebook, FIRST))


def merged_into_the_check(notebook):
    merge(notebook, at(notebook, FIRST), at(notebook, FIRST, "check"), at(notebook, FIRST, "check"))


def two_exercises_and_their_checks_merged(notebook):
    del notebook.cells[at(notebook, FIRST, "check") + 1 : at(notebook, SECOND)]
    merge(notebook, at(notebook, FIRST), at(notebook, SECOND, "check"), at(notebook, SECOND))


def two_exercises_merged(notebook):
    second = notebook.cells.pop(at(notebook, SECOND))
    notebook.cells[at(notebook, FIRST)].source += "\n\n" + second.source


def a_call_of_check_below_the_answer(notebook):
    notebook.cells[at(notebook, FIRST)].source += f'\n\ncheck(\n    "{FIRST}", {find(FIRST).function}\n);  # quickly'


def moved_below_the_check(notebook):
    cell = notebook.cells.pop(at(notebook, FIRST))
    notebook.cells.append(cell)


def check_deleted(notebook):
    del notebook.cells[at(notebook, FIRST, "check")]


def check_rewritten(notebook):
    notebook.cells[at(notebook, FIRST, "check")].source = "passed = True"


def a_text_cell(notebook):
    place = at(notebook, FIRST)
    cell = notebook.cells[place]
    notebook.cells[place] = new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata)


def answered_in_a_new_cell(notebook):
    place = at(notebook, FIRST)
    notebook.cells.insert(place + 1, new_code_cell(notebook.cells[place].source))
    notebook.cells[place].source = stub(FIRST).rstrip("\n")


def without_metadata_and_ids(notebook):
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"cell-{number}"


def all_marks_exchanged(notebook):
    marks = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.grade_id = marks.pop()


def with_a_magic(notebook):
    cell = notebook.cells[at(notebook, FIRST)]
    cell.metadata.pop("nbgrader")
    cell.source, cell.id = f"{cell.source}\n# %%time\n", "other"


@pytest.mark.parametrize(
    ("edit", "note"),
    [
        (copied_below_the_check, "The cell of `patchify` is there several times"),
        (copied_for_an_experiment, "Several cells define `patchify`: the last one counts."),
        (stub_copied, "The cell of `patchify` is there several times"),
        (pasted_with_the_same_id, "Several cells define `patchify`: the last one counts."),
        (check_copied, ""),
        (split, "The cell of `patchify` is there several times"),
        (split_below_the_function, "The cell of `patchify` is there several times"),
        (merged_with_the_check, "The check of `patchify` was in one cell with other code"),
        (merged_into_the_check, "The check of `patchify` was in one cell with other code"),
        (two_exercises_and_their_checks_merged, "The check of `patchify`, `projection_kernel` was in one cell"),
        (two_exercises_merged, ""),
        (a_call_of_check_below_the_answer, "The check of `patchify` was in one cell with other code"),
        (moved_below_the_check, "The check of `patchify` stood above the cell that defines it"),
        (check_deleted, "The check of `patchify` was deleted or changed"),
        (check_rewritten, "The check of `patchify` was deleted or changed"),
        (a_text_cell, "The cell of `patchify` was a text cell"),
        (answered_in_a_new_cell, ""),
        (without_metadata_and_ids, "The cells have lost their marks"),
        (all_marks_exchanged, ""),
        (with_a_magic, ""),
    ],
)
def test_an_editors_habit_costs_no_points_and_is_named(answered, edit, note):
    edit(answered)
    passed, notes = restored(answered)
    assert passed == set(NAMES)
    assert note in notes if note else not notes


def test_of_several_definitions_the_last_one_counts_and_a_deleted_one_is_named(answered):
    wrong = deepcopy(answered.cells[at(answered, FIRST)])
    wrong.source = wrong.source.replace("right", "wrong")
    answered.cells.insert(at(answered, FIRST) + 1, wrong)
    place = at(answered, NAMES[2])
    answered.cells.append(deepcopy(answered.cells[place]))
    answered.cells[place].source = answered.cells[place].source.replace("right", "wrong")
    del answered.cells[at(answered, SECOND)]
    passed, notes = restored(answered)
    assert passed == set(NAMES[2:])
    assert "Several cells define `patchify`, `sequence`: the last one counts." in notes
    assert "No cell defines `projection_kernel`" in notes


def test_a_later_exercise_may_use_an_earlier_one_that_was_copied_below_its_check(answered):
    """The first check still lends the course's version to the cells between."""
    copied_below_the_check(answered)
    cell = answered.cells.pop(at(answered, FIRST, "check") + 1)
    answered.cells.append(cell)
    uses = f'def {find(SECOND).function}():\n    return {find(FIRST).function}() and "right"\n'
    answered.cells[at(answered, SECOND)].source = uses
    assert restored(answered)[0] == set(NAMES)


def edited(notebook, generator: random.Random) -> None:
    """One thing that an editor does to a cell of an exercise, at random."""
    marked = [n for n, cell in enumerate(notebook.cells) if "nbgrader" in cell.metadata]
    place = generator.choice(marked)
    cell = notebook.cells[place]
    match generator.choice(["copy", "split", "merge", "retype", "move"]):
        case "copy":
            notebook.cells.insert(place + generator.choice([0, 1]), deepcopy(cell))
        case "split" if "\n" in cell.source:
            lines = cell.source.split("\n")
            cut = generator.randrange(1, len(lines))
            half = deepcopy(cell)
            cell.source, half.source, half.id = "\n".join(lines[:cut]), "\n".join(lines[cut:]), f"half{cut}"
            notebook.cells.insert(place + 1, half)
        case "merge" if place + 1 < len(notebook.cells):
            merge(notebook, place, place + 1, generator.choice([place, place + 1]))
        case "retype":
            cell.source = cell.source.replace("right", generator.choice(["right", "wrong"]))
        case "move":
            notebook.cells.insert(generator.choice(marked), notebook.cells.pop(place))


@pytest.mark.slow
def test_whatever_passes_when_the_notebook_runs_has_its_points_after_any_edits(answered):
    kept = 0
    for seed in range(60):
        generator, notebook = random.Random(seed), deepcopy(answered)
        for _ in range(generator.randrange(1, 6)):
            edited(notebook, generator)
        earned = as_run(notebook)
        passed, _ = restored(notebook)
        assert earned <= passed, seed
        kept += len(earned)
    assert kept > 60 * len(NAMES) / 2  # the edits do not ruin everything


@pytest.mark.slow
def test_a_stranger_is_not_recognised_and_code_that_no_parser_bears_is_a_cell_like_any_other(answered):
    other = notebooks.read(notebooks.find("05"))
    assert restore.recognised(answered, GIVEN)
    assert not restore.recognised(other, GIVEN)
    for source in ("\0", "(" * 10_000, "-" * 100_000 + "1", "a" * 10**6, "a\n\n" * 10**5):
        answered.cells.append(new_code_cell(source))
    assert restored(answered)[0] == set(NAMES)
