"""A button to choose one's own image, for cells that also work without anybody to press it. Notebooks 04 and 10."""

from collections.abc import Callable
from typing import Any

from ipywidgets import FileUpload, Layout, Output, VBox
from torch import Tensor

from course_utils.data import open_image


class OwnImage(VBox):
    """A button that opens an image from this computer and, below it, what show makes of it.

    show: image (3, height, width) in [0, 1] → what is displayed, or None if it displays something itself. The file is
    read by :func:`~course_utils.data.open_image`; what that or show refuses is printed as its sentence.
    """

    def __init__(self, show: Callable[[Tensor], object]) -> None:
        self.show, self.upload, self.place = (
            show,
            FileUpload(accept="image/*", layout=Layout(width="max-content")),
            Output(),
        )
        self.upload.description = "Choose an image of your own"
        self.upload.observe(self._chosen, "value")
        super().__init__([self.upload, self.place])

    def _chosen(self, change: dict[str, Any]) -> None:
        from IPython.display import display

        files = (
            change["new"].values() if isinstance(change["new"], dict) else change["new"]
        )  # a dict before version 8
        for file in files:
            self.place.clear_output(wait=True)
            with self.place:
                try:
                    shown = self.show(open_image(bytes(file["content"])))
                except (ValueError, MemoryError) as error:
                    print(error)
                else:
                    if shown is not None:
                        display(shown)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["text/html"] = "<p>Run this cell to choose an image of your own: the button needs its kernel.</p>"
        return bundle
