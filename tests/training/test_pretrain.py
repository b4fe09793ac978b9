import math

import pytest
import torch

from course_utils.models import PixelTransformer, PixelTransformerConfig
from course_utils.training import NotFinite, Recipe
from course_utils.training.pretrain import hide, pretrain


def stripes(count: int) -> torch.Tensor:
    """Pictures of 4 × 4 whose rows alternate between two greys of four, drawn for each: 4 bits in 16 pixels."""
    pair = torch.randint(4, (count, 1, 2, 1), generator=torch.Generator().manual_seed(0)) / 3
    return pair.repeat(1, 1, 2, 4)


@pytest.mark.parametrize("causal", [True, False])
def test_both_objectives_learn_what_can_be_predicted(causal, capsys):
    torch.manual_seed(0)
    config = PixelTransformerConfig(4, 1, 4, dim=24, layers=2, heads=2, mlp_dim=48, causal=causal)
    model, images = PixelTransformer(config), stripes(400)
    state = torch.get_rng_state()
    pretrain(model, images, Recipe(epochs=8, batch_size=20, learning_rate=5e-3), quiet=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    tokens = model.encode(images)
    hidden = torch.zeros_like(tokens, dtype=torch.bool)
    hidden[:, 9] = True  # in the third row: told by the first
    with torch.no_grad():
        logits = model.eval().logits(tokens, None if causal else hidden)
    assert (logits[:, 9].argmax(-1) == tokens[:, 9]).float().mean() > 0.95
    if causal:  # the first pixel cannot be known
        nats = torch.nn.functional.cross_entropy(logits[:, 0], tokens[:, 0])
        assert nats.item() == pytest.approx(math.log(4), abs=0.1)


def test_the_same_seed_trains_the_same_model():
    def trained(seed):
        torch.manual_seed(0)
        model = PixelTransformer(PixelTransformerConfig(4, 1, 4, dim=8, layers=1, heads=1, mlp_dim=8, causal=False))
        pretrain(model, stripes(40), Recipe(epochs=1, batch_size=20, seed=seed), quiet=True)
        return model.head.weight

    assert torch.equal(trained(0), trained(0))
    assert not torch.equal(trained(0), trained(1))


def test_about_the_wanted_share_is_hidden_and_never_nothing():
    generator = torch.Generator().manual_seed(0)
    assert hide(torch.zeros(200, 64), generator).float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert all(hide(torch.zeros(1, 2), generator).any() for _ in range(50))


def test_a_loss_that_is_not_finite_is_reported():
    model = PixelTransformer(PixelTransformerConfig(4, 1, 4, dim=8, layers=1, heads=1, mlp_dim=8))
    with torch.no_grad():
        model.head.weight.fill_(torch.nan)
    with pytest.raises(NotFinite, match="no longer finite at step 1"):
        pretrain(model, stripes(4), Recipe(epochs=1), quiet=True)
