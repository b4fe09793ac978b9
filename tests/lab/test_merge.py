"""A new version of a notebook reaches a student without a letter of theirs being lost."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils.lab.merge import NOTHING, Fate, merge, written

TEXTS = st.text("ab\n", max_size=4)


@st.composite
def course_cells(draw):
    """Two versions of a notebook: what was handed out, and what ships now."""
    names = [f"cell-{number}" for number in range(draw(st.integers(0, 6)))]
    given_cells = [code(name, f"# {name}\n{draw(TEXTS)}") for name in names]
    fresh_cells = []
    for cell in given_cells:
        kind = draw(st.sampled_from(["stays", "stays", "changed", "removed", "preceded"]))
        if kind == "preceded":
            fresh_cells.append(code(f"new-{len(fresh_cells)}", f"# new\n{draw(TEXTS)}"))
        if kind == "changed":
            cell = code(cell.id, f"{cell.source}# second edition")
        if kind != "removed":
            fresh_cells.append(cell)
    if draw(st.booleans()):
        fresh_cells = draw(st.permutations(fresh_cells))
    return given_cells, fresh_cells


@st.composite
def students_cells(draw, given_cells):
    """What a student and an editor make of the cells that were handed out."""
    cells = []
    for cell in given_cells:
        kind = draw(
            st.sampled_from(["stays", "run", "edited", "deleted", "followed", "copied", "without id", "other id"])
        )
        if kind == "deleted":
            continue
        cells.append(code(cell.id, cell.source))
        if kind == "run":
            cells[-1].outputs = [new_output("stream", text="seen")]
        if kind == "edited":
            cells[-1].source = f"mine {draw(TEXTS)}"
        if kind == "followed":
            cells.append(code(draw(st.sampled_from(["a1b2", "c3d4", "new-0", cell.id])), f"mine too {draw(TEXTS)}"))
        if kind == "copied":
            cells.append(code(cell.id, cell.source))
        if kind == "without id":
            del cells[-1]["id"]
        if kind == "other id":
            cells[-1].id = str(len(cells))
    if draw(st.booleans()):
        cells = draw(st.permutations(cells))
    return cells


@st.composite
def versions(draw):
    given_cells, fresh_cells = draw(course_cells())
    return book(given_cells), book(draw(students_cells(given_cells))), book(fresh_cells)


def code(name, source):
    return new_code_cell(source, id=name)


def book(cells):
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=list(cells))


def texts(notebook):
    return [cell.source for cell in notebook.cells]


def by_id(notebook):
    return {cell.id: cell for cell in notebook.cells}


@given(versions(), st.booleans())
@settings(max_examples=150)
def test_nothing_that_a_student_wrote_is_lost_and_a_second_update_changes_nothing(three, known):
    given_, mine, fresh = three
    merged, _ = merge(given_ if known else NOTHING, mine, fresh)
    theirs = [text for text in texts(mine) if text.startswith("mine")]
    assert sorted(text for text in texts(merged) if text.startswith("mine")) == sorted(theirs)
    assert len(by_id(merged)) == len(merged.cells)
    again, fates_again = merge(fresh, merged, fresh)
    assert again == merged
    assert set(fates_again.values()) <= {Fate.OWN}


@given(versions())
@settings(max_examples=150)
def test_every_cell_that_is_not_the_students_is_the_new_one(three):
    given_, mine, fresh = three
    merged, fates = merge(given_, mine, fresh)
    left = by_id(merged)
    for cell in fresh.cells:
        if fates.get(cell.id) not in (Fate.OWN, Fate.BOTH) and cell.id in left:
            assert written(left[cell.id]) == written(cell)
        if cell.id not in left:  # only what the student deleted is missing
            assert cell.id in by_id(given_)
    for name in set(left) - set(by_id(fresh)):
        assert fates[name] is Fate.OWN


@given(course_cells())
@settings(max_examples=100)
def test_an_unused_notebook_becomes_the_new_one(cells):
    given_, fresh = map(book, cells)
    assert merge(given_, given_, fresh)[0] == fresh


FIRST = book([new_markdown_cell("Read", id="read"), code("stub", "def f(): ..."), code("check", "check(f)")])


def test_cells_are_where_a_reader_expects_them():
    mine = book(
        [FIRST.cells[0], code("x1", "note"), code("stub", "def f(): return 1"), code("x2", "try"), FIRST.cells[2]]
    )
    fresh = book(
        [code("why", "?"), FIRST.cells[0], code("stub", "def f(a): ..."), code("more", "!"), code("check", "look(f)")]
    )
    merged, fates = merge(FIRST, mine, fresh)
    assert texts(merged) == ["?", "Read", "note", "def f(): return 1", "try", "!", "look(f)"]
    assert fates == {
        "why": Fate.NEW,
        "x1": Fate.OWN,
        "stub": Fate.BOTH,
        "x2": Fate.OWN,
        "more": Fate.NEW,
        "check": Fate.CHANGED,
    }
    moved = book([mine.cells[2], mine.cells[0], mine.cells[4]])
    assert texts(merge(FIRST, moved, fresh)[0]) == ["?", "def f(): return 1", "!", "Read", "look(f)"]


def test_a_line_may_end_as_on_windows():
    first, fresh = book([code("a", "1\n2"), code("b", "1\n2")]), book([code("a", "1\n2"), code("b", "3")])
    mine = book([code("a", "1\r\n2"), code("b", "1\r\n2")])
    merged, fates = merge(first, mine, fresh)
    assert texts(merged) == ["1\r\n2", "3"]
    assert fates == {"b": Fate.CHANGED}


def test_outputs_stay_with_their_text_and_metadata_follow_the_course():
    mine, fresh = book([code("a", "1"), code("b", "2")]), book([code("a", "1"), code("b", "3")])
    first = book([code("a", "1"), code("b", "2")])
    first.cells[0].metadata = {"points": 1, "tags": ["old"], "hidden": True}
    fresh.cells[0].metadata = {"points": 2, "hidden": True}
    mine.cells[0].metadata = {**first.cells[0].metadata, "collapsed": True, "hidden": False}
    for cell in mine.cells:
        cell.outputs = [new_output("stream", text="seen")]
    one, two = merge(first, mine, fresh)[0].cells
    assert (one.outputs, one.metadata) == (mine.cells[0].outputs, {"points": 2, "collapsed": True, "hidden": False})
    assert (two.source, two.outputs) == ("3", [])


def test_the_kernel_that_a_student_has_chosen_stays():
    mine, fresh = copy.deepcopy(FIRST), copy.deepcopy(FIRST)
    mine.metadata["kernelspec"] = {"name": "my-environment"}
    given = copy.deepcopy(FIRST)
    given.metadata["kernelspec"] = fresh.metadata["kernelspec"] = {"name": "python3"}
    assert merge(given, mine, fresh)[0].metadata["kernelspec"] == {"name": "my-environment"}


def test_a_picture_that_was_pasted_into_a_text_is_the_students():
    mine, fresh = book([new_markdown_cell("Read", id="read")]), book([new_markdown_cell("Read this", id="read")])
    mine.cells[0].attachments = {"image.png": {"image/png": "AAAA"}}
    merged, fates = merge(book([FIRST.cells[0]]), mine, fresh)
    assert merged.cells[0].attachments == mine.cells[0].attachments
    assert fates == {"read": Fate.BOTH}


def test_a_notebook_that_another_editor_saved_without_ids_is_not_doubled():
    mine = copy.deepcopy(FIRST)
    for cell in mine.cells:
        del cell["id"]
    mine.cells[1]["source"] = "def f(): return 1"
    merged, _ = merge(FIRST, mine, FIRST)
    assert texts(merged) == texts(mine)
    assert texts(merge(NOTHING, mine, FIRST)[0]).count("check(f)") == 1
