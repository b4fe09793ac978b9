"""Mutants are slips that change what a function does; a check that accepts one is named."""

import csv
import multiprocessing
import os
import signal
import traceback
from functools import cache

import pytest
import torch
from einops import rearrange
from torch import Tensor
from typer.testing import CliRunner

from course_utils.bench import checks, measure
from course_utils.bench.budget import budgets, exceeded
from course_utils.bench.checks import Finding, Score, equivalent, finding, mutants_of
from course_utils.bench.mutants import Mutant, compiled, mutants
from course_utils.bench.report import score_lines, score_rows
from course_utils.cli import app
from course_utils.exercises import Exercise, Kind, Misconception, Outcome, examine, exercises, find

FACTOR = 3.0  # found by a mutant among what stands beside the function


def mixed(scores: Tensor, other: Tensor, mask: Tensor | None = None, keep: float = 0.5) -> tuple[Tensor, Tensor]:
    """A little of everything."""
    if keep < 0:
        raise ValueError(f"keep is {keep}.")
    scores = scores - FACTOR * other
    if mask is not None:
        scores = scores.masked_fill(~mask, -99.0)
    weights = scores[:, 1:].softmax(dim=-1)
    return rearrange(weights, "b (h w) -> h b w", h=2), weights.sum(dim=0, keepdim=True).clamp(0, 1)


def check_numbers(numbers: object) -> None:
    """A service to users of the library: it has no place in a solution, so no slip changes it."""
    assert isinstance(numbers, Tensor)


def halved(numbers: Tensor) -> Tensor:
    """Half of each number."""
    check_numbers(numbers)
    return numbers / 2


CASE = torch.rand(3, 5), torch.rand(3, 5)
WEAK = Exercise(
    name="00.halved",
    title="Half of it",
    reference=halved,
    cases=lambda generator: [(torch.zeros(3),)],  # zero is half of zero, and also twice, and minus half
    misconceptions=tuple(Misconception(f"exp-{n}", "That is the exponential.", torch.exp) for n in range(3)),
    hints=("Divide.",) * 3,
)


@cache
def changes(function, cases=(), learns=()) -> dict[str, set[str]]:
    """By family: what the changed line has become."""
    found = mutants(function, cases, learns)
    return {
        family: {each.change.partition(" -> ")[2] for each in found if each.family == family}
        for family in {each.family for each in found}
    }


@pytest.mark.parametrize(
    ("family", "after"),
    [
        ("constant", "if keep < 1:"),
        ("constant", "weights = scores[:, 1:].softmax(dim=0)"),
        ("constant", "def mixed(scores, other, mask=None, keep=0.0):"),
        ("operator", "scores = scores + FACTOR * other"),
        ("operator", "scores = FACTOR * other - scores"),
        ("operator", "scores = scores"),
        ("operator", "scores = scores.masked_fill(mask, -99.0)"),
        ("comparison", "if keep <= 0:"),
        ("comparison", "if mask is None:"),
        ("condition", "if True:"),
        ("condition", "if False:"),
        ("condition", "raise RuntimeError(f'keep is {keep}.')"),
        ("slice", "weights = scores[:, 1 + 1:].softmax(dim=-1)"),
        ("slice", "weights = scores.softmax(dim=-1)"),
        ("function", "weights = scores[:, 1:].log_softmax(dim=-1)"),
        ("call", "weights = scores[:, 1:]"),
        ("name", "scores = other - FACTOR * other"),
        (
            "statement",
            "if mask is not None:; scores = scores.masked_fill(~mask, -99.0); scores = scores - FACTOR * other",
        ),
        ("softmax", "weights = scores[:, 1:].exp() / scores[:, 1:].exp().sum(dim=-1, keepdim=True)"),
        ("gradient", "scores = scores.detach() - FACTOR * other"),
        ("gradient", "with torch.no_grad():"),
        ("default", "def mixed(scores, other, mask, keep=0.5):"),
        ("input", "scores += 1; scores = scores - 1"),
    ],
)
def test_every_family_of_slips_is_made(family, after):
    assert after in changes(mixed, (CASE,), ("scores",))[family]


def test_results_are_exchanged_left_out_transposed_converted_or_bounded_on_one_side():
    found = {each.change.partition("return ")[2] for each in mutants(mixed, [CASE])}
    after = {change.rpartition(" -> return ")[2] for change in found}
    blocks, sums = "rearrange(weights, 'b (h w) -> h b w', h=2)", "weights.sum(dim=0, keepdim=True).clamp(0, 1)"
    expected = {blocks, sums, f"({sums}, {blocks})", f"({blocks}.mT, {sums})", f"({blocks}.half(), {sums})"}
    expected |= {f"({blocks}, {sums.replace('0, 1', bounds)})" for bounds in ("0", "max=1")}
    expected.add(f"({blocks}, {sums.replace(', keepdim=True', '')})")
    expected |= {f"({blocks.replace('h b w', 'b h w')}, {sums})", f"({blocks.replace('(h w)', '(w h)')}, {sums})"}
    assert expected <= after


def test_only_what_a_gradient_passes_through_on_its_way_to_what_learns_is_detached():
    assert "gradient" not in changes(mixed, (CASE,))
    detached = changes(mixed, (CASE,), ("other",))["gradient"]
    assert "scores = scores - FACTOR * other.detach()" in detached
    assert not any(
        "scores.detach()" in change for change in detached if change.startswith("scores = scores.detach() -")
    )


def test_a_statement_is_dropped_only_where_its_names_are_known_without_it():
    def stepped(steps):
        total, step = 0, 1
        for size in steps:
            total = total + size * step
            step = step * 2
        return total

    made = changes(stepped)["statement"]
    assert "(nothing)" in made
    assert "step = step * 2; total = total + size * step" in made
    assert "return total" in made  # one level too deep
    dropped = {each.change for each in mutants(stepped) if each.change.endswith("-> (nothing)")}
    assert not any(change.startswith("total, step") for change in dropped)


def test_what_is_provably_the_same_is_no_mutant():
    def same(numbers, size):
        numbers = numbers[:, None]
        return rearrange(numbers, "a b c -> (a b) c"), max(size, 2), -(-size // 1)

    sources = [each.source for each in mutants(same)]
    assert sources
    assert len(sources) == len(set(sources))
    assert not any("max(2, size)" in source for source in sources)
    assert not any("numbers[:, None, :]" in source for source in sources)
    # Two axes exchanged on the left are the same two exchanged on the right.
    assert sum("'b a c -> (a b) c'" in source or "'a b c -> (b a) c'" in source for source in sources) == 1


def test_no_mutant_of_an_exercise_is_its_reference_and_each_change_is_told_once():
    for exercise in exercises("00"):
        found = mutants_of(exercise)
        assert len({each.change for each in found}) == len(found) > 10
        assert all(each.change.partition(" -> ")[0] != each.change.partition(" -> ")[2] for each in found)


def test_a_mutant_runs_beside_what_its_function_has_beside_it_and_shows_its_lines():
    twice = next(each for each in mutants(halved) if each.change.endswith("numbers * 2"))
    assert compiled(twice, halved)(2.0) == 4.0
    broken = Mutant("name", "return numbers / 2 -> return number / FACTOR", "def halved(numbers):\n    return number")
    with pytest.raises(NameError) as error:
        compiled(broken, halved)(1.0)
    assert traceback.extract_tb(error.tb)[-1].line == "return number"


@pytest.fixture
def weak(monkeypatch) -> list[Finding]:
    """What a check finds that tries zeros only."""
    monkeypatch.setattr(checks, "judge", lambda name, function: examine(WEAK, function))
    return [finding(WEAK, mutant) for mutant in mutants_of(WEAK)]


def test_an_accepted_mutant_is_reported_a_caught_one_is_not(weak):
    score = Score(WEAK.name, weak, {}, 1.0)
    accepted = {each.mutant.change for each in score.accepted}
    assert "return numbers / 2 -> return numbers * 2" in accepted
    assert "return numbers / 2 -> return numbers / 0" not in accepted
    assert "  accepted: return numbers / 2 -> return numbers * 2" in score_lines(score).splitlines()
    (row,) = score_rows([score])
    assert row["mutants"] == row["caught"] + row["accepted"]
    over = [sentence for sentence in exceeded(measure.Measured(scores=[score])) if "CPU" not in sentence]
    assert "00.halved: the check accepts return numbers / 2 -> return numbers * 2" in over


def test_an_equivalent_mutant_is_excused_with_its_reason_and_an_entry_that_nothing_needs_is_stale(weak):
    twice, zero = "return numbers / 2 -> return numbers * 2", "return numbers / 2 -> return numbers / 0"
    score = Score(WEAK.name, weak, {twice: "Zero is twice zero.", zero: "It is not."}, 1.0)
    assert twice not in {each.mutant.change for each in score.accepted}
    assert [each.mutant.change for each in score.excused] == [twice]
    assert score.stale == [zero]
    lines = score_lines(score).splitlines()
    assert f"  equivalent: {twice} (Zero is twice zero.)" in lines
    assert f"  stale, because no accepted mutant has it: {zero}" in lines


def test_a_slow_check_and_one_that_fails_itself_are_over_budget():
    mutant = Mutant("call", "a -> b", "")
    slow = [Finding(mutant, Outcome.NOT_YET, cpu_seconds=1.5 * budgets()["check_cpu_seconds"])] * 9
    (over,) = exceeded(measure.Measured(scores=[Score("00.made", slow, {}, 1.0)]))
    assert over.startswith("00.made: a check takes 0.15 CPU seconds")
    failed = [Finding(mutant, Outcome.NOT_JUDGED, Kind.ENGINE)] * 2
    assert not Score("00.made", failed, {}, 1.0).caught
    assert Finding(mutant, Outcome.NOT_JUDGED, Kind.TOO_SLOW).caught  # a loop that was stopped on a busy machine


def perilous(name, start, sender) -> None:
    """Findings on three mutants, of which the first may be running on and the second ends the whole process."""
    sender.send([Mutant("call", str(number), "") for number in range(3)])
    for number in range(start, 3):
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        kind = Kind.TOO_SLOW if number == 0 else Kind.VALUES
        sender.send(Finding(Mutant("call", str(number), ""), Outcome.NOT_YET, kind, message=f"from {start}"))


def test_a_mutant_that_runs_on_or_ends_its_process_stops_nobody_else(monkeypatch):
    monkeypatch.setattr(checks, "_send_findings", perilous)
    monkeypatch.setattr(
        checks, "SPAWN", multiprocessing.get_context("fork")
    )  # spawned, it would import all this again
    found = list(checks.findings_apart("00.made"))
    assert [each.mutant.change for each in found] == ["0", "1", "2"]
    assert [each.message for each in found] == ["from 0", "", "from 2"]
    assert all(each.caught for each in found)


@pytest.mark.slow
def test_a_process_apart_finds_what_is_found_here():
    exercise = find("00.causal_mask")
    apart = list(checks.findings_apart(exercise.name))
    assert [each.mutant for each in apart] == mutants_of(exercise)
    assert [each.kind for each in apart] == [finding(exercise, each.mutant).kind for each in apart]


def test_the_table_of_equivalent_mutants_speaks_of_mutants_that_there_are():
    for name, reasons in equivalent().items():
        unknown = set(reasons) - {each.change for each in mutants_of(find(name))}
        assert not unknown, (
            f"equivalent.toml lists for {name} what is no change to its reference, {unknown}: copy the reference's "
            "present line, or take the entry out."
        )
        assert all(reasons.values()), name


def test_the_command_runs_this_group_alone_keeps_its_tables_and_fails_on_an_accepted_mutant(
    monkeypatch, tmp_path, weak
):
    monkeypatch.setattr(measure.checks, "scores", lambda: iter([Score(WEAK.name, weak, {}, 1.0)]))
    ran = CliRunner().invoke(app, ["bench", "checks", "--check", "--output", str(tmp_path)])
    assert ran.exit_code == 1
    assert "00.halved: the check accepts" in ran.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checks.csv", "mutants.csv"]
    rows = list(csv.DictReader((tmp_path / "mutants.csv").open(newline="")))
    assert {row["outcome"] for row in rows} >= {"passed", "not yet"}
