"""What a class needs, computed from the figures of ``course load`` that ship in ``load.csv``.
``course load --plan 30 200``.

``python -m course_utils.teaching.capacity``, a part of ``make format``, writes the tables of
``notebooks/INSTRUCTOR.md``.
"""

import csv
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.lab.course import markdown_table
from course_utils.paths import NOTEBOOKS
from course_utils.teaching import load_test
from course_utils.teaching.load_test import BUDGET, Load

GIB = 2**30
FIGURES = Path(__file__).with_name("load.csv")
PAGE = NOTEBOOKS / "INSTRUCTOR.md"
PLACE = re.compile(r"<!-- (load|plan [\d ]+) -->.*?<!-- /\1 -->", re.DOTALL)

STUDENTS_PER_CORE = 8
MEMORY_LIMIT = BUDGET + GIB // 2  # bytes per student: any notebook's kernel, and their JupyterLab
HOME = GIB  # bytes per student: all notebooks with their outputs, older copies of them, a dataset and training runs
LAB_HOURS = 1.5
MACHINE_CORES, MACHINE_MEMORY = 16, 64 * GIB
RESERVED = 4 * GIB  # bytes of each machine, for the system, the hub and the libraries that kernels share
HEADING = ("Students", "Memory", "Cores", "At work", "Machines", "GiB h", "Core h", "Disk")


@dataclass(frozen=True)
class Plan:
    """What so many students need: bytes, cores that are theirs at any time, and cores that work on average."""

    students: int
    memory: int
    cores: float
    busy: float
    machines: int  # of MACHINE_CORES and MACHINE_MEMORY
    disk: int

    def figures(self) -> tuple[str, ...]:
        """What stands below the HEADING."""
        return (
            f"{self.students}",
            f"{self.memory / GIB:.0f} GiB",
            f"{self.cores:.0f}",
            f"{self.busy:.1f}",
            f"{self.machines}",
            f"{self.memory / GIB * LAB_HOURS:.0f}",
            f"{self.cores * LAB_HOURS:.0f}",
            f"{self.disk / GIB:.0f} GiB",
        )


def measured() -> list[Load]:
    """The shipped figures, a row per number of kernels at once."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return [
            Load(
                int(row["kernels"]),
                float(row["seconds"]),
                float(row["cpu_seconds"]),
                round(float(row["kernel_gib"]) * GIB),
                round(float(row["machine_gib"]) * GIB),
                ("failed",) * int(row["failed"]),
            )
            for row in csv.DictReader(file)
        ]


def memory() -> int:
    """Bytes to plan per student at work: what each further kernel took at most, rounded up to half a GiB."""
    rows = measured()
    rises = (
        (more.machine_bytes - fewer.machine_bytes) / (more.kernels - fewer.kernels)
        for fewer, more in itertools.pairwise(rows)
    )
    return math.ceil(max(rises) / (GIB // 2)) * (GIB // 2)


def cpu_seconds() -> float:
    """CPU seconds of all cells of the notebook, at most."""
    return max(row.cpu_seconds for row in measured())


def plan(students: int) -> Plan:
    """What a class needs. Raises ValueError for fewer than one student."""
    if students < 1:
        raise ValueError(f"students is {students}, but must be 1 or more.")
    per_machine = min((MACHINE_MEMORY - RESERVED) // memory(), MACHINE_CORES * STUDENTS_PER_CORE)
    return Plan(
        students,
        students * memory(),
        max(1.0, students / STUDENTS_PER_CORE),
        students * cpu_seconds() / (LAB_HOURS * 3600),
        math.ceil(students / per_machine),
        students * HOME,
    )


def sentence() -> str:
    """How the plan was made."""
    return (
        f"Per student: {memory() / GIB:.1f} GiB of memory, at most {MEMORY_LIMIT / GIB:.1f} GiB; "
        f"1/{STUDENTS_PER_CORE} of a core, at most one; {HOME / GIB:.0f} GiB of disk. At work on average is a class "
        f"in which each student runs notebook 04 once in {LAB_HOURS * 60:.0f} minutes. If all run it at the same "
        f"moment, it takes {cpu_seconds() * STUDENTS_PER_CORE / 60:.0f} minutes instead of "
        f"{measured()[0].seconds / 60:.1f}. Machines have {MACHINE_CORES} cores and {MACHINE_MEMORY / GIB:.0f} GiB, "
        f"of which {RESERVED / GIB:.0f} GiB are for the system."
    )


def with_tables(page: str) -> str:
    """The page with its tables, those between two marks, up to date."""

    def written(place: re.Match[str]) -> str:
        what, *classes = place[1].split()
        if what == "load":
            text = markdown_table([load_test.HEADING, *(row.figures() for row in measured())])
        else:
            text = f"{markdown_table([HEADING, *rows([int(each) for each in classes])])}\n{sentence()}\n"
        return f"<!-- {place[1]} -->\n{text}<!-- /{place[1]} -->"

    return PLACE.sub(written, page)


def rows(classes: Sequence[int]) -> list[tuple[str, ...]]:
    """The rows of the plan for classes of these sizes."""
    return [plan(students).figures() for students in classes]


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
