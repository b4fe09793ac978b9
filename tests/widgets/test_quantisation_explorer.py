"""What QuantisationExplorer sends to the page."""

import numpy as np
import torch

from course_utils.widgets import QuantisationExplorer


def test_the_page_gets_the_weights_as_they_are():
    conv, linear = torch.randn(4, 3, 3, 2), torch.randn(5, 6)
    widget = QuantisationExplorer({"conv": conv.requires_grad_(), "linear": linear})
    assert (widget.names, widget.shapes) == (["conv", "linear"], [[4, 3, 3, 2], [5, 6, 1, 1]])
    assert np.array_equal(np.frombuffer(widget.weights[0], "<f4").reshape(4, 3, 3, 2), conv.detach().numpy())
    assert np.array_equal(np.frombuffer(widget.weights[1], "<f4").reshape(5, 6), linear.numpy())


def test_accuracies_are_sent_as_they_are_or_not_at_all():
    layers = {"linear": torch.randn(5, 6)}
    table = torch.arange(28).view(7, 2, 2) / 28
    assert QuantisationExplorer(layers, accuracies=table).accuracies == table.tolist()
    assert QuantisationExplorer(layers).accuracies == []
