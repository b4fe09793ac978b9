"""Stochastic depth, label smoothing and MixUp: ours against PyTorch's and torchvision's."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.transforms import v2

from course_utils.attention import EncoderBlock
from course_utils.attention.stochastic_depth import (
    StochasticDepth,
    linear_rule,
    stochastic_depth,
    survival_probabilities,
)
from course_utils.models import ViT, ViTConfig
from course_utils.training import Examples, Recipe, evaluate, fit
from course_utils.training.regularise import mixup, mixup_loss, mixup_shares, smooth_labels, soft_cross_entropy

SMALL = {
    "image_size": 8,
    "patch_size": 4,
    "channels": 1,
    "dim": 8,
    "layers": 3,
    "heads": 2,
    "mlp_dim": 16,
    "classes": 3,
}


@pytest.mark.parametrize("shape", [(64, 5, 3), (64, 2, 4, 4)])
@pytest.mark.parametrize("mode", ["row", "batch"])
def test_given_the_same_draws_it_is_torchvisions(shape, mode):
    torch.manual_seed(0)
    branch = torch.randn(shape)
    for survival in (0.3, 0.8, 1.0):
        theirs = torchvision.ops.stochastic_depth(branch, 1 - survival, mode)
        kept = theirs.flatten(1).abs().sum(1) > 0
        draws = torch.where(kept, survival * 0.999, min(survival * 1.001, 0.9999))
        assert mode == "batch" or survival == 1 or 0 < kept.sum() < 64
        torch.testing.assert_close(stochastic_depth(branch, survival, draws if mode == "row" else draws[:1]), theirs)


def test_the_mean_over_many_draws_is_the_branch_and_evaluation_leaves_it_alone():
    torch.manual_seed(0)
    layer, branch = StochasticDepth(0.7), torch.full((20_000, 1), 2.0)
    results = layer(branch)
    torch.testing.assert_close(results.unique(), torch.tensor([0.0, 2 / 0.7]))
    assert abs(results.mean().item() - 2) < 0.04  # about three standard errors
    assert torch.equal(layer.eval()(branch), branch)


def test_both_branches_of_a_block_are_left_out_picture_by_picture_and_on_their_own():
    torch.manual_seed(0)
    block, tokens = EncoderBlock(8, 2, 16, survival=0.5), torch.randn(400, 4, 8)
    with torch.no_grad():
        nothing = ((block(tokens) - tokens).abs().amax((1, 2)) == 0).float().mean()
        attention, mlp = block.attention(block.norm1(tokens)), block.mlp(block.norm2(tokens))
        result = block(tokens)
    assert 0.17 < nothing < 0.33  # a quarter loses both
    assert any(torch.allclose(result[i], tokens[i] + 2 * attention[i], atol=1e-5) for i in range(40))
    assert any(torch.allclose(result[i], tokens[i] + 2 * mlp[i], atol=1e-5) for i in range(40))
    assert not list(block.survive.parameters())


def test_the_model_spreads_the_rule_over_its_layers_and_keeps_its_names():
    plain, deep = ViT(ViTConfig(**SMALL)), ViT(ViTConfig(**SMALL, stochastic_depth=0.3))
    assert list(plain.state_dict()) == list(deep.state_dict())
    survivals = torch.tensor([block.survive.survival for block in deep.blocks])
    torch.testing.assert_close(survivals, torch.tensor([0.9, 0.8, 0.7]))
    torch.testing.assert_close(survivals, linear_rule(3, 0.7))
    assert survival_probabilities(3, 0.3, "constant") == [0.7] * 3
    images = torch.rand(6, 1, 8, 8)
    deep.load_state_dict(plain.state_dict())
    assert torch.equal(plain.eval()(images), deep.eval()(images))
    assert not torch.equal(deep.train()(images), deep(images))


def test_smoothed_targets_give_pytorchs_loss_and_so_do_soft_ones():
    torch.manual_seed(0)
    logits, labels = torch.randn(9, 5) * 3, torch.randint(5, (9,))
    for smoothing in (0.0, 0.1, 0.6):
        targets = smooth_labels(labels, 5, smoothing)
        torch.testing.assert_close(targets.sum(1), torch.ones(9))
        wanted = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        torch.testing.assert_close(soft_cross_entropy(logits, targets), wanted)
    soft = torch.rand(9, 5).softmax(-1)
    torch.testing.assert_close(soft_cross_entropy(logits, soft), F.cross_entropy(logits, soft))


def test_mixup_is_torchvisions_for_the_same_share():
    images, labels = torch.rand(7, 3, 5, 4), torch.randint(4, (7,))
    theirs = v2.MixUp(alpha=0.4, num_classes=4)
    for seed in range(5):
        torch.manual_seed(seed)
        wanted, wanted_targets = theirs(images, labels)
        torch.manual_seed(seed)
        share = theirs._dist.sample(())  # its first draw
        mixed, targets = mixup(images, F.one_hot(labels, 4).float(), share)
        torch.testing.assert_close(mixed, wanted)
        torch.testing.assert_close(targets, wanted_targets)


@pytest.mark.parametrize("alpha", [0.2, 0.8, 1.0, 5.0])
def test_shares_have_the_moments_of_the_beta_distribution(alpha):
    torch.manual_seed(0)
    shares = mixup_shares(20_000, alpha)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert abs(shares.mean() - 0.5) < 0.01
    assert abs(shares.var() - 1 / (4 * (2 * alpha + 1))) < 0.004


def test_the_loss_mixes_what_the_model_sees_once_a_batch_or_picture_by_picture():
    images, labels = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 2, 2), torch.tensor([0, 1, 2, 1])
    seen = []

    class Watcher(nn.Module):
        def forward(self, pictures):
            seen.append(pictures[:, 0, 0, 0])
            return torch.stack([pictures[:, 0, 0, 0], -pictures[:, 0, 0, 0], 0 * pictures[:, 0, 0, 0]], 1)

    for each_its_own, kinds in ((False, 1), (True, 4)):
        torch.manual_seed(3)
        loss, logits = mixup_loss(1.0, 3, each_its_own=each_its_own)(Watcher(), images, labels.short())
        torch.manual_seed(3)
        share = mixup_shares(kinds, 1.0)
        other = images[:, 0, 0, 0].roll(1)
        torch.testing.assert_close(seen[-1], share * images[:, 0, 0, 0] + (1 - share) * other)
        logs, whole = logits.log_softmax(-1), share.expand(4)
        by_hand = -(whole * logs[range(4), labels] + (1 - whole) * logs[range(4), labels.roll(1)]).mean()
        torch.testing.assert_close(loss, by_hand)


def test_training_with_mixup_learns_and_is_the_same_when_repeated():
    torch.manual_seed(0)
    labels = torch.arange(120) % 3
    images = torch.rand(120, 1, 8, 8) * 0.2 + labels.view(-1, 1, 1, 1) * 0.4
    pictures = Examples(images, labels)
    results = []
    for _ in range(2):
        torch.manual_seed(1)
        model = ViT(ViTConfig(**SMALL, dropout=0.1, stochastic_depth=0.1))
        history = fit(
            model,
            pictures,
            None,
            Recipe(epochs=25, batch_size=40, learning_rate=1e-2),
            loss=mixup_loss(0.5, 3),
            quiet=True,
        )
        results.append(model.head.weight.detach())
    assert torch.equal(*results)
    assert evaluate(model, pictures).accuracy > 0.8
    assert history.epochs[-1].train_loss > evaluate(model, pictures).loss  # mixed pictures are harder


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: mixup_loss(0, 3), "alpha is 0, but must be above 0"),
        (lambda: mixup_loss(-1, 3), "alpha is -1, but must be above 0"),
        (lambda: mixup_loss(float("nan"), 3), "alpha is nan"),
        (lambda: mixup_loss(None, 3), "alpha is None, but must be a finite number"),
        (lambda: mixup_loss(0.2, 1), "classes is 1, but must be at least 2"),
        (lambda: mixup_loss(0.2, 3, smoothing=1.0), "smoothing is 1.0, but must be in"),
        (lambda: mixed(torch.rand(0, 1, 8, 8), torch.zeros(0, dtype=torch.long)), "The batch is empty"),
        (lambda: mixed(torch.rand(1, 1, 8, 8), torch.zeros(1, dtype=torch.long)), "The batch has a single image"),
        (
            lambda: mixed(torch.rand(2, 1, 8, 8), torch.zeros(2)),
            "labels of the batch are torch.float32, but must be whole",
        ),
        (lambda: mixed(torch.rand(2, 1, 8, 8), torch.zeros(2, 3).long()), r"2 images but labels of shape \(2, 3\)"),
        (lambda: mixed(torch.rand(2, 1, 8, 8), torch.tensor([0, 3])), "run from 0 to 3, but there are 3 classes"),
        (lambda: mixed(torch.rand(3, 1, 8, 8), torch.tensor([0, 1])), r"3 images but labels of shape \(2,\)"),
        (lambda: StochasticDepth(0.0), r"survival probability is 0.0, but must be in \(0, 1\]"),
        (lambda: StochasticDepth(1.2), r"survival probability is 1.2, but must be in \(0, 1\]"),
        (lambda: ViTConfig(stochastic_depth=1.0), r"survival probability, one minus it, must be in \(0, 1\]"),
        (lambda: ViTConfig(depth_rule="square"), "depth_rule is 'square', but must be one of linear, constant"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make()
    assert "\n" not in str(raised.value)


def mixed(images, labels):
    return mixup_loss(0.2, 3)(ViT(ViTConfig(**SMALL)), images, labels)
