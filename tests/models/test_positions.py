"""Positions for images of another size: timm's numbers, timm's logits, and a sentence for what forms no grid."""

import math

import pytest
import timm
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from timm.layers import resample_abs_pos_embed

from course_utils.models import (
    DistilledViT,
    DistilledViTConfig,
    RegisterViT,
    RegisterViTConfig,
    ViT,
    ViTConfig,
    build,
)
from course_utils.models.convert import from_timm
from course_utils.models.positions import interpolate_positions
from course_utils.models.refusals import WrongShape

SIZES = {"image_size": 12, "patch_size": 4, "dim": 16, "layers": 2, "heads": 2, "mlp_dim": 16, "classes": 5}
grid = st.tuples(st.integers(1, 6), st.integers(1, 6))


@given(grid, grid, st.integers(0, 5), st.booleans(), st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_every_grid_is_that_of_timm(old, new, special_tokens, antialias, dtype):
    assume(old == new or new[0] != new[1] or math.prod(old) != math.prod(new))  # timm 1.0.28 takes 1 × 4 for 2 × 2
    positions = torch.randn(1, special_tokens + old[0] * old[1], 3).to(dtype)
    theirs = resample_abs_pos_embed(positions, list(new), list(old), special_tokens, antialias=antialias)
    ours = interpolate_positions(positions, new, old, special_tokens, antialias)
    assert ours.dtype == dtype
    assert torch.equal(ours, theirs)


def test_an_oblong_grid_is_read_row_by_row_and_special_tokens_stay():
    ramp = torch.arange(6.0).expand(4, 6)  # a grid of 4 × 6: its columns rise, its rows are equal
    positions = torch.cat([torch.tensor([9.0]), ramp.flatten()])[None, :, None].requires_grad_()
    wide = interpolate_positions(positions, (2, 12), (4, 6))
    assert wide[0, 0] == 9
    rows = wide[0, 1:, 0].unflatten(0, (2, 12))
    torch.testing.assert_close(rows[0], rows[1])
    assert (rows.diff(dim=1) > 0).all()
    wide.sum().backward()
    assert (positions.grad != 0).all()
    assert interpolate_positions(positions, (4, 6), (4, 6)) is positions


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((torch.rand(1, 9, 4), (2, 2)), "9 positions without those of 1 special tokens do not form a square: pass"),
        ((torch.rand(1, 13, 4), (2, 2), (3, 5)), "do not form a grid of 3 × 5: pass their grid as old_grid"),
        ((torch.rand(1, 1, 4), (2, 2)), "1 positions without those of 1 special tokens do not form a square"),
        ((torch.rand(1, 3, 4), (2, 2), None, 5), "3 positions without those of 5 special tokens do not form"),
        ((torch.rand(10, 4), (2, 2)), r"positions is torch.float32 of shape \(10, 4\), but must be floating-point"),
        ((torch.ones(1, 10, 4).long(), (2, 2)), "positions is torch.int64 of shape .*: pass the positions of a ViT"),
        (("positions", (2, 2)), "positions is 'positions', but must be"),
        ((torch.rand(1, 10, 4), (0, 2)), r"grid\[0\] is 0, but must be at least 1"),
        ((torch.rand(1, 10, 4), 4), "grid is 4, but must be a tuple"),
        ((torch.rand(1, 10, 4), (2, 2), None, -1), "special_tokens is -1, but must be at least 0"),
    ],
)
def test_what_forms_no_grid_is_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        interpolate_positions(*arguments)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("reg_tokens", [0, 3])
@torch.no_grad()
def test_logits_of_images_of_any_size_are_timms(reg_tokens):
    torch.manual_seed(0)
    theirs = timm.models.VisionTransformer(
        img_size=12, patch_size=4, embed_dim=16, depth=2, num_heads=2, num_classes=5,
        reg_tokens=reg_tokens, no_embed_class=reg_tokens > 0, dynamic_img_size=True,
    ).eval()  # fmt: skip
    for parameter in theirs.parameters():
        parameter += 0.2 * torch.randn_like(parameter)
    ours = from_timm(theirs)
    oblong = torch.rand(2, 3, 8, 20)
    with ours.any_size():
        torch.testing.assert_close(ours(oblong), theirs(oblong))
        assert ours.attention_maps(oblong)[0].shape == (2, 2, 11 + reg_tokens, 11 + reg_tokens)
        with ours.any_size(antialias=False):
            assert not torch.allclose(ours(oblong), theirs(oblong), atol=1e-4)
    theirs.set_input_size((20, 20))
    larger = ours.resized(20)
    square = torch.rand(2, 3, 20, 20)
    torch.testing.assert_close(larger(square), theirs(square))
    assert (larger.config.image_size, ours.config.image_size) == (20, 12)
    theirs.set_input_size((8, 20))  # whose positions are those of 5 × 5 patches by now
    torch.testing.assert_close(larger.resized((8, 20))(oblong), theirs(oblong))
    torch.testing.assert_close(from_timm(theirs)(oblong), theirs(oblong))
    with ours.any_size():
        torch.testing.assert_close(ours.resized((8, 20))(oblong), ours(oblong))


@pytest.mark.parametrize(
    ("kind", "config"), [(ViT, ViTConfig), (DistilledViT, DistilledViTConfig), (RegisterViT, RegisterViTConfig)]
)
def test_a_model_reads_other_sizes_only_where_it_is_asked_to(kind, config):
    model = build(config(**SIZES), seed=0).eval()
    oblong, before = torch.rand(1, 3, 8, 16), {name: value.clone() for name, value in model.state_dict().items()}
    with model.any_size():
        assert model(oblong).shape == (1, 5)
        for wrong in (oblong[..., :-1], oblong[:, :1], oblong[0], oblong[..., :0]):
            with pytest.raises(WrongShape, match=f"{kind.__name__} reads .*multiples of 4 pixels: crop or resize"):
                model(wrong)
        with pytest.raises(WrongShape):  # another model, not this one
            build(config(**SIZES), seed=0)(oblong)
    ours, theirs = model.any_size(), build(config(**SIZES), seed=0).any_size()
    for step in (ours.__enter__, theirs.__enter__):
        step()
    for end in (ours, theirs):  # the first block ends first
        end.__exit__(None, None, None)
    with pytest.raises(WrongShape, match=r"reads \(batch, 3, 12, 12\)"):
        model(oblong)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="image_size 13 is not a multiple of patch_size 4"):
        model.resized(13)
    model.positions.requires_grad_(False)
    assert not model.resized(8).positions.requires_grad
    assert type(model.resized(8)) is kind
