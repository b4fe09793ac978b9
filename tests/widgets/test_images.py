"""Images as everybody has them, and the one sentence about those that cannot be shown."""

import numpy as np
import pytest
import samples
import torch
from PIL import Image
from samples import SAMPLES, build, random
from torch.nn import functional as F

from course_utils import data
from course_utils.widgets import (
    AttentionExplorer,
    CaptionExplorer,
    DistillationExplorer,
    LocalAttentionExplorer,
    PatchExplorer,
    WindowExplorer,
)
from course_utils.widgets.images import as_image, as_images

BYTES = (255 * random(16, 16, 3)).round().byte().numpy()  # height, width, channels
COLOURS = torch.from_numpy(BYTES).permute(2, 0, 1) / 255
GREY = COLOURS[:1]
PICTURE = Image.fromarray(BYTES)
CLEAR = np.dstack([BYTES, np.full((16, 16), 51, np.uint8)])  # a fifth opaque
ON_WHITE = 0.2 * COLOURS + 0.8
EXACT, EIGHT_BITS, HALF = 1e-6, 0.5 / 255 + 1e-6, 4e-3

FORMS = {
    "bytes, channels first": (torch.from_numpy(BYTES).permute(2, 0, 1), COLOURS, EXACT),
    "bytes, channels last": (BYTES, COLOURS, EXACT),
    "lists": (GREY[0].tolist(), GREY, EXACT),
    "float16": (COLOURS.half(), COLOURS, HALF),
    "bfloat16": (COLOURS.bfloat16(), COLOURS, HALF),
    "double": (COLOURS.double(), COLOURS, EXACT),
    "channels last": (COLOURS.permute(1, 2, 0), COLOURS, EXACT),
    "a batch of one": (COLOURS[None], COLOURS, EXACT),
    "a batch of one, channels last": (BYTES[None], COLOURS, EXACT),
    "no channels": (GREY[0], GREY, EXACT),
    "one channel last": (GREY[0, :, :, None], GREY, EXACT),
    "alpha": (CLEAR, ON_WHITE, EXACT),
    "BGR turned to RGB": (np.ascontiguousarray(BYTES[..., ::-1])[..., ::-1], COLOURS, EXACT),
    "rounding beyond 1": (COLOURS / COLOURS.max() * 1.0005, COLOURS, 0.05),
    "truth values": (COLOURS > 0.5, (COLOURS > 0.5).float(), EXACT),
    "Pillow RGB": (PICTURE, COLOURS, EXACT),
    "Pillow L": (Image.fromarray(BYTES[:, :, 0]), GREY, EXACT),
    "Pillow RGBA": (Image.fromarray(CLEAR), ON_WHITE, EXACT),
    "Pillow P": (PICTURE.quantize(256), COLOURS, 0.2),
    "Pillow CMYK": (PICTURE.convert("CMYK"), COLOURS, EIGHT_BITS),
    "Pillow YCbCr": (PICTURE.convert("YCbCr"), COLOURS, 0.02),
    "Pillow 1": (Image.fromarray(BYTES[:, :, 0] > 127), (GREY > 0.5).float(), EXACT),
    "Pillow 16 bits": (Image.fromarray((65535 * GREY[0].double()).round().numpy().astype(np.uint16)), GREY, EXACT),
    "Pillow F": (Image.fromarray(GREY[0].numpy()), GREY, EXACT),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_image_is_the_same_image(form):
    value, expected, tolerance = FORMS[form]
    image = as_image(value)
    torch.testing.assert_close(image, expected, atol=tolerance, rtol=0)
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.parametrize("form", ["tensor", "channels last", "without channels", "Pillow", "mixed"])
def test_a_batch_is_a_tensor_an_array_or_a_list(form):
    grey = GREY.expand(3, -1, -1)
    batch, expected = {
        "tensor": (torch.stack([COLOURS, grey]), [COLOURS, grey]),
        "channels last": (np.stack([BYTES, BYTES[::-1]]), [COLOURS, COLOURS.flip(1)]),
        "without channels": (GREY[0].expand(2, -1, -1), [GREY, GREY]),
        "Pillow": ([PICTURE, PICTURE], [COLOURS, COLOURS]),
        "mixed": ((PICTURE, GREY), [COLOURS, grey]),
    }[form]
    torch.testing.assert_close(as_images(batch), torch.stack(expected))


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        (255 * COLOURS, "divide by 255"),
        ((255 * COLOURS).to(torch.int64), "divide by 255"),
        (3 * COLOURS.round(), "divide by 255"),  # dark bytes: whole numbers
        (np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16), "divide by 65,535 if it has 16 bits"),
        (1.1 * COLOURS - 0.05, r"clamp it to \[0, 1\], because resizing may overshoot"),
        (300 * COLOURS - 20, "divide by 255, then clamp it"),
        ((COLOURS - 0.45) / 0.22, "undo its normalisation"),
        (2 * COLOURS - 1, "undo its normalisation"),
        (0.01 + 2.5 * COLOURS, "undo its normalisation"),  # a bright one
        (-1000 * COLOURS, "scale it"),
    ],
)
def test_an_image_with_other_values_gets_the_advice_that_mends_it(image, advice):
    with pytest.raises(ValueError, match=rf"but must lie in \[0, 1\]: {advice}"):
        as_image(image)


def test_a_photograph_enlarged_with_bicubic_interpolation_is_to_be_clamped():
    enlarged = F.interpolate(data.photo("rocket")[None], (224, 224), mode="bicubic", antialias=True)[0]
    with pytest.raises(ValueError, match="clamp"):
        PatchExplorer(enlarged)
    assert PatchExplorer(enlarged.clamp(0, 1)).height == 224


@pytest.mark.parametrize("value", [torch.rand(2, 3, 8, 8), torch.rand(4, 8, 8), torch.rand(8), torch.rand(2, 8, 8)])
def test_another_shape_is_named_as_it_was_passed(value):
    with pytest.raises(ValueError, match=str(tuple(value.shape)).replace("(", r"\(").replace(")", r"\)")):
        as_image(value)


def test_all_widgets_take_images_of_pillow():
    maps = torch.full((1, 1, 17, 17), 1 / 17)
    near = F.unfold(torch.ones(1, 1, 16, 16), 3, padding=1).mT.reshape(1, 16, 16, 3, 3)
    near /= near.sum((-1, -2), keepdim=True)
    logits = torch.rand(2, 2)
    for widget in (
        AttentionExplorer(PICTURE, maps),
        LocalAttentionExplorer(PICTURE, near, torch.rand(3, 3)),
        PatchExplorer(PICTURE, 8),
        WindowExplorer(PICTURE),
    ):
        assert np.array_equal(np.frombuffer(widget.pixels, np.uint8).reshape(16, 16, 4)[..., :3], BYTES)
    for widget in (
        CaptionExplorer([PICTURE, PICTURE], ["a", "b"], logits),
        DistillationExplorer([PICTURE, PICTURE], logits, logits, [0, 1], ["a", "b"]),
    ):
        assert np.array_equal(np.frombuffer(widget.pixels[1], np.uint8).reshape(16, 16, 4)[..., :3], BYTES)


def test_an_awkward_size_is_cropped_with_a_note():
    photo = data.photo("chelsea")  # 300 × 451
    with pytest.warns(UserWarning, match="300 × 451 pixels is cropped to its central 288 × 448"):
        widget = PatchExplorer(photo)
    assert (widget.height, widget.width, widget.choices) == (288, 448, [2, 4, 8, 16, 32])
    shown = np.frombuffer(widget.pixels, np.uint8).reshape(288, 448, 4)[..., :3]
    middle = photo[:, 6:294, 1:449]
    assert np.array_equal(shown, (255 * middle).round().byte().permute(1, 2, 0).numpy())
    with pytest.warns(UserWarning, match="cropped to its central 288 × 288: 16 × 16 tokens fit there"):
        assert WindowExplorer(photo).width == 288


def test_an_oblong_image_is_cropped_to_the_square_that_its_patches_form():
    photo, maps = data.photo("chelsea"), torch.full((2, 1, 17, 17), 1 / 17)
    with pytest.warns(UserWarning, match="300 × 451 .* central 300 × 300: the patches of 17 tokens form a square"):
        widget = AttentionExplorer(photo, {"one": maps, "two": maps})
    assert (widget.height, widget.width, widget.models[1]["columns"]) == (300, 300, 4)
    assert np.array_equal(
        np.frombuffer(widget.pixels, np.uint8).reshape(300, 300, 4)[..., :3],
        (255 * photo[:, :, 75:375]).round().byte().permute(1, 2, 0).numpy(),
    )
    oblong = torch.full((1, 1, 25, 25), 1 / 25)  # 4 × 6 patches
    assert AttentionExplorer(photo, oblong, special_tokens=1).width == 451
    with pytest.raises(ValueError, match="20 patches do not form a grid"):
        AttentionExplorer(photo[:, :, :300], torch.full((1, 1, 21, 21), 1 / 21))


def test_positions_cover_the_largest_part_of_an_image_that_they_can():
    near = F.unfold(torch.ones(1, 1, 4, 6), 3, padding=1).mT.reshape(1, 4, 6, 3, 3)
    near /= near.sum((-1, -2), keepdim=True)
    with pytest.warns(UserWarning, match="cropped to its central 300 × 450: 4 × 6 squares fit there"):
        widget = LocalAttentionExplorer(data.photo("chelsea"), near, torch.rand(3, 3))
    assert (widget.height, widget.width) == (300, 450)


def test_photographs_of_different_sizes_are_shown_in_one():
    photos = [data.photo(name) for name in ("chelsea", "coffee")]  # 300 × 451, 400 × 600
    with pytest.warns(UserWarning, match="images of different sizes, .* of the shape 300 × 451 is shown"):
        widget = CaptionExplorer(photos, ["a", "b"], torch.zeros(2, 2))
    assert (widget.height, widget.width) == (300, 451)
    first = np.frombuffer(widget.pixels[0], np.uint8).reshape(300, 451, 4)[..., :3]
    assert np.array_equal(first, (255 * photos[0]).round().byte().permute(1, 2, 0).numpy())


def test_an_image_too_large_for_a_page_is_shown_smaller_with_a_note():
    with pytest.warns(UserWarning, match=r"3000 × 4000 pixels, too many .* shown with 1500 × 2000"):
        image = as_image(torch.zeros(1, 1, 1).expand(3, 3000, 4000))
    assert image.shape == (3, 1500, 2000)


@pytest.mark.parametrize("name", ["CaptionExplorer", "DistillationExplorer"])
def test_many_photographs_are_shown_smaller_with_a_note_if_together_they_are_too_large(name):
    count = len(SAMPLES[name].arguments["images"])
    with pytest.warns(
        UserWarning, match=rf"{count} × 1500 × 4000 pixels, too many .* shown with 750 × 2000"
    ) as warned:
        widget = build(name, images=torch.zeros(1, 1, 1, 1).expand(count, 3, 1500, 4000))
    assert warned[0].filename == samples.__file__  # where the widget is made
    assert (widget.height, widget.width) == (750, 2000)
    assert {len(pixels) for pixels in widget.pixels} == {4 * 750 * 2000}
