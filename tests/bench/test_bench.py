"""The benchmark says who is faster, by how much, and what is over budget; what it races computes the same."""

import csv
import time

import pytest
import torch
from typer.testing import CliRunner

from course_utils.bench import Race, attention, models, run_races
from course_utils.bench.growth import fitted_exponent
from course_utils.bench.program import IMPORT, Figure
from course_utils.bench.report import budgets, exceeded, write_csv
from course_utils.cli import app


def sleeper(seconds: float):
    return lambda: time.sleep(seconds)


def test_a_ratio_says_how_many_times_as_fast_ours_is():
    race = Race("models", "sleep", {"ours": sleeper(0.01), "theirs": sleeper(0.03)}, pictures=6)
    ours, theirs = run_races([race], rounds=3)
    assert ours.ratio is None
    assert 2 < theirs.ratio_low <= theirs.ratio <= theirs.ratio_high < 4
    assert ours.seconds_low <= ours.seconds <= ours.seconds_high
    assert ours.pictures_per_second == pytest.approx(6 / ours.seconds)
    with pytest.raises(ValueError, match="rounds is 1, but must be at least 2"):
        list(run_races([race], rounds=1))


def test_what_is_over_budget_is_named_and_nothing_else():
    limit = budgets()
    slow, fast = run_races([Race("models", "a step", {"ours": sleeper(0.02), "timm": sleeper(0.005)})], rounds=2)
    over = exceeded([slow, fast], [])
    assert len(over) == 1
    assert "as fast as timm" in over[0]
    (swapped,) = (
        r for r in run_races([Race("models", "b", {"ours": sleeper(0.005), "timm": sleeper(0.02)})], 2) if r.ratio
    )
    assert exceeded([swapped], []) == []
    beside = Race("local attention", "c", {"ours": sleeper(0.02), "depthwise convolution": sleeper(0.005)})
    assert exceeded(list(run_races([beside], 2)), []) == []  # no rival, only shown
    good = Figure("04_vision_transformer", 60.0, 2 * 2**30)
    assert exceeded([], [good]) == []
    late = Figure("04_vision_transformer", limit["notebook_seconds"] + 1.0, 2**30)
    large = Figure("05_vit_vs_cnn", 1.0, int((limit["notebook_gib"] + 1) * 2**30))
    failed = Figure(
        "06_augmentation_and_regularisation", 1.0, 2**30, "Traceback\nZeroDivisionError: division by zero"
    )
    said = exceeded([], [late, large, failed])
    assert [sentence.split("_")[0] for sentence in said] == ["04", "05", "06"]
    imported = [Figure("import torch", 2.0), Figure(IMPORT, 2.0 + limit["import_seconds"] + 0.1)]
    assert ["Importing the course took" in sentence for sentence in exceeded([], imported)] == [True]
    assert exceeded([], [imported[0], Figure(IMPORT, 2.1)]) == []
    many = [Figure(f"{n:02d}_made", 170.0) for n in range(12)]
    assert len(exceeded([], many)) == 1  # each within its budget, the course not


def test_the_table_is_whole_and_says_where_it_was_measured(tmp_path):
    results = list(
        run_races([Race("pictures", "sleep", {"ours": sleeper(0.001), "theirs": sleeper(0.001)})], rounds=2)
    )
    write_csv(tmp_path / "new" / "bench.csv", results)
    with (tmp_path / "new" / "bench.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["ours", "theirs"]
    assert rows[1]["torch"] == torch.__version__
    assert float(rows[1]["ratio"]) == pytest.approx(results[1].ratio)


def test_exponents_are_those_of_the_larger_sizes():
    sizes = (1, 2, 4, 8, 16, 32)
    assert fitted_exponent(sizes, tuple(5 + n**2.0 if n < 8 else 3 * n**2.0 for n in sizes)) == pytest.approx(2)


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


def test_flex_attention_races_with_the_same_result():
    torch.manual_seed(0)
    ours = attention.LocalAttention2d(attention.CHANNELS, attention.CHANNELS, 3, attention.HEADS)
    flex = attention.FlexLocal(attention.CHANNELS, attention.CHANNELS, 3, attention.HEADS)
    flex.load_state_dict(ours.state_dict())
    maps = torch.rand(2, attention.CHANNELS, 6, 7)
    with torch.no_grad():
        assert torch.allclose(flex(maps), ours(maps), atol=1e-5)


def test_an_unknown_group_is_one_sentence():
    refused = CliRunner().invoke(app, ["bench", "modells"])
    assert refused.exit_code == 2
    assert "There is no group 'modells': choose some of models, " in refused.output
