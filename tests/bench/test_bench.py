"""The benchmark says who is faster, by how much, and what is over budget; what it races computes the same."""

import csv
from dataclasses import asdict, replace

import pytest
import torch
from typer.testing import CliRunner

from course_utils.bench import Race, attention, checks, faults, gpu, growth, measure, memory, models, run_races
from course_utils.bench.budget import budgets, exceeded
from course_utils.bench.figure import Figure
from course_utils.bench.growth import fitted_exponent
from course_utils.bench.measure import Measured, measure_group
from course_utils.bench.report import growth_rows, write_csv
from course_utils.cli import app
from course_utils.cli.bench import GROUPS, ON_A_CARD


def test_a_ratio_says_how_many_times_as_fast_ours_is(sleeper):
    race = Race("models", "sleep", {"ours": sleeper(0.01), "theirs": sleeper(0.03)}, images=6)
    ours, theirs = run_races([race], rounds=3)
    assert ours.ratio is None
    assert (theirs.ratio_low, theirs.ratio, theirs.ratio_high) == pytest.approx((3, 3, 3))
    assert ours.seconds == pytest.approx(0.01)
    assert ours.images_per_second == pytest.approx(6 / ours.seconds)
    with pytest.raises(ValueError, match="rounds is 1, but must be at least 2"):
        list(run_races([race], rounds=1))


def test_what_is_over_budget_is_named_and_nothing_else(sleeper):
    slow = run_races([Race("models", "a step", {"ours": sleeper(0.02), "timm": sleeper(0.005)})], rounds=2)
    (over,) = exceeded(Measured(list(slow)))
    assert "as fast as timm" in over
    fast = run_races([Race("models", "b", {"ours": sleeper(0.005), "timm": sleeper(0.02)})], rounds=2)
    assert not list(exceeded(Measured(list(fast))))
    beside = Race("local attention", "c", {"ours": sleeper(0.02), "depthwise convolution": sleeper(0.005)})
    assert not list(exceeded(Measured(list(run_races([beside], 2)))))  # no rival, only shown


@pytest.mark.parametrize(
    "budget",
    [
        "import_seconds",
        "command_seconds",
        "first_widget_seconds",
        "paint_seconds",
        "pass_seconds",
        "notebook_seconds",
    ],
)
def test_a_figure_is_held_to_the_limit_that_it_names(budget):
    limit = budgets()[budget]
    within = Figure("a thing", (0.9 * limit, 0.9 * limit, 9 * limit), budget)
    assert not list(exceeded(Measured(figures=[within])))  # the median counts
    (over,) = exceeded(Measured(figures=[Figure("a thing", (0.5 * limit, 1.1 * limit, 1.1 * limit), budget)]))
    assert over.startswith("a thing: ")
    assert f"the budget is {limit} s" in over
    assert not list(exceeded(Measured(figures=[Figure("shown only", (9 * limit,))])))


def test_a_notebook_is_held_to_its_memory_and_must_run_and_all_of_them_to_the_course():
    limit = budgets()
    large = Figure("05_made", (1.0,), "notebook_seconds", int((limit["notebook_gib"] + 1) * 2**30))
    failed = Figure("06_made", (1.0,), "notebook_seconds", 2**30, "Traceback\nZeroDivisionError: division by zero")
    assert [sentence[:2] for sentence in exceeded(Measured(figures=[large, failed]))] == ["05", "06"]
    many = [Figure(f"{n:02d}_made", (0.95 * limit["notebook_seconds"],), "notebook_seconds") for n in range(12)]
    (over,) = exceeded(Measured(figures=many))  # each within its budget, the course not
    assert "All notebooks took 34 minutes together" in over


@pytest.mark.slow
def test_bytes_of_attention_are_predicted_and_a_prediction_that_is_off_is_named():
    measured = list(memory.predictions())
    assert len(measured) == 6
    assert not list(exceeded(Measured(predictions=measured)))
    assert all(p.fused_bytes < p.predicted_bytes / 4 for p in measured)
    (over,) = exceeded(
        Measured(predictions=[replace(measured[0], predicted_bytes=int(1.03 * measured[0].measured_bytes))])
    )
    assert "the formula is 3.0 % off" in over


def test_the_table_is_whole_and_says_where_it_was_measured(tmp_path, sleeper):
    results = list(run_races([Race("images", "sleep", {"ours": sleeper(0.001), "theirs": sleeper(0.001)})], rounds=2))
    write_csv(tmp_path / "new" / "races.csv", [asdict(result) for result in results])
    with (tmp_path / "new" / "races.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["ours", "theirs"]
    assert rows[1]["torch"] == torch.__version__
    assert float(rows[1]["ratio"]) == pytest.approx(results[1].ratio)


def test_growth_is_measured_at_every_size_in_seconds_and_in_bytes(monkeypatch):
    sizes = (10_000, 20_000, 40_000, 80_000)
    squares = growth.Curve("numbers", "how many", sizes, lambda n: lambda: torch.zeros(n) + 1, "1", "1")
    monkeypatch.setattr(growth, "CURVES", (squares,))
    (found,) = growth.growths(rounds=2)
    assert found.bytes_exponent == pytest.approx(1, abs=0.01)
    rows = list(growth_rows([found]))
    assert [row["size"] for row in rows] == list(sizes)
    assert all(row["seconds_low"] <= row["seconds"] <= row["seconds_high"] for row in rows)


@pytest.mark.parametrize("curve", growth.CURVES, ids=lambda curve: f"{curve.what} over {curve.over}")
def test_every_curve_can_be_computed(curve):
    curve.make(curve.sizes[0])()


def test_exponents_are_those_of_the_larger_sizes():
    sizes = (1, 2, 4, 8, 16, 32)
    assert fitted_exponent(sizes, tuple(5 + n**2.0 if n < 8 else 3 * n**2.0 for n in sizes)) == pytest.approx(2)


@pytest.mark.slow
def test_models_that_race_have_equal_logits_and_equal_parameters():
    for name, side, _, rivals in models.pairs():
        ours, *others = rivals.values()
        count = sum(p.numel() for p in ours.parameters())
        assert {sum(p.numel() for p in other.parameters()) for other in others} == {count}, name
        images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            ours.eval()  # the fused answer of two heads is timm's only before the softmax
            mine = sum(ours.heads(images)) / 2 if name.startswith("Distilled") else ours(images)
            assert torch.allclose(mine, others[0].eval()(images), atol=1e-4), name


@pytest.mark.slow
@pytest.mark.parametrize("kind", [attention.FlexLocal, attention.CompiledFlexLocal])
def test_flex_attention_races_with_the_same_result(kind):
    if kind is attention.CompiledFlexLocal and not attention.can_compile("cpu"):
        pytest.skip("no C++ compiler")
    torch.manual_seed(0)
    ours = attention.LocalAttention2d(attention.CHANNELS, attention.CHANNELS, 3, attention.HEADS)
    flex = kind(attention.CHANNELS, attention.CHANNELS, 3, attention.HEADS)
    flex.load_state_dict(ours.state_dict())
    maps = torch.rand(2, attention.CHANNELS, 6, 7)
    with torch.inference_mode():
        assert torch.allclose(flex(maps), ours(maps), atol=1e-5)


def test_every_group_of_the_command_is_measured_and_no_other(monkeypatch):
    def nothing(*_, **__):
        return []

    for place, name in ((growth, "growths"), (checks, "scores"), (gpu, "measurements"), (faults, "faults")):
        monkeypatch.setattr(place, name, nothing)
    monkeypatch.setattr(memory, "predictions", nothing)
    for name in ("RACES", "FIGURES"):
        monkeypatch.setattr(measure, name, dict.fromkeys(getattr(measure, name), nothing))
    for group in GROUPS | ON_A_CARD:
        measure_group(group, 2, Measured(), "cpu", nothing)
    with pytest.raises(KeyError, match="mammoths"):
        measure_group("mammoths", 2, Measured(), "cpu", nothing)


def test_an_unknown_group_is_one_sentence():
    refused = CliRunner().invoke(app, ["bench", "modells"])
    assert refused.exit_code == 2
    assert "There is no group 'modells': choose some of models, " in refused.output


@pytest.mark.slow
def test_the_command_shows_keeps_and_judges_what_it_measured(tmp_path):
    ran = CliRunner().invoke(app, ["bench", "memory", "--check", "--output", str(tmp_path)])
    assert ran.exit_code == 0
    assert "Everything is within its budget." in ran.output
    rows = list(csv.DictReader((tmp_path / "memory.csv").open(newline="")))
    assert all(row["case"] in ran.output for row in rows)
    assert [path.name for path in tmp_path.iterdir()] == ["memory.csv"]


def test_without_a_browser_widgets_are_left_out_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CHROMIUM", str(tmp_path / "none"))
    ran = CliRunner().invoke(app, ["bench", "widgets", "--output", str(tmp_path)])
    assert ran.exit_code == 0
    assert "widgets: not measured. Chromium is needed and was not found" in ran.output
