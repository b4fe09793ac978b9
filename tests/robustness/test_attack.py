"""The attack never leaves its ball nor the range of pixels, and restarts never do worse."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.robustness.attack import attack, pgd_step, project

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


def away_from(target):
    return lambda images: (images - target).square().flatten(1).sum(1)


@settings(max_examples=40)
@given(
    size=SIZES, radius=st.floats(0, 1.5), steps=st.integers(1, 4), restarts=st.integers(1, 2), seed=st.integers(0, 99)
)
def test_an_attack_stays_in_the_ball_and_among_pictures(size, radius, steps, restarts, seed):
    g = torch.Generator().manual_seed(seed)
    images, target = torch.rand(size, generator=g), 2 * torch.rand(size, generator=g) - 0.5
    changed = attack(away_from(target), images, radius, steps=steps, restarts=restarts, seed=seed)
    assert changed.shape == images.shape
    assert (changed - images).abs().max() <= radius + 1e-6
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert (away_from(target)(changed) <= away_from(target)(images)).all()


@settings(max_examples=40)
@given(size=SIZES, radius=st.floats(0, 1.5), seed=st.integers(0, 99))
def test_projection_is_the_nearest_point_and_projecting_again_changes_nothing(size, radius, seed):
    g = torch.Generator().manual_seed(seed)
    centre, far = torch.rand(size, generator=g), 4 * torch.rand(size, generator=g) - 1.5
    near = project(far, centre, radius)
    assert torch.equal(project(near, centre, radius), near)
    other = project(torch.rand(size, generator=g), centre, radius)  # any other point of the ball is no nearer
    assert ((near - far).abs() <= (other - far).abs() + 1e-6).all()


def test_a_step_goes_down_the_loss_by_the_sign_alone():
    picture, centre = torch.full((1, 1, 1, 3), 0.5), torch.full((1, 1, 1, 3), 0.5)
    moved = pgd_step(picture, torch.tensor([[[[1e-9, -40.0, 0.0]]]]), centre, 0.1, 0.03)
    torch.testing.assert_close(moved, torch.tensor([[[[0.47, 0.53, 0.5]]]]))
    moved = pgd_step(picture, torch.tensor([[[[1.0, -1.0, 0.0]]]]), centre, 0.02, 0.03)
    torch.testing.assert_close(moved, torch.tensor([[[[0.48, 0.52, 0.5]]]]))


def test_where_the_answer_is_known_it_is_found():
    """The nearest picture of the ball to a target is the target, projected."""
    g = torch.Generator().manual_seed(0)
    images, target = torch.rand(2, 3, 8, 8, generator=g), torch.rand(2, 3, 8, 8, generator=g)
    changed = attack(away_from(target), images, 0.2, steps=60)
    torch.testing.assert_close(changed, project(target, images, 0.2), atol=0.01, rtol=0)


def test_a_radius_of_zero_returns_the_pictures_and_does_not_hand_out_its_input():
    images = torch.rand(2, 3, 4, 4)
    changed = attack(away_from(torch.zeros(2, 3, 4, 4)), images, 0)
    assert torch.equal(changed, images)
    assert changed.data_ptr() != images.data_ptr()
    with pytest.raises(ValueError, match="step_size"):
        attack(away_from(0.0), images, 0, step_size=-1.0)


def test_restarts_get_out_of_a_place_without_a_gradient_and_never_do_worse():
    def flat_at_the_start(images):  # a loss whose gradient is masked at the picture itself
        moved = (images - 0.5).flatten(1).abs().amax(1) > 1e-3
        return torch.where(moved, away_from(1.0)(images), 100 + 0 * images.flatten(1).sum(1))

    images = torch.full((1, 1, 2, 2), 0.5)
    stuck = attack(flat_at_the_start, images, 0.1, steps=5)
    assert torch.equal(stuck, images)
    freed = attack(flat_at_the_start, images, 0.1, steps=5, restarts=2)
    assert flat_at_the_start(freed) < 10


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"radius": -0.01}, "ε is -0.01, but must be 0 or more"),
        ({"radius": float("nan")}, "ε is nan"),
        ({"steps": 0}, "steps is 0"),
        ({"restarts": 0}, "restarts 0"),
        ({"images": torch.full((1, 1, 2, 2), 255.0)}, "must lie in"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(change, sentence):
    settings = {"images": torch.rand(1, 1, 2, 2), "radius": 0.1} | change
    with pytest.raises(ValueError, match=sentence) as raised:
        attack(away_from(torch.zeros(1, 1, 2, 2)), **settings)
    assert "\n" not in str(raised.value)


def test_the_projection_refuses_a_negative_radius_too():
    with pytest.raises(ValueError, match="largest change of a pixel"):
        project(torch.rand(1, 2), torch.rand(1, 2), -1)


def dark(images):
    return images.flatten(1).sum(1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"radius": "0.1"}, "radius ε is '0.1', but must be 0 or more"),
        ({"radius": float("nan")}, "radius ε is nan"),
        ({"steps": 1.5}, "steps is 1.5, but must be a whole number"),
        ({"restarts": "2"}, "restarts is '2', but must be a whole number"),
        ({"radius": None}, "radius ε is None, but must be 0 or more"),
        ({"step_size": float("nan")}, "step_size is nan, but must be above 0"),
        ({"step_size": -0.1}, "step_size is -0.1, but must be above 0"),
        ({"step_size": "0.1"}, "step_size is '0.1', but must be a finite number: write 0.1"),
    ],
)
def test_a_number_of_another_type_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        attack(dark, torch.rand(1, 1, 2, 2), **{"radius": 0.1, **changes})


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_it_attacks_in_any_type_and_with_gradients_switched_off(mode, dtype):
    images = torch.rand(2, 1, 4, 4)
    with mode():
        attacked = attack(dark, images.to(dtype) + 0, 0.125, steps=2, restarts=2)
    assert attacked.dtype == dtype
    expected = attack(dark, images.requires_grad_(), 0.125, steps=2, restarts=2)
    assert torch.allclose(attacked.float(), expected, atol=0.01)
    assert images.grad is None
    assert not expected.requires_grad


@pytest.mark.parametrize(
    ("loss", "images", "sentence"),
    [
        (dark, torch.zeros(2, 1, 4, 4).byte(), "images are uint8"),
        (dark, [[0.0]], "images are list"),
        (dark, torch.full((2, 1, 4, 4), torch.nan), "must lie in"),
        (lambda images: images.sum(), torch.rand(2, 1, 4, 4), r"shape \(\) for 2 images, but must return one number"),
        (lambda images: images.sum().item(), torch.rand(2, 1, 4, 4), "type float for 2 images"),
        (lambda images: dark(images).detach(), torch.rand(2, 1, 4, 4), "does not depend on the images"),
        (
            lambda images: dark(images) / torch.tensor([1, 0]) * 0,
            torch.rand(2, 1, 4, 4),
            "loss of image 1 is NaN or infinite",
        ),
    ],
)
def test_a_loss_or_images_that_cannot_be_attacked_are_refused(loss, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        attack(loss, images, 0.1)
