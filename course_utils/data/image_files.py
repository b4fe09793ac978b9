"""Image files and images of Pillow as tensors: upright, on white, in any of Pillow's modes. All notebooks."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from course_utils.console import first_line, unwarned
from course_utils.costs import free_memory
from course_utils.data.pixels import MOST_PIXELS, NoImage, TooLarge, as_numbers, in_range, on_white

if TYPE_CHECKING:
    from PIL.Image import Image

# Only these readers of Pillow: others start programs (EPS) or accept almost any file (TGA).
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (
    ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg",
    ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
MOST_BYTES = 2**28  # of one file
BYTES_PER_PIXEL = 28  # while it is read: Pillow's four, and float32, which is copied once
SMALL = 2**22  # pixels: up to there nobody asks how much memory is free

# The beginnings of files.
IMAGE = rb"\xff\xd8|\x89PNG|GIF8|BM.{12}|RIFF.{4}WEBP|II\*\0|MM\0\*|.{4}ftypavi[fs]"
ARCHIVE = rb"PK\x03\x04|\x1f\x8b|BZh|\xfd7zXZ\0|.{257}ustar"

# The beginning of a file that Pillow does not recognise, what it is, and what to do.
KINDS = {
    IMAGE: (
        "damaged or incomplete, or of a kind that Pillow cannot read",
        "copy or download it again, or export it as PNG",
    ),
    rb".{4}ftyp(hei|hev|mif1|msf1)": ("a HEIC photograph, which Pillow cannot read", "export it as JPEG"),
    rb".{4}(ftyp|moov|mdat)|RIFF.{4}AVI |\x1aE\xdf\xa3|\0\0\x01[\xb3\xba]|FLV|OggS|\x30\x26\xb2\x75": (
        "a video",
        "save one of its frames as PNG or JPEG",
    ),
    rb"(<\?xml.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE svg.*?>\s*)*<svg": ("a drawing in SVG", "export it as PNG"),
    rb"%PDF": ("a PDF document", "export its page as PNG"),
    rb"<!doctype html|<html|<head": ("a web page", "download the image itself"),
    ARCHIVE: ("an archive", "take the image out, or read all of them with load_folder"),
}
# How to undo each orientation of EXIF.
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270"}
TURNS |= {7: "TRANSVERSE", 8: "ROTATE_90"}
PHOTOMETRIC = 262  # the number of a TIFF file's tag


def limited(file: Any) -> Any:
    """The content of an open file, at most one byte more than MOST_BYTES, without setting that much memory aside."""
    pieces, left = [], MOST_BYTES + 1
    while left > 0 and (piece := file.read(min(left, 2**20))):
        pieces.append(piece)
        left -= len(piece)
    return pieces[0][:0].join(pieces) if pieces else b""


def decoded(content: bytes, what: str, at_least: tuple[int, int] | None = None) -> tuple[Tensor, str]:
    """The content of an image file → (3 or 1, height, width), float32 in [0, 1], and the name of its format.

    at_least: height and width that are enough; a larger JPEG may be decoded at half its size, a quarter or an eighth.
    Of an animation, the first frame. Raises NoImage, and TooLarge.
    """
    with opened_image(content, what) as picture:
        if at_least is not None:
            picture.draft("RGB", (max(at_least),) * 2)
        return pixels_of(picture, what), str(picture.format)


def size_of(content: bytes, what: str) -> tuple[int, int]:
    """Height and width of an image file, upright, from its header alone. Raises NoImage."""
    with opened_image(content, what) as picture:
        width, height = picture.size
        turned = _orientation(picture) >= 5 and picture.format != "TIFF"  # whose size Pillow turns itself
        return (width, height) if turned else (height, width)


@contextmanager
def opened_image(content: bytes, what: str) -> "Iterator[Image]":
    """Within the block, the image in the content of a file. Whatever Pillow raises in the block becomes NoImage."""
    from PIL import Image, UnidentifiedImageError  # only here: importing it takes longer than an import of the course

    if not content:
        raise NoImage(f"{what} is empty (0 bytes), but must be an image: copy or download it again.")
    with refusals(what):
        try:
            Image.init()
            known = [each for each in FORMATS if each in Image.OPEN]  # older versions of Pillow have fewer
            picture = Image.open(io.BytesIO(content), formats=known)
        except UnidentifiedImageError:
            kind, remedy = _kind(content)
            raise NoImage(f"{what} is {kind}: {remedy}.") from None
        with picture:
            yield picture


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Within the block, Pillow's warnings are silent, and its errors become NoImage or TooLarge."""
    from PIL.Image import DecompressionBombError

    try:
        with unwarned():
            yield
    except (NoImage, TooLarge):
        raise
    except MemoryError as error:
        raise TooLarge(f"{what} needs more memory than is free: make it smaller first.") from error
    except DecompressionBombError as error:
        raise NoImage(f"{what} has more than {MOST_PIXELS:,} pixels: make it smaller first.") from error
    except Exception as error:  # Pillow raises a dozen types for damaged files
        raise NoImage(f"{what} is damaged or incomplete ({first_line(error)}): copy or download it again.") from error


def pixels_of(picture: "Image", what: str) -> Tensor:
    """An image of Pillow in any mode → (3 or 1, height, width), float32 in [0, 1]; 1 for grey ones.

    Turned as its EXIF orientation says; what is transparent is put on white; 16 bits are kept where Pillow keeps them,
    in grey images; CMYK, Lab and others are converted without a colour profile. Raises NoImage, and TooLarge.
    """
    with refusals(what):
        width, height = picture.size
        if not width * height:
            raise NoImage(f"{what} is empty ({height} × {width} pixels): pass one with at least one pixel.")
        if width * height > MOST_PIXELS:
            raise NoImage(f"{what} has {height} × {width} pixels, more than {MOST_PIXELS:,}: make it smaller first.")
        needed = BYTES_PER_PIXEL * width * height
        if width * height > SMALL and needed > (free := free_memory()):
            raise TooLarge(
                f"{what} has {height} × {width} pixels, which take {needed / 2**30:.1f} GiB, but "
                f"{free / 2**30:.1f} GiB are free: make it smaller first."
            )
        picture = _loaded(picture)
        if turn := TURNS.get(_orientation(picture)):
            from PIL.Image import Transpose

            picture = picture.transpose(Transpose[turn])
        return _converted(picture, what)


def _loaded(picture: "Image") -> "Image":
    """The picture with its pixels, and with the colour that a PNG file calls clear in 8 bits as they are.

    Pillow leaves it in the bits of the file. Of 16 bits per channel Pillow keeps the upper 8, so these decide.
    """
    tiles, clear = getattr(picture, "tile", None), picture.info.get("transparency")
    bits = str(tiles[0][3]) if tiles else ""
    picture.load()
    if clear is not None and bits in ("L;2", "L;4", "RGB;16B"):
        picture = picture.copy()
        picture.info["transparency"] = (
            tuple(part >> 8 for part in clear) if bits == "RGB;16B" else clear * {"L;2": 85, "L;4": 17}[bits]
        )
    return picture


def _orientation(picture: "Image") -> int:
    """1 to 8, as in EXIF: 1, upright, if there is none or its block is damaged."""
    try:
        found = picture.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF raises a dozen types, and the image itself may still be good
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _converted(picture: "Image", what: str) -> Tensor:
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture)
        if (picture.mode, picture.format) == ("I", "PPM"):  # Pillow scales its numbers to 16 bits
            values = values.astype(np.uint16)
        pixels = in_range(as_numbers(values, what), what)
        if picture.mode.startswith("I;16") and getattr(picture, "tag_v2", {}).get(PHOTOMETRIC) == 0:
            pixels = 1 - pixels  # a TIFF file in which 0 is white: Pillow turns those of 8 bits alone
        if isinstance(clear := picture.info.get("transparency"), int):
            pixels[torch.from_numpy(values == clear)] = 1
        return pixels[None]
    clear = bool({"A", "a"} & set(picture.getbands())) or "transparency" in picture.info
    if picture.mode == "LAB":
        picture = _from_lab(picture)
    elif picture.mode == "La":
        picture = picture.convert("LA")
    mode = "RGBA" if clear else "L" if picture.mode in ("1", "L") else "RGB"
    picture = picture if picture.mode == mode else picture.convert(mode)  # which copies it in any case
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32)).div_(255)
    if pixels.ndim == 2:
        return pixels[None]
    return on_white(pixels.movedim(-1, 0))


def _from_lab(picture: "Image") -> Any:
    """Lab → RGB, which Pillow's ``convert`` leaves to its colour management."""
    from PIL import ImageCms

    there, back = (ImageCms.createProfile(space) for space in ("LAB", "sRGB"))
    return ImageCms.profileToProfile(picture, there, back, outputMode="RGB")


def _kind(content: bytes) -> tuple[str, str]:
    """What a file is that Pillow does not recognise, and what to do."""
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n") if content[:1] in b"\xef \t\r\n<" else content[:512]
    for sign, kind in KINDS.items():
        if re.match(sign, head, re.DOTALL | re.IGNORECASE):
            return kind
    return "not an image that Pillow can read", "use a JPEG or PNG file"
