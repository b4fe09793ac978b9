"""Work counted from shapes, and the roof on both sides of the ridge."""

import torch

from course_utils.analysis.roofline import Machine, Work, work_of


def test_work_counts_each_number_that_moves_once():
    layer, inputs = torch.nn.Linear(6, 5), torch.rand(2, 6)
    assert work_of(layer, inputs) == Work(2 * 2 * 6 * 5, 4 * (2 * 6 + 6 * 5 + 5 + 2 * 5))
    assert layer.weight.device.type == "cpu"
    half = work_of(layer.bfloat16(), inputs.bfloat16())
    assert half.intensity == 2 * work_of(layer.float(), inputs).intensity


def test_memory_is_the_limit_below_the_ridge_and_arithmetic_above():
    machine = Machine(peak=100.0, bandwidth=10.0)
    assert machine.ridge == 10
    assert [machine.roof(intensity) for intensity in (0.5, 10, 40)] == [5, 100, 100]
