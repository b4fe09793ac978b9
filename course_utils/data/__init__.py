"""The course's data: ``load("fashion_mnist")``, ``photo("chelsea")``, ``make_shapes(1000)``. All notebooks."""

from course_utils.data.dataset import Dataset
from course_utils.data.drawing import COLOURS, SHAPES, TEXTURES, Scene, draw
from course_utils.data.folder import load_folder
from course_utils.data.images import open_image
from course_utils.data.labelled_images import LabelledImages
from course_utils.data.real import photo
from course_utils.data.registry import DATASETS, Status, downloads, fetch, load, status
from course_utils.data.resolve import DataNotFound
from course_utils.data.shapes import Shapes, ShapesConfig, make_shapes, same_different

__all__ = [
    "COLOURS",
    "DATASETS",
    "SHAPES",
    "TEXTURES",
    "DataNotFound",
    "Dataset",
    "LabelledImages",
    "Scene",
    "Shapes",
    "ShapesConfig",
    "Status",
    "downloads",
    "draw",
    "fetch",
    "load",
    "load_folder",
    "make_shapes",
    "open_image",
    "photo",
    "same_different",
    "status",
]
