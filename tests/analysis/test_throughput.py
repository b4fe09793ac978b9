"""Speeds: the median of several runs, work by formula, every layer beside a peak measured in the same run."""

import pytest
import torch

from course_utils.analysis import throughput
from course_utils.analysis.throughput import achieved_flops, measure_layers, time_runs


def test_one_interrupted_run_does_not_change_what_was_achieved():
    seconds = torch.tensor([[2.0, 2.0, 2.0, 2.0, 50.0], [1.0, 4.0, 5.0, 5.0, 9.0]])
    assert achieved_flops(torch.tensor([100, 10]), seconds).tolist() == [50.0, 2.0]


def test_the_first_round_is_not_counted(sleeper):
    calls = []

    def first_is_slow():
        sleeper(0.01 if calls else 0.3)()
        calls.append("a")

    seconds = time_runs({"a": first_is_slow, "b": lambda: None}, rounds=3)
    assert len(calls) == 4
    assert seconds == {"a": pytest.approx((0.01,) * 3), "b": (0.0,) * 3}
    with pytest.raises(ValueError, match="at least 1"):
        time_runs({}, rounds=0)
    with pytest.raises(ValueError, match="There is nothing to time: pass at least one run"):
        time_runs({})


def test_work_is_what_the_formulas_say_and_the_peak_comes_first():
    peak, *layers = measure_layers(images=1, rounds=1)
    work = {layer.name.split(",")[0]: layer.flops for layer in layers}
    assert peak.flops_per_second == max(layer.flops_per_second for layer in (peak, *layers))
    assert work["ViT: MLP"] == 2 * 197 * 768 * 3072
    assert work["ViT: attention"] == 2 * 2 * 12 * 197**2 * 64
    assert work["ResNet: 3 × 3"] == 2 * 9 * 64 * 64 * 56**2
    assert work["mobile CNN: depthwise 3 × 3"] == 2 * 9 * 256 * 14**2
    assert all(layer.flops_per_second > 0 for layer in layers)


@pytest.mark.parametrize(("products", "fastest"), [(1e-3, "matmul 1536 × 1536"), (1.0, "ViT: MLP, 768 → 3072")])
def test_the_peak_is_a_layer_where_the_library_of_matrix_products_is_slow(monkeypatch, products, fastest):
    """By a clock that gives each layer a millisecond."""
    monkeypatch.setattr(
        throughput,
        "time_runs",
        lambda runs, device, rounds: {name: (products if "matmul" in name else 1e-3,) * rounds for name in runs},
    )
    peak, *layers = measure_layers()
    assert peak.name == f"peak: {fastest}"
    assert len(layers) == 8
    assert not any("matmul" in layer.name for layer in layers)
