"""The ledger: each entry leads somewhere, each verdict follows from the table by the rule, and nothing is typed in."""

import csv
import math
import re
from dataclasses import replace
from functools import cache
from statistics import fmean, stdev

import pytest
from scipy.stats import t as student_t
from typer.testing import CliRunner

from course_utils import cli
from course_utils.experiments import claims as ledger
from course_utils.experiments.claims_shown import all_in_all, decided_by, details, found, show_claims, wanted
from course_utils.experiments.sweep import write_results
from course_utils.experiments.verdict import Decision
from course_utils.lab import notebooks
from course_utils.paths import DATA, NOTEBOOKS

LEDGER = ledger.claims()
runner = CliRunner()


@pytest.fixture(scope="module")
def findings():
    return {finding.claim.name: finding for finding in ledger.findings()}


@cache
def notebook(number):
    return notebooks.read(notebooks.find(number))


@cache
def sections(number):
    """The id of each of a notebook's cells → the heading above it."""
    heading, places = "", {}
    for cell in notebook(number).cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            heading = line.lstrip("# ") if line.startswith(("## ", "### ")) else heading
        places[cell.id] = heading
    return places


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.name)
def test_a_claim_leads_to_its_slide_its_section_and_its_cell(claim):
    subjects = re.findall(
        rf"^\| (.+) \| \[{claim.notebook}\]", (NOTEBOOKS / "README.md").read_text(encoding="utf-8"), re.M
    )
    assert any(subject.startswith(claim.slide) for subject in subjects), claim.slide
    assert sections(claim.notebook).get(claim.cell) == claim.section
    code = "\n".join(cell.source for cell in notebook(claim.notebook).cells)
    assert (f'class_point("{claim.name}"' in code) == claim.live
    assert claim.says.endswith(".")
    assert claim.because


def test_the_ledger_says_why_each_contradicted_claim_fails_here(findings):
    contradicted = [each for each in findings.values() if each.decision is Decision.CONTRADICTED]
    assert contradicted
    for each in contradicted:
        assert re.match(r"(size|recipe|claim)( and (size|recipe|claim))?: .", each.claim.cause), each.claim.name


def test_the_ledger_holds_no_result():
    """No effect, interval, verdict or number of minutes is an entry's: they would go stale."""
    text = (DATA / "claims.toml").read_text(encoding="utf-8")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert not [line for line in entries if "±" in line]
    assert not {line.partition(" = ")[0] for line in entries} & {
        "effect",
        "low",
        "high",
        "verdict",
        "decision",
        "minutes",
    }


def test_an_effect_is_the_paired_difference_of_the_shipped_rows(findings):
    """07.teacher, read from the file as text and computed again."""
    with (DATA / "results" / "sweep-distillation.csv").open(encoding="utf-8") as file:
        rows = {(row["method"], row["seed"]): float(row["accuracy"]) for row in csv.DictReader(file)}
    seeds = sorted({seed for method, seed in rows if method == "soft, CNN teacher"})
    pairs = [100 * (rows["soft, CNN teacher", seed] - rows["alone", seed]) for seed in seeds]
    reach = student_t.ppf(0.975, len(pairs) - 1) * stdev(pairs) / math.sqrt(len(pairs))
    effect = findings["07.teacher"].effect
    assert (effect.mean, effect.high - effect.mean) == pytest.approx((fmean(pairs), reach))
    assert effect.runs == len(seeds)


def test_changed_rows_change_the_verdict(tmp_path):
    claim = ledger.find_claim("07.teacher")
    rows = ledger.read_results(claim.table)
    decisions = []
    for gain in (0.05, 0.0, -0.05):
        changed = [
            {**row, "accuracy": 0.7 + row["seed"] / 1000 + gain * row["method"].startswith("soft")} for row in rows
        ]
        write_results(changed, tmp_path / f"{claim.table}.csv")
        finding = ledger.examine(claim, tmp_path)
        assert finding.effect.mean == pytest.approx(100 * gain, abs=1e-9)
        decisions.append(finding.decision)
    assert decisions == ["supported", "equivalent", "contradicted"]


def rows_of(*arms):
    return [
        {"network": network, "seed": seed, "accuracy": value, "seconds": 30.0}
        for network, *each in arms
        for seed, value in enumerate(each)
    ]


def claim_of(**changes):
    claim = ledger.find_claim("02.local")
    return replace(claim, where={}, of=({"network": "new"},), minus=({"network": "old"},), **changes)


def test_only_seeds_that_both_sides_have_are_paired():
    """Of a table under way; and a mean over several rows needs all of them."""
    claim = claim_of()
    assert ledger.differences(claim, rows_of(("new", 0.9, 0.8), ("old", 0.5, 0.5, 0.1))) == pytest.approx([40, 30])
    averaged = [
        *rows_of(("new", 0.9, 0.8), ("old", 0.5, 0.5)),
        {"network": "new", "seed": 0, "accuracy": 0.7, "seconds": 1},
    ]
    assert ledger.differences(claim, averaged) == pytest.approx([30])
    with pytest.raises(
        ValueError, match=r"sweep-twins has no rows for the claim 02\.local: run `course train sweep-twins`"
    ):
        ledger.differences(claim, rows_of(("new", 0.9)))


def test_a_ratio_is_averaged_as_a_ratio():
    claim = claim_of(unit="times", smallest=1.2)
    finding = ledger.differences(claim, rows_of(("new", 2.0, 8.0), ("old", 1.0, 1.0)))
    assert math.exp(fmean(ledger.inner(claim, value) for value in finding)) == pytest.approx(4)  # not 5


def test_a_share_of_images_has_wilsons_interval(findings):
    effect = findings["10.other_caption"].effect
    share, n, z = 0.17, 100, 1.959964
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    assert (effect.low, effect.high) == pytest.approx((50 - 100 * (centre + reach), 50 - 100 * (centre - reach)))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('slide = "Idea #1"\n', "", "lacks the field slide"),
        ('name = "01.still_cnn"', 'name = "still"', "name is 'still', but must be NN.words"),
        ("smallest = 1e-6", "smallest = 0", "smallest is 0, but must be above 0"),
        ("smallest", 'verdict = "supported"\nsmallest', "has no field 'verdict'"),
    ],
)
def test_an_entry_that_decides_nothing_is_named(tmp_path, old, new, sentence):
    entry = "[[claim]]" + (DATA / "claims.toml").read_text(encoding="utf-8").split("[[claim]]")[1]
    assert old in entry
    (tmp_path / "claims.toml").write_text(entry.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=f"The claim .* in claims.toml: .*{sentence}"):
        ledger.claims(path=tmp_path / "claims.toml")


def test_two_claims_need_two_names(tmp_path):
    text = (DATA / "claims.toml").read_text(encoding="utf-8")
    entry = "[[claim]]" + text.split("[[claim]]")[1]
    (tmp_path / "claims.toml").write_text(entry + entry, encoding="utf-8")
    with pytest.raises(ValueError, match=r"Two claims in claims\.toml have the same name"):
        ledger.claims(path=tmp_path / "claims.toml")


def test_an_undecided_claim_says_what_it_would_take(findings):
    undecided = [each for each in findings.values() if each.decision is Decision.UNDECIDED]
    for each in undecided:
        assert each.runs_needed > each.effect.runs
        assert re.match(
            r"[\d,]+ (seeds|episodes|images), \d+\.\d hours on one core, in all, would find .* in 80 % of cases",
            wanted(each),
        )
        assert f"to decide it: {wanted(each)}" in "\n".join(details(each))
    assert not [each for each in findings.values() if wanted(each) and each not in undecided]


def test_by_chance_counts_what_intervals_test():
    seen = list(ledger.findings())
    tested = [each for each in seen if each.claim.kind in ("runs", "images")]
    supported = sum(each.decision == "supported" for each in tested)
    assert ledger.by_chance(seen) == (
        f"{len(tested)} of these {len(seen)} claims are tested by intervals, and {supported} of them are supported. If none "
        f"of them were true, about {0.025 * len(tested):.1f} would be supported by chance (2.5 % each)."
    )
    assert sum(map(int, re.findall(r"(\d+) (?:supp|contr|equiv|undec)", all_in_all(seen)))) == len(seen)


@pytest.mark.slow
def test_the_command_prints_every_claim_within_a_hundred_columns(findings, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    printed = runner.invoke(cli.app, ["claims"]).output
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 100
    for name, finding in findings.items():
        row = next(line for line in lines if re.search(rf"│ {re.escape(name)} ", line))
        assert str(finding.decision) in row
    assert "by chance" in printed

    printed = " ".join(runner.invoke(cli.app, ["claims", "7"]).output.split())
    for name, finding in findings.items():
        if name.startswith("07."):
            assert f"{name}: {finding.claim.says}" in printed
            assert f"{found(finding)}: {finding.decision}" in printed
    assert "again: course train sweep-distillation, " in printed
    assert "07.token" not in runner.invoke(cli.app, ["claims", "07.hard"]).output
    assert "07.softness: " in runner.invoke(cli.app, ["claims", "07.soft"]).output
    assert "choose one of 05.pretraining, 05.pretraining_more." in runner.invoke(cli.app, ["claims", "05.pre"]).output
    wrong = runner.invoke(cli.app, ["claims", "07.teachr"])
    assert wrong.exit_code == 2
    assert "There is no claim '07.teachr': choose one of 01.still_cnn, " in wrong.output


def test_a_notebook_shows_its_claims_with_the_same_words(findings, capsys):
    show_claims("05")
    _, heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["claim", "found", "from", "so", "it", "is"]
    assert [line.split()[0] for line in lines] == [name for name in findings if name.startswith("05.")]
    for line in lines:
        finding = findings[line.split()[0]]
        assert found(finding) in line
        assert decided_by(finding) in line
        assert line.endswith(finding.decision)
