"""A new version of a notebook for a student who has worked on an earlier one, cell by cell.

A cell is the student's if its text is not the one that was handed out under its id. It stays as it is; every other cell
is the course's and becomes the new one. So a cell is never a mixture, as a merge by lines would make it.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from nbformat import NotebookNode, from_dict

Cell = Mapping[str, Any]
NOTHING = NotebookNode(cells=[], metadata={})


class Fate(StrEnum):
    """What becomes of a cell that does not simply stay."""

    NEW = "new"
    CHANGED = "changed"
    REMOVED = "removed"  # from the course, and the student has not written in it
    OWN = "the student's"
    BOTH = "the student's, and the course has changed it"


def merge(given: NotebookNode, mine: NotebookNode, fresh: NotebookNode) -> tuple[NotebookNode, dict[str, Fate]]:
    """The student's notebook, mine, brought from the version that was given to them to the fresh one; → fates by id."""
    old, ours = _by_id(given.cells, {}), _by_id(fresh.cells, {})
    theirs = _by_id(mine.cells, {**ours, **old})
    cells: dict[str, Cell] = {}
    fates: dict[str, Fate] = {}
    for name in _order(list(old), list(theirs), list(ours)):
        if name in theirs:
            cell, fate = _merged(old.get(name), theirs[name], ours.get(name))
        elif name in ours and name not in old:
            cell, fate = ours[name], Fate.NEW
        else:
            continue  # the student has deleted it
        if cell is not None:
            cells[name] = cell
        if fate is not None:
            fates[name] = fate
    about = _metadata(given.metadata, mine.metadata, fresh.metadata)
    return from_dict({**fresh, "metadata": about, "cells": list(cells.values())}), fates


def _merged(given: Cell | None, mine: Cell, fresh: Cell | None) -> tuple[Cell | None, Fate | None]:
    """The cell that a cell of the student becomes, if any."""
    own = given is None or written(mine) != written(given)
    if fresh is None:
        return (mine, Fate.OWN) if own else (None, Fate.REMOVED)
    about = _metadata(given["metadata"] if given else {}, mine["metadata"], fresh["metadata"])
    if written(mine) == written(fresh):
        return {**mine, "metadata": about}, None  # with its outputs
    if not own:
        return {**fresh, "metadata": about}, Fate.CHANGED
    fate = Fate.OWN if given and written(given) == written(fresh) else Fate.BOTH
    return {**mine, "metadata": about}, fate


def written(cell: Cell) -> tuple[str, str, str]:
    """What a person writes in a cell: its kind, its text, whatever ends a line of it, and its attached images."""
    text, attached = cell["source"].replace("\r\n", "\n"), cell.get("attachments", {})
    return cell["cell_type"], text, json.dumps(attached, sort_keys=True)


def _by_id(cells: Sequence[Cell], known: Mapping[str, Cell]) -> dict[str, Cell]:
    """Each cell by its id, in order.

    A cell whose id is unknown, missing or taken, as some editors make them, is the known one of the same text if that
    one has no other place.
    """
    ids = {cell.get("id") for cell in cells}
    lost = {written(cell): name for name, cell in known.items() if name not in ids}
    named: dict[str, Cell] = {}
    for cell in cells:
        name = cell.get("id")
        if name not in known or name in named:
            name = lost.pop(written(cell), name)
        if not name or name in named:
            name = secrets.token_hex(4)
        named[name] = {**cell, "id": name}
    return named


def _metadata(given: Mapping[str, Any], mine: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """The course's metadata, but what the student has added or set, such as another kernel,
    where the course has not."""
    kept = {name for name in mine if fresh.get(name) == given.get(name)}
    return {**fresh, **{name: mine[name] for name in kept}}


def _order(given: list[str], mine: list[str], fresh: list[str]) -> list[str]:
    """The course's order, with the student's own cells behind those that they follow; or the student's,
    if they moved any."""
    moved = [name for name in mine if name in given] != [name for name in given if name in mine]
    order, follow = (mine, fresh) if moved else (fresh, mine)
    order = list(order)
    place = 0  # behind the last cell that was seen
    for name in follow:
        if name not in order:
            order.insert(place, name)
        place = order.index(name) + 1
    return order
