"""All that the course knows about a dataset, in one record. All notebooks."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from course_utils.data.pictures import Pictures
from course_utils.data.resolve import Files


@dataclass(frozen=True)
class Dataset:
    """A labelled set of pictures: what is in it, how it is read, and where it is.

    The pictures come from one of two functions. read is told whether the test set is wanted and returns images
    (count, channels, height, width), float32 in [0, 1], labels (count,), int64, and their source in words; it raises
    DataNotFound when they are nowhere. make is given a count and a seed, for pictures that are drawn, not stored.
    Raises ValueError for a record with neither, and for one that does not say where its pictures come from.
    """

    name: str  # what ``load`` calls it
    shape: tuple[int, int, int]  # channels, height, width
    classes: tuple[str, ...]  # the names of labels 0, 1, …
    mean: float  # of the training pixels, all channels together
    std: float
    read: Callable[[bool], tuple[Tensor, Tensor, str]] | None = None
    make: Callable[[int, int], Pictures] | None = None
    files: Files | None = None  # where to look for it; None when it comes with the packages
    origin: str = ""  # in words, of one without files

    def __post_init__(self) -> None:
        if (self.read is None) == (self.make is None):
            raise ValueError(
                f"The dataset {self.name!r} needs one loader: give its record read, for stored pictures, or make, "
                "for pictures drawn from a seed."
            )
        if (self.files is None) == (not self.origin):
            raise ValueError(
                f"The dataset {self.name!r} does not say where it comes from: give its record either files to look "
                'for or an origin, such as "comes with scikit-learn".'
            )

    def pictures(self, test: bool) -> Pictures:
        """All training pictures, or all test pictures, in the dataset's order. Raises DataNotFound as read does."""
        assert self.read is not None, f"{self.name} is drawn, not read"
        images, labels, source = self.read(test)
        return Pictures(images, labels, self.classes, self.name, source)
