import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.data import COLOURS, SHAPES, TEXTURES, Scene, ShapesConfig, draw, make_shapes, same_different

CONFIGS = st.builds(
    ShapesConfig,
    size=st.integers(24, 48),
    objects=st.integers(1, 4),
    scales=st.sampled_from([(2.0, 8.0), (3.0, 3.0), (1.5, 4.0)]),
    night=st.booleans(),
)
SEEDS = st.integers(0, 2**32)
few = settings(max_examples=25)


@given(CONFIGS, SEEDS)
@few
def test_the_same_seed_gives_the_same_bits_whatever_the_global_state(config, seed):
    before = torch.get_rng_state()
    first = make_shapes(8, config, seed)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    with torch.device("meta"):  # the default device of a notebook does not count either
        again = make_shapes(8, config, seed)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, make_shapes(8, config, seed + 1).images)


@given(CONFIGS, SEEDS)
@few
def test_masks_hold_every_painted_pixel_and_no_other(config, seed):
    shapes = make_shapes(16, config, seed).day()
    assert shapes.images.min() >= 0
    assert shapes.images.max() <= 1
    anywhere = shapes.masks.any(dim=1)
    grey = (shapes.images == shapes.images[:, :1]).all(dim=1)  # the background has no colour, every object has
    assert torch.equal(anywhere, ~grey)
    # Every row of the background has one brightness, known from the scene.
    light = torch.linspace(1.15, 0.85, config.size)[:, None]
    background = (shapes.scene.background[:, None, None] * light).expand(-1, -1, config.size)
    assert torch.equal(shapes.images[:, 0][~anywhere], background[~anywhere])


@given(CONFIGS, SEEDS)
@few
def test_every_object_is_seen_alone_and_in_its_colour(config, seed):
    shapes = make_shapes(16, config, seed).day()
    assert shapes.masks.sum(dim=1).max() == 1  # no pixel belongs to two
    assert shapes.masks.any(dim=(-2, -1)).all()
    palette = torch.tensor(list(COLOURS.values()))
    for picture, masks, colours in zip(shapes.images, shapes.masks, shapes.scene.colour, strict=True):
        for mask, colour in zip(masks, colours, strict=True):
            pixels = picture[:, mask] / palette[colour][:, None]
            torch.testing.assert_close(pixels, pixels[:1].expand(3, -1))  # a texture darkens, never recolours


@given(CONFIGS, SEEDS)
@few
def test_night_is_another_picture_of_the_same_scene(config, seed):
    shapes = make_shapes(8, config, seed)
    day, night = shapes.day(), shapes.night()
    assert torch.equal(day.masks, night.masks)
    assert torch.equal(day.labels, night.labels)
    assert day.captions == night.captions
    assert night.images.mean() < day.images.mean() / 2
    assert torch.equal(shapes.images, (night if config.night else day).images)


@given(st.sampled_from(SHAPES), SEEDS)
@few
def test_an_object_of_twice_the_scale_covers_four_times_the_area(shape, seed):
    shapes = make_shapes(400, ShapesConfig(size=64, scales=(2.0, 8.0)), seed)
    area = shapes.masks.sum(dim=(-2, -1)).float()
    chosen = shapes.scene.shape == SHAPES.index(shape)
    relative = area[chosen] / shapes.scales[chosen] ** 2
    assert relative.std() / relative.mean() < 0.15  # pixels are whole, so small objects are a little off


@given(CONFIGS, SEEDS)
@few
def test_captions_name_what_is_drawn_where_it_is(config, seed):
    shapes = make_shapes(6, config, seed)
    size = r"(small|medium|large)"
    pattern = rf"a {size} (\w+) (\w+) (\w+) in the ((top|middle|bottom) (left|centre|right)|centre)"
    rows, columns = {"top": 0, "middle": 1, "bottom": 2}, {"left": 0, "centre": 1, "right": 2}
    for index, caption in enumerate(shapes.captions):
        phrases = caption.split(" and ")
        assert len(phrases) == config.objects
        for k, phrase in enumerate(phrases):
            _, colour, texture, shape, place, row, column = re.fullmatch(pattern, phrase).groups()
            assert shapes.scene.shape[index, k] == SHAPES.index(shape)
            assert shapes.scene.texture[index, k] == TEXTURES.index(texture)
            assert shapes.scene.colour[index, k] == tuple(COLOURS).index(colour)
            row, column = ("middle", "centre") if place == "centre" else (row, column)
            assert rows[row] <= shapes.scene.y[index, k] * 3 <= rows[row] + 1
            assert columns[column] <= shapes.scene.x[index, k] * 3 <= columns[column] + 1
        assert shapes.classes[shapes.labels[index]] in phrases[0]


def test_all_shapes_colours_and_textures_are_equally_common():
    scene = make_shapes(8_000, ShapesConfig(size=16)).scene
    for values, options in ((scene.shape, SHAPES), (scene.colour, COLOURS), (scene.texture, TEXTURES)):
        share = torch.bincount(values.flatten(), minlength=len(options)) / values.numel()
        assert share.sub(1 / len(options)).abs().max() < 0.02


def test_textures_differ_on_the_same_object():
    scene = make_shapes(1, ShapesConfig(scales=(7.0, 7.0))).scene
    pictures = [
        draw(Scene(**{**vars(scene), "texture": torch.full_like(scene.texture, index)}), 32)
        for index in range(len(TEXTURES))
    ]
    for index, picture in enumerate(pictures):
        assert all(not torch.equal(picture, other) for other in pictures[:index])


def test_a_chosen_part_keeps_its_scenes():
    shapes = make_shapes(600, ShapesConfig(objects=2))
    chosen = torch.tensor([599, 3, 511, 512])
    part = shapes.select(chosen)
    assert torch.equal(part.masks, shapes.masks[chosen])
    assert torch.equal(part.day().images, shapes.images[chosen])
    assert part.captions == [shapes.captions[index] for index in chosen]


def test_same_different_cannot_be_told_from_one_object():
    task = same_different(20_000, size=20, seed=3)
    first, second = task.scene.shape.T
    assert torch.equal(task.labels, (first == second).long())
    for scene_property in (task.scene.shape, task.scene.colour, task.scene.texture, (task.scene.x * 2).long()):
        for values in scene_property.T:
            for value in values.unique():
                share = task.labels[values == value].float().mean()
                assert abs(share - 0.5) < 0.05  # 2,500 pictures a shape: five standard deviations


def test_same_different_with_few_shapes_draws_these_and_each_alike_often_whatever_the_label():
    task = same_different(20_000, size=20, seed=3, shapes=("ring", "bar", "cross"))
    same = task.scene.shape[:, 0] == task.scene.shape[:, 1]
    assert torch.equal(same.long(), task.labels)
    for label in (0, 1):
        for place in (0, 1):
            counts = task.scene.shape[task.labels == label, place].bincount(minlength=len(SHAPES))
            shares = counts / counts.sum()
            wanted = torch.tensor([name in ("ring", "bar", "cross") for name in SHAPES]) / 3
            assert (shares - wanted).abs().max() < 0.02


def test_same_different_in_colour_cannot_be_told_from_one_object_nor_from_the_shapes():
    task = same_different(20_000, size=20, seed=3, shapes=("circle", "square"), colours=("red", "blue"))
    first, second = task.scene.colour.T
    assert torch.equal(task.labels, (first == second).long())
    alike = (task.scene.shape[:, 0] == task.scene.shape[:, 1]).long()
    for scene_property in (*task.scene.shape.T, *task.scene.colour.T, alike):
        values = scene_property.unique()
        assert len(values) == 2
        for value in values:
            assert abs(task.labels[scene_property == value].float().mean() - 0.5) < 0.025  # five standard deviations


@given(st.floats(0.35, 0.65), SEEDS)
@few
def test_same_different_keeps_its_objects_apart_and_in_the_picture(distance, seed):
    task = same_different(32, distance=distance, seed=seed)
    torch.testing.assert_close(task.scene.x.diff(dim=1).abs().squeeze(1), torch.full((32,), distance))
    radius = task.scene.radius
    for centre in (task.scene.x, task.scene.y):
        assert (centre >= radius - 1e-6).all()
        assert (centre <= 1 - radius + 1e-6).all()
    assert task.masks.any(dim=(-2, -1)).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ShapesConfig(size=8), "size is 8, but must be at least 16 pixels"),
        (lambda: ShapesConfig(objects=5), "objects is 5.*1 to 4"),
        (lambda: ShapesConfig(scales=(5.0, 2.0)), "scales.*within 1 and 8"),
        (lambda: ShapesConfig(size=16, scales=(1.0, 8.0)), "scale is 1, but at 16 pixels.*at least 2"),
        (lambda: make_shapes(0), "count is 0"),
        (lambda: same_different(0), "count is 0"),
        (lambda: same_different(4, shapes=("ring",)), "two or more different ones of circle"),
        (lambda: same_different(4, shapes=("ring", "blob")), "shapes are .*blob"),
        (lambda: same_different(4, colours=("red", "red")), "colours are .*two or more different ones of red"),
        (lambda: same_different(4, distance=0.9), "distance is 0.9.*between 0.31 and 0.69"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
