from dataclasses import replace

import pytest
import torch
from small import RECIPE, quarters, same_weights, tiny_vit
from torch import nn
from torch.nn import functional as F

from course_utils.models import ResNet, ResNetConfig
from course_utils.training import Examples, Recipe, evaluate, fit
from course_utils.training.weights import copied


@pytest.mark.parametrize("limit", [0.5, 0.999])  # the warm-up ends after a few steps, and never
def test_the_average_is_that_of_the_formula_over_the_weights_of_all_steps(limit):
    """decay · average + (1 − decay) · weights after every step; the first begins it, the next ones count for more."""
    seen = []

    def watching(model, images, labels):
        seen.append(copied(model))
        logits = model(images)
        return F.cross_entropy(logits, labels), logits

    plain, averaged = tiny_vit(), tiny_vit()
    recipe = replace(RECIPE, epochs=1)
    fit(plain, quarters(640), None, recipe, loss=watching, quiet=True)
    fit(averaged, quarters(640), None, replace(recipe, ema=limit), quiet=True)
    after = [*seen[1:], copied(plain)]
    for name, value in averaged.state_dict().items():
        expected = after[0][name]
        for n, weights in enumerate(after[1:], start=1):
            decay = min(limit, (1 + n) / (10 + n))
            expected = decay * expected + (1 - decay) * weights[name]
        torch.testing.assert_close(value, expected)
    assert not same_weights(plain, averaged)


def test_the_average_of_what_does_not_learn_is_the_same_to_the_bit():
    model, before = tiny_vit(), tiny_vit().blocks
    model.blocks.requires_grad_(False)
    fit(model, quarters(320), None, replace(RECIPE, ema=0.95), quiet=True)
    assert same_weights(model.blocks, before)
    assert not same_weights(model, tiny_vit())


def test_the_accuracy_of_an_epoch_is_that_of_the_average():
    model, validation = tiny_vit(), quarters(300, seed=1)
    history = fit(model, quarters(320), validation, replace(RECIPE, epochs=4, ema=0.95), quiet=True)
    assert evaluate(model, validation).accuracy == history.epochs[-1].validation_accuracy
    fast = fit(tiny_vit(), quarters(320), validation, replace(RECIPE, epochs=4), quiet=True)
    early, same = history.epochs[1], fast.epochs[1]
    assert early.train_loss == pytest.approx(same.train_loss)
    assert early.validation_loss > same.validation_loss, "an average lags behind"


def doubled(images, generator):
    return 2 * images


@pytest.mark.parametrize("augment", [None, doubled])
def test_batch_norms_are_measured_for_the_averaged_weights_on_the_images_of_training(augment):
    """At a high learning rate averaged weights are shorter than any they were averaged from: old variances misjudge."""
    torch.manual_seed(0)
    model = ResNet(ResNetConfig("basic", (1, 1), (8, 16), stem_kernel=3, max_pool=False, channels=1, classes=4))
    train, validation = quarters(640), quarters(300, seed=1)
    recipe = replace(RECIPE, learning_rate=0.05, warmup=0.0, ema=0.9, augment=augment)
    fit(model, train, validation, recipe, quiet=True)
    if augment:
        train = Examples(augment(train.images, None), train.labels)
    seen = []
    model.stages[1][0].norm1.register_forward_pre_hook(lambda norm, inputs: seen.append(inputs[0]))
    evaluate(model, train, batch_size=640)
    variance = seen[-1].var((0, 2, 3))
    torch.testing.assert_close(model.stages[1][0].norm1.running_var, variance, rtol=0.06, atol=0.0)


class OnFrozen(nn.Module):
    """A head on a frozen part whose norm keeps its statistics, as in transfer learning."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).requires_grad_(False)
        self.head = nn.Sequential(nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 6 * 6, 4))

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, images):
        return self.head(self.body(images))


def test_the_norms_of_a_frozen_part_keep_their_statistics():
    model = OnFrozen()
    model.body[1].running_mean.fill_(5.0)
    start = copied(model)
    fit(model, quarters(64), None, replace(RECIPE, ema=0.9), quiet=True)
    for name, value in model.body.state_dict().items():
        assert torch.equal(value, start[f"body.{name}"]), name
    assert not torch.equal(model.head[0].running_mean, start["head.0.running_mean"])


def test_the_order_in_memory_changes_nothing_but_the_speed():
    def trained(**changes):
        torch.manual_seed(0)
        config = ResNetConfig("basic", (1, 1), (8, 16), stem_kernel=3, max_pool=False, channels=1, classes=4)
        model, inner = ResNet(config), []
        model.stages[1][0].conv1.register_forward_hook(
            lambda layer, inputs, output: inner.append(inputs[0].is_contiguous(memory_format=torch.channels_last))
        )
        fit(model, quarters(64), None, replace(RECIPE, clip=None, **changes), quiet=True)
        return model, inner

    (plain, _), (turned, inner) = trained(), trained(channels_last=True)
    assert all(inner[1:])  # the first call is the trial with one picture, before training
    for name, value in turned.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[name], rtol=1e-3, atol=1e-4)
        assert value.is_contiguous()


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5, float("nan")])
def test_a_decay_that_averages_nothing_is_refused(decay):
    with pytest.raises(ValueError, match=r"ema is .*, but must be in \(0, 1\)"):
        Recipe(ema=decay)
