"""What the explorer of neighbourhoods sends to the page."""

import numpy as np
import torch
from samples import SAMPLES, build

from course_utils.attention import LocalAttention2d, attention_recorded


@torch.no_grad()
def test_the_page_gets_the_weights_that_a_layer_records_and_the_kernel():
    arguments = SAMPLES["LocalAttentionExplorer"].arguments
    torch.manual_seed(0)
    layer = LocalAttention2d(1, 8, 3, 2)
    with attention_recorded(layer) as maps:
        layer(arguments["image"][None])
    weights = maps[0][0].view(2, 8, 12, 3, 3)
    widget = build("LocalAttentionExplorer", attention=weights)
    sent = np.frombuffer(widget.weights, "<f2").reshape(2, 8, 12, 3, 3)
    np.testing.assert_allclose(sent, weights, atol=1e-3)
    np.testing.assert_allclose(widget.kernel, arguments["kernel"].flatten(), rtol=1e-6)
    assert (widget.heads, widget.rows, widget.columns, widget.size) == (2, 8, 12, 3)
