from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from small import RECIPE, quarters, same_weights, tiny_vit
from torch.nn import functional as F

from course_utils.training import Examples, NotFinite, Recipe, evaluate, fit
from course_utils.training.batches import share, shuffled


def test_a_run_learns_and_every_epoch_leaves_a_row():
    model = tiny_vit()
    before = evaluate(model, quarters(200, seed=1))
    history = fit(model, quarters(1600), quarters(200, seed=1), replace(RECIPE, epochs=3), quiet=True)
    after = evaluate(model, quarters(200, seed=1))
    assert before.accuracy < 0.6
    assert after.accuracy > 0.95
    assert [row.epoch for row in history.epochs] == [1, 2, 3]
    assert history.epochs[-1].validation_accuracy == after.accuracy
    assert history.epochs[-1].train_loss < history.epochs[0].train_loss
    assert history.epochs[-1].learning_rate < history.epochs[0].learning_rate
    assert history.seconds >= sum(row.seconds for row in history.epochs) > 0
    assert not history.interrupted


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    recipe = replace(RECIPE, augment=_noise)
    models = [tiny_vit(dropout=0.2) for _ in range(3)]
    for model, seed in zip(models, (7, 7, 8), strict=True):
        torch.rand(seed)  # the state of the global random numbers must not matter
        fit(model, quarters(200), None, replace(recipe, seed=seed), quiet=True)
    assert same_weights(models[0], models[1])
    assert not same_weights(models[0], models[2])


def test_the_global_random_numbers_go_on_as_if_nothing_had_been_trained():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    fit(tiny_vit(dropout=0.2), quarters(64), None, RECIPE, quiet=True)
    assert torch.equal(torch.rand(2), expected)


def test_the_stop_button_leaves_the_best_state_not_the_latest(capsys):
    model, validation, seen = tiny_vit(), quarters(200, seed=1), []

    def loss(model, images, labels):
        seen.append(1)
        if len(seen) == 250:
            raise KeyboardInterrupt
        logits = model(images)
        # Three epochs learn the labels, the fourth and fifth unlearn them.
        sign = 1 if len(seen) <= 150 else -1
        return sign * F.cross_entropy(logits, labels), logits

    history = fit(model, quarters(1600), validation, replace(RECIPE, epochs=6), loss=loss, on_interrupt="return")
    assert history.interrupted
    assert len(history.epochs) == 4
    assert history.epochs[-1].validation_accuracy < 0.6
    score = evaluate(model, validation)
    assert score.accuracy == history.best.validation_accuracy > 0.9
    said = capsys.readouterr().out
    assert "Interrupted in epoch 5 of 6: the model has its best weights so far" in said
    assert f"{score.accuracy:.1%}" in said


def test_stopped_before_any_evaluation_the_model_keeps_what_it_has_learned(capsys):
    model, start = tiny_vit(), tiny_vit()
    steps = iter(range(10))

    def loss(model, images, labels):
        if next(steps) == 5:
            raise KeyboardInterrupt
        logits = model(images)
        return F.cross_entropy(logits, labels), logits

    with pytest.raises(KeyboardInterrupt):  # so a sweep stops too
        fit(model, quarters(800), quarters(50), RECIPE, loss=loss)
    assert not same_weights(model, start)
    assert "latest weights" in capsys.readouterr().out


@pytest.mark.parametrize("step", [4, 29])  # in the first epoch, whose weights were not evaluated, and in the second
def test_an_infinite_loss_stops_with_the_step_and_leaves_the_best_finite_weights(step):
    model, start, steps = tiny_vit(), tiny_vit(), iter(range(100))

    def loss(model, images, labels):
        logits = model(images)
        return F.cross_entropy(logits, labels) * (float("inf") if next(steps) == step - 1 else 1), logits

    with pytest.raises(NotFinite, match=rf"no longer finite at step {step} of 50, learning rate .*: try"):
        fit(model, quarters(800), quarters(50), RECIPE, loss=loss, quiet=True)
    assert same_weights(model, start) == (step < 25)
    assert all(weight.isfinite().all() for weight in model.parameters())


def test_the_model_comes_back_as_it_was_given():
    model = tiny_vit().eval()
    attributes = set(vars(model))
    for precision in ("bf16", "float32", "auto", "bf16"):  # one process, changing precisions
        fit(model, quarters(64), quarters(32), replace(RECIPE, precision=precision), quiet=True)
    assert not model.training
    assert set(vars(model)) == attributes
    assert model(quarters(2).images).dtype == torch.float32


def test_a_forward_of_the_models_own_is_there_again_as_it_was():
    model = tiny_vit()
    model.forward = own = partial(type(model).forward, model)
    fit(model, quarters(64), None, replace(RECIPE, precision="bf16"), quiet=True)
    assert model.forward is own


def test_bf16_computes_in_bf16_and_float32_in_float32():
    seen = {}

    def loss(model, images, labels):
        seen[torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32] = True
        logits = model(images)
        return F.cross_entropy(logits, labels), logits

    for precision in ("bf16", "float32"):
        fit(tiny_vit(), quarters(64), None, replace(RECIPE, precision=precision), loss=loss, quiet=True)
    assert list(seen) == [torch.bfloat16, torch.float32]


@pytest.mark.parametrize("precision", ["bf16", "float32"])
@pytest.mark.parametrize(
    "block",
    [partial(torch.autocast, "cpu", dtype=torch.bfloat16), torch.inference_mode, partial(torch.device, "meta")],
)
def test_a_block_of_the_caller_changes_neither_training_nor_evaluation(block, precision):
    recipe = replace(RECIPE, precision=precision, ema=0.9)
    train, validation, test = quarters(64), quarters(32, seed=1), quarters(100, seed=2)

    def trained(model):
        fit(model, train, validation, recipe, quiet=True)
        return evaluate(model, test, precision=precision)

    model, same = tiny_vit(), tiny_vit()
    score = trained(model)
    with block():
        assert trained(same) == score
    assert same_weights(same, model)


def test_an_earlier_gradient_of_a_weight_that_is_frozen_by_now_does_not_count():
    one, other = (tiny_vit() for _ in range(2))
    for model in (one, other):
        model.project.requires_grad_(False)
    for parameter in other.project.parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    for model in (one, other):
        fit(model, quarters(64), None, RECIPE, quiet=True)
    assert same_weights(one, other), "the gradient was clipped by another norm"


def test_a_mask_of_infinity_is_no_sign_of_failed_training():
    model = tiny_vit()
    model.register_buffer("mask", torch.full((4, 4), -torch.inf).triu(1))
    fit(model, quarters(64), quarters(32), RECIPE, quiet=True)
    assert torch.equal(model.mask, torch.full((4, 4), -torch.inf).triu(1))


def test_augmentation_sees_training_pictures_only():
    model = tiny_vit()
    recipe = replace(RECIPE, augment=lambda images, generator: torch.zeros_like(images))
    history = fit(model, quarters(400), quarters(100, seed=1), recipe, quiet=True)
    plain = evaluate(model, Examples(torch.zeros(100, 1, 8, 8), quarters(100, seed=1).labels))
    assert history.epochs[-1].validation_loss != pytest.approx(plain.loss, abs=1e-4)


def test_every_picture_is_seen_once_an_epoch():
    counts = torch.zeros(100)

    def count(images, generator):
        counts[images[:, 0, 0, 0].long()] += 1
        return images

    data = Examples(torch.arange(100.0).reshape(-1, 1, 1, 1).expand(-1, 1, 8, 8), torch.zeros(100).long())
    fit(tiny_vit(), data, None, replace(RECIPE, epochs=3, batch_size=32, augment=count), quiet=True)
    assert counts.tolist() == [3] * 100


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("pictures", [1, 2, 7, 12])
def test_processes_share_a_batch_equally_and_take_no_picture_twice(pictures, processes):
    batch = torch.arange(pictures)
    shares = [batch[share(pictures, process, processes)] for process in range(processes)]
    assert len({len(part) for part in shares}) == 1
    if pictures >= processes:
        together = torch.cat(shares).tolist()
        assert len(set(together)) == len(together) > pictures - processes
    else:
        assert all(torch.equal(part, batch) for part in shares)


def _noise(images, generator):
    return images + 0.1 * torch.randn(images.shape, generator=generator)


BROKEN = {
    "the model has 4 classes": lambda d: Examples(d.images, d.labels + 1),
    "from -1 to": lambda d: Examples(d.images, d.labels - 1),
    "is empty": lambda d: Examples(d.images[:0], d.labels[:0]),
    "this ViT reads": lambda d: Examples(torch.rand(len(d), 3, 8, 8), d.labels),
    "pass one per image": lambda d: Examples(d.images, d.labels[:-1]),
    "whole numbers": lambda d: Examples(d.images, d.labels.float()),
    "floating point": lambda d: Examples((255 * d.images).byte(), d.labels),
    "1 of the training data's images hold NaN": lambda d: Examples(
        d.images.index_fill(0, torch.tensor(5), np.nan), d.labels
    ),
    "must have .images and .labels": lambda d: [(d.images[0], 0)],
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_data_that_do_not_fit_are_refused_before_the_first_step(sentence):
    model, start = tiny_vit(), tiny_vit()
    with pytest.raises(ValueError, match=sentence) as refused:
        fit(model, BROKEN[sentence](quarters(50)), None, RECIPE, quiet=True)
    assert str(refused.value).count("\n") == 0
    assert same_weights(model, start)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"checkpoint_seconds": None}, "checkpoint_seconds is None, but must be a finite number"),
        ({"folder": 12}, "folder is 12, but must be a path, as text or a pathlib.Path"),
        ({"folder": ""}, "folder is '', but must be a path"),  # for Path, the working directory
        ({"task": Recipe}, "task is .*but must be a Task or None"),
        ({"on_interrupt": None}, "on_interrupt is None, but must be one of raise, return"),
    ],
)
def test_an_option_of_the_wrong_kind_is_refused_in_a_sentence(option, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(tiny_vit(), quarters(50), None, RECIPE, **{"quiet": True, **option})


def test_the_default_loss_smooths_the_labels_by_the_recipes_share():
    data, recipe = quarters(64), replace(RECIPE, epochs=1, batch_size=64, label_smoothing=0.3)
    loss = fit(tiny_vit(), data, None, recipe, quiet=True).epochs[-1].train_loss
    expected = F.cross_entropy(tiny_vit()(data.images), data.labels, label_smoothing=0.3)  # of the only step
    assert loss == pytest.approx(expected.item(), rel=1e-4)


def test_a_model_that_is_not_ours_refuses_pictures_in_one_sentence():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(9, 4))
    with pytest.raises(ValueError, match=r"Sequential cannot read the training data, whose images are \(1, 8, 8\)"):
        fit(model, quarters(50), None, RECIPE, quiet=True)


def test_nothing_to_train_is_said():
    with pytest.raises(ValueError, match="no trainable parameter"):
        fit(tiny_vit().requires_grad_(False), quarters(50), None, RECIPE, quiet=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("weight_decay", -0.1),
        ("warmup", 1.0),
        ("label_smoothing", -0.1),
        ("clip", 0.0),
        ("seed", -1),
        ("optimiser", "sgd"),
        ("precision", "fp4"),
        ("augment", 3),
    ],
)
def test_a_recipe_refuses_nonsense_by_name(name, value):
    with pytest.raises(ValueError, match=rf"^{name} is .*, but must be"):
        Recipe(**{name: value})


def test_every_epoch_has_an_order_of_its_own_with_each_image_once():
    orders = [shuffled(50, seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert all(order.sort().values.equal(torch.arange(50)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == len(orders)
    assert shuffled(50, 1, 2).equal(orders[-1])
