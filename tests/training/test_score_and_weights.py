import copy
import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors import SafetensorError
from small import RECIPE, quarters, same_weights, tiny_vit
from torch import nn
from torch.nn import functional as F

from course_utils.models import ViT, ViTConfig
from course_utils.training import (
    Card,
    Score,
    evaluate,
    fit,
    load_checkpoint,
    load_weights,
    save_checkpoint_card,
    save_weights,
    verify,
)
from course_utils.training.optimiser import learning_rate, parameter_groups
from course_utils.training.weights import checksum, halved


@pytest.mark.parametrize("batch_size", [7, 1000])
def test_the_score_is_that_of_all_pictures_whatever_the_batch(batch_size):
    model, data = tiny_vit(dropout=0.5).train(), quarters(100)
    score = evaluate(model, data, batch_size=batch_size)
    assert model.training
    with torch.no_grad():
        logits = model.eval()(data.images)
    assert score.count == 100
    assert score.accuracy == pytest.approx((logits.argmax(1) == data.labels).float().mean().item())
    assert score.loss == pytest.approx(F.cross_entropy(logits, data.labels).item(), rel=1e-5)


def test_the_interval_is_wilsons():
    # Newcombe 1998, table I: 81 of 263, Wilson's score method without continuity correction.
    low, high = Score(81 / 263, 0.0, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert Score(1.0, 0.0, 20).interval[1] == pytest.approx(1.0)
    assert Score(0.0, 0.0, 20).interval[0] == pytest.approx(0.0, abs=1e-12)


def test_the_learning_rate_rises_straight_and_falls_to_nothing():
    rates = [learning_rate(step, 100, RECIPE) for step in range(100)]
    assert rates[9] == RECIPE.learning_rate == max(rates)
    assert rates[4] == pytest.approx(RECIPE.learning_rate / 2)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[55] == pytest.approx(RECIPE.learning_rate / 2)
    assert rates[-1] < 1e-3 * RECIPE.learning_rate


def test_biases_norms_class_token_and_positions_do_not_decay():
    model = tiny_vit()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, exempt = parameter_groups(model, 0.1)
    assert decayed["weight_decay"] == 0.1
    assert exempt["weight_decay"] == 0
    assert {names[id(p)] for p in decayed["params"]} == {
        "project.weight",
        "head.weight",
        "blocks.0.attention.to_qkv.weight",
        "blocks.0.attention.to_out.weight",
        "blocks.0.mlp.0.weight",
        "blocks.0.mlp.3.weight",
    }
    assert len(decayed["params"]) + len(exempt["params"]) == len(names)


def test_embeddings_and_what_is_frozen_do_not_decay():
    model = nn.ModuleDict({"words": nn.Embedding(9, 4), "linear": nn.Linear(4, 4), "frozen": nn.Linear(4, 4)})
    model["frozen"].requires_grad_(False)
    decayed, exempt = parameter_groups(model, 0.1)
    assert {id(each) for each in decayed["params"]} == {id(model["linear"].weight)}
    assert {id(each) for each in exempt["params"]} == {id(model["words"].weight), id(model["linear"].bias)}


def test_weights_come_back_bit_for_bit_with_their_metadata(tmp_path):
    model, other = tiny_vit(), ViT(tiny_vit().config)
    save_weights(model, tmp_path / "a.safetensors", {"command": "course train x"})
    metadata = load_weights(other, tmp_path / "a.safetensors")
    assert same_weights(model, other)
    assert metadata["command"] == "course train x"
    assert '"dim": 16' in metadata["config"]
    with pytest.raises(ValueError, match=r"metadata\['epoch'\] is 3, but must be text"):
        save_weights(model, tmp_path / "b.safetensors", {"epoch": 3})
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_weights_beyond_float16_are_not_halved_and_nothing_changes(tmp_path):
    model = tiny_vit()
    before = copy.deepcopy(model)
    model.norm.weight.data[0] = before.norm.weight.data[0] = 7e4
    for halve in (halved, lambda model: save_weights(model, tmp_path / "half.safetensors", half=True)):
        with pytest.raises(ValueError, match=r"norm.weight has the number 7e\+04, but float16 ends at 65504"):
            halve(model)
    assert same_weights(model, before)
    assert not list(tmp_path.iterdir())


def test_a_state_that_is_no_tensor_is_neither_saved_nor_halved(tmp_path):
    class Counting(torch.nn.Linear):
        def get_extra_state(self):
            return {"seen": 0}

    model = Counting(3, 2)
    before = model.weight.clone()
    for keep in (halved, lambda model: save_weights(model, tmp_path / "weights.safetensors")):
        with pytest.raises(ValueError, match="_extra_state in the state of this Counting is a dict"):
            keep(model)
    assert torch.equal(model.weight, before)
    assert not list(tmp_path.iterdir())


def test_weights_of_another_model_are_refused_and_the_model_left_alone(tmp_path):
    save_weights(tiny_vit(), tmp_path / "a.safetensors")
    wide = ViT(ViTConfig(8, 4, 1, dim=32, layers=1, heads=2, mlp_dim=32, classes=4))
    before = wide.head.weight.clone()
    with pytest.raises(ValueError, match=r"its class_token is \(1, 1, 16\) and the model's is \(1, 1, 32\)"):
        load_weights(wide, tmp_path / "a.safetensors")
    assert torch.equal(wide.head.weight, before)


def test_a_truncated_file_of_weights_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    save_weights(tiny_vit(), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"a\.safetensors is damaged"):
        load_weights(tiny_vit(), path)


def make_checkpoint(folder):
    model = tiny_vit()
    sha256 = save_weights(model, folder / "tiny.safetensors")
    config = {**vars(model.config)}
    card = Card("tiny", "ViT", config, "course train tiny", 0, "quarters", 0.5, 10, "here", "2025-01-01", sha256)
    save_checkpoint_card(card, folder)
    return model, card


def test_a_checkpoint_brings_its_model_and_its_card(tmp_path):
    model, card = make_checkpoint(tmp_path)
    loaded, described = load_checkpoint("tiny", tmp_path)
    assert described == card
    assert same_weights(loaded, model)
    assert not loaded.training


def test_a_checkpoint_that_is_not_the_cards_is_refused(tmp_path):
    make_checkpoint(tmp_path)
    changed = tiny_vit()
    torch.nn.init.ones_(changed.head.weight)
    save_weights(changed, tmp_path / "tiny.safetensors")
    with pytest.raises(ValueError, match="SHA-256 differs"):
        verify("tiny", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint 'other' .*there: tiny"):
        verify("other", tmp_path)
    with pytest.raises(FileNotFoundError, match="no checkpoint 'other'"):
        load_checkpoint("other", str(tmp_path))
    with pytest.raises(ValueError, match=r"name is 12, but must be text"):
        verify(12)


def test_a_card_with_one_flipped_bit_loads_only_if_it_says_the_same(tmp_path):
    make_checkpoint(tmp_path)
    path = tmp_path / "tiny.json"
    good, sentences = path.read_bytes(), []
    for bit in range(0, 8 * len(good), 7):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        try:
            load_checkpoint("tiny", tmp_path)
        except ValueError as error:
            sentences.append(str(error))
        else:
            assert json.loads(bad) == json.loads(good), bit
    assert len(sentences) > len(good) / 2
    assert all("tiny" in sentence and "\n" not in sentence for sentence in sentences)


DAMAGED = {
    "says that std is 0.5, but the weights were saved with 1.0": lambda card: card["config"].update(std=0.5),
    "says that layers is 1000000, but the weights": lambda card: card["config"].update(layers=10**6),
    "says that depth is 3, but the weights were saved with None": lambda card: card["config"].update(depth=3),
    "says that classes is None, but the weights were saved with 4": lambda card: card["config"].pop("classes"),
    "says that model is 'Nope', but the weights were saved with 'ViT'": lambda card: card.update(model="Nope"),
    "Card has no field 'sha': use its fields name, model": lambda card: card.update(sha=card.pop("sha256")),
    "Card lacks the field sha256": lambda card: card.pop("sha256"),
    "config is None, but must be a dictionary": lambda card: card.update(config=None),
    "accuracy is '0.5', but must be a finite number: write 0.5": lambda card: card.update(accuracy="0.5"),
    "accuracy is 1.5, but must be from 0 to 1": lambda card: card.update(accuracy=1.5),
    "was changed after it was written": lambda card: card.update(checksum="0"),
    "its checksum differs": lambda card: card.pop("checksum"),
}


@pytest.mark.parametrize("sentence", DAMAGED)
def test_every_kind_of_damage_to_a_card_has_one_sentence(tmp_path, sentence, monkeypatch):
    make_checkpoint(tmp_path)
    card = json.loads((tmp_path / "tiny.json").read_text())
    protected = card["checksum"]
    DAMAGED[sentence](card)
    if card.get("checksum") == protected:
        card["checksum"] = checksum({name: value for name, value in card.items() if name != "checksum"})
    (tmp_path / "tiny.json").write_text(json.dumps(card))
    monkeypatch.setattr("course_utils.training.weights.build", None)  # refused before anything is built
    with pytest.raises(ValueError, match=sentence) as raised:
        load_checkpoint("tiny", tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"layers": 2}, r"does not fit its card: it lacks blocks\.1\."),
        ({"classes": 5}, r"its head\.weight is \(4, 16\) and the model's is \(5, 16\)"),
        ({"dim": 15}, "describes no model .*dim 15 cannot be shared equally among 2 heads"),
        ({"layers": 10**6}, "describes no model .*layers is 1000000, but must be at most 1000"),
    ],
)
def test_a_file_and_a_card_that_agree_on_another_model_are_refused_by_the_shapes(tmp_path, changes, sentence):
    model, card = make_checkpoint(tmp_path)
    config = {**card.config, **changes}
    model.config = None  # so that only the following is recorded
    sha256 = save_weights(model, tmp_path / "tiny.safetensors", {"config": json.dumps(config)})
    save_checkpoint_card(replace(card, config=config, sha256=sha256), tmp_path)
    with pytest.raises(ValueError, match=sentence) as raised:
        load_checkpoint("tiny", tmp_path)
    assert "\n" not in str(raised.value)


def test_what_is_no_card_and_names_that_cannot_be_files_are_refused_in_words(tmp_path):
    make_checkpoint(tmp_path)
    for text in ("[1]", "", "[" * 100_000, "\0", "null"):
        (tmp_path / "tiny.json").write_text(text)
        with pytest.raises(ValueError, match="is not a checkpoint card"):
            load_checkpoint("tiny", tmp_path)
    (tmp_path / "tiny.json").unlink()
    (tmp_path / "tiny.json").mkdir()
    for name, remedy in (("tiny", "run `course train tiny`"), ("../tiny", "choose one"), ("x" * 5000, "choose one")):
        with pytest.raises(FileNotFoundError, match=remedy) as raised:
            load_checkpoint(name, tmp_path)
        assert len(str(raised.value)) < 600


def test_loading_draws_no_more_random_numbers_than_building_the_model(tmp_path):
    model, _ = make_checkpoint(tmp_path)
    torch.manual_seed(0)
    ViT(model.config)
    state = torch.get_rng_state()
    torch.manual_seed(0)
    load_checkpoint("tiny", tmp_path)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_history_draws_itself_and_goes_to_a_file(tmp_path):
    history = fit(tiny_vit(), quarters(100), quarters(50), RECIPE, quiet=True)
    left, right = history.plot().axes
    assert [list(line.get_ydata()) for line in right.lines] == [
        [row.train_accuracy for row in history.epochs],
        [row.validation_accuracy for row in history.epochs],
    ]
    assert left.get_ylabel() == "loss"
    lines = history.to_csv(tmp_path / "history.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds")
    assert len(lines) == 1 + len(history.epochs)
    assert math.isclose(float(lines[-1].split(",")[1]), history.epochs[-1].train_loss)


@pytest.mark.parametrize("part", [None, "head"])
def test_weights_of_a_compiled_model_are_those_of_the_model(tmp_path, part):
    def compiled(model):
        if part is None:
            return torch.compile(model, backend="eager")
        setattr(model, part, torch.compile(getattr(model, part), backend="eager"))
        return model

    model, again, third = tiny_vit(), tiny_vit(), tiny_vit()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1)
    save_weights(model, tmp_path / "plain.safetensors")
    save_weights(compiled(copy.deepcopy(model)), tmp_path / "compiled.safetensors")
    about = load_weights(again, tmp_path / "compiled.safetensors")
    assert about == load_weights(compiled(third), tmp_path / "plain.safetensors")
    assert about["model"] == "ViT"
    assert same_weights(model, again)
    assert all(torch.equal(*pair) for pair in zip(model.parameters(), third.parameters(), strict=True))


def test_a_full_disk_is_a_sentence_and_leaves_the_old_file(tmp_path, monkeypatch):
    def full(*_, **__):
        raise SafetensorError("Error while serializing: No space left on device (os error 28)")

    save_weights(tiny_vit(), path := tmp_path / "it.safetensors")
    before = path.read_bytes()
    monkeypatch.setattr("course_utils.training.weights.save_file", full)
    with pytest.raises(
        OSError, match=r"could not be written to .*it.safetensors \(.*No space left.*\): free some space"
    ):
        save_weights(tiny_vit(), path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
