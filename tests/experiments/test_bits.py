"""What rounding costs in accuracy: the table has each way of rounding in its place."""

from types import SimpleNamespace

import torch

from course_utils.experiments import nb09_bits


def test_the_table_has_bits_then_scales_then_kinds(monkeypatch):
    ways = []
    monkeypatch.setattr(nb09_bits, "with_rounded_weights", lambda model, *how: (model, *how))

    def evaluate(rounded, images):
        model, *how = rounded
        assert model == "the teacher"
        assert len(images) == 7
        ways.append(tuple(how))
        return SimpleNamespace(accuracy=len(ways) / 100)

    monkeypatch.setattr(nb09_bits, "evaluate", evaluate)
    table = nb09_bits.accuracies_by_bits("the teacher", count=7)
    assert ways == [(bits, channel, symmetric) for bits in range(2, 9) for channel in (0, 1) for symmetric in (0, 1)]
    torch.testing.assert_close(table, torch.arange(1, 29).view(7, 2, 2) / 100)
