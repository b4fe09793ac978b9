import pytest
import torch
from torch.utils.data import DataLoader

from course_utils.data import DataNotFound, load, photo


@pytest.fixture(scope="module")
def clothes():
    try:
        return {split: load("fashion_mnist", split) for split in ("train", "fit", "validation", "test")}
    except DataNotFound as missing:
        pytest.skip(f"needs the package dataset-fashion-mnist: {missing}")


def test_fashion_mnist_is_the_published_one(clothes):
    for split, count in (("train", 6_000), ("test", 1_000)):
        pictures = clothes[split]
        assert pictures.images.shape == (10 * count, 1, 28, 28)
        assert pictures.images.dtype == torch.float32
        assert (pictures.images.min(), pictures.images.max()) == (0, 1)
        assert pictures.labels.bincount().tolist() == [count] * 10
    # The well-known first picture, a boot.
    assert clothes["train"].classes[clothes["train"].labels[0]] == "ankle boot"


def test_choices_are_made_on_held_out_training_pictures(clothes):
    assert (len(clothes["fit"]), len(clothes["validation"])) == (55_000, 5_000)
    # The two parts together are the training set, each picture once.
    whole = torch.cat([clothes["fit"].images, clothes["validation"].images]).flatten(1).double().mean(1)
    assert torch.equal(whole.sort().values, clothes["train"].images.flatten(1).double().mean(1).sort().values)
    assert torch.equal(load("fashion_mnist", "validation").labels, clothes["validation"].labels)


def test_digits_are_split_evenly_and_without_overlap():
    train, test = load("digits", "train"), load("digits", "test")
    assert len(train) + len(test) == 1797
    assert train.images.shape[1:] == (1, 8, 8)
    assert (train.images.min(), train.images.max()) == (0, 1)
    share = test.labels.bincount() / (test.labels.bincount() + train.labels.bincount())
    assert (share - 0.2).abs().max() < 0.01
    rows = {tuple(picture.flatten().tolist()) for picture in test.images}
    assert not rows & {tuple(picture.flatten().tolist()) for picture in train.images}


def test_a_size_draws_pictures_by_seed():
    everything, some = load("digits"), load("digits", size=50, seed=1)
    assert len(some) == 50
    assert torch.equal(some.images, load("digits", size=50, seed=1).images)
    assert not torch.equal(some.images, load("digits", size=50, seed=2).images)
    label_of = {tuple(p.flatten().tolist()): int(label) for p, label in everything}
    assert all(label_of[tuple(picture.flatten().tolist())] == label for picture, label in some)


def test_shapes_of_different_splits_are_different_pictures():
    parts = [load("shapes", split, size=20).images for split in ("train", "fit", "validation", "test")]
    assert all(not torch.equal(first, second) for i, first in enumerate(parts) for second in parts[:i])
    assert torch.equal(parts[0], load("shapes", "train", size=20).images)
    assert not torch.equal(parts[0], load("shapes", "train", size=20, seed=1).images)


def test_pictures_feed_a_data_loader():
    images, labels = next(iter(DataLoader(load("digits"), batch_size=4)))
    assert images.shape == (4, 1, 8, 8)
    assert labels.dtype == torch.int64


def test_pictures_say_in_one_line_what_they_are():
    line = "LabelledImages(360 of 1 × 8 × 8: scikit-learn's handwritten digits, 8 × 8)"
    assert repr(load("digits", "test")) == line


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_come_with_the_package(name):
    picture = photo(name)
    assert picture.shape[0] == 3
    assert picture.dtype == torch.float32
    assert 0 <= picture.min() < picture.max() <= 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: load("imagenet"), "no dataset 'imagenet'.*shapes, digits, fashion_mnist, cifar10"),
        (lambda: load("digits", "val"), "no split 'val'.*train, fit, validation, test"),
        (lambda: load("digits", size=0), "size is 0, .*at least 1"),
        (lambda: load("digits", size=0.5), "size is 0.5, .*whole number"),
        (lambda: load("digits", "test", size=361), "size is 361, but digits test has 360"),
        (lambda: load("digits", fallback="cifar10"), "fallback is 'cifar10'.*shapes, digits"),
        (lambda: photo("lena"), "no photograph 'lena'.*astronaut, chelsea, coffee, rocket"),
    ],
)
def test_what_does_not_exist_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
