"""The pair of notebook 05: equal size and work, equal steps, the same again from a seed."""

import pytest
import torch

from course_utils.costs import count_flops, count_parameters
from course_utils.experiments.nb05_data_size import PAIR, draw, repeated, train_and_test
from course_utils.experiments.nb05_pretraining import pretrain_and_fine_tune
from course_utils.models import build
from course_utils.models.refusals import UnknownName


def test_the_pair_is_matched_in_parameters_and_work_within_a_tenth():
    models = [build(config, 0).eval() for config in PAIR.values()]
    parameters = [count_parameters(model) for model in models]
    work = [count_flops(model, torch.zeros(1, 1, 28, 28)) for model in models]
    assert abs(parameters[0] / parameters[1] - 1) < 0.1
    assert abs(work[0] / work[1] - 1) < 0.1


def test_every_picture_is_shown_as_often_as_every_other():
    shown = repeated(7, 24, seed=0).bincount(minlength=7)
    assert shown.sum() == 24
    assert set(shown.tolist()) == {3, 4}
    assert len(repeated(50, 24, seed=0).unique()) == 24


def test_shapes_are_grey_of_the_pairs_size_and_training_never_sees_the_test_pictures():
    train, test = draw("shapes", "fit", 20, seed=0), draw("shapes", "test", 20, seed=0)
    assert train.images.shape == (20, 1, 28, 28)
    assert not torch.equal(train.images, test.images)
    with pytest.raises(ValueError, match="fashion_mnist, shapes or night shapes"):
        draw("cifar10", "fit")


@pytest.mark.slow
def test_a_point_is_the_same_again_and_shuffled_patches_are_another_point():
    settings = {"dataset": "shapes", "pictures": 64, "model": "ViT", "seed": 3, "steps": 4, "quiet": True}
    (one, found), (other, again) = (train_and_test(patches="in place", **settings) for _ in range(2))
    del found["training_seconds"], again["training_seconds"]
    assert found == again
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    shuffled, _ = train_and_test(patches="shuffled", **settings)
    assert not torch.equal(one.project.weight, shuffled.project.weight)
    with pytest.raises(ValueError, match="'in place' or 'shuffled'"):
        train_and_test(patches="sorted", **settings)
    with pytest.raises(UnknownName):
        train_and_test(patches="in place", **{**settings, "model": "CNN"})


def test_fine_tuning_starts_from_what_shapes_taught_with_a_new_head(monkeypatch):
    seen = {}

    def record(model, pictures, steps, learning_rate, seed, quiet):
        seen[pictures.name] = {name: value.clone() for name, value in model.state_dict().items()}
        for parameter in model.parameters():
            parameter.data.add_(1)

    monkeypatch.setattr("course_utils.experiments.nb05_pretraining.train_one", record)
    monkeypatch.setattr(
        "course_utils.experiments.nb05_pretraining.evaluate", lambda *_: type("S", (), {"accuracy": 0.5})
    )
    pretrain_and_fine_tune(shapes=30, labelled=20, model="ResNet", seed=0)
    (real,) = seen.keys() - {"shapes"}
    before, after = seen["shapes"], seen[real]
    torch.testing.assert_close(after["stem.0.weight"], before["stem.0.weight"] + 1)
    assert not torch.allclose(after["head.weight"], before["head.weight"] + 1)
    with pytest.raises(UnknownName):
        pretrain_and_fine_tune(shapes=30, labelled=20, model="CNN", seed=0)
    with pytest.raises(ValueError, match="or more"):
        pretrain_and_fine_tune(shapes=-1, labelled=20, model="ViT", seed=0)
