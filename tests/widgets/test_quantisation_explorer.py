"""What QuantisationExplorer sends to the page, and what it refuses."""

import numpy as np
import pytest
import torch

from course_utils.widgets import QuantisationExplorer


def test_the_page_gets_the_weights_as_they_are():
    conv, linear = torch.randn(4, 3, 3, 2), torch.randn(5, 6)
    widget = QuantisationExplorer({"conv": conv.requires_grad_(), "linear": linear})
    assert (widget.names, widget.shapes) == (["conv", "linear"], [[4, 3, 3, 2], [5, 6, 1, 1]])
    assert np.array_equal(np.frombuffer(widget.weights[0], "<f4").reshape(4, 3, 3, 2), conv.detach().numpy())
    assert np.array_equal(np.frombuffer(widget.weights[1], "<f4").reshape(5, 6), linear.numpy())


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ({}, "no layers to show"),
        ({"norm": torch.ones(4)}, r"The weight of norm has shape \(4,\), but must be"),
        ({"conv": torch.full((2, 2), float("nan"))}, "The weight of conv holds 4 values that are NaN"),
        ({"conv": "weights"}, "The weight of conv is a str"),
        ({"big": torch.zeros(1001, 1000)}, "has 1,001,000 numbers"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(layers, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        QuantisationExplorer(layers)
    assert "\n" not in str(raised.value)
