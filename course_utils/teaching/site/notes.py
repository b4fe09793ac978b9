"""What the speaker reads: the sentences of INSTRUCTOR.md about one notebook."""

import re
from dataclasses import dataclass

from course_utils.paths import NOTEBOOKS

INSTRUCTOR = NOTEBOOKS / "INSTRUCTOR.md"


@dataclass(frozen=True)
class Chapter:
    """The chapter about one notebook, in Markdown: the plan of 50 minutes, what to show, and mistakes to expect."""

    plan: str
    shows: tuple[str, ...]
    mistakes: tuple[str, ...]


def chapter_of(number: str) -> Chapter:
    """The chapter of the notebook ``"04"``, without its demos, whose scripts are in `demos.toml`;
    empty if there is none."""
    text = re.sub(r"<!-- demo .*?<!-- /demo --> ?", "", INSTRUCTOR.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.search(rf"^## {number} · .*\n((?:(?!##? ).*\n?)*)", text, re.MULTILINE)
    chapter = found[1] if found else ""
    plan = re.search(r"^\*\*50 minutes:\*\* (.+)$", chapter, re.MULTILINE)
    _, _, wrong = chapter.partition("**They get wrong**")
    return Chapter(
        plan[1] if plan else "",
        tuple(re.findall(r"^\d+\. (.+)", chapter, re.MULTILINE)),
        tuple(re.findall(r"^- (.+)", wrong, re.MULTILINE)),
    )


def about_section(chapter: Chapter, heading: str) -> str:
    """What to show and say in the section of the notebook with that heading."""
    return "\n\n".join(each for each in chapter.shows if heading and f"*{heading}*" in each)
