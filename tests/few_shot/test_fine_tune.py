"""A teacher learns new classes and is left as it was, a ResNet of ours or a network of timm's."""

from dataclasses import replace

import pytest
import timm
import torch
from torch import nn

from course_utils.data.few_shot import (
    NEW_CLOTHES,
    POOLS,
    SEEN_CLOTHES,
    as_rgb_32,
    composition_name,
    compositions,
    only,
    placed_anywhere,
)
from course_utils.data.labelled_images import LabelledImages
from course_utils.experiments import nb09_few_shot, nb09_student
from course_utils.experiments.nb09_few_shot import TRAINED
from course_utils.few_shot.episodes import EpisodeConfig, draw_episode, prototype_logits, prototypes
from course_utils.few_shot.fine_tune import Method, adapt, features_of
from course_utils.few_shot.lora import LoRA
from course_utils.settings import WrongSetting
from course_utils.training.weights import load_checkpoint


@pytest.fixture(scope="module")
def task():
    """The shipped teacher, and an episode of shapes that it never learned the names of."""
    teacher, _ = load_checkpoint("shapes-resnet")
    pictures = compositions(400, "episodes", 1)
    episode = draw_episode(pictures.labels, EpisodeConfig(5, 2, 4), seed=2)
    return teacher, pictures.images[episode.support], episode.support_labels, pictures.images[episode.query], episode


def test_before_the_first_step_the_adapted_teacher_is_nearest_prototype(task):
    teacher, images, labels, asked, _ = task
    model = adapt(Method("nothing"), teacher, images, labels, 5)
    expected = prototype_logits(features_of(teacher, asked), prototypes(features_of(teacher, images), labels, 5))
    assert torch.allclose(model(asked).softmax(-1), expected.softmax(-1), atol=1e-4)
    assert model.config.classes == 5


@pytest.mark.parametrize("learns", ["all", "lora"])
def test_fine_tuning_may_start_from_a_fitted_head(task, learns):
    teacher, images, labels, asked, _ = task
    before = Method(learns, 1, 1e-12, frozen_normalisation=True)
    first = adapt(replace(before, fit_head_first=True), teacher, images, labels, 5)(asked)
    assert torch.allclose(first, adapt(Method("head"), teacher, images, labels, 5)(asked), atol=1e-4)
    assert not torch.allclose(first, adapt(before, teacher, images, labels, 5)(asked), atol=1e-1)


def test_scaled_logits_are_small_and_change_no_answer_before_the_first_step(task):
    teacher, images, labels, asked, _ = task
    start = Method("all", 1, 1e-12, frozen_normalisation=True)
    plain, scaled = (adapt(replace(start, unit_logits=each), teacher, images, labels, 5) for each in (False, True))
    before, after, on_support = (
        logits - logits.mean(dim=1, keepdim=True) for logits in (plain(asked), scaled(asked), scaled(images))
    )
    assert on_support.std().item() == pytest.approx(1, abs=1e-3)
    assert before.std() > 2 * after.std()
    assert torch.allclose(after * before.std() / after.std(), before, atol=1e-2)
    assert torch.equal(plain(asked).argmax(-1), scaled(asked).argmax(-1))
    with pytest.raises(ValueError, match="all classes the same logit"):
        adapt(Method("nothing", unit_logits=True), teacher, images[:1].expand_as(images), labels, 5)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"learns": "all"}, "steps is 0, but 'all' learns: choose at least 1"),
        ({"learns": "lora", "steps": 0}, "steps is 0, but 'lora' learns"),
        ({"learns": "all", "steps": 1, "from_scratch": True, "unit_logits": True}, "from_scratch forgets the head"),
        (
            {"learns": "all", "steps": 1, "from_scratch": True, "fit_head_first": True},
            "from_scratch forgets the head",
        ),
        ({"learns": "nothing", "unit_logits": 2}, "unit_logits is 2, but must be True or False"),
    ],
)
def test_a_method_that_contradicts_itself_is_refused(fields, sentence):
    with pytest.raises(WrongSetting, match=sentence):
        Method(**fields)


@pytest.mark.parametrize("name", TRAINED)
def test_what_learns_is_what_the_method_says(task, name):
    teacher, images, labels, _, _ = task
    before = {key: value.clone() for key, value in teacher.state_dict().items()}
    model = adapt(replace(TRAINED[name], steps=2), teacher, images, labels, 5, seed=3)
    assert not model.training
    assert all(torch.equal(value, before[key]) for key, value in teacher.state_dict().items())
    stem = model.stem[0].layer if isinstance(model.stem[0], LoRA) else model.stem[0]
    assert torch.equal(stem.weight, teacher.stem[0].weight) == (name == "LoRA")
    kept = torch.equal(model.stem[1].running_mean, teacher.stem[1].running_mean)
    assert kept == TRAINED[name].frozen_normalisation
    again = adapt(replace(TRAINED[name], steps=2), teacher, images, labels, 5, seed=3)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), again.parameters(), strict=True))


def test_fine_tuning_fits_the_support_pictures(task):
    teacher, images, labels, asked, episode = task
    model = adapt(TRAINED["all weights, frozen normalisation"], teacher, images, labels, 5)
    assert (model(images).argmax(-1) == labels).all()
    assert (model(asked).argmax(-1) == episode.query_labels).float().mean() > 0.6  # chance is 0.2
    assert isinstance(model.head, nn.Linear)


def test_no_composition_is_in_two_pools_and_each_picture_has_its_name():
    pools = torch.cat(list(POOLS.values()))
    assert sorted(pools.tolist()) == list(range(192))
    assert not set(SEEN_CLOTHES) & set(NEW_CLOTHES)
    made = compositions(30, "validation", 5)
    for label, caption in zip(made.labels.tolist(), made.captions, strict=True):
        assert f" {made.classes[label]} in the" in caption
    assert made.classes[3] == composition_name(int(POOLS["validation"][3]))
    assert not torch.equal(made.images, compositions(30, "validation", 5, night=True).images)
    with pytest.raises(ValueError, match="no pool 'test': choose one of teacher, validation, episodes"):
        compositions(3, "test")


def test_clothes_fill_a_picture_of_the_teachers_size():
    images = torch.rand(20, 1, 28, 28) * 0.9 + 0.1
    pictures = LabelledImages(images, torch.arange(20) % 4, tuple("abcd"), "made", "made")
    middle = as_rgb_32(pictures)
    assert torch.equal(middle.images[:, 1, 2:30, 2:30], images[:, 0])
    moved = placed_anywhere(pictures, 20).images
    assert moved.shape == (20, 3, 32, 32)
    assert (moved[:, 0] > 0).sum((1, 2)).tolist() == [400] * 20
    corners = {tuple((picture[0] > 0).nonzero()[0].tolist()) for picture in moved}
    assert len(corners) > 10
    chosen = only(pictures, (3, 1))
    assert (chosen.classes, chosen.labels.bincount().tolist()) == (("d", "b"), [5, 5])
    assert torch.equal(chosen.images[chosen.labels == 0], images[3::4])
    with pytest.raises(ValueError, match="side is 40 pixels, but must be from 8 to 32"):
        placed_anywhere(pictures, 40)


@pytest.fixture(scope="module")
def timms():
    """A small network of timm's."""
    torch.manual_seed(0)
    return timm.create_model("test_efficientnet", num_classes=7).eval()


@pytest.mark.parametrize("method", [*TRAINED.values(), Method("nothing"), Method("head")])
def test_a_network_of_timms_learns_like_a_resnet(timms, method):
    images, labels = torch.rand(10, 3, 32, 32), torch.arange(10) % 5
    before = {key: value.clone() for key, value in timms.state_dict().items()}
    model = adapt(replace(method, steps=min(method.steps, 2)), timms, images, labels, 5, seed=3)
    assert model(images).shape == (10, 5)
    assert not model.training
    assert all(torch.equal(value, before[key]) for key, value in timms.state_dict().items())
    first = model.conv_stem.layer if isinstance(model.conv_stem, LoRA) else model.conv_stem
    assert torch.equal(first.weight, timms.conv_stem.weight) == (method.learns in ("lora", "nothing", "head"))
    if method == Method("nothing"):
        features = features_of(timms, images)
        assert torch.equal(features, timms.forward_head(timms.forward_features(images), pre_logits=True))
        expected = prototype_logits(features, prototypes(features, labels, 5))
        assert torch.allclose(model(images).softmax(-1), expected.softmax(-1), atol=1e-4)


@pytest.mark.parametrize("model", [nn.Sequential(nn.Linear(2, 2)), timm.create_model("test_vit", num_classes=0)])
def test_a_network_without_one_head_is_not_adapted(model):
    with pytest.raises(ValueError, match=r"The model is a \w+, but must be a ResNet or a network of timm's"):
        adapt(Method("nothing"), model, torch.rand(4, 3, 160, 160), torch.arange(4) % 2, 2)


def test_without_fashion_mnist_the_notebooks_functions_work_on_digits(monkeypatch):
    from course_utils import data

    def nowhere(test):
        raise data.DataNotFound("not here.")

    monkeypatch.setitem(data.DATASETS, "fashion_mnist", replace(data.DATASETS["fashion_mnist"], read=nowhere))
    for cached in (nb09_few_shot.load_images, nb09_few_shot.stored, nb09_student.load_images):
        cached.cache_clear()
    try:
        with pytest.warns(UserWarning, match="this notebook uses digits"):
            found = nb09_few_shot.accuracies("five new clothes", "nearest prototype", 5, episodes=5)
        with pytest.warns(UserWarning, match="this notebook uses digits"):
            few, more = nb09_student.labelled(0), nb09_student.unlabelled(0)
        assert 0.2 < sum(found) / 5 <= 1
        assert few.images.shape == (25, 3, 32, 32)
        assert len(more) > 256
        with pytest.raises(data.DataNotFound):
            nb09_student.run("student alone, 25 pictures", 0)
    finally:
        for cached in (nb09_few_shot.load_images, nb09_few_shot.stored, nb09_student.load_images):
            cached.cache_clear()
