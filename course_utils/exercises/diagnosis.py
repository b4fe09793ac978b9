"""How a wrong result differs from the right one, in the simplest true sentence.

Used if no misconception of the exercise matches. A pattern must hold in every wrong case, and for enough numbers to
rule out chance.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import capital, close, fitted, same, with_article
from course_utils.exercises.counts import miscounted
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.factors import factor, offset
from course_utils.exercises.findings import Finding, Pair
from course_utils.exercises.observe import Observation
from course_utils.exercises.places import wrong_places

ENOUGH = 6  # numbers, or three cases


def diagnose(
    exercise: Exercise, cases: Sequence[Arguments], observed: Sequence[Observation], expected: Sequence[Observation]
) -> Finding | None:
    """The pattern in all wrong cases that returned a result, or None."""
    named = [dict(zip(exercise.arguments, case, strict=False)) for case in cases]
    pairs = [
        Pair(fitted(seen.result, right.result), right.result, arguments)
        for arguments, seen, right in zip(named, observed, expected, strict=True)
        if seen.error is None and not same(fitted(seen.result, right.result), right.result)
    ]
    if not pairs:
        return None
    if isinstance(pairs[0].right, tuple | list):
        return _of_parts(pairs, exercise.returns)
    if all(isinstance(pair.right, int) for pair in pairs):
        return miscounted(pairs)
    if all(
        isinstance(pair.yours, tuple | list) and any(same(item, pair.right) for item in pair.yours[:10])
        for pair in pairs
    ):
        return Finding(
            "one-too-many",
            ("Your function returns the right result together with something else: return only the result."),
        )
    if all(_is_list_of(pair.yours, pair.right) for pair in pairs):
        return Finding(
            "not-stacked",
            "The numbers are right, but they are in a list: make one tensor with `torch.stack`, or with "
            "`torch.tensor` if they are Python numbers.",
        )
    return _of_tensors(pairs, "the result")


def _is_list_of(yours: Any, right: Any) -> bool:
    """Whether the items of a list equal those of the right tensor."""
    if not isinstance(yours, list | tuple) or not isinstance(right, Tensor) or not right.ndim:
        return False
    if len(yours) != len(right):
        return False
    items = [torch.as_tensor(item) for item in yours if isinstance(item, Tensor | int | float)]
    return len(items) == len(right) and all(
        item.shape == each.shape and close(item.to(each.dtype), each) for item, each in zip(items, right, strict=True)
    )


def _of_parts(pairs: Sequence[Pair], names: tuple[str, ...]) -> Finding | None:
    """For a result in several parts: which are missing or swapped, or how one of them is wrong."""
    rights = [list(pair.right) for pair in pairs]
    parts = len(rights[0])
    if any(len(right) != parts for right in rights):
        return None
    names = names or tuple(f"item {index}" for index in range(parts))
    for index in range(parts):
        if all(
            same(fitted(pair.yours, right[index]), right[index]) for pair, right in zip(pairs, rights, strict=True)
        ):
            missing = ", ".join(name for other, name in enumerate(names) if other != index)
            return Finding(
                "part-missing",
                f"Your function returns only one part of {parts}, {names[index]}, and its numbers are right: return "
                f"{missing} too.",
            )
    if not all(isinstance(pair.yours, tuple | list) and len(pair.yours) == parts for pair in pairs):
        return None
    for order in permutations(range(parts)) if parts < 5 else ():
        if all(
            same(pair.yours, type(pair.yours)(right[i] for i in order))
            for pair, right in zip(pairs, rights, strict=True)
        ):
            return Finding(
                "parts-swapped",
                (f"The numbers are right, but the parts are in the wrong order: return {', then '.join(names)}."),
            )
    found = []
    for index, name in enumerate(names):
        wrong = [
            Pair(pair.yours[index], right[index], pair.arguments)
            for pair, right in zip(pairs, rights, strict=True)
            if not same(pair.yours[index], right[index])
        ]
        if wrong and (finding := _of_tensors(wrong, with_article(name))):
            found.append(finding)
    # An error in one part often follows from a simpler error in another.
    return min(found, key=lambda finding: finding.weak, default=None)


def _of_tensors(pairs: Sequence[Pair], what: str) -> Finding | None:
    if not all(isinstance(pair.yours, Tensor) and isinstance(pair.right, Tensor) for pair in pairs):
        return None
    if any(_kind(pair.yours) != _kind(pair.right) for pair in pairs):
        return _another_dtype(pairs, what)
    pairs = [Pair(pair.yours.detach(), pair.right.detach(), pair.arguments) for pair in pairs]
    if sum(pair.right.numel() for pair in pairs) < ENOUGH and len(pairs) < 3:
        return None
    if any((~pair.yours.isfinite()).any() for pair in pairs):
        return None
    same_shape = all(pair.yours.shape == pair.right.shape for pair in pairs)
    for look in _LOOKS if same_shape else (_an_argument, _axes, _another_shape):
        if found := look(pairs, what):
            return replace(found, weak=look in _WEAK and found.name not in _CERTAIN)
    return None


def _another_dtype(pairs: Sequence[Pair], what: str) -> Finding | None:
    if any(pair.yours.device != pair.right.device for pair in pairs):
        return None
    if all(_like(pair.yours.to(pair.right.dtype), pair.right) for pair in pairs):
        mine, theirs = (str(part.dtype).removeprefix("torch.") for part in (pairs[0].yours, pairs[0].right))
        return Finding("dtype", f"{capital(what)}: the numbers are right, but their dtype is {mine}, not {theirs}.")
    return None


def _kind(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.dtype, tensor.device, tensor.layout


def _an_argument(pairs: Sequence[Pair], what: str) -> Finding | None:
    for name in pairs[0].arguments:
        if all(same(pair.yours, pair.arguments.get(name)) for pair in pairs):
            where = "" if what == "the result" else f" as {what}"
            return Finding("argument-returned", f"Your function returns `{name}` itself, unchanged{where}.")
    return None


def _axes(pairs: Sequence[Pair], what: str) -> Finding | None:
    """The right numbers with the axes in a different order."""
    axes = pairs[0].right.ndim
    if not 2 <= axes <= 5 or any(pair.right.ndim != axes or pair.yours.ndim != axes for pair in pairs):
        return None
    for order in permutations(range(axes)):
        if all(_like(pair.yours, pair.right.permute(order)) for pair in pairs):
            moved = [axis for axis, other in enumerate(order) if axis != other]
            how = "are swapped" if len(moved) == 2 else "are in a different order"
            listed = ", ".join(map(str, moved[:-1])) + f" and {moved[-1]}"
            return Finding("transposed", f"{capital(what)}: the numbers are right, but axes {listed} {how}.")
    return None


def _another_shape(pairs: Sequence[Pair], what: str) -> Finding | None:
    """The right numbers in another shape, or numbers that still need a sum or a mean."""
    if all(_like(pair.yours.reshape(-1), pair.right.reshape(-1)) for pair in pairs):
        return Finding(
            "reshaped",
            f"{capital(what)}: the numbers are right and in the right order, but the shape is "
            f"{tuple(pairs[0].yours.shape)} and should be {tuple(pairs[0].right.shape)}.",
        )
    for verb, over in (("mean", torch.mean), ("sum", torch.sum)):
        for axis in range(-4, 4):
            if all(_reduced(over, pair, axis) for pair in pairs):
                return Finding("not-reduced", f"{capital(what)}: the {verb} over axis {axis} is missing.")
        if all(pair.right.ndim == 0 and pair.yours.is_floating_point() for pair in pairs) and all(
            _like(over(pair.yours), pair.right) for pair in pairs
        ):
            return Finding("not-reduced", f"{capital(what)}: the {verb} over all numbers is missing.")
    return None


def _reduced(over: Callable[..., Tensor], pair: Pair, axis: int) -> bool:
    if not pair.yours.is_floating_point() or not -pair.yours.ndim <= axis < pair.yours.ndim:
        return False
    return _like(over(pair.yours, dim=axis), pair.right)


def _imprecise(pairs: Sequence[Pair], what: str) -> Finding | None:
    """All numbers are nearly right: something was rounded."""
    if not all(pair.right.is_floating_point() and pair.right.numel() > 1 for pair in pairs):
        return None
    if all(
        torch.allclose(pair.yours, pair.right, rtol=0.01, atol=1e-3 * float(pair.right.abs().max())) for pair in pairs
    ):
        return Finding(
            "imprecise",
            f"{capital(what)}: every number is nearly right, only the last digits differ: look for a rounded number.",
        )
    return None


def _constant(pairs: Sequence[Pair], what: str) -> Finding | None:
    values = {value for pair in pairs for value in pair.yours.unique().tolist()}
    if len(values) > 1 or (all(pair.right.numel() < 2 for pair in pairs) and len(pairs) < 3):
        return None
    value = values.pop()
    shown = f"{value:zg}" if isinstance(value, float) else str(value)
    return Finding("constant", f"{capital(what)}: {shown} everywhere.")


_FUNCTIONS: tuple[tuple[str, str, Callable[[Tensor], Tensor]], ...] = (
    ("one-minus", "each number is one minus the right one", lambda right: 1 - right),
    ("inverse", "each number is one divided by the right one: invert the fraction", lambda right: 1 / right),
    ("exponential", "each number is exp of the right one", torch.exp),
    ("logarithm", "these are the natural logarithms of the right numbers", torch.log),
    ("logarithm-2", "these are the logarithms to base 2 of the right numbers", torch.log2),
    ("root", "each number is the square root of the right one", torch.sqrt),
    ("square", "each number is the square of the right one", torch.square),
    ("absolute", "each number is the absolute value of the right one: the signs are lost", torch.abs),
    ("rounded", "the numbers are right but rounded", torch.round),
    ("floored", "the numbers are right but rounded down", torch.floor),
    ("softmax-again", "the numbers are the softmax of the right ones", lambda right: right.softmax(-1)),
    ("log-softmax-again", "the numbers are the log-softmax of the right ones", lambda right: right.log_softmax(-1)),
)


def _another_function(pairs: Sequence[Pair], what: str) -> Finding | None:
    """A simple function of the right numbers, or its inverse."""
    if pairs[0].right.dtype == torch.bool:
        if all(torch.equal(pair.yours, ~pair.right) for pair in pairs):
            return Finding("turned-round", f"{capital(what)}: True and False are swapped everywhere.")
        return None
    if not pairs[0].right.is_floating_point():
        return None
    for name, sentence, function in _FUNCTIONS:
        if name.startswith(("softmax", "log-softmax")) and any(pair.right.ndim == 0 for pair in pairs):
            continue
        if all(_like(pair.yours, function(pair.right)) for pair in pairs):
            return Finding(name, f"{capital(what)}: {sentence}.")
    if all(pair.right.ndim and _like(pair.yours.softmax(-1), pair.right) for pair in pairs):
        return Finding("softmax-missing", f"{capital(what)}: a softmax over the last axis is missing.")
    return None


def _along_an_axis(pairs: Sequence[Pair], what: str) -> Finding | None:
    """The right slices along one axis in another order, or all the right numbers at other positions."""
    for axis in range(pairs[0].right.ndim):
        if any(axis >= pair.right.ndim for pair in pairs):
            break
        if all(_like(pair.yours, pair.right.flip(axis)) for pair in pairs):
            return Finding("reversed", f"{capital(what)}: the numbers are right, but axis {axis} is reversed.")
        for by in (1, -1):
            if all(_like(pair.yours, pair.right.roll(by, axis)) for pair in pairs):
                where = "forward" if by == 1 else "back"
                return Finding(
                    "rolled", f"{capital(what)}: everything is moved {where} by one position along axis {axis}."
                )
        orders = [_order(pair, axis) for pair in pairs]
        if all(orders):
            place, other = next((i, j) for i, j in enumerate(orders[0] or ()) if i != j)
            return Finding(
                "reordered",
                f"{capital(what)}: the numbers are right, but along axis {axis} they are in a different order: index "
                f"{place} has what belongs at index {other}.",
            )
    if any(pair.right.numel() < ENOUGH or pair.right.dtype == torch.bool for pair in pairs):
        return None
    if all(_like(_sorted(pair.yours), _sorted(pair.right)) for pair in pairs):
        return Finding("elsewhere", f"{capital(what)}: all the right numbers are there, but at the wrong positions.")
    return None


def _sorted(tensor: Tensor) -> Tensor:
    return tensor.flatten().sort().values


def _order(pair: Pair, axis: int) -> list[int] | None:
    """Which slice of the right result is at each index of an axis, or None if the slices differ."""
    mine, theirs = (part.movedim(axis, 0).reshape(part.shape[axis], -1).double() for part in (pair.yours, pair.right))
    if not 2 <= len(mine) <= 64 or mine.shape[1] < 2:
        return None
    equal = (mine[:, None] - theirs).abs().amax(-1) < 1e-5
    return equal.int().argmax(1).tolist() if (equal.sum(1) == 1).all() and (equal.sum(0) == 1).all() else None


def _shares(pairs: Sequence[Pair], what: str) -> Finding | None:
    """Rows that should sum to one but do not."""
    if not all(pair.right.ndim >= 2 and pair.right.is_floating_point() and _sums(pair.right, -1) for pair in pairs):
        return None
    if all(_sums(pair.yours, -1) for pair in pairs):
        return None
    if all(_sums(pair.yours, -2) for pair in pairs):
        return Finding(
            "columns-sum-to-one",
            f"{capital(what)}: the columns sum to one, but the rows should: the softmax, or the division, runs over "
            "the wrong axis. Use the last axis.",
        )
    for axis in range(-4, -2):
        if all(pair.yours.ndim >= -axis and _sums(pair.yours, axis) for pair in pairs):
            return Finding(
                "other-axis-sums-to-one",
                (f"{capital(what)}: the numbers sum to one over axis {axis}, but should over the last axis."),
            )
    sums_of = next(pair.yours.sum(-1) for pair in pairs if not _sums(pair.yours, -1))
    low, high = (round(float(pick(sums_of)), 3) + 0.0 for pick in (torch.amin, torch.amax))
    sums = f"sum to {low:g}" if low == high else f"have sums from {low:g} to {high:g}"
    return Finding("rows-do-not-sum-to-one", f"{capital(what)}: each row should sum to one, but yours {sums}.")


def _sums(tensor: Tensor, axis: int) -> bool:
    sums = tensor.sum(axis)
    return bool(sums.numel()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-4)


def _like(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and close(one, other)


_CERTAIN = ("sign", "columns-sum-to-one")
_WEAK = (_imprecise, factor, offset, _another_function, _shares, wrong_places)
_LOOKS = (_an_argument, _axes, _constant, _along_an_axis, *_WEAK)
