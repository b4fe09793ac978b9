"""The four layers of notebook 05's roofline do equal work, and lie under the roof where their times put them."""

import pytest
import torch

from course_utils.analysis import throughput
from course_utils.analysis.roofline import Machine, Work, work_of
from course_utils.experiments import interval, nb05_roofline, read_results
from course_utils.experiments.nb05_roofline import LAYERS, measure, placed
from course_utils.lab import notebooks


def test_the_layers_do_exactly_equal_work_and_differ_in_what_they_move():
    work = {name: work_of(make(), torch.empty(1, *shape)) for name, (make, shape) in LAYERS.items()}
    assert {each.flops for each in work.values()} == {2 * 196 * 768**2}
    assert work["linear"] == work["conv 1 × 1"]
    assert work["conv 3 × 3"].bytes == 4 * (2 * 256 * 196 + 9 * 256**2)
    assert work["depthwise 3 × 3"].bytes == 4 * (2 * 256 * 224**2 + 9 * 256)
    assert work["depthwise 3 × 3"].intensity == pytest.approx(18 / 8, rel=1e-3)


def test_a_layer_lies_where_its_time_puts_it():
    machine = Machine(peak=100.0, bandwidth=10.0)
    assert placed(Work(1000, 10), 20, machine)[1:] == (50, 0.5, 0.5)
    assert placed(Work(1000, 500), 100, machine)[1:] == (10, 0.1, 0.5)  # under the memory's roof, 20 FLOP/s


def test_a_point_has_the_machine_and_both_shares_of_every_layer(monkeypatch):
    """By a clock that gives every operation a second, whatever it does."""
    monkeypatch.setattr(nb05_roofline, "COPIED", 1000)
    monkeypatch.setattr(throughput, "SQUARES", (8, 16))
    monkeypatch.setattr(
        nb05_roofline, "time_runs", lambda runs, device, repeats: dict.fromkeys(runs, (1.0,) * repeats)
    )
    machine, found = measure(repeats=3)
    assert (machine.peak, machine.bandwidth) == (2 * 196 * 768**2, 2 * 4 * 1000)
    assert list(found) == list(LAYERS)
    for each in found.values():
        assert each.speed == each.work.flops
        assert each.of_peak == each.speed / machine.peak
        assert each.of_roof == each.speed / machine.roof(each.work.intensity)
    row = nb05_roofline.run(0)
    assert len(row) == 2 + 2 * len(LAYERS)
    assert row["linear, of the peak"] == pytest.approx(found["linear"].of_peak, rel=1e-3)


def test_the_text_says_how_much_slower_the_table_has_the_depthwise_convolution():
    rounds = read_results("sweep-roofline")
    times = interval([row["linear, of the peak"] / row["depthwise 3 × 3, of the peak"] for row in rounds]).mean
    text = {cell.id: cell.source for cell in notebooks.read(notebooks.find("05")).cells}["roofline-table-after"]
    assert f"is {times:.1f} times as slow" in text
