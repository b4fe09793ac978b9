"""A labelled set of images that fits in memory; every dataset of the course is one. All notebooks."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

from torch import Tensor
from torch.utils.data import Dataset

from course_utils.settings import at_least

HowMany = Annotated[int, at_least(1), "a whole number of images, at least 1"]


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages(Dataset[tuple[Tensor, Tensor]]):
    """images (count, channels, height, width), float32 in [0, 1], and labels (count,), int64.

    classes are the names of the labels; source says where the images came from.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    name: str
    source: str

    def __repr__(self) -> str:
        channels, height, width = self.images.shape[1:]
        return f"{type(self).__name__}({len(self):,} of {channels} × {height} × {width}: {self.source})"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]

    def select(self, indices: Tensor | slice) -> Self:
        """The images at these places, in this order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])
