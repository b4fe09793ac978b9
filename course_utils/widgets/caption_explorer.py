"""CaptionExplorer: pictures against captions, both softmaxes, and the temperature. Notebook 10."""

from collections.abc import Sequence
from typing import Any

import anywidget
import torch
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_picture, as_tensor, rgba

MOST = 16  # pictures or captions: more could not be told apart


class CaptionExplorer(anywidget.AnyWidget):
    """The matrix of cosines under the pointer, and what a picture and a caption choose at a temperature.

    images: (pictures, 3 or 1, height, width) in [0, 1]. captions: sentences. cosines: (pictures, captions), in [−1,
    1]. right: for each picture the number of its caption; the loss is shown when each picture has another one and no
    caption is left over. names: of the pictures. temperature: at the start, 0.01 to 1. Raises ValueError, in one
    sentence, for what does not fit together.
    """

    _esm = script("caption_explorer")
    _css = style("caption_explorer")
    pixels = traitlets.List(traitlets.Bytes()).tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    captions = traitlets.List(traitlets.Unicode()).tag(sync=True)
    cosines = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    right = traitlets.List(traitlets.Int()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        images: Any,
        captions: Sequence[str],
        cosines: Any,
        right: Any = (),
        names: Sequence[str] | None = None,
        temperature: float = 0.07,
    ) -> None:
        pictures = [as_picture(image) for image in as_tensor(images, "The batch of pictures")]
        matrix = as_tensor(cosines, "The matrix of cosines")
        if matrix.shape != (len(pictures), len(captions)):
            raise ValueError(
                f"The cosines have shape {tuple(matrix.shape)}, but there are {len(pictures)} pictures and "
                f"{len(captions)} captions: pass one row per picture and one column per caption."
            )
        if matrix.abs().max() > 1.001:
            raise ValueError(
                f"The cosines reach {matrix.abs().max():.3g}, but a cosine lies in [−1, 1]: pass products of unit "
                "vectors, not yet divided by the temperature."
            )
        if max(matrix.shape) > MOST:
            raise ValueError(f"The matrix is {tuple(matrix.shape)}, but at most {MOST} per side can be told apart.")
        labels = [f"picture {number}" for number in range(1, len(pictures) + 1)] if names is None else list(names)
        if len(labels) != len(pictures):
            raise ValueError(f"There are {len(labels)} names for {len(pictures)} pictures: give one each.")
        numbers = torch.as_tensor(right).flatten().tolist()
        if numbers and (len(numbers) != len(pictures) or not all(0 <= each < len(captions) for each in numbers)):
            raise ValueError(
                f"right is {numbers}, but must be one number of a caption from 0 to {len(captions) - 1} for each of "
                f"the {len(pictures)} pictures, or be left out."
            )
        if not 0.01 <= temperature <= 1:
            raise ValueError(f"temperature is {temperature}, but the slider goes from 0.01 to 1.")
        height, width = pictures[0].shape[-2:]
        super().__init__(
            pixels=[rgba(picture) for picture in pictures],
            height=height,
            width=width,
            captions=list(captions),
            cosines=matrix.clamp(-1, 1).tolist(),
            right=[int(each) for each in numbers],
            names=labels,
            temperature=float(temperature),
        )
