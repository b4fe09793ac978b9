"""The image–text model: its loss is the textbook's, its sphere a sphere, and it reads only words it knows."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from course_utils.data.captions import CAPTIONS, WORDS
from course_utils.models import ImageText, ImageTextConfig
from course_utils.models.image_text import contrastive_loss, retrieval_ranks, similarities

GROWS_LIKE = "ResNet, 3 blocks, width 32"  # a curve of course_utils/bench/growth.py
SMALL = ImageTextConfig(WORDS, length=4, dim=16, widths=(4, 8), text_dim=16)
INPUTS = (
    torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)),
    torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7]]),
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ImageText(SMALL).eval()


def pairs(count=6, dim=5, seed=0):
    return torch.randn(2, count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_without_twins_the_loss_is_cross_entropy_both_ways():
    logits = similarities(*pairs(), 0.07)
    place = torch.arange(6)
    expected = (F.cross_entropy(logits, place) + F.cross_entropy(logits.mT, place)) / 2
    loss = contrastive_loss(logits, torch.eye(6, dtype=torch.bool))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)


def test_with_twins_it_is_the_mean_over_all_right_answers_written_out():
    logits = similarities(*pairs(), 0.5)
    said = [0, 1, 0, 2, 1, 0]
    same = torch.tensor([[a == b for b in said] for a in said])
    total = 0.0
    for matrix in (logits.tolist(), logits.mT.tolist()):
        for i, row in enumerate(matrix):
            norm = math.log(sum(math.exp(value) for value in row))
            right = [norm - row[j] for j in range(6) if said[i] == said[j]]
            total += sum(right) / len(right) / 12
    assert contrastive_loss(logits, same).item() == pytest.approx(total, rel=1e-12)


def test_a_twin_taken_for_a_mistake_is_pushed_away_and_else_it_is_not():
    logits = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(contrastive_loss(logits, torch.eye(2, dtype=torch.bool)), logits)
    assert gradient[0, 1] > 0
    (gradient,) = torch.autograd.grad(contrastive_loss(logits, torch.ones(2, 2, dtype=torch.bool)), logits)
    assert gradient.abs().max() < 1e-12


def test_the_loss_does_not_depend_on_the_order_of_the_batch_nor_on_the_lengths_of_embeddings():
    pictures, captions = pairs()
    same = torch.eye(6, dtype=torch.bool)
    same[0, 3] = same[3, 0] = True
    loss = contrastive_loss(similarities(pictures, captions, 0.1), same)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    shuffled = contrastive_loss(similarities(pictures[order], captions[order], 0.1), same[order][:, order])
    lengths = torch.rand(6, 1, dtype=torch.float64) + 0.1
    scaled = contrastive_loss(similarities(lengths * pictures, 7 * captions, 0.1), same)
    assert shuffled.item() == pytest.approx(loss.item(), rel=1e-12)
    assert scaled.item() == pytest.approx(loss.item(), rel=1e-12)
    assert contrastive_loss(similarities(pictures, captions.roll(1, 0), 0.1), same).item() != pytest.approx(
        loss.item()
    )


def test_ranks_count_from_one_and_agree_with_sorting():
    logits = torch.randn(20, 9, generator=torch.Generator().manual_seed(0))
    right = torch.randint(9, (20,), generator=torch.Generator().manual_seed(1))
    order = logits.argsort(dim=1, descending=True)
    expected = (order == right[:, None]).nonzero()[:, 1] + 1
    assert torch.equal(retrieval_ranks(logits, right), expected)


def test_both_encoders_end_on_the_sphere_and_logits_are_cosines_over_the_temperature(model):
    images = torch.rand(3, 3, 32, 32)
    tokens = model.tokenise(CAPTIONS[:5])
    one, other = model.embed_images(images), model.embed_captions(tokens)
    torch.testing.assert_close(one.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(other.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(model(images, tokens), F.cosine_similarity(one[:, None], other[None], dim=-1) / 0.07)


def test_the_temperature_never_falls_below_a_hundredth():
    model = ImageText(SMALL)
    assert model.temperature.item() == pytest.approx(0.07)
    model.log_scale.data.fill_(9.0)
    assert model.temperature.item() == pytest.approx(0.01)


@pytest.mark.parametrize("layers", [0, 2])
def test_padding_is_never_read(layers):
    torch.manual_seed(0)
    short = ImageText(replace(SMALL, text_layers=layers)).eval()
    longer = ImageText(replace(SMALL, text_layers=layers, length=7)).eval()
    weights = short.state_dict()
    weights["positions"] = torch.cat([weights["positions"], torch.full((3, 16), 50.0)])
    longer.load_state_dict(weights)
    captions = ["a red circle", "a blue striped bar"]
    one, other = (m.embed_captions(m.tokenise(captions)) for m in (short, longer))
    torch.testing.assert_close(one, other)
    assert not torch.allclose(one[0], short.embed_captions(short.tokenise(["a red ring"]))[0])


def test_a_transformer_reads_the_order_of_words_and_a_bag_does_not(model):
    swapped = ["a red striped circle", "circle striped red a"]
    torch.manual_seed(0)
    bag = ImageText(replace(SMALL, text_layers=0)).eval()
    one, other = bag.embed_captions(bag.tokenise(swapped))
    torch.testing.assert_close(one, other)
    one, other = model.embed_captions(model.tokenise(swapped))
    assert not torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("caption", "sentence"),
    [
        ("a red striped dog", "'dog', which is not in the vocabulary: use its words a, red, .*crescent"),
        ("", "has 0 words, but must have 1 to 4"),
        ("a red red striped circle", "has 5 words"),
    ],
)
def test_captions_it_cannot_read_are_refused_in_one_sentence(model, caption, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        model.tokenise(["a red plain ring", caption])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"words": ()}, "one or more different words"),
        ({"words": ("a", "a")}, "one or more different words"),
        ({"length": 0}, "length is 0"),
        ({"text_layers": -1}, "text_layers is -1"),
        ({"temperature": 0.001}, "at least 0.01"),
        ({"temperature": math.nan}, "at least 0.01"),
    ],
)
def test_configurations_that_cannot_be_built_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **change)
