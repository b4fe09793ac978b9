"""The script of the lecture: its minutes add up, are enough for what is said, and everything it shows exists."""

import re

import pytest

from course_utils.paths import NOTEBOOKS
from course_utils.teaching.demo import script
from course_utils.teaching.site.deck import deck_of

PAGE = (NOTEBOOKS / "LECTURE.md").read_text(encoding="utf-8")
SLIDES = 61  # of the lecture
ROW = re.compile(r"^\| (\d+)( †)?( [①②])? \| (.+?) \| (.+?) \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
SESSIONS = {
    heading: ROW.findall(part)
    for heading, part in re.findall(r"^## (.+ session): .+\n((?:(?!## ).*\n)*)", PAGE, re.MULTILINE)
}


def spans(slides: str) -> list[int]:
    """The numbers in "47–49, 53"; none in "–"."""
    numbers = []
    for span in re.findall(r"\d+(?:–\d+)?", slides):
        first, _, last = span.partition("–")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def walked(slides: str, show: str, say: str, ask: str) -> float:
    """Minutes at 130 words a minute, with a quarter for each slide or demo and three for each vote."""
    if show == "*slack*":
        return 0.0
    shown = len(spans(slides)) + len(re.findall(r"\*[^*]+\*|`course demo", show))
    return len(say.split()) / 130 + shown / 4 + 3 * ("→" in ask)


def test_each_session_takes_ninety_minutes_with_slack_and_cuts():
    assert list(SESSIONS) == ["First session", "Second session"]
    marks = {mark: int(minute) for minute, mark in re.findall(r"minute (\d+)\*\* .+ marked (.)\.", PAGE)}
    assert list(marks) == ["①", "②"]
    for session, rows in SESSIONS.items():
        assert sum(int(row[0]) for row in rows) == 90, session
        assert sum(int(row[0]) for row in rows if row[4] == "*slack*") >= 7, session
        assert sum(int(row[0]) for row in rows if row[1]) >= 15, session
        begin = 0
        for minutes, _, mark, *_ in rows:
            if mark:
                assert abs(begin - marks[mark.strip()]) <= 1, (session, mark, begin)
            begin += int(minutes)


def test_no_row_has_less_time_than_it_was_walked_in_and_the_page_says_how_long_that_was():
    totals = []
    for rows in SESSIONS.values():
        times = [walked(*row[3:]) for row in rows]
        for (minutes, *_, show, say, _), time in zip(rows, times, strict=True):
            assert time <= int(minutes), f"{show}: {time:.1f} minutes: {say[:40]}"
        totals.append(round(sum(times)))
    first, second = map(int, re.search(r"the first session takes (\d+) minutes and the second (\d+)", PAGE).groups())
    assert [first, second] == totals


def test_the_lines_are_as_long_as_when_a_synthesiser_said_them():
    """It said about 144 words per minute, pauses included: who writes longer lines has to let it say them again."""
    said = re.search(
        r"says the lines .+ in ([\d.]+) minutes in the first session and in ([\d.]+) in the second", PAGE
    )
    for rows, minutes in zip(SESSIONS.values(), map(float, said.groups()), strict=True):
        words = sum(len(row[5].split()) for row in rows)
        assert words / minutes == pytest.approx(144, rel=0.05), f"{words} words in {minutes} minutes"


def test_all_slides_of_the_lecture_are_shown():
    shown = {number for rows in SESSIONS.values() for row in rows for number in spans(row[3])}
    assert shown == set(range(1, SLIDES + 1))


@pytest.mark.parametrize("session", SESSIONS)
def test_the_slides_and_demos_that_are_named_exist(session):
    for *_, show, _, ask in SESSIONS[session]:
        for name in re.findall(r"`course demo ([\w-]+)`", show):
            demo = script.find(name)
            right = demo.options[ord(demo.right) - ord("A")]
            assert not ask or right in ask, f"the demo {name} answers {right!r}: say so in LECTURE.md"
        for number, named in re.findall(r"(\d\d): ((?:\*[^*]+\*(?:; )?)+)", show):
            headings = {slide.heading.replace("*", "") for slide in deck_of(number)}
            missing = set(re.findall(r"\*([^*]+)\*", named)) - headings
            assert not missing, f"deck {number} has no slide {missing}"
            assert int(number) <= int(re.search(r"and so on for 01 to (\d\d)", PAGE)[1])
