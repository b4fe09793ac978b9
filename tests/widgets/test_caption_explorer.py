"""What CaptionExplorer sends to the page."""

import numpy as np
import torch
from samples import COSINES, SAMPLES, build


def test_the_page_gets_the_matrix_by_rows_of_pictures_and_the_pictures_in_their_order():
    widget = build("CaptionExplorer", temperature=0.2)
    torch.testing.assert_close(torch.tensor(widget.cosines), COSINES)
    assert (widget.right, widget.names[2], widget.temperature) == ([1, 0, 1], "image 3", 0.2)
    for sent, image in zip(widget.pixels, SAMPLES["CaptionExplorer"].arguments["images"], strict=True):
        pixels = np.frombuffer(sent, np.uint8).reshape(4, 5, 4)[..., :3] / 255
        np.testing.assert_allclose(pixels, image.permute(1, 2, 0), atol=0.003)
