"""Results that are off by a factor or by a constant, and where that number comes from."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import capital
from course_utils.exercises.findings import Finding, Pair

CONSTANTS = {
    "ln 2": math.log(2),
    "1 / ln 2, from natural logarithms to base 2": 1 / math.log(2),
    "√2": math.sqrt(2),
    "1/3": 1 / 3,
    "2/3": 2 / 3,
}
POWERS = {"": 1.0, "1/": -1.0, "√": 0.5, "1/√": -0.5, "²": 2.0, "1/²": -2.0}


def factor(pairs: Sequence[Pair], what: str) -> Finding | None:
    """Every number is the right one times a constant."""
    if not all(pair.right.is_floating_point() for pair in pairs):
        return None
    ratios = [_ratio(pair) for pair in pairs]
    if any(ratio is None for ratio in ratios):
        return None
    known = [ratio for ratio in ratios if ratio is not None]
    name = capital(what)
    alike = max(known) - min(known) < 1e-3 * abs(known[0])
    if all(abs(ratio - 1) < 0.01 for ratio in known):
        return None  # small errors come from rounding, which has a different factor per number
    if alike and abs(known[0] + 1) < 1e-3:
        return Finding("sign", f"{name}: the numbers are right, but have the wrong sign.")
    if alike and len(known) + sum(pair.right.numel() > 1 for pair in pairs) >= 2:
        origin = next((each for each, value in CONSTANTS.items() if _near(known[0], value)), None)
        return Finding("factor", f"{name}: every number is {known[0]:.4g} times what it should be{_is(origin)}.")
    if len(known) >= 3 and (origin := _origin(pairs, known)):
        return Finding("factor", f"{name}: every number is {known[0]:.4g} times what it should be{_is(origin)}.")
    if all(pair.right.numel() >= 4 for pair in pairs):
        listed = ", ".join(f"{ratio:.3g}" for ratio in known[:3])
        return Finding(
            "factor", f"{name}: all numbers of a case are off by the same factor ({listed} in the first cases)."
        )
    return None


def offset(pairs: Sequence[Pair], what: str) -> Finding | None:
    """Every number is the right one plus a constant."""
    gaps = [pair.yours.double() - pair.right.double() for pair in pairs if pair.right.dtype != torch.bool]
    gaps = [gap.flatten() for gap in gaps if gap.numel()]
    if not gaps or len(gaps) + sum(gap.numel() > 1 for gap in gaps) < 2:
        return None
    first = gaps[0][0].item()
    if all((gap - first).abs().max() < 1e-4 * max(1.0, abs(first)) for gap in gaps):
        sense = "too large" if first > 0 else "too small"
        return Finding("offset", f"{capital(what)}: every number is {abs(first):.4g} {sense}.")
    return None


def _is(origin: str | None) -> str:
    return f": that is {origin}" if origin else ""


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-3 * abs(other)


def _ratio(pair: Pair) -> float | None:
    """The factor from the right result to the student's, or None."""
    yours, right = pair.yours.double().flatten(), pair.right.double().flatten()
    size = right.square().sum()
    if not size:
        return None
    ratio = float(yours @ right / size)
    fits = torch.allclose(yours, ratio * right, rtol=1e-3, atol=1e-4 * float(right.abs().max()) * abs(ratio))
    return ratio if fits and abs(ratio) > 1e-9 else None


def _origin(pairs: Sequence[Pair], ratios: Sequence[float]) -> str | None:
    """The axis length or numeric argument whose simple power equals the ratio in every case, in words, or None."""
    for quantity in _quantities(pairs[0].arguments):
        values = [dict(_measured(pair.arguments)).get(quantity) for pair in pairs]
        if any(value is None or value <= 0 or value == 1 for value in values):
            continue
        for sign, power in POWERS.items():
            if all(_near(ratio, value**power) for ratio, value in zip(ratios, values, strict=True) if value):
                number = f"{values[0]:.4g}"
                shown = f"{sign.removesuffix('²')}{number}{'²' if '²' in sign else ''}"
                return f"{shown}, and {number} is {quantity}" if sign else quantity
    return None


def _quantities(arguments: Mapping[str, Any]) -> list[str]:
    return [name for name, _ in _measured(arguments)]


def _measured(arguments: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in arguments.items():
        if isinstance(value, Tensor):
            for axis in range(-1, -value.ndim - 1, -1):
                yield f"the length of the {_ordinal(axis)} axis of `{name}`", float(value.shape[axis])
            if value.ndim == 0 and value.is_floating_point():
                yield f"`{name}`", float(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"`{name}`", float(value)
        elif isinstance(value, list | tuple):
            yield f"the length of `{name}`", float(len(value))


def _ordinal(axis: int) -> str:
    return {-1: "last", -2: "second-to-last", -3: "third-to-last"}.get(axis, f"{-axis}th-to-last")
