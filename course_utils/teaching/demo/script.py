"""What a demo asks, shows and says: the table ``widgets/demos.toml``, in the order of the lecture."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from course_utils.front_end import FOLDER

TABLE = FOLDER / "demos.toml"
LETTERS = "ABCD"
ANSWER = "show the answer"  # the action of a step


@dataclass(frozen=True)
class Step:
    """What the lecturer does, what is then on the screen, and what to say with it.

    do: actions, such as "show the answer", "press S", "press → 3 times", "click NAME", "set NAME to VALUE". see: texts
    of the screen. A number that is said is on the screen.
    """

    do: tuple[str, ...]
    see: tuple[str, ...] = ()
    say: str = ""


@dataclass(frozen=True)
class Demo:
    """A widget with a question to be answered by the audience before it shows the answer.

    notebook: the one whose cells with the tag ``demo:NAME`` make the widget; cells: another demo's name, if it has the
    same cells. options: two to four; right: the letter of the right one. cover: selectors of what is covered until the
    answer is shown, ``.afv > *`` for all. hide: selectors of what a hall does not need. start: traits of the widget at
    the beginning; answer: those that change with the answer.
    """

    name: str
    notebook: str
    teaches: str
    question: str
    options: tuple[str, ...]
    right: str
    reason: str
    steps: tuple[Step, ...]
    cells: str = ""
    cover: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    start: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)


@functools.cache
def demos() -> tuple[Demo, ...]:
    """All demos, in the order of the lecture. Raises ValueError for a missing or unknown key or a wrong answer."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["demo"]
    return tuple(_demo({"cells": row.get("name", ""), **row}) for row in rows)


def find(name: str) -> Demo:
    """The demo of that name. Raises ValueError, with the names of all, for an unknown one."""
    for demo in demos():
        if demo.name == name:
            return demo
    raise ValueError(f"There is no demo {name!r}: choose one of {', '.join(demo.name for demo in demos())}.")


def _demo(row: Mapping[str, Any]) -> Demo:
    which = f"demo {row.get('name', '?')} in {TABLE.name}"
    if unknown := set(row) - {each.name for each in fields(Demo)}:
        raise ValueError(f"{which} has an unknown key {min(unknown)!r}: correct it.")
    lists = {key: tuple(value) for key, value in row.items() if key in ("options", "cover", "hide")}
    try:
        steps = tuple(
            Step(tuple(step["do"]), tuple(step.get("see", ())), step.get("say", "")) for step in row["steps"]
        )
        demo = Demo(**{**row, **lists, "steps": steps})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{which} is incomplete ({error}): see the others.") from error
    if demo.right not in LETTERS[: len(demo.options)] or not 2 <= len(demo.options) <= len(LETTERS):
        raise ValueError(
            f"{which} has {len(demo.options)} options and the answer {demo.right}: pass 2 to 4, and a letter."
        )
    return demo


# ---- in words --------------------------------------------------------------------------------------------------


def spoken(demo: Demo) -> str:
    """The script as plain text, for speaker notes."""
    lines = [f"course demo {demo.name}", f"Ask: {demo.question}", _choices(demo)]
    for step in demo.steps:
        lines += [_shown(step, demo), *([f"Say: {step.say}"] if step.say else [])]
    return "\n".join(lines)


def markdown(demo: Demo) -> str:
    """The script as the text of one item of a Markdown list."""
    parts = [f"`course demo {demo.name}`. Ask: *“{demo.question}”* {_choices(demo)}."]
    for step in demo.steps:
        parts += [_shown(step, demo), *([f"Say: *“{step.say}”*"] if step.say else [])]
    return " ".join(parts)


def _choices(demo: Demo) -> str:
    return " · ".join(f"{letter} {option}" for letter, option in zip(LETTERS, demo.options, strict=False))


def _shown(step: Step, demo: Demo) -> str:
    """What to do, and what is then on the screen."""
    done = ", then ".join(step.do)
    sentence = f"{done[:1].upper()}{done[1:]}"
    if ANSWER in step.do:
        sentence += f": {demo.right}. {demo.reason}"
    elif not step.see:
        return f"{sentence}."
    if step.see:
        texts = ", ".join(f"“{text}”" for text in step.see)
        sentence += f" The screen says {texts}." if ANSWER in step.do else f": the screen says {texts}."
    return sentence
