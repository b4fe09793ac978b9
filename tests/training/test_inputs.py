"""Whatever is passed to ``fit`` and ``evaluate`` is right, or refused in one sentence before anything has changed."""

import warnings
from dataclasses import replace

import pytest
import torch
from small import RECIPE, quarters, same_weights, tiny_vit
from torch import nn
from torch.nn import functional as F

from course_utils.models import ViT
from course_utils.training import Examples, evaluate, fit
from course_utils.training.augment import shift_flip_erase, vary_light
from course_utils.training.contrast import train_pairs
from course_utils.training.pretrain import pretrain
from course_utils.training.rand_augment import RandAugment
from course_utils.training.regularise import mixup_loss

DATA = quarters(36)
RECIPE = replace(RECIPE, epochs=1)


class Answering(nn.Module):
    """A model whose answer was changed."""

    def __init__(self, change):
        super().__init__()
        self.body, self.norm, self.change = tiny_vit(), nn.BatchNorm2d(1), change

    def forward(self, images):
        return self.change(self.body(self.norm(images)))


def loss_that(change):
    def loss(model, images, labels):
        logits = model(images)
        return change(F.cross_entropy(logits, labels), logits)

    return loss


def typed(dtype):
    return Examples(DATA.images.to(dtype), DATA.labels)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_images_of_any_type_are_read_in_the_models(dtype):
    model, plain = tiny_vit(), tiny_vit()
    fit(model, typed(dtype), typed(dtype), RECIPE, quiet=True)
    fit(plain, Examples(DATA.images.to(dtype).float(), DATA.labels), None, RECIPE, quiet=True)
    assert same_weights(model, plain)
    assert evaluate(model, typed(dtype)) == evaluate(model, Examples(DATA.images.to(dtype).float(), DATA.labels))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_model_in_another_type_is_evaluated_in_it_and_trained_if_it_can_be(dtype):
    model = tiny_vit().to(dtype)
    assert evaluate(model, DATA).count == 36
    if dtype == torch.float64:
        fit(model, DATA, DATA, RECIPE, quiet=True)
        assert model.head.weight.dtype == dtype
    else:
        with pytest.raises(ValueError, match=r"small steps are rounded away: use model.float\(\)"):
            fit(model, DATA, DATA, RECIPE, quiet=True)


AUGMENT = (vary_light, shift_flip_erase, RandAugment())


@pytest.mark.parametrize("augment", AUGMENT, ids=["light", "erase", "RandAugment"])
@pytest.mark.parametrize("default", [torch.float16, torch.float64])
def test_the_default_type_of_new_tensors_changes_nothing(augment, default):
    trained = []
    recipe = replace(RECIPE, augment=augment, ema=0.9)
    for dtype in (torch.float32, default):
        model = tiny_vit()
        torch.set_default_dtype(dtype)
        try:
            fit(model, DATA, DATA, recipe, loss=mixup_loss(0.3, 4), quiet=True)
            score = evaluate(model, DATA)
        finally:
            torch.set_default_dtype(torch.float32)
        trained.append((model, score))
    (one, first), (other, second) = trained
    assert same_weights(one, other)
    assert first == second


@pytest.mark.parametrize("mode", [lambda: torch.set_grad_enabled(False), torch.inference_mode])
def test_gradients_that_were_switched_off_come_back_for_training(mode):
    model, other = tiny_vit(), tiny_vit()
    fit(model, DATA, None, RECIPE, quiet=True)
    with torch.enable_grad(), mode():
        data = Examples(DATA.images + 0, DATA.labels + 0)  # inference tensors, in inference mode
        fit(other, data, data, RECIPE, quiet=True)
    assert same_weights(model, other)
    with torch.inference_mode():
        model = tiny_vit()
    with pytest.raises(ValueError, match=r"built under torch\.inference_mode"):
        fit(model, DATA, None, RECIPE, quiet=True)


def test_images_with_a_graph_get_no_gradient():
    images = DATA.images.clone().requires_grad_()
    fit(tiny_vit(), Examples(images, DATA.labels), None, RECIPE, quiet=True)
    assert images.grad is None


E = Examples
REFUSED = {  # what it says: (model, data, options, changes of the recipe)
    "images of type ndarray and labels of type Tensor": (tiny_vit, E(DATA.images.numpy(), DATA.labels), {}, {}),
    "is a tuple, but must have .images": (tiny_vit, (DATA.images, DATA.labels), {}, {}),
    "is a DataLoader": (tiny_vit, torch.utils.data.DataLoader([0]), {}, {}),
    r"returned \(\), but must return two tensors": (tiny_vit, DATA, {"loss": loss_that(lambda one, _: one)}, {}),
    r"returned \(32,\) and \(32, 4\)": (
        tiny_vit,
        DATA,
        {"loss": lambda m, x, y: (F.cross_entropy(m(x), y, reduction="none"), m(x))},
        {},
    ),
    r"returned \(32, 4\) and \(\)": (tiny_vit, DATA, {"loss": loss_that(lambda one, two: (two, one))}, {}),
    r"returned float and \(32, 4\)": (tiny_vit, DATA, {"loss": loss_that(lambda one, two: (one.item(), two))}, {}),
    "does not require grad.*: correct the loss": (
        tiny_vit,
        DATA,
        {"loss": loss_that(lambda one, two: (one.detach(), two))},
        {},
    ),
    "takes 2 positional arguments but 3 were given": (tiny_vit, DATA, {"loss": lambda a, b: None}, {}),
    "returns a tuple for": (lambda: Answering(lambda logits: (logits, logits)), DATA, {}, {}),
    "returns a dict for": (lambda: Answering(lambda logits: {"logits": logits}), DATA, {}, {}),
    r"of shape \(1, 4\) for 32 images": (lambda: Answering(lambda logits: logits.mean(0, True)), DATA, {}, {}),
    "augmentation returned a value of type NoneType": (tiny_vit, DATA, {}, {"augment": lambda x, g: None}),
    r"augmentation returned a value of shape \(2, 1, 8, 8\)": (tiny_vit, DATA, {}, {"augment": lambda x, g: x[:2]}),
    "this ViT reads": (tiny_vit, DATA, {}, {"augment": lambda x, g: x[..., :4, :4]}),
    "The model is a function": (lambda: lambda images: images, DATA, {}, {}),
    "The model is the class ViT": (lambda: ViT, DATA, {}, {}),
    "no trainable parameter": (lambda: tiny_vit().requires_grad_(False), DATA, {}, {}),
    "layers without a size": (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(4)), DATA, {}, {}),
    "The batch has a single image": (tiny_vit, DATA, {"loss": mixup_loss(0.3, 4)}, {"batch_size": 35}),
    "batch_size that does not leave 1 of 36": (
        lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 4)),
        DATA,
        {},
        {"batch_size": 7},
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_trained_is_refused_before_anything_changes(sentence, tmp_path):
    make, data, options, changes = REFUSED[sentence]
    model = make()
    before = {name: value.clone() for name, value in model.state_dict().items()} if _built(model) else {}
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=sentence) as refused:
        fit(model, data, None, replace(RECIPE, **changes), folder=tmp_path / "run", quiet=True, **options)
    assert "\n" not in str(refused.value)
    assert torch.equal(torch.get_rng_state(), state)
    if before:
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.parameters())
        fit(tiny_vit(), DATA, None, RECIPE, folder=tmp_path / "run", quiet=True)  # no other run's folder now


class Remembering(nn.Linear):
    def get_extra_state(self):
        return {"seen": 0}

    def set_extra_state(self, state):
        pass


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (tiny_vit().to("meta"), "This ViT is on the meta device, where weights have no values"),
        (
            nn.Sequential(nn.Flatten(), Remembering(64, 4)),
            r"1\._extra_state in the state of this Sequential is a dict",
        ),
    ],
)
def test_weights_that_could_not_be_kept_are_refused_in_a_sentence(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(model, DATA, DATA, RECIPE, quiet=True)


def test_an_evaluation_without_numbers_is_refused_and_names_the_weights():
    model = tiny_vit()
    model.head.bias.data[1] = torch.nan
    with pytest.raises(
        ValueError, match=r"This ViT returns NaN for images of the evaluation data, as head\.bias has"
    ):
        evaluate(model, DATA)


def _built(model):
    return isinstance(model, nn.Module) and not any(map(nn.parameter.is_lazy, model.parameters()))


def test_a_validation_that_would_fail_is_refused_before_the_first_epoch():
    steps = []

    def loss(model, images, labels):
        steps.append(1)
        logits = model(images)[0]
        return F.cross_entropy(logits, labels), logits

    model = Answering(lambda logits: (logits, logits))
    fit(model, DATA, None, RECIPE, loss=loss, quiet=True)  # the loss knows what to do with two
    steps.clear()
    with pytest.raises(ValueError, match="returns a tuple for 1 image, but"):
        fit(model, DATA, DATA, RECIPE, loss=loss, quiet=True)
    assert not steps


def test_a_slip_in_a_students_own_code_keeps_its_name():
    with pytest.raises(NameError, match="undefined_labels"):
        fit(tiny_vit(), DATA, None, RECIPE, loss=lambda m, x, y: F.cross_entropy(m(x), undefined_labels), quiet=True)  # noqa: F821


def test_the_loss_is_called_once_for_each_batch():
    calls = []
    fit(tiny_vit(), DATA, DATA, RECIPE, loss=loss_that(lambda *both: calls.append(1) or both), quiet=True)
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: evaluate(Answering(lambda logits: (logits,)), DATA), "returns a tuple"),
        (lambda: evaluate(tiny_vit, DATA), "The model is a function"),
        (lambda: evaluate(tiny_vit(), DATA, batch_size=0), "batch_size is 0, but must be at least 1"),
        (lambda: evaluate(tiny_vit(), DATA, precision="fp8"), "precision is 'fp8'"),
        (lambda: fit(tiny_vit(), DATA, None, {"epochs": 1}), "The recipe is a dict"),
        (lambda: pretrain(tiny_vit(), DATA.images, RECIPE), "needs a PixelTransformer"),
        (lambda: train_pairs(tiny_vit(), DATA.images, DATA.labels, DATA.labels, RECIPE), "need an ImageText"),
    ],
)
def test_one_sentence_for(call, sentence):
    with warnings.catch_warnings(), pytest.raises(ValueError, match=sentence):
        call()
