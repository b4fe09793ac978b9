"""A trained network as an encoder: its own features, of images of any size, and nothing in it learns."""

from copy import deepcopy

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.experiments.runs import small_resnet
from course_utils.models import build
from course_utils.models.encoder import Encoder, head_of
from course_utils.models.pretrained import Pretrained
from course_utils.models.refusals import WrongShape


def found(model: nn.Module) -> Pretrained:
    return Pretrained(model, (), "", True, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))


@pytest.fixture(scope="module")
def timms():
    torch.manual_seed(0)
    return timm.create_model("test_efficientnet", num_classes=7).eval()


def test_images_are_resized_coloured_and_standardised_as_the_network_reads_them(timms):
    encoder, oblong = Encoder(found(timms), 32), torch.rand(2, 3, 20, 50)
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)))
    expected = (F.interpolate(oblong, (32, 32), mode="bilinear", antialias=True) - mean) / std
    torch.testing.assert_close(encoder.prepared(oblong), expected)
    with torch.no_grad():
        theirs = timms.forward_head(timms.forward_features(expected), pre_logits=True)
        assert torch.equal(encoder(oblong), theirs)
    assert encoder.dim == theirs.shape[1]
    grey = oblong[:, :1]
    assert torch.equal(encoder(grey), encoder(grey.expand(-1, 3, -1, -1)))


def test_a_resnet_of_ours_is_an_encoder_too():
    model = build(small_resnet(5), 0).eval()
    encoder = Encoder(found(model), 32)
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(model.head(encoder(images)), model(encoder.prepared(images)), atol=1e-6)
    assert encoder.dim == 64


def test_nothing_in_it_learns_or_changes_even_in_training(timms):
    encoder = Encoder(found(deepcopy(timms)), 32)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    whole = nn.Sequential(encoder, nn.Linear(encoder.dim, 3)).train()
    whole(torch.rand(4, 3, 32, 32)).sum().backward()
    assert not any(part.training for part in encoder.modules())
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


@pytest.mark.parametrize("images", [torch.rand(3, 8, 8), torch.rand(1, 4, 8, 8)])
def test_other_images_are_refused_in_words(timms, images):
    with pytest.raises(WrongShape, match=r"this Encoder reads \(batch, 1 or 3, height, width\): add an axis"):
        Encoder(found(timms), 32)(images)


def test_bytes_are_refused_because_they_cannot_be_standardised(timms):
    with pytest.raises(
        ValueError, match=r"The images are uint8, but must be in floating point: use images.float\(\) / 255"
    ):
        Encoder(found(timms), 32)(torch.zeros(1, 3, 8, 8).byte())


def test_the_name_of_a_head_is_known_of_resnets_and_of_timms_networks(timms):
    assert head_of(timms) == "classifier"
    assert head_of(build(small_resnet(5), 0)) == "head"
    for model in (nn.Linear(2, 2), timm.create_model("test_efficientnet", num_classes=0)):
        with pytest.raises(
            ValueError, match="must be a ResNet or a network of timm's with one linear layer as its head"
        ):
            head_of(model)
