"""What the explorer of neighbourhoods sends to the page, and what it refuses."""

import numpy as np
import pytest
import torch

from course_utils.attention import LocalAttention2d, attention_recorded
from course_utils.widgets import LocalAttentionExplorer

PICTURE = torch.rand(1, 8, 12)
KERNEL = torch.randn(3, 3)


@torch.no_grad()
def weights():
    torch.manual_seed(0)
    layer = LocalAttention2d(1, 8, 3, 2)
    with attention_recorded(layer) as maps:
        layer(PICTURE[None])
    return maps[0][0].view(2, 8, 12, 3, 3)


def test_the_page_gets_the_weights_that_a_layer_records_and_the_kernel():
    widget = LocalAttentionExplorer(PICTURE, weights(), KERNEL, head_names=["a", "b"])
    sent = np.frombuffer(widget.weights, "<f2").reshape(2, 8, 12, 3, 3)
    np.testing.assert_allclose(sent, weights(), atol=1e-3)
    np.testing.assert_allclose(widget.kernel, KERNEL.flatten(), rtol=1e-6)
    assert (widget.heads, widget.rows, widget.columns, widget.size) == (2, 8, 12, 3)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda w: LocalAttentionExplorer(PICTURE, w[0], KERNEL),
            "must be .heads, rows, columns, size, size. with an odd",
        ),
        (lambda w: LocalAttentionExplorer(PICTURE, w[..., :2, :2], KERNEL), "with an odd size"),
        (lambda w: LocalAttentionExplorer(PICTURE, w, torch.rand(5, 5)), r"shape \(5, 5\), but must be \(3, 3\)"),
        (lambda w: LocalAttentionExplorer(PICTURE, w - 0.1, KERNEL), "negative weights"),
        (lambda w: LocalAttentionExplorer(PICTURE, w * 2, KERNEL), "do not sum to one .one sums to 2"),
        (
            lambda w: LocalAttentionExplorer(PICTURE, torch.full_like(w, 1 / 9), KERNEL),
            "gives weight to places beyond the border",
        ),
        (
            lambda w: LocalAttentionExplorer(torch.rand(1, 9, 12), w, KERNEL),
            "8 × 12 positions make no grid of squares",
        ),
        (
            lambda w: LocalAttentionExplorer(PICTURE, w, KERNEL, head_names=["a"]),
            "There are 1 head_names for 2 heads",
        ),
        (lambda w: LocalAttentionExplorer(PICTURE, w / 0, KERNEL), "NaN or infinite"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make(weights())
    assert "\n" not in str(raised.value)
