"""One's own image, in whatever form it comes, and one sentence for what is none."""

import io
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.data import image_files, open_image, photo
from course_utils.models import ViT, ViTConfig

BYTES = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
COLOURS = torch.from_numpy(BYTES.copy()).movedim(-1, 0).float() / 255
GREY = COLOURS[:1].expand(3, -1, -1)
PICTURE = Image.fromarray(BYTES)
CLEAR = np.dstack([BYTES, np.full((6, 9), 51, np.uint8)])  # a fifth opaque
SIXTEEN = (np.arange(54) * 1000).astype(np.uint16).reshape(6, 9)


def saved(picture, kind="PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


def png(bits: int, colour: int, samples, clear) -> bytes:
    """A PNG file in bits that Pillow does not write; colour: 0 for grey, 2 for RGB; clear: the transparent one."""
    rows = ["".join(f"{sample:0{bits}b}" for sample in row) for row in samples.tolist()]
    packed = [int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8), "big") for row in rows]
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", 9, 6, bits, colour, 0, 0, 0),
        b"tRNS": struct.pack(f">{len(clear)}H", *clear),
        b"IDAT": zlib.compress(b"".join(b"\0" + row for row in packed)),
        b"IEND": b"",
    }
    parts = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def rotated(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(PICTURE, exif=exif)


DARK_BITS = np.arange(54, dtype=np.uint16).reshape(6, 9)  # none of more than 8 bits
DARK = torch.from_numpy(DARK_BITS / 65535).float().expand(3, -1, -1)
FORMS = {
    "bytes of a PNG": (lambda: saved(PICTURE), COLOURS),
    "memory": (lambda: memoryview(bytearray(saved(PICTURE))), COLOURS),
    "an open file, read to its end": (lambda: opened(saved(PICTURE)), COLOURS),
    "Pillow": (lambda: PICTURE, COLOURS),
    "palette": (lambda: saved(PICTURE.quantize(256)), None),
    "palette, transparent": (lambda: saved(Image.new("P", (9, 6), 0), transparency=0), torch.ones(3, 6, 9)),
    "alpha": (lambda: saved(Image.fromarray(CLEAR)), 0.2 * COLOURS + 0.8),
    "grey with alpha": (lambda: Image.new("LA", (9, 6), (0, 51)), torch.full((3, 6, 9), 0.8)),
    "16 bits": (lambda: saved(Image.fromarray(SIXTEEN)), torch.from_numpy(SIXTEEN / 65535).float().expand(3, -1, -1)),
    "two colours": (lambda: saved(Image.fromarray(BYTES[..., 0] > 127)), (GREY > 0.5).float()),
    "JPEG in CMYK": (lambda: saved(Image.new("CMYK", (9, 6), (0, 255, 255, 0)), "JPEG"), None),
    "an animation": (lambda: saved(PICTURE.quantize(256), "GIF", save_all=True, append_images=[PICTURE]), None),
    "bytes, channels last": (lambda: BYTES, COLOURS),
    "bytes, channels first": (lambda: np.ascontiguousarray(BYTES.transpose(2, 0, 1)), COLOURS),
    "alpha, channels last": (lambda: CLEAR, 0.2 * COLOURS + 0.8),
    "alpha, channels first": (lambda: CLEAR.transpose(2, 0, 1), 0.2 * COLOURS + 0.8),
    "int64": (lambda: BYTES.astype(np.int64), COLOURS),
    **{
        f"dark, 16 bits as {form}": (make, DARK)
        for form, make in {
            "big endian": lambda: DARK_BITS.astype(">u2"),
            "a TIFF of big endian": lambda: Image.frombytes("I;16B", (9, 6), DARK_BITS.astype(">u2").tobytes()),
            "PGM": lambda: b"P5 9 6 65535 " + DARK_BITS.astype(">u2").tobytes(),
        }.items()
    },
    "a TIFF of 16 bits in which 0 is white": (
        lambda: saved(Image.fromarray(SIXTEEN), "TIFF", tiffinfo={262: 0}),
        1 - torch.from_numpy(SIXTEEN / 65535).float().expand(3, -1, -1),
    ),
    "16 bits, one transparent": (
        lambda: saved(Image.fromarray(SIXTEEN), transparency=0),
        torch.from_numpy(np.where(SIXTEEN, SIXTEEN / 65535, 1)).float().expand(3, -1, -1),
    ),
    **{
        f"{bits} bits of grey, one transparent": (
            lambda bits=bits: png(bits, 0, np.arange(54).reshape(6, 9) % 2**bits, [1]),
            (torch.arange(54.0) % 2**bits / (2**bits - 1))
            .where(torch.arange(54) % 2**bits != 1, 1)
            .reshape(1, 6, 9)
            .expand(3, -1, -1),
        )
        for bits in (1, 2, 4, 8)
    },
    "16 bits of each colour, one transparent": (
        lambda: png(16, 2, BYTES.reshape(6, 27).astype(int) * 257, BYTES[0, 0].astype(int) * 257),
        COLOURS.index_put((torch.arange(3), torch.tensor(0), torch.tensor(0)), torch.tensor(1.0)),
    ),
    "uint16": (lambda: SIXTEEN, torch.from_numpy(SIXTEEN / 65535).float().expand(3, -1, -1)),
    "16 bits in int32": (lambda: SIXTEEN.astype(np.int32), torch.from_numpy(SIXTEEN / 65535).float().expand(3, -1, -1)),
    "truth values": (lambda: BYTES > 127, (COLOURS > 0.5).float()),
    "a mask of 0 and 1": (lambda: (BYTES[..., 0] > 127).astype(np.int8), (GREY > 0.5).float()),
    "float64": (lambda: BYTES / 255, COLOURS),
    "big endian": (lambda: (BYTES / 255).astype(">f4"), COLOURS),
    "negative strides": (lambda: np.ascontiguousarray(BYTES[::-1, :, ::-1])[::-1, :, ::-1], COLOURS),
    "read only": (lambda: read_only(BYTES), COLOURS),
    "grey": (lambda: BYTES[..., 0], GREY),
    "lists": (lambda: COLOURS.tolist(), COLOURS),
    "a tensor": (lambda: COLOURS, COLOURS),
    "a tensor of bytes": (lambda: torch.from_numpy(BYTES.copy()), COLOURS),
    "bfloat16": (lambda: COLOURS.bfloat16(), None),
    "with a gradient": (lambda: COLOURS.clone().requires_grad_(), COLOURS),
    "the conjugate of a spectrum": (lambda: torch.complex(COLOURS, -COLOURS).conj().imag, COLOURS),
    "a batch of one": (lambda: COLOURS[None], COLOURS),
    **{f"EXIF orientation {number}": (lambda number=number: rotated(number), None) for number in range(1, 9)},
    **{
        f"Pillow {mode}": (
            lambda mode=mode: PICTURE.convert("LA").convert("La") if mode == "La" else in_mode(mode),
            None,
        )
        for mode in (
            "1", "L", "P", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "La", "PA", "I;16"
        )
    },
}  # fmt: skip


def opened(content: bytes):
    file = io.BytesIO(content)
    file.read()
    return file


def in_mode(mode: str):
    if mode == "LAB":
        return Image.new("LAB", (9, 6), (128, 20, 20))
    if mode == "F":
        return Image.fromarray(np.full((6, 9), 0.5, np.float32))
    if mode == "I;16":
        return Image.fromarray(SIXTEEN)
    return (
        PICTURE.convert("RGBA").convert("RGBa")
        if mode == "RGBa"
        else PICTURE.convert("LA").convert(mode)
        if mode == "PA"
        else PICTURE.convert(mode)
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_image_becomes_one_tensor(form):
    make, expected = FORMS[form]
    source = make()
    image = open_image(source)
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    assert not image.requires_grad
    assert image.shape in ((3, 6, 9), (3, 9, 6))
    assert 0 <= image.min() <= image.max() <= 1
    if expected is not None:
        torch.testing.assert_close(image, expected, atol=1e-6, rtol=0)
    before = image.clone()
    image.zero_()  # its memory is its own
    assert torch.equal(open_image(make()), before)


def test_a_photograph_is_turned_upright():
    upright = open_image(rotated(1))
    assert torch.equal(open_image(rotated(6)), upright.rot90(-1, (1, 2)))
    assert torch.equal(open_image(rotated(3)), upright.rot90(2, (1, 2)))
    assert torch.equal(open_image(rotated(2)), upright.flip(2))


def test_red_ink_is_red_and_the_first_frame_is_the_image():
    red = open_image(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert red[0].min() > 0.9
    assert red[1:].max() < 0.1
    frames = [Image.new("L", (4, 4), shade) for shade in (255, 0)]
    assert open_image(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])).min() == 1


def test_a_path_may_be_text_or_a_path_and_begin_at_home(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    path = tmp_path / "mein Bild ü.PNG"
    path.write_bytes(saved(PICTURE))
    for source in (path, str(path), f"~/{path.name}"):
        torch.testing.assert_close(open_image(source), COLOURS)
    monkeypatch.chdir(tmp_path)
    Path("www.png").write_bytes(saved(PICTURE))  # in spite of its name
    torch.testing.assert_close(open_image("www.png"), COLOURS)


def test_what_it_returns_is_read_again_unchanged_and_by_a_model():
    image = open_image(photo("chelsea"), image_size=16)
    assert torch.equal(open_image(image), image)
    config = ViTConfig(image_size=16, patch_size=8, dim=8, layers=1, heads=1, mlp_dim=8, classes=2)
    assert ViT(config)(image[None]).shape == (1, 2)


def test_the_middle_is_cut_out_and_resized():
    wide = torch.zeros(3, 20, 60)
    wide[:, :, 20:40] = 1
    assert open_image(wide, image_size=10).min() == 1
    assert open_image(wide, image_size=(10, 30)).shape == (3, 10, 30)
    assert open_image(torch.rand(3, 1, 4000), image_size=64).shape == (3, 64, 64)


VIDEO = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(100)
REFUSED = {
    "a video": (VIDEO, "is a video: save one of its frames"),
    "another video": (b"\x1aE\xdf\xa3" + bytes(100), "is a video"),
    "a photograph of a phone": (b"\0\0\0\x24ftypheic" + bytes(100), "is a HEIC photograph, .*: export it as JPEG"),
    "a drawing": (b"<?xml version='1.0'?>\n<svg/>", "is a drawing in SVG: export it"),
    "a page": (b"  <!DOCTYPE html><html></html>", "is a web page: download the image itself"),
    "text": (b"cat", "is not an image that Pillow can read"),
    "an archive": (b"PK\x03\x04" + bytes(100), "is an archive"),
    "a TIFF of another kind": (b"II*\0" + bytes(100), "or of a kind that Pillow cannot read: .*, or export it as PNG"),
    "nothing": (b"", r"is empty \(0 bytes\)"),
    "a truncated JPEG": (
        saved(Image.fromarray(np.tile(BYTES, (20, 20, 1))), "JPEG")[:2000],
        "is damaged or incomplete",
    ),
    "a truncated PNG": (saved(Image.fromarray(np.tile(BYTES, (20, 20, 1))))[:300], "is damaged or incomplete"),
    "the head of a JPEG": (saved(PICTURE, "JPEG")[:10], "is damaged or incomplete"),
    "a file open as text": (io.StringIO("cat"), r"open as text: open it with open\(path, 'rb'\)"),
    "an address": ("https://example.org/cat.jpg", "is an address, .*: download"),
    "an address as a path": (Path("https://example.org/cat.jpg"), "is an address, .*: download"),
    "a folder": (Path(__file__).parent, "is a folder: .* load_folder"),
    "nothing at all": (None, "The image is None, but must be"),
    "an object": (object(), "The image is of type object, but must be"),
    "complex numbers": (torch.zeros(3, 4, 4, dtype=torch.complex64), "tensor of real numbers"),
    "no values": (torch.rand(3, 4, 4, device="meta"), "tensor of real numbers"),
    "texts": (np.array([["a"]]), "tensor of real numbers"),
    "a batch": (np.zeros((2, 3, 8, 8)), r"shape \(2, 3, 8, 8\), but must be"),
    "a row": (np.zeros(8), r"shape \(8,\), but must be"),
    "no pixels": (np.zeros((3, 0, 8)), r"is empty \(shape \(3, 0, 8\)\)"),
    "channels first or last": (np.zeros((3, 40, 3)), "channels may be first or last: pass torch.from_numpy"),
    "Pillow, no pixels": (Image.new("L", (0, 8)), r"is empty \(8 × 0 pixels\)"),
    "NaN": (np.full((8, 8), np.nan), "64 values that are NaN"),
    "masked": (np.ma.masked_less(np.eye(8), 1), r"56 values that are masked: fill them first, .*array\.filled\(0\)"),
    "floats up to 255": (255.0 * BYTES / 255, r"must lie in \[0, 1\]: divide by 255"),
    "normalised": (COLOURS * 4 - 2, r"must lie in \[0, 1\]: undo its normalisation"),
    "32 bits": (np.arange(64).reshape(8, 8) * 10**6, r"whole numbers from 0 to 63,000,000, but .*: scale it"),
    "negative": (np.full((8, 8), -1), "whole numbers from -1 to -1"),
    "an image size": (COLOURS, "image_size is 0, but"),
    "Pillow, 32 bits": (
        Image.fromarray(np.full((4, 4), 10**6, np.int32)),
        "^The image has whole numbers from 1,000,000",
    ),
    "Pillow, floats up to 200": (
        Image.fromarray(np.full((4, 4), 200, np.float32)),
        "^The image has values .*divide by 255",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_gets_one_sentence(name):
    source, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as refused:
        open_image(source, image_size=0 if name == "an image size" else None)
    assert re.fullmatch(r"[^\n]+\.", str(refused.value))


@pytest.mark.parametrize("size", [(1, 2, 3), "x", -1, 2**19, (2**14, 2**14), True])
def test_an_image_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match="image_size is "):
        open_image(COLOURS, image_size=size)


@pytest.mark.parametrize("path", ["cat.jpg", "", "a\0b.png", "~nobody-has-this-name/cat.jpg", "x" * 5000])
def test_a_file_that_is_not_there_is_named(path):
    with pytest.raises(FileNotFoundError, match=r"There is no file or folder .*: check the path"):
        open_image(path)


def test_a_photograph_that_does_not_fit_into_memory_is_refused_from_its_header(monkeypatch):
    large = Image.new("RGB", (640, 480), (200, 100, 0))
    monkeypatch.setattr(image_files, "SMALL", 0)
    monkeypatch.setattr(image_files, "free_memory", lambda: image_files.BYTES_PER_PIXEL * 160 * 120)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", None)
    for source in (saved(large), saved(large, "JPEG")):
        with pytest.raises(
            MemoryError, match=r"^The image has 480 × 640 pixels, which take 0\.0 GiB.*smaller first\.$"
        ):
            open_image(source)
    with pytest.raises(MemoryError):
        open_image(saved(large), image_size=50)
    assert open_image(saved(large, "JPEG"), image_size=50).shape == (3, 50, 50)  # decoded at a quarter


def test_too_little_memory_is_called_so(monkeypatch):
    class Strict(io.BytesIO):
        def read(self, size=-1):
            if not 0 <= size < 2**22:
                raise MemoryError
            return super().read(size)

    torch.testing.assert_close(open_image(Strict(saved(PICTURE))), COLOURS)
    monkeypatch.setattr(Strict, "read", lambda self, size: bytearray(2**62))
    with pytest.raises(
        MemoryError, match=r"^The open file needs more memory than is free: make the image smaller first\.$"
    ):
        open_image(Strict())
    monkeypatch.setattr(image_files, "_converted", lambda *_: np.empty(2**55))
    with pytest.raises(MemoryError, match=r"^The image needs more memory than is free: make it smaller first\.$"):
        open_image(saved(PICTURE))


def test_threads_that_read_images_at_once_leave_the_warnings_as_they_were():
    before = list(warnings.filters)
    first, second = image_files.refusals("one"), image_files.refusals("another")
    for step in (first.__enter__, second.__enter__):
        step()
        warnings.warn("Pillow's", stacklevel=1)
    for each in (first, second):
        each.__exit__(None, None, None)
    assert warnings.filters == before


def test_an_image_of_a_billion_pixels_is_refused_before_it_is_unpacked():
    header = saved(Image.new("L", (1, 1)))
    place = header.index(b"IHDR") + 4
    body = b"IHDR" + (40_000).to_bytes(4, "big") * 2 + header[place + 8 : place + 13]
    huge = header[: place - 4] + body + zlib.crc32(body).to_bytes(4, "big") + header[place + 17 :]
    with pytest.raises(ValueError, match=r"pixels.*: make it smaller first"):
        open_image(huge)
