"""Quantisation from scratch gives PyTorch's numbers."""

import pytest
import torch

from course_utils.deployment.quantise import (
    affine_parameters,
    fake_quantise,
    quantise_weight,
    symmetric_parameters,
    with_rounded_weights,
)

G = torch.Generator().manual_seed(0)
VALUES = torch.randn(6, 50, generator=G) * torch.tensor([0.1, 1, 10, 3, 0.01, 100])[:, None] + 0.3


@pytest.mark.parametrize("find", [affine_parameters, symmetric_parameters])
def test_per_tensor_it_is_torchs_quantisation(find):
    scale, zero = find(VALUES.amin(), VALUES.amax(), 8)
    theirs = torch.quantize_per_tensor(VALUES, scale.item(), int(zero), torch.qint8)
    assert torch.equal(fake_quantise(VALUES, scale, zero, 8), theirs.dequantize())


@pytest.mark.parametrize("find", [affine_parameters, symmetric_parameters])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_per_channel_it_is_torchs_fake_quantisation_at_any_number_of_bits(find, bits):
    scale, zero = find(VALUES.amin(1), VALUES.amax(1), bits)
    theirs = torch.fake_quantize_per_channel_affine(
        VALUES, scale, zero.int(), 0, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    )
    assert torch.allclose(fake_quantise(VALUES, scale[:, None], zero[:, None], bits), theirs, rtol=1e-5)


def test_parameters_are_those_of_torchs_observer():
    observer = torch.ao.quantization.MinMaxObserver(dtype=torch.qint8, qscheme=torch.per_tensor_affine)
    observer(VALUES)
    scale, zero = affine_parameters(VALUES.amin(), VALUES.amax(), 8)
    theirs, their_zero = observer.calculate_qparams()
    assert scale.item() == pytest.approx(theirs.item(), rel=1e-6)
    assert zero.item() == their_zero.item()


@pytest.mark.parametrize(("low", "high"), [(0.5, 3.0), (-4.0, -1.0), (-1.0, 2.0), (0.0, 0.0)])
def test_zero_stays_zero_and_no_value_in_range_is_off_by_more_than_half_a_step(low, high):
    scale, zero = affine_parameters(torch.tensor(low), torch.tensor(high), 5)
    assert fake_quantise(torch.zeros(1), scale, zero, 5).item() == 0
    values = torch.linspace(low, high, 101)
    # both ends move by up to half a step when the zero point is rounded
    assert (fake_quantise(values, scale, zero, 5) - values).abs().max() <= scale * 1.0001


def test_a_scale_a_channel_helps_where_channels_differ_in_size():
    error = {each: (quantise_weight(VALUES, 4, per_channel=each) - VALUES)[4].abs().mean() for each in (True, False)}
    assert error[True] < error[False] / 10
    assert torch.equal(quantise_weight(torch.zeros(2, 3)), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="bits is 1, but must be from 2 to 16"):
        quantise_weight(VALUES, 1)


def test_the_weights_of_all_layers_are_rounded_in_a_copy_and_biases_and_norms_are_not():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rounded = with_rounded_weights(model, 3, per_channel=False, symmetric=False).state_dict()
    for name, value in before.items():
        expected = quantise_weight(value, 3, False, False) if value.ndim > 1 else value
        assert torch.equal(rounded[name], expected), name
        assert torch.equal(model.state_dict()[name], value), name
    assert not torch.equal(rounded["0.weight"], before["0.weight"])
