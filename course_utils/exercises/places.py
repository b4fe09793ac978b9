"""Results that are right at some positions and wrong at others: find which."""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.exercises.compare import ABSOLUTE, RELATIVE, capital
from course_utils.exercises.findings import Finding, Pair


def wrong_places(pairs: Sequence[Pair], what: str) -> Finding | None:
    """What the wrong positions in all wrong cases have in common, or None."""
    wrongs = [_wrong(pair) for pair in pairs]
    name = capital(what)
    for look in (_behind_a_mask, _on_the_diagonal, _at_an_end):
        if found := look(pairs, wrongs):
            return Finding(found[0], f"{name}: {found[1]}.")
    if all(pair.right.is_floating_point() and _like_but_for_signs(pair) for pair in pairs):
        count, of = (sum(int(part.sum()) for part in wrongs), sum(part.numel() for part in wrongs))
        return Finding("signs", f"{name}: the numbers are right, but {count} of {of} have the wrong sign.")
    return None


def _wrong(pair: Pair) -> Tensor:
    if not pair.right.is_floating_point():
        return pair.yours != pair.right
    return (pair.yours - pair.right).abs() > ABSOLUTE + RELATIVE * pair.right.abs()


def _like_but_for_signs(pair: Pair) -> bool:
    return torch.allclose(pair.yours.abs(), pair.right.abs(), rtol=RELATIVE, atol=ABSOLUTE)


def _behind_a_mask(pairs: Sequence[Pair], wrongs: Sequence[Tensor]) -> tuple[str, str] | None:
    for name, value in pairs[0].arguments.items():
        if not isinstance(value, Tensor) or value.dtype != torch.bool:
            continue
        masks = [pair.arguments.get(name) for pair in pairs]
        shown = [_spread(mask, wrong) for mask, wrong in zip(masks, wrongs, strict=True)]
        if any(mask is None for mask in shown):
            continue
        known = [mask for mask in shown if mask is not None]
        if all(not (wrong & mask).any() for wrong, mask in zip(wrongs, known, strict=True)):
            return f"hidden-by-{name}", (
                f"the values are right where `{name}` is True and wrong only where it is False"
            )
        whole = [mask.all(-1, keepdim=True) for mask in known]
        if any(rows.any() for rows in whole) and not any(
            (wrong & rows).any() for wrong, rows in zip(wrongs, whole, strict=True)
        ):
            return f"rows-with-{name}", f"rows where `{name}` is all True are right, and only other rows are wrong"
    return None


def _spread(mask: object, like: Tensor) -> Tensor | None:
    try:
        return mask.expand_as(like) if isinstance(mask, Tensor) else None
    except RuntimeError:
        return None


def _on_the_diagonal(pairs: Sequence[Pair], wrongs: Sequence[Tensor]) -> tuple[str, str] | None:
    if not all(wrong.ndim >= 2 and wrong.shape[-1] == wrong.shape[-2] >= 3 for wrong in wrongs):
        return None
    diagonals = [torch.eye(wrong.shape[-1], dtype=torch.bool).expand_as(wrong) for wrong in wrongs]
    if all(not (wrong & ~diagonal).any() for wrong, diagonal in zip(wrongs, diagonals, strict=True)):
        return "diagonal", "only the diagonal is wrong"
    if all(torch.equal(wrong, ~diagonal) for wrong, diagonal in zip(wrongs, diagonals, strict=True)):
        return "off-diagonal", "only the diagonal is right"
    return None


def _at_an_end(pairs: Sequence[Pair], wrongs: Sequence[Tensor]) -> tuple[str, str] | None:
    """Along one axis, only the first or last index is wrong, or both, or all the others."""
    for axis in range(min(wrong.ndim for wrong in wrongs)):
        if not all(wrong.shape[axis] >= 2 for wrong in wrongs) or not any(wrong.shape[axis] >= 3 for wrong in wrongs):
            continue
        lines = [wrong.movedim(axis, 0).reshape(wrong.shape[axis], -1).any(1).tolist() for wrong in wrongs]
        along = f"along axis {axis}"
        for name, sentence, places in (
            ("first-only", f"only the first index {along} is wrong", lambda n: {0}),
            ("last-only", f"only the last index {along} is wrong", lambda n: {n - 1}),
            ("all-but-first", f"only the first index {along} is right", lambda n: set(range(1, n))),
            ("all-but-last", f"only the last index {along} is right", lambda n: set(range(n - 1))),
            ("ends", f"only the first and the last index {along} are wrong", lambda n: {0, n - 1}),
        ):
            if all({at for at, wrong in enumerate(line) if wrong} == places(len(line)) for line in lines):
                return name, sentence
    return None
