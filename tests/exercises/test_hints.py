"""The code in hints is run: its names are the exercise's, it computes on the cases, and a whole answer is right."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import CodeType

import pytest
import torch
from above import names_above, values_above
from torch import Tensor

from course_utils.exercises import Exercise, examine, exercises, find, stub
from course_utils.exercises.observe import copied

OPEN = "_"  # what a fragment such as `.clone()` or `<= size // 2` is used on


def codes(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def tree_of(code: str) -> ast.Module:
    """Dots stand for anything; what begins with a dot, a bracket or an operator goes on from OPEN."""
    source = code.replace(".…", ".dots").replace("…", "...")
    if re.fullmatch(r"\w+=.+", source):
        source = f"{OPEN}({source})"  # an argument passed by name
    for attempt in (source, f"{OPEN}{source}", f"{OPEN} {source}", f"{OPEN} {source} {OPEN}"):
        try:
            return ast.parse(attempt)
        except SyntaxError:
            pass
    raise AssertionError(f"`{code}` is no Python: put quotation marks round a pattern, or take the backticks away.")


def names_in(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def is_fragment(code: str) -> bool:
    return "…" in code or OPEN in names_in(tree_of(code))


def locals_of(code: CodeType) -> set[str]:
    """Names of a function's arguments and locals, those inside its comprehensions too."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_varnames, *code.co_cellvars}.union(*map(locals_of, inner))


def variables(exercise: Exercise, case: tuple) -> dict:
    """The arguments of one case, and the reference's locals at its end."""
    found = dict(zip(exercise.arguments, copied(case), strict=False))

    def look(frame, event, result):
        if event == "return" and frame.f_code is exercise.reference.__code__:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        exercise.reference(*copied(case))
    finally:
        sys.setprofile(before)
    return found


def faults(exercise: Exercise) -> Iterator[str]:
    """What is wrong with the hints, and what to do."""
    known = names_above(exercise) | locals_of(exercise.reference.__code__) | {OPEN}
    question = set(re.findall(r"\w+", inspect.getdoc(exercise.reference)))
    for hint in exercise.hints:
        for code in codes(hint):
            tree = tree_of(code)
            if unknown := names_in(tree) - known:
                yield f"`{code}`: {unknown} is no argument, no local of the reference, and not imported: name what is."
            elif not is_fragment(code):
                yield from failures(exercise, code)
            for method in re.findall(r"^\.(\w+)", code):
                if not hasattr(Tensor, method):
                    yield f"`{code}`: a tensor has no {method}: name what it is called on."
        prose = re.sub(r"`[^`]+`", "", hint)
        if words := set(re.findall(r"\w+_\w+", prose)) - question:
            yield f"{words} in “{hint}” is code: put it between backticks."
        for name in exercise.arguments:
            if re.search(rf"\b{name}\s*(·|//|/|\*|=|\[)|(·|//|/|\*)\s*{name}\b", prose):
                yield f"The formula with {name} in “{hint}” is code: put it between backticks, where it is run."
    yield from wrong_answer(exercise)


def failures(exercise: Exercise, code: str) -> Iterator[str]:
    """The code is run on each case in which none of its names stands for None."""
    tree = tree_of(code)
    for case in exercise.cases(torch.Generator().manual_seed(0)):
        namespace = {**values_above(exercise, names_in(tree)), **variables(exercise, case)}
        if any(namespace.get(name, name) is None for name in names_in(tree)):
            continue
        try:
            exec(compile(tree, f"<a hint of {exercise.name}>", "exec"), namespace)
        except Exception as error:
            yield f"`{code}` fails on a case ({type(error).__name__}: {error}): mend it, or put dots for what varies."
            return


def wrong_answer(exercise: Exercise) -> Iterator[str]:
    """A last hint with one piece of code that calls or returns something hands out the answer."""
    whole = ast.Call | ast.Assign | ast.Return
    pieces = [
        code for code in codes(exercise.hints[-1]) if any(isinstance(n, whole) for n in ast.walk(tree_of(code)))
    ]
    if len(pieces) != 1 or is_fragment(pieces[0]):
        return
    *body, last = tree_of(pieces[0]).body
    tree = ast.parse(stub(exercise.name))
    tree.body[0].body = [*body, ast.Return(last.value) if isinstance(last, ast.Expr) else last]
    namespace = values_above(exercise, names_in(tree))
    exec(compile(ast.fix_missing_locations(tree), f"<the last hint of {exercise.name}>", "exec"), namespace)
    verdict = examine(exercise, namespace[exercise.function])
    if not verdict.passed:
        yield f"`{pieces[0]}` is no answer ({verdict.message}): make it right, or put dots for what is missing."


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_hints_speak_of_the_exercise_and_their_code_runs(exercise):
    assert not list(faults(exercise))


@pytest.mark.parametrize(
    ("name", "hint", "fault"),
    [
        ("04.patchify", "Look at `images.shape` and `patch_size`.", None),
        ("04.patchify", "Look at `pictures.shape`.", "{'pictures'} is no argument"),
        ("07.token_distillation", "The `pictures` have nothing to do with it.", "{'pictures'} is no argument"),
        ("04.patchify", "Take `images.unfolded(patch_size)`.", "has no attribute 'unfolded'"),
        ("04.patchify", "Take `.unfolded(patch_size)`.", "a tensor has no unfolded"),
        ("04.patchify", "The pattern is `b c (h p) (w q)`.", "is no Python"),
        ("04.patchify", "There are height // patch_size rows.", "The formula with patch_size"),
        ("04.patchify", "Divide by the patch_side.", "{'patch_side'}"),
        ("00.causal_mask", "Return `torch.ones(tokens, tokens, dtype=torch.bool).tril()`.", None),
        ("00.causal_mask", "Return `torch.ones(tokens, tokens).tril()`.", "is no answer"),
        ("00.causal_mask", "Return `torch.ones(tokens, tokens).tril(…)`.", None),
        ("00.causal_mask", "`ones = torch.ones(tokens, tokens) > 0; return ones.triu()`", "is no answer"),
    ],
)
def test_a_hint_that_is_wrong_is_told_what_to_do(name, hint, fault):
    exercise = find(name)
    try:
        found = list(faults(replace(exercise, hints=(*exercise.hints[:2], hint))))
    except AssertionError as error:
        found = [str(error)]
    assert any(fault in each for each in found) if fault else not found
