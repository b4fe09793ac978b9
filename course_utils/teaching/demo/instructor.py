"""Each demo's script in ``notebooks/INSTRUCTOR.md``, between two marks.

``python -m course_utils.teaching.demo.instructor``, a part of ``make format``, writes them.
"""

import re

from course_utils.paths import NOTEBOOKS
from course_utils.teaching.demo import script

PAGE = NOTEBOOKS / "INSTRUCTOR.md"
PLACE = re.compile(r"<!-- demo ([\w-]+) -->.*?<!-- /demo -->", re.DOTALL)


def named(page: str) -> list[str]:
    """Names of the demos that have a place in the page."""
    return PLACE.findall(page)


def with_scripts(page: str) -> str:
    """The page with all scripts up to date. Raises ValueError for an unknown demo."""
    return PLACE.sub(
        lambda place: f"<!-- demo {place[1]} -->{script.markdown(script.find(place[1]))}<!-- /demo -->", page
    )


if __name__ == "__main__":
    PAGE.write_text(with_scripts(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
