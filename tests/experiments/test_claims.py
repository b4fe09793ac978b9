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
from course_utils.experiments import claims_computed
from course_utils.experiments.claims_shown import all_in_all, decided_by, details, found, show_claims, wanted
from course_utils.experiments.sweep import read_results, write_results
from course_utils.experiments.verdict import Decision, effect_of
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


def test_a_reason_says_of_the_papers_what_their_tables_say(findings):
    value = {(row["model"], row["setting"]): row["value"] for row in read_results("deit", DATA / "papers")}
    alone = {model: number for (model, setting), number in value.items() if setting == "no distillation"}
    gains = [number - alone[model] for (model, _), number in value.items() if number > alone.get(model, number)]
    for begin, figures in {
        "DeiT's own gains are ": f"{min(gains):.1f} to {max(gains):.1f} points; ",
        "the published gap on ImageNet is ": f"{findings['05.imagenet'].effect.mean:.1f} points; ",
    }.items():
        reasons = {claim.because for claim in LEDGER if claim.because.startswith(begin)}
        assert reasons
        assert all(reason.startswith(begin + figures) for reason in reasons), reasons


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
        ('by = "zero gate"', 'by = "nothing"', "by is 'nothing', but must be one of '', zero gate, "),
        ('by = "zero gate"', "", "nothing decides it: name a table with terms in of or minus, or a function in by"),
        ('said = "0"', 'said = "a lot"', "said is 'a lot', but must be a number, because the claim is computed"),
        ('unit = "said"', 'unit = "times"', "smallest is 1e-06, but must be above 1 time"),
    ],
)
def test_an_entry_that_decides_nothing_is_named(tmp_path, old, new, sentence):
    entry = "[[claim]]" + (DATA / "claims.toml").read_text(encoding="utf-8").split("[[claim]]")[1]
    assert old in entry
    (tmp_path / "claims.toml").write_text(entry.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=f"The claim .* in claims.toml: .*{sentence}"):
        ledger.claims(path=tmp_path / "claims.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "it has no entries"),
        (b"claim = 3", "it has no entries"),
        (b'claim = ["a"]', "it has no entries"),
        (b"x = [", "Invalid value"),
        (b"<<<<<<< HEAD", "Invalid"),
        (b"\xe9", "can't decode"),
    ],
)
def test_a_ledger_that_is_none_is_named(tmp_path, text, words):
    (tmp_path / "claims.toml").write_bytes(text)
    with pytest.raises(ValueError, match=rf"claims\.toml is damaged \(.*{words}.*\): restore it with git\.$"):
        ledger.claims(path=tmp_path / "claims.toml")


def put(column, value):
    """The table with one cell changed, in a row that the claims below use."""
    return lambda rows: [{**row, column: value} if number == 0 else row for number, row in enumerate(rows)]


def renamed(old, new):
    return lambda rows: [{new if name == old else name: value for name, value in row.items()} for row in rows]


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("07.teacher", put("accuracy", "oops"), "its row 1 has the accuracy 'oops'"),
        ("07.teacher", put("accuracy", ""), "its row 1 has the accuracy ''"),
        ("07.teacher", put("accuracy", "nan"), "its row 1 has the accuracy 'nan'"),
        ("07.teacher", put("accuracy", "79.1"), "its row 1 has the accuracy '79.1'"),
        ("07.teacher", put("seconds", "5 s"), "its row 1 has '5 s' seconds"),
        ("07.teacher", put("seconds", "nan"), "its row 1 has 'nan' seconds"),
        ("07.teacher", put("seed", "nan"), "its row 1 has the seed nan"),
        ("07.teacher", renamed("accuracy", "acc"), "needs a column accuracy"),
        ("07.teacher", renamed("seconds", "secs"), "it has no column seconds"),
        ("07.teacher", renamed("seed", "sed"), "needs a column seed"),
        ("07.teacher", renamed("method", "way"), "needs a column method"),
        ("07.teacher", lambda rows: rows + rows[:1], "its row .* is of the same point as an earlier one"),
        ("07.teacher", lambda rows: [*rows, put("accuracy", 0.9)(rows)[0]], "is of the same point as an earlier"),
        ("09.niche", put("accuracies", "0.5 nan 0.5"), "its row 1 has the accuracies 'nan'"),
        ("02.price", put("training_seconds", 0), "its row 1 has the training_seconds '0'"),
        ("10.harmful", lambda rows: rows + rows, "is of the same point as an earlier one"),
        ("10.harmful", put("led_to_target", "0.1 0.2"), "its row 1 has the led_to_target '0.1 0.2'"),
        ("10.harmful", put("pictures", 0), "its row 1 has 0 pictures"),
        ("10.harmful", put("led_to_target", -0.1), "its row 1 has the led_to_target '-0.1'"),
    ],
)
def test_a_damaged_table_decides_nothing(tmp_path, name, damage, words):
    claim = ledger.find_claim(name)
    rows = sorted(ledger.read_results(claim.table), key=lambda row: not ledger.used(claim, row))
    path = tmp_path / f"{claim.table}.csv"
    write_results(damage(rows), path)
    with pytest.raises(
        ValueError, match=rf"{claim.table}.csv is damaged \(.*{words}.*\): restore it with git, or move"
    ):
        ledger.examine(claim, tmp_path)


def test_a_damaged_table_of_a_paper_is_said_too(tmp_path, monkeypatch):
    monkeypatch.setattr(claims_computed, "DATA", tmp_path)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "steiner_augreg.csv").write_text("model,value\nB/16,a lot\n")
    with pytest.raises(
        ValueError, match=r"papers is damaged \(06\.always cannot be computed: .*\): restore it with git"
    ):
        ledger.examine(ledger.find_claim("06.always"))


def test_two_claims_need_two_names(tmp_path):
    text = (DATA / "claims.toml").read_text(encoding="utf-8")
    entry = "[[claim]]" + text.split("[[claim]]")[1]
    (tmp_path / "claims.toml").write_text(entry + entry, encoding="utf-8")
    with pytest.raises(ValueError, match=r"Two claims in claims\.toml have the same name"):
        ledger.claims(path=tmp_path / "claims.toml")


@pytest.mark.parametrize("name", ["02.quick", "08.clothes", "01.block_long"])
def test_an_undecided_claim_says_what_it_would_take(name, tmp_path):
    claim = next(each for each in LEDGER if each.name == name)
    rows = read_results(claim.table)
    first = sorted({row["seed"] for row in rows})[:3]
    write_results([row for row in rows if row["seed"] in first], tmp_path / f"{claim.table}.csv")
    few = ledger.examine(claim, tmp_path)
    assert (few.decision, few.effect.runs) == (Decision.UNDECIDED, 3)
    assert few.runs_needed > 3
    assert re.match(r"\d+ seeds, \d+\.\d hours on one core, in all, would detect .* in 80 % of cases", wanted(few))
    assert f"to decide it: {wanted(few)}" in "\n".join(details(few))


@pytest.mark.parametrize(
    "table",
    [
        "sweep-twins",
        "sweep-pretraining",
        "sweep-distillation",
        "sweep-distillation-curves",
        "sweep-imagenet-teacher",
        "sweep-hierarchy",
    ],
)
def test_no_verdict_rests_on_the_seed_that_chose_the_settings(table, findings, tmp_path):
    write_results([row for row in read_results(table) if row["seed"] != 9], tmp_path / f"{table}.csv")
    without = [ledger.examine(claim, tmp_path) for claim in LEDGER if claim.table == table]
    assert any(each.effect.runs < findings[each.claim.name].effect.runs for each in without)
    assert all(each.decision == findings[each.claim.name].decision for each in without)


def test_a_claim_that_enough_runs_left_open_asks_for_half_the_interval(findings):
    claim = findings["01.block_head"].claim
    open_one = ledger.Finding(claim, effect_of([-9.0, -8.0, 1.0, 2.0] * 3), Decision.UNDECIDED, seconds=3600.0)
    assert open_one.runs_needed == 48
    assert wanted(open_one) == (
        "48 seeds, 4.0 hours on one core, to halve the interval. (The 12 seeds would have detected 5.0 points in at "
        "least 80 % of cases.)"
    )


def test_only_an_undecided_claim_says_what_it_would_take(findings):
    assert {name for name, each in findings.items() if wanted(each)} == {
        name for name, each in findings.items() if each.decision is Decision.UNDECIDED
    }


def test_by_chance_counts_what_intervals_test():
    seen = list(ledger.findings())
    tested = [each for each in seen if each.claim.kind in ("runs", "images")]
    supported = sum(each.decision == "supported" for each in tested)
    assert ledger.by_chance(seen) == (
        f"{len(tested)} of these {len(seen)} claims are tested by intervals, and {supported} of them are supported. If "
        f"none of them were true, {0.025 * len(tested):.1f} would be supported by chance (2.5 % each), and at most "
        f"{0.048 * len(tested):.1f} (4.8 %) because some were looked at after three or ten runs and again after more."
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
