"""Everything about one dataset, in one record. All notebooks."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from course_utils.data.labelled_images import LabelledImages
from course_utils.data.resolve import Files


@dataclass(frozen=True)
class Dataset:
    """A labelled set of images: what it contains, how to read it, and where it is.

    The images come from one of two functions. read(test) returns the test or the training set: images (count,
    channels, height, width), float32 in [0, 1], labels (count,), int64, and a description of their source; it raises
    DataNotFound when it cannot find them. make(count, seed) is for images that are drawn, not stored. Raises
    ValueError for a record with neither, and for one without a source.
    """

    name: str  # what ``load`` calls it
    shape: tuple[int, int, int]  # channels, height, width
    classes: tuple[str, ...]  # the names of labels 0, 1, …
    mean: float  # of the training pixels, over all channels
    std: float
    read: Callable[[bool], tuple[Tensor, Tensor, str]] | None = None
    make: Callable[[int, int], LabelledImages] | None = None
    files: Files | None = None  # where to look for it; None when it comes with the packages
    origin: str = ""  # source of a dataset without files

    def __post_init__(self) -> None:
        if (self.read is None) == (self.make is None):
            raise ValueError(
                f"The dataset {self.name!r} needs one loader: pass read for stored images, or make "
                "for images drawn from a seed."
            )
        if (self.files is None) == (not self.origin):
            raise ValueError(
                f"The dataset {self.name!r} has no source: pass either the files to look "
                'for or an origin, such as "comes with scikit-learn".'
            )

    def images(self, test: bool) -> LabelledImages:
        """All training images, or all test images, in the dataset's order. Raises DataNotFound like read."""
        assert self.read is not None, f"{self.name} is drawn, not read"
        images, labels, source = self.read(test)
        return LabelledImages(images, labels, self.classes, self.name, source)
