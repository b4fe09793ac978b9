"""The sentences of ``course_utils.models`` for unknown names, wrong shapes and what is not a configuration."""

import pickle
from types import SimpleNamespace

import pytest
import torch

from course_utils.models import ResNet, ResNetConfig, Swin, SwinConfig, ViT, ViTConfig, build
from course_utils.models.model import config_of
from course_utils.models.refusals import UnknownName, WrongShape, look_up, may_read, values_read_once


def test_an_unknown_name_is_answered_with_those_that_are_known():
    table = {"swin_t": 1, "swin_s": 2}
    assert look_up(table, "swin_s", "published Swin") == 2
    with pytest.raises(UnknownName) as raised:
        look_up(table, "swin_x", "published Swin")
    assert str(raised.value) == "There is no published Swin called 'swin_x': choose one of swin_t, swin_s."
    assert str(UnknownName("trio", "x", [])) == "There is no trio called 'x': none is known."
    with pytest.raises(UnknownName, match="no published ViT called 'vit_b16': choose one of vit_ti_16, vit_s_16"):
        ViT.from_name("vit_b16")
    with pytest.raises(UnknownName, match=r"no model called 'Mixer': choose one of .*Swin"):
        config_of("Mixer", {})


@pytest.mark.parametrize(
    ("model", "shape", "sentence"),
    [
        (
            ViT(ViTConfig(8, 4, 1, dim=8, layers=1, heads=1, mlp_dim=8)),
            (2, 3, 8, 8),
            "Got images of shape (2, 3, 8, 8), but this ViT reads (batch, 1, 8, 8): change the images or build it with "
            "another ViTConfig.",
        ),
        (
            ResNet(ResNetConfig("basic", (1,), (8,))),
            (3, 16, 16),
            "Got images of shape (3, 16, 16), but this ResNet reads (batch, 3, height, width): change the images or "
            "build it with another ResNetConfig.",
        ),
        (
            Swin(SwinConfig(dim=6, depths=(1,), heads=(3,))),
            (2, 3, 3, 32),
            "Got images of shape (2, 3, 3, 32), but this Swin reads (batch, 3, height, width) of at least 4 pixels per "
            "side: change the images or build it with another SwinConfig.",
        ),
    ],
)
def test_images_of_another_shape_are_answered_with_the_shape_that_is_read(model, shape, sentence):
    with pytest.raises(WrongShape) as raised:
        model(torch.rand(shape))
    assert str(raised.value) == sentence


def test_what_is_not_a_configuration_is_refused_in_one_sentence():
    for thing, name in (("vit_b_16", "str"), (ViT(ViTConfig(8, 4, 1, 8, 1, 1, 8)), "ViT"), (ViTConfig, "type")):
        sentence = f"Cannot build a model from a {name}: pass build a configuration, one of .*ViTConfig"
        with pytest.raises(TypeError, match=sentence) as raised:
            build(thing)
        assert "\n" not in str(raised.value)


def test_refusals_survive_the_way_to_another_process():
    for refusal in (UnknownName("model", "x", ["y"]), WrongShape((1, 2), "this ViT", "(batch, 3)", "change them")):
        again = pickle.loads(pickle.dumps(refusal))
        assert type(again) is type(refusal)
        assert str(again) == str(refusal)


def test_a_gpus_values_are_read_again_after_all_runs_in_whichever_order_they_end():
    on_gpu = SimpleNamespace(device=torch.device("cuda"), is_meta=False)
    first, second = values_read_once(), values_read_once()
    first.__enter__()()
    assert not may_read(on_gpu)
    in_second = second.__enter__()
    assert may_read(on_gpu)
    in_second()
    first.__exit__(None, None, None)
    assert not may_read(on_gpu)
    second.__exit__(None, None, None)
    assert may_read(on_gpu)
    assert may_read(torch.ones(1))
