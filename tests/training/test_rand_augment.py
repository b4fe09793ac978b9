"""RandAugment: the same transforms as torchvision's, chosen with the same frequencies, a batch at a time."""

import pytest
import torch
from torchvision.transforms import v2

from course_utils.training.rand_augment import EITHER_WAY, OF_COLOURS, POOL, RandAugment, apply_each, transform

# Grey levels of 8 bits, as photographs have, that leave room for more contrast.
PICTURE = torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(4)).mul(150).add(30).round() / 255


def torchvisions_results(name, magnitude, monkeypatch, image):
    """What torchvision makes of a picture with this transform alone: one result, or two when the sign is drawn."""
    monkeypatch.setattr(v2.RandAugment, "_AUGMENTATION_SPACE", {name: v2.RandAugment._AUGMENTATION_SPACE[name]})
    theirs, results = v2.RandAugment(num_ops=1, magnitude=magnitude), []
    torch.manual_seed(0)
    for _ in range(12):
        result = theirs(image)
        if not any(torch.equal(result, seen) for seen in results):
            results.append(result)
    return results


@pytest.mark.parametrize("name", POOL)
@pytest.mark.parametrize("magnitude", [0, 1, 9, 17, 30])
def test_every_transform_is_torchvisions_at_every_magnitude(name, magnitude, monkeypatch):
    ours = [transform(name, magnitude, sign) for sign in ((1, -1) if name in EITHER_WAY else (1,))]
    both = torch.stack([PICTURE, PICTURE.flip(0)])
    mine = [each(both) for each in ours]
    for position, image in enumerate(both):
        theirs = torchvisions_results(name, magnitude, monkeypatch, image)
        for results, wanted in ((mine, theirs), (theirs, mine)):
            for result in results:
                same = [torch.allclose(at(result, position), at(other, position), atol=1e-5) for other in wanted]
                assert any(same)


def at(result, position):
    """The picture at a place of a batch; a single picture is itself."""
    return result[position] if result.ndim == 4 else result


def test_pools_and_their_frequencies_agree_with_torchvisions():
    assert set(POOL) == set(v2.RandAugment._AUGMENTATION_SPACE)
    magnitude, draws = 17, 2800
    kinds = {
        (name, sign): transform(name, magnitude, sign)(PICTURE[None])[0]
        for name in POOL
        for sign in ((1, -1) if name in EITHER_WAY else (1,))
    }
    known = torch.stack(list(kinds.values())).flatten(1)
    assert torch.cdist(known, known).fill_diagonal_(9).min() > 0.05  # every one can be told from every other
    generator = torch.Generator().manual_seed(0)
    ours = RandAugment(1, magnitude)(PICTURE.expand(draws, -1, -1, -1), generator)
    torch.manual_seed(0)
    random = v2.RandAugment(num_ops=1, magnitude=magnitude)
    theirs = torch.stack([random(PICTURE) for _ in range(draws)])
    expected = torch.tensor([draws / 14 / (2 if name in EITHER_WAY else 1) for name, _ in kinds])
    for results in (ours, theirs):
        distances = torch.cdist(results.flatten(1), known, compute_mode="donot_use_mm_for_euclid_dist")
        assert distances.min(1).values.max() < 0.01
        counts = distances.argmin(1).bincount(minlength=len(kinds))
        chi_square = ((counts - expected).square() / expected).sum()
        assert chi_square < 45  # 22 degrees of freedom: exceeded by chance once in 400 times


def test_each_picture_goes_its_own_way_and_the_generator_alone_decides():
    images = torch.rand(40, 1, 10, 10)
    random = RandAugment(2, 20)
    before = images.clone()
    first = random(images, torch.Generator().manual_seed(1))
    torch.manual_seed(5)
    assert torch.equal(random(images, torch.Generator().manual_seed(1)), first)
    assert torch.equal(images, before)
    same = random(images[:1].expand(40, -1, -1, -1), torch.Generator().manual_seed(1))
    assert len(torch.unique(same.flatten(1), dim=0)) > 25
    which, backwards = random.draw(40, torch.Generator().manual_seed(1))
    one_by_one = [
        apply_each(
            images[i : i + 1], random.transforms(), which[:, i : i + 1] + len(random.pool) * backwards[:, i : i + 1]
        )
        for i in range(40)
    ]
    torch.testing.assert_close(first, torch.cat(one_by_one))


def test_with_replacement_a_transform_may_come_twice_and_without_never():
    generator = torch.Generator().manual_seed(0)
    which, backwards = RandAugment(2, 9).draw(7000, generator)
    twice = (which[0] == which[1]).float().mean()
    assert abs(twice - 1 / 14) < 0.012
    signed = torch.tensor([name in EITHER_WAY for name in POOL])[which]
    assert not backwards[~signed].any()
    assert abs(backwards[signed].float().mean() - 0.5) < 0.02
    alone, _ = RandAugment(3, 9, replacement=False).draw(7000, generator)
    assert all(len(set(column)) == 3 for column in alone.T[:500].tolist())
    assert (alone[0].bincount(minlength=14).float() / 7000 - 1 / 14).abs().max() < 0.015


def test_no_transforms_leave_the_pictures_alone():
    images = torch.rand(3, 1, 5, 5)
    assert torch.equal(RandAugment(0, 9)(images, torch.Generator()), images)
    assert torch.equal(RandAugment(3, 30, pool=("Identity",))(images, torch.Generator()), images)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: RandAugment(2, 31), "magnitude is 31, but must be from 0"),
        (lambda: RandAugment(2, -1), "magnitude is -1, but must be from 0"),
        (lambda: RandAugment(-1, 9), "number is -1, but must be at least 0"),
        (lambda: RandAugment(1.5, 9), "number is 1.5, but must be a whole number"),
        (lambda: RandAugment(2, 9, pool=("Rotate", "Zoom")), "must be names from AutoContrast"),
        (lambda: RandAugment(2, 9, pool=()), "must be names from AutoContrast"),
        (lambda: RandAugment(15, 9, replacement=False), "a pool of 14 has no more without replacement"),
        (lambda: RandAugment()(torch.rand(0, 1, 4, 4), torch.Generator()), "The batch is empty"),
        (lambda: RandAugment()(255 * torch.rand(2, 1, 4, 4), torch.Generator()), r"RandAugment needs \[0, 1\]"),
        (lambda: RandAugment()(-torch.rand(2, 1, 4, 4), torch.Generator()), "undo a normalisation"),
        (lambda: RandAugment()(torch.rand(1, 4, 4), torch.Generator()), r"shape \(1, 4, 4\) and float32"),
        (
            lambda: RandAugment()(torch.rand(1, 2, 4, 4), torch.Generator()),
            "2 channels, but AutoContrast, Brightness",
        ),
        (lambda: RandAugment()(torch.rand(1, 4, 4, 4), torch.Generator()), "choose a pool without these"),
        (lambda: RandAugment()(torch.zeros(1, 1, 4, 4).byte(), torch.Generator()), "and uint8, but"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_other_channels_go_through_every_transform_that_is_not_for_colours_alone():
    images = torch.rand(28, 4, 8, 8)
    for name in POOL:
        if name not in OF_COLOURS:
            augmented, alone = (
                RandAugment(1, 20, pool=(name,))(each, torch.Generator().manual_seed(0))
                for each in (images, images[:, 3:])
            )
            assert torch.equal(augmented[:, 3:], alone), name
            assert torch.equal(augmented, images) == (name == "Identity"), name
