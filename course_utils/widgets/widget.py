"""What all widgets are: their output also has a still picture and a sentence, for a page without the kernel.
All notebooks.
"""

import base64
import io
from typing import Any

import anywidget
import numpy as np

SIDE = 224  # of the still picture, in pixels


class Widget(anywidget.AnyWidget):
    """A widget whose saved output says what to do where it cannot be shown, for example after the kernel has ended."""

    _channels = 4  # of the bytes in pixels, if the widget has an image

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        shown = super()._repr_mimebundle_(**kwargs)
        if shown is not None:
            shown[0]["text/html"] = self._still()
        return shown

    def _still(self) -> str:
        """HTML with the first image, if there is one, and the sentence."""
        name = type(self).__name__
        picture = ""
        if self.has_trait("pixels"):
            source = f"data:image/jpeg;base64,{base64.b64encode(self._jpeg()).decode()}"
            picture = f'<p><img src="{source}" alt="The image of this {name}" width="{SIDE}"></p>'
        return (
            f"{picture}<p><strong>{name}</strong> needs its kernel: choose <em>Run ▸ Run All Above Selected Cell</em>, "
            "then run this cell; if the widget still does not appear, start JupyterLab with "
            "<code>course lab</code>.</p>"
        )

    def _jpeg(self) -> bytes:
        """The first image, coarser if it is large."""
        from PIL import Image  # imported here, because it takes longer than to show a widget

        first = self.pixels[0] if isinstance(self.pixels, list) else self.pixels
        shape = (self.height, self.width, self._channels)
        pixels = np.frombuffer(first, np.uint8, count=np.prod(shape)).reshape(shape)
        step = max(1, max(shape) // SIDE)
        file = io.BytesIO()
        Image.fromarray(pixels[::step, ::step, :3]).save(file, "JPEG")
        return file.getvalue()
