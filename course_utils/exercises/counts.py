"""Wrong counts: by how much they are off, in terms of the arguments."""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from math import prod

from course_utils.exercises.findings import Finding, Pair

MOST = 16  # a larger integer factor explains nothing


def miscounted(pairs: Sequence[Pair]) -> Finding | None:
    """The difference or the ratio as a product of arguments that fits every wrong case; None if uncertain."""
    if not all(isinstance(pair.yours, int) and pair.yours.bit_length() < 300 for pair in pairs) or len(pairs) < 3:
        return None
    gaps = [pair.yours - pair.right for pair in pairs]
    if len(set(gaps)) == 1:
        sense = "large" if gaps[0] > 0 else "small"
        return Finding("count-offset", f"The result is {abs(gaps[0]):,} too {sense} in every case.")
    terms = list(_terms(pairs))
    for quotients, sentence in (
        ([pair.yours / pair.right for pair in pairs], "The result is `{}` times what it should be"),
        (
            [pair.right / pair.yours if pair.yours else 0.0 for pair in pairs],
            "The result should be `{}` times as large",
        ),
    ):
        found = _explained(quotients, terms, most=1)
        if found:
            return Finding("count-factor", sentence.format(found) + f": {_beside(pairs[0])}.")
    one_way = all(gap > 0 for gap in gaps) or all(gap < 0 for gap in gaps)
    if one_way and (found := _explained([float(abs(gap)) for gap in gaps], terms, most=MOST)):
        sense = "large" if gaps[0] > 0 else "small"
        return Finding("count-gap", f"The result is too {sense} by `{found}`: {_beside(pairs[0])}.")
    return None


def _beside(pair: Pair) -> str:
    return f"it is {pair.yours:,} and should be {pair.right:,}"


def _terms(pairs: Sequence[Pair]) -> Iterator[tuple[int, str, list[float]]]:
    """Degree, name and values (one per case) of the products of at most three arguments."""
    names = [name for name, value in pairs[0].arguments.items() if isinstance(value, int)]
    names = [name for name in names if all(isinstance(pair.arguments.get(name), int) for pair in pairs)]
    for degree in (1, 2, 3):
        for some in combinations_with_replacement(names, degree):
            shown = " · ".join(f"{name}²" if some.count(name) == 2 else name for name in dict.fromkeys(some))
            yield degree, shown, [float(prod(pair.arguments[name] for name in some)) for pair in pairs]


def _explained(wanted: Sequence[float], terms: Sequence[tuple[int, str, list[float]]], most: int) -> str | None:
    """``3 · layers · dim``, if an integer times exactly one of the simplest terms fits all cases."""
    for degree in (1, 2, 3):
        fits = []
        for each, shown, values in terms:
            if each != degree or any(value == 0 for value in values):
                continue
            times = {round(want / value, 6) for want, value in zip(wanted, values, strict=True)}
            if len(times) == 1 and (number := times.pop()).is_integer() and 1 <= number <= most:
                fits.append(shown if number == 1 else f"{number:.0f} · {shown}")
        if fits:
            return fits[0] if len(fits) == 1 else None
    return None
