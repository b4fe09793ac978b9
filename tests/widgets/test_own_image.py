"""One's own image in a notebook: what is uploaded is shown, and what is no image gets one sentence."""

import io
from datetime import UTC, datetime

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.widgets import PatchExplorer
from course_utils.widgets.own_image import OwnImage


def upload(widget: OwnImage, content: bytes, name: str = "mine.png") -> None:
    """As the page does it."""
    if BEFORE_8:
        widget._chosen({"new": {name: {"content": content}}})
        return
    file = {"name": name, "type": "image/png", "size": len(content), "content": memoryview(content)}
    widget.upload.value = ({**file, "last_modified": datetime.now(UTC)},)


BEFORE_8 = int(ipywidgets.__version__.partition(".")[0]) < 8  # Colab has 7.7


@pytest.fixture
def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((20, 30, 3), 51, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_an_uploaded_image_is_passed_on_as_a_tensor(png):
    seen = []
    widget = OwnImage(seen.append)
    assert seen == []
    upload(widget, png)
    (image,) = seen
    assert image.shape == (3, 20, 30)
    assert torch.allclose(image, torch.tensor(0.2))
    widget._chosen({"new": {"mine.png": {"content": png}}})  # as before version 8 of ipywidgets
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"\x00\x00\x00\x18ftypmp42" + 40 * b"\0", "is a video: save one of its")],
)
def test_what_is_no_image_gets_one_sentence(content, words, capsys):
    upload(OwnImage(lambda image: pytest.fail("shown")), content)
    assert words in capsys.readouterr().out


def test_what_show_refuses_gets_its_sentence_too(png, capsys):
    upload(OwnImage(lambda image: PatchExplorer(image, 32)), png)
    assert "patch_size is 32, but must be from 1 to 20" in capsys.readouterr().out


@pytest.mark.skipif(BEFORE_8, reason="version 7 saves no text beside a widget")
def test_a_saved_notebook_says_that_the_button_needs_its_kernel():
    assert "needs its kernel" in OwnImage(print)._repr_mimebundle_()["text/html"]
