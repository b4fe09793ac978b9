"""One's own image, from wherever it is: a file, bytes, an image of Pillow, an array or a tensor.
Notebooks 04 and 10."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from course_utils import files
from course_utils.console import first_line
from course_utils.data.image_files import MOST_BYTES, decoded, limited, pixels_of
from course_utils.data.pixels import MOST_PIXELS, NoImage, TooLarge, as_numbers, covered, in_range, on_white
from course_utils.settings import Count, checked, shown

FIRST, LAST = (1, 3, 4), (1, 2, 3, 4)  # channels: grey, grey and alpha, colour, colour and alpha
ADDRESS = re.compile(r"(https?|ftps?|s3|gs|data|file):|www\.", re.IGNORECASE)


def open_image(source: Any, image_size: int | tuple[int, int] | None = None) -> Tensor:
    """One image, (3, height, width), float32 in [0, 1]: what every widget and, as a batch of one, every model reads.

    source: the path of a file, the bytes of one or an open binary file, read from its beginning; an image of Pillow; an
    array, a tensor or nested lists, (height, width) or with 1, 3 or 4 channels first, or 1 to 4 last. A grey image gets
    three equal channels; what is transparent is put on white; photographs are turned upright; of an animation, the
    first frame is taken. Floating-point numbers must lie in [0, 1]; whole numbers are divided by 255 or, for 16 bits,
    by 65,535; truth values are black and white. image_size: return the largest centred part of that shape, resized:
    one number for a square, or (height, width). A JPEG file that is far larger is decoded smaller.

    Raises FileNotFoundError if there is no such file, MemoryError if the image needs more memory than is free, and
    ValueError for a web address, for what is not an image (a video, a damaged file), for numbers outside the range, and
    for an array of which channels may be first or last; for a tensor they are then first.
    """
    size = as_size(image_size)
    image = _pixels(source, size)
    image = image.expand(3, -1, -1) if image.shape[0] == 1 else image
    return (image if size is None else covered(image, size)).contiguous()


def as_size(image_size: Any) -> tuple[int, int] | None:
    """image_size as (height, width), or None. Raises ValueError for anything else."""
    if image_size is None:
        return None
    if isinstance(image_size, tuple | list):
        height, width = checked("image_size", image_size, tuple[Count, Count])
    else:
        height = width = checked("image_size", image_size, Count)
    if height * width > MOST_PIXELS:
        raise ValueError(
            f"image_size is {shown(image_size)}, more than {MOST_PIXELS:,} pixels: choose a smaller one."
        )
    return height, width


def _pixels(source: Any, at_least: tuple[int, int] | None) -> Tensor:
    """→ (3 or 1, height, width), in memory of its own; at_least: the height and width that are enough."""
    if isinstance(source, str | os.PathLike):
        path = as_path(source)
        return decoded(_file_content(path), str(path), at_least)[0]
    if isinstance(source, bytes | bytearray | memoryview):
        return decoded(bytes(source), "The image", at_least)[0]
    if hasattr(source, "read"):
        return decoded(_content(source, "The open file"), "The image", at_least)[0]
    if is_pillow(source):
        return pixels_of(source, "The image")
    return _from_numbers(source)


def is_pillow(value: Any) -> bool:
    """Whether a value is an image of Pillow; it does not import Pillow to find out."""
    return hasattr(value, "getbands") and hasattr(value, "convert")


def as_path(value: Any) -> Path:
    """The path of a file or folder that exists. Raises ValueError for anything that cannot be one, such as an address,
    and FileNotFoundError if there is none.
    """
    if not isinstance(value, str | os.PathLike):
        raise NoImage(f"The path is {shown(value)}, but must be text or a pathlib.Path: pass the path of a file.")
    text = os.fsdecode(os.fspath(value))
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # ~somebody who is not there
        path = Path(text)
    if text and os.path.exists(path):
        return path
    if ADDRESS.match(text):
        raise NoImage(f"{shown(text)} is an address, not a path: download it first, then pass the path of the file.")
    raise FileNotFoundError(f"There is no file or folder {shown(text)} in {Path.cwd()}: check the path.")


def _file_content(path: Path) -> bytes:
    if os.path.isdir(path):
        raise NoImage(f"{path} is a folder: pass one image, or read all of them with load_folder.")
    try:
        with files.opened(path) as file:
            return _content(file, str(path))
    except OSError as error:
        raise NoImage(
            f"{path} cannot be read ({files.reason(error)}): pass the path of an image that this account may read."
        ) from error


def _content(file: Any, what: str) -> bytes:
    """All bytes of an open file, from its beginning."""
    try:
        if getattr(file, "seekable", bool)():
            file.seek(0)
        content = limited(file)
    except MemoryError as error:
        raise TooLarge(f"{what} needs more memory than is free: make the image smaller first.") from error
    except Exception as error:  # a closed file, or any object with a method read
        raise NoImage(f"{what} cannot be read ({first_line(error)}): pass the path of the image.") from error
    if not isinstance(content, bytes):
        raise NoImage(f"{what} is open as text: open it with open(path, 'rb').")
    if len(content) > MOST_BYTES:
        raise NoImage(f"{what} has more than {MOST_BYTES / 2**20:.0f} MiB: make the image smaller first.")
    return content


def _from_numbers(source: Any) -> Tensor:
    """An array, a tensor or nested lists → (3 or 1, height, width)."""
    what = "The tensor" if isinstance(source, Tensor) else "The array"
    values = _array(source)
    shape = values.shape
    while values.ndim > 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 2:
        values = values[None]
    else:
        first, last = (values.ndim == 3 and values.shape[axis] in some for axis, some in ((0, FIRST), (-1, LAST)))
        if not first and not last:
            raise NoImage(
                f"{what} has shape {shape}, but must be (channels, height, width) with 1, 3 or 4 channels, (height, "
                "width, channels) or (height, width): pass one image."
            )
        if first and last and not isinstance(source, Tensor):
            raise NoImage(
                f"{what} has shape {shape}, so its channels may be first or last: pass torch.from_numpy(array) if they "
                "are first, or PIL.Image.fromarray(array) if they are last."
            )
        values = values if first else np.moveaxis(values, -1, 0)
    return on_white(in_range(as_numbers(values, what), what))


def _array(source: Any) -> np.ndarray:
    """The numbers as an array, of any shape and real type. Raises NoImage if there are none."""
    values, cause = None, None
    try:
        if isinstance(source, Tensor):
            dense = (source.dequantize() if source.is_quantized else source).detach().to_dense().cpu().resolve_neg()
            values = (dense.float() if dense.is_floating_point() else dense).numpy()
        else:
            values = np.asarray(source)
    except Exception as error:  # whatever the conversion of an unknown type raises
        cause = error
    if values is None or values.dtype.kind not in "biuf":
        raise NoImage(
            f"The image is {_found(source)}, but must be a path, the bytes of a file, an image of Pillow, an array "
            "or a tensor of real numbers: convert it to one of them."
        ) from cause
    if np.ma.is_masked(source):
        raise NoImage(
            f"The array has {int(np.ma.getmaskarray(source).sum()):,} values that are masked: fill them first, such "
            "as with array.filled(0)."
        )
    return values


def _found(source: Any) -> str:
    if isinstance(source, np.ndarray | Tensor):
        return (
            f"{'a tensor' if isinstance(source, Tensor) else 'an array'} of "
            f"{str(source.dtype).removeprefix('torch.')}"
        )
    return shown(source) if source is None else f"of type {type(source).__name__}"
