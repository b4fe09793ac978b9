"""Notebook 10's data, training, shipped models and tables."""

import tempfile

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from course_utils.console import quoted
from course_utils.data import ShapesConfig, make_shapes
from course_utils.data.captions import CAPTIONS, FIELDS, WORDS, caption_numbers, field_numbers, with_pairs
from course_utils.experiments import NAMED
from course_utils.experiments.nb10_attacks import attacked, objective, other_captions
from course_utils.experiments.nb10_captions import UNSEEN_PAIRS, zero_shot
from course_utils.experiments.runs_captions import CAPTION_RUNS, captioned, ranks_of, run_captions
from course_utils.models import ImageTextConfig, build
from course_utils.models.image_text import contrastive_loss
from course_utils.paths import CHECKPOINTS
from course_utils.training import Recipe, load_checkpoint
from course_utils.training.contrast import PLAIN, Hardening, hardened, train_pairs

SMALL = ImageTextConfig(WORDS, length=4, dim=16, widths=(8, 16), text_dim=16, text_layers=1)


def test_every_short_caption_is_contained_in_the_long_one():
    pictures = make_shapes(60, seed=3)
    for number, long in zip(caption_numbers(pictures).tolist(), pictures.captions, strict=True):
        short = CAPTIONS[number].split()
        assert short[1:] == long.split()[2:5]  # "a large red striped circle in the …"
        assert set(short) <= set(WORDS)
    assert len(set(CAPTIONS)) == 192


def test_the_words_of_a_field_are_those_of_the_caption():
    for field, words in FIELDS.items():
        for number, word in enumerate(field_numbers(torch.arange(192), field).tolist()):
            assert words[word] in CAPTIONS[number].split()
    with pytest.raises(ValueError, match="'size', but a caption has colour, texture, shape"):
        field_numbers(torch.arange(3), "size")


def test_captions_of_several_objects_are_refused():
    with pytest.raises(ValueError, match="about one"):
        caption_numbers(make_shapes(2, ShapesConfig(objects=2)))


def test_pairs_part_the_pictures():
    pictures = make_shapes(400, seed=1)
    inside, outside = (with_pairs(pictures, UNSEEN_PAIRS, wanted) for wanted in (True, False))
    assert len(inside) + len(outside) == 400
    said = [CAPTIONS[number].split() for number in caption_numbers(inside).tolist()]
    assert said
    assert all((words[1], words[3]) in UNSEEN_PAIRS for words in said)
    said = [CAPTIONS[number].split() for number in caption_numbers(outside).tolist()]
    assert not any((words[1], words[3]) in UNSEEN_PAIRS for words in said)


def test_a_short_training_learns_and_is_the_same_twice():
    pictures = make_shapes(600, seed=0)
    numbers = caption_numbers(pictures)
    ranks = []
    for _ in range(2):
        model = build(SMALL, 0)
        before = ranks_of(model.eval(), pictures.images, numbers).float().mean()
        captions = model.tokenise(CAPTIONS)
        train_pairs(model, pictures.images, numbers, captions, Recipe(epochs=4, learning_rate=5e-3), quiet=True)
        ranks.append(ranks_of(model.eval(), pictures.images, numbers))
        assert ranks[-1].float().mean() < before / 2
    assert torch.equal(*ranks)


def test_an_attacker_in_training_raises_the_loss_within_the_ball_and_leaves_the_model_as_it_was():
    pictures = make_shapes(64, seed=0)
    numbers = caption_numbers(pictures)
    model = build(SMALL, 0)
    words = model.tokenise(CAPTIONS)[numbers]
    same = numbers[:, None] == numbers
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    g = torch.Generator().manual_seed(0)
    changed = hardened(model, pictures.images, words, same, Hardening(radius=0.1, steps=5), g)
    assert (changed - pictures.images).abs().max() <= 0.1 + 1e-6
    assert 0 <= changed.min() <= changed.max() <= 1
    model.eval()
    before, after = (contrastive_loss(model(images, words), same) for images in (pictures.images, changed))
    assert after > before + 0.01
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())
    assert hardened(model, pictures.images, words, same, PLAIN, g) is pictures.images
    noisy = hardened(model, pictures.images, words, same, Hardening(noise=0.2), g)
    assert (noisy - pictures.images).std() == pytest.approx(0.2, rel=0.05)


def test_the_loss_that_is_handed_over_is_the_one_that_is_learned_from():
    pictures = make_shapes(64, seed=0)
    model, seen = build(SMALL, 0), []

    def loss(logits, same):
        seen.append((logits.shape, same.diagonal().all().item()))
        return 0 * logits.sum()

    weight = model.to_joint.weight.clone()
    recipe = Recipe(epochs=1, batch_size=32, weight_decay=0.0)
    captions = model.tokenise(CAPTIONS)
    train_pairs(model, pictures.images, caption_numbers(pictures), captions, recipe, loss_of=loss, quiet=True)
    assert seen == [((32, 32), True)] * 2
    assert torch.equal(model.to_joint.weight, weight)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"radius": -1 / 255}, "must be at least 0"), ({"steps": 0}, "at least 1"), ({"noise": -0.1}, "noise is -0.1")],
)
def test_a_hardening_that_makes_no_sense_is_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Hardening(**settings)


def test_every_shipped_file_belongs_to_a_command():
    shipped = {path.stem for path in CHECKPOINTS.glob("*.safetensors")}
    assert set(CAPTION_RUNS) <= shipped <= {*NAMED, *CAPTION_RUNS}


@pytest.mark.parametrize("name", CAPTION_RUNS)
def test_a_shipped_model_has_the_accuracy_on_its_card(name):
    model, card = load_checkpoint(name)
    run = CAPTION_RUNS[name]
    assert model.config == run.config
    assert card.command == f"course train {name}"
    assert card.seed == run.recipe.seed
    test, numbers = captioned("test")
    assert len(test) == card.test_count
    accuracy = (ranks_of(model, test.images, numbers, run.noise) == 1).float().mean().item()
    assert accuracy == pytest.approx(card.accuracy, abs=0.003)  # other processors round otherwise
    assert (CHECKPOINTS / f"{name}.safetensors").stat().st_size < 3e6


def test_a_named_run_writes_a_model_with_its_card(tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.experiments.runs_captions.IMAGES", {"fit": 256, "test": 100})
    run_captions("captions", tmp_path, epochs=1)
    model, card = load_checkpoint("captions", tmp_path)
    assert (card.command, card.test_count) == ("course train captions --epochs 1", 100)
    assert model.config == CAPTION_RUNS["captions"].config
    with pytest.raises(ValueError, match="choose one of captions, captions-robust"):
        run_captions("caption", tmp_path)


def test_a_disk_that_is_full_at_the_end_costs_neither_the_result_nor_the_training(tmp_path, monkeypatch, capsys):
    def full(weights, path, about):
        if elsewhere not in path.parents:
            raise SafetensorError("Error while serializing: No space left on device (os error 28)")
        save_file(weights, path, about)

    (elsewhere := tmp_path / "elsewhere").mkdir()
    tmp_path = tmp_path / "own run"
    monkeypatch.setattr("course_utils.experiments.runs_captions.IMAGES", {"fit": 256, "test": 100})
    monkeypatch.setattr("course_utils.training.weights.save_file", full)
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    with pytest.raises(
        OSError, match=r"could not be written to .*captions.safetensors \(.*No space left.*: free some"
    ):
        run_captions("captions", tmp_path, epochs=1)
    printed = capsys.readouterr().out
    assert "Test: the right one of 192 captions for" in printed
    (rescued,) = elsewhere.rglob("captions.safetensors")
    assert f"so they are in {rescued}." in printed
    assert len(load_checkpoint("captions", rescued.parent)) == 2
    command = f"course train captions --epochs 1 --folder {quoted(tmp_path)}"
    assert f"Run `{command}` again to continue from the last checkpoint" in printed
    monkeypatch.undo()
    monkeypatch.setattr("course_utils.experiments.runs_captions.IMAGES", {"fit": 256, "test": 100})
    run_captions("captions", tmp_path, epochs=1)
    assert "continued in epoch 2" in capsys.readouterr().out  # nothing was trained again
    assert (tmp_path / "captions.safetensors").exists()


def test_captions_alone_tell_colour_texture_and_shape():
    model, _ = load_checkpoint("captions")
    test, numbers = captioned("test", 300)
    for field in FIELDS:
        right = zero_shot(model, test.images, field) == field_numbers(numbers, field)
        assert right.float().mean() > 0.8, field  # chance is 17, 25 and 12 per cent


def test_the_plain_model_can_be_led_and_the_hardened_one_resists():
    test, numbers = captioned("test", 40)
    wanted = other_captions(numbers)
    assert (wanted != numbers).all()
    led = {}
    for defence in ("none", "adversarial training"):
        changed, said = attacked(defence, "strong", 8, test.images, wanted)
        assert (changed - test.images).abs().max() <= 8 / 255 + 1e-6
        led[defence] = (said == wanted).float().mean()
    assert led["none"] > led["adversarial training"] + 0.2
    unchanged, _ = attacked("none", "weak", 0, test.images, wanted)
    assert torch.equal(unchanged, test.images)


def test_the_objective_away_from_a_caption_is_the_one_towards_it_turned_round():
    model = build(SMALL, 0).eval()
    captions = model.embed_captions(model.tokenise(CAPTIONS))
    images, wanted = torch.rand(3, 3, 32, 32), torch.tensor([0, 5, 9])
    for strength in ("weak", "strong"):
        towards, away = (objective(model, captions, wanted, strength, away=flag)(images) for flag in (False, True))
        torch.testing.assert_close(towards, -away)
