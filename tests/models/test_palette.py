import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.models.palette import grey_levels, learn_palette, paint, quantise

few = st.integers(1, 4)


@settings(max_examples=30)
@given(few, few, few, few, st.integers(2, 6), st.integers(0, 2**31))
def test_every_pixel_gets_its_nearest_colour_in_reading_order(batch, channels, rows, columns, colours, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, channels, rows, columns, generator=generator)
    palette = torch.rand(colours, channels, generator=generator)
    tokens = quantise(images, palette)
    for b in range(batch):
        for place, token in enumerate(tokens[b]):
            gaps = (images[b, :, place // columns, place % columns] - palette).norm(dim=-1)
            assert gaps[token] <= gaps.min() + 1e-6


def test_painting_undoes_quantising_when_the_palette_has_every_colour():
    images = torch.randint(17, (3, 1, 8, 8)) / 16
    assert torch.allclose(paint(quantise(images, grey_levels(17)), grey_levels(17)), images)


def test_a_learned_palette_is_nearer_to_the_pictures_than_even_grey_levels():
    images = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)) ** 4  # mostly dark
    learned = learn_palette(images, 4)
    assert torch.equal(learned, learn_palette(images, 4))
    assert torch.equal(learned, learned.sort(0).values)

    def error(palette):
        return (paint(quantise(images, palette), palette) - images).square().mean()

    assert error(learned) < 0.8 * error(grey_levels(4))


def test_what_no_palette_can_do_is_refused_in_words():
    digits = torch.randint(17, (3, 1, 8, 8)) / 16
    digits[0, 0, 0] = torch.arange(8) / 16
    count = len(digits.unique())
    with pytest.raises(ValueError, match=f"should have 512 colours, but these images have {count} different"):
        learn_palette(digits, 512)
    with pytest.raises(ValueError, match="levels is 1, but must be at least 2"):
        grey_levels(1)
    with pytest.raises(ValueError, match="a pixel of colour 9, but the palette has the colours 0 to 3"):
        paint(torch.tensor([[0, 9, 1, 2]]), grey_levels(4))
    with pytest.raises(ValueError, match="5 pixels do not make a square"):
        paint(torch.zeros(1, 5, dtype=torch.long), grey_levels(4))
