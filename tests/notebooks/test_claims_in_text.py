"""What a notebook says of a claim is what the ledger computes: the verdict, and the interval in the same sentence."""

import re

import pytest

from course_utils.experiments.claims import findings
from course_utils.lab import notebooks

WORDS = "supported|contradicted|equivalent|undecided"
TAG = re.compile(rf"`(\d\d\.\w+)`: \*\*({WORDS})\*\*")
NUMBERS = [number for number in notebooks.numbers() if number != "00"]


@pytest.fixture(scope="module")
def found():
    return {finding.claim.name: finding for finding in findings()}


def texts(number):
    """Id and source of each markdown cell, except the one that explains the four words."""
    cells = notebooks.read(notebooks.find(number)).cells
    return [(cell.id, cell.source) for cell in cells if cell.cell_type == "markdown" and cell.id != "ledger-text"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_verdict_in_the_text_is_the_ledgers(number, found):
    for cell, text in texts(number):
        untagged = re.search(rf"\b({WORDS})\b", TAG.sub("", text))
        assert untagged is None, (
            f"{number}, {cell}: name the claim of {untagged[0]!r}, as in `07.teacher`: **{untagged[0]}**"
        )
        for name, word in TAG.findall(text):
            assert name in found, f"{number}, {cell}: the ledger has no claim {name}"
            assert word == found[name].decision, f"{number}, {cell}: {name} is {found[name].decision}"


@pytest.mark.parametrize("number", NUMBERS)
def test_an_interval_before_a_verdict_is_the_ledgers(number, found):
    """The last “x ± y” of the sentence before a tag, if there is one, is the claim's effect."""
    for cell, text in texts(number):
        for tag in TAG.finditer(text):
            sentence = re.split(r"(?<=[.:;]) |\n", text[: tag.start()])[-1]
            said = re.findall(r"(\d+\.\d) ± (\d+\.\d)", sentence)
            if said and len(TAG.findall(text[tag.start() : tag.start() + 60])) == 1:
                effect = found[tag[1]].effect
                wanted = (f"{abs(effect.mean):.1f}", f"{effect.high - effect.mean:.1f}")
                assert wanted == said[-1], f"{number}, {cell}: {tag[1]} has an effect of {' ± '.join(wanted)}"


@pytest.mark.parametrize("number", NUMBERS)
def test_every_notebook_shows_the_ledger_of_its_claims(number, found):
    assert any(name.startswith(f"{number}.") for name in found)
    code = [cell.source for cell in notebooks.read(notebooks.find(number)).cells if cell.cell_type == "code"]
    assert f'experiments.show_claims("{number}")' in code


def test_the_text_cites_claims_of_each_kind(found):
    """The tests above look at something."""
    cited = [name for number in NUMBERS for _, text in texts(number) for name, _ in TAG.findall(text)]
    assert {found[name].claim.kind for name in cited} == {"runs", "images", "computed", "published"}
    assert len(set(cited)) > 20
