"""A network as ONNX, in float and in int8, and what it costs."""

import warnings
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

from course_utils.deployment import latency
from course_utils.deployment.export import (
    OnnxModel,
    agreement,
    export_onnx,
    latencies,
    process_memory,
    quantise_dynamic,
    quantise_static,
)
from course_utils.experiments.runs import small_resnet
from course_utils.models import ResNet
from course_utils.models.refusals import WrongShape


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network whose BatchNorms have seen pictures, its ONNX files, and pictures."""
    folder = tmp_path_factory.mktemp("onnx")
    torch.manual_seed(0)
    model, images = ResNet(small_resnet(5)), torch.rand(64, 3, 32, 32)
    for _ in range(30):
        model(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = {"float": export_onnx(model, images, folder / "float.onnx")}
        assert model.training  # its mode is kept
        files["dynamic"] = quantise_dynamic(files["float"], folder / "dynamic.onnx")
        files["static"] = quantise_static(files["float"], folder / "static.onnx", images)
    return model.eval(), files, images


@pytest.mark.slow
def test_the_float_file_has_the_networks_logits_for_any_number_of_pictures(exported):
    model, files, images = exported
    run = OnnxModel(files["float"])
    for count in (1, 3, 64):
        with torch.no_grad():
            expected = model(images[:count])
        assert torch.allclose(run(images[:count]), expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_int8_is_a_good_deal_smaller_and_nearly_the_same_function(exported, kind):
    model, files, images = exported
    with torch.no_grad():
        expected = model(images)
    logits = OnnxModel(files[kind])(images)
    assert files[kind].stat().st_size < 0.45 * files["float"].stat().st_size
    assert 0 < (logits - expected).abs().max() < 0.2 * expected.std()


@pytest.mark.slow
def test_latency_and_memory_are_measured(exported):
    model, files, images = exported
    found = latencies({"torch": model, "onnx": OnnxModel(files["float"])}, images[0], rounds=5)
    assert all(0 < each.low <= each.median <= each.high < 1000 for each in found.values())
    memory = process_memory(files["float"], (1, 3, 32, 32), runs=3)
    larger = process_memory(files["float"], (256, 3, 32, 32), runs=3)
    assert memory.runtime > 10 * 2**20
    assert larger.growth > memory.growth + 256 * 16 * 16 * 16 * 4  # at least the stem's maps


def test_agreement_counts_equal_choices():
    one = torch.tensor([[1.0, 2], [3, 1], [0, 1], [5, 4]])
    other = torch.tensor([[0.0, 9], [1, 3], [0, 1], [5, 4]])
    assert agreement(one, other) == 0.75
    for wrong in (one[:1], one[:, :1], one * torch.nan):
        with pytest.raises(ValueError, match=r"The logits are \(4, 2\) and \("):
            agreement(one, wrong)


@pytest.mark.slow
def test_what_cannot_be_run_is_refused_in_a_sentence(exported, tmp_path):
    _, files, images = exported
    with pytest.raises(WrongShape, match=r"float.onnx reads \(batch, 3, 32, 32\)"):
        OnnxModel(files["float"])(images[:2, :, :16, :16])
    with pytest.raises(ValueError, match="Got 7 images to calibrate with"):
        quantise_static(files["float"], tmp_path / "x.onnx", images[:7])
    with pytest.raises(FileNotFoundError, match=r"no ONNX file .*gone\.onnx"):
        OnnxModel(tmp_path / "gone.onnx")


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """A small network, compiled, of which the original is exported; and one in float64."""
    folder = tmp_path_factory.mktemp("onnx")
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    images = torch.rand(2, 3, 4, 4)
    export_onnx(torch.compile(model, backend="eager"), images, folder / "float.onnx")
    export_onnx(deepcopy(model).double(), images, folder / "double.onnx")
    return model, images, folder


@pytest.mark.slow
@pytest.mark.parametrize("file", ["float.onnx", "double.onnx"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_images_of_any_type_are_read_in_the_files_own(linear, file, dtype):
    model, images, folder = linear
    read = OnnxModel(folder / file)
    logits = read(images.to(dtype).requires_grad_())
    assert torch.allclose(logits.float(), model(images), atol=0.02)
    assert read(images[:0]).shape == (0, 2)


@pytest.mark.slow
def test_what_it_cannot_read_is_refused_in_words(linear, tmp_path):
    _, images, folder = linear
    read = OnnxModel(folder / "float.onnx")
    for wrong, kind in (((255 * images).byte(), "uint8"), (images.numpy(), "ndarray"), (images.tolist(), "list")):
        with pytest.raises(ValueError, match=f"The images are {kind}, but float.onnx reads"):
            read(wrong)
    (tmp_path / "no.onnx").write_bytes(b"\x00" * 99)
    with pytest.raises(ValueError, match=r"no.onnx is damaged or not an ONNX file \("):
        OnnxModel(tmp_path / "no.onnx")
    with pytest.raises(FileNotFoundError, match="There is no ONNX file"):
        OnnxModel(tmp_path)


@pytest.mark.slow
def test_what_cannot_be_quantised_is_refused_in_words_and_leaves_the_old_file(linear, tmp_path):
    _, images, folder = linear
    many, source, target = images.repeat(4, 1, 1, 1), folder / "float.onnx", tmp_path / "small.onnx"
    target.write_text("old")
    for wrong, sentence in (
        ((255 * many).byte(), "The images are uint8, but float.onnx reads"),
        (many.tolist(), "The images are list, but float.onnx reads"),
        (many[..., :3], r"float.onnx reads \(batch, 3, 4, 4\)"),
        (many * torch.nan, "hold NaN or infinity"),
    ):
        with pytest.raises(ValueError, match=sentence):
            quantise_static(source, target, wrong)
    (folder / "no.onnx").write_bytes(b"nonsense")
    for quantise in (quantise_dynamic, lambda *paths: quantise_static(*paths, many)):
        with pytest.raises(ValueError, match=r"no.onnx is damaged or not an ONNX file"):
            quantise(folder / "no.onnx", target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.slow
def test_a_failed_export_leaves_the_old_file_and_the_modes(linear, tmp_path):
    model, images, _ = linear
    model.train()
    (tmp_path / "m.onnx").write_text("old")
    with pytest.raises(ValueError, match=r"This Sequential cannot be exported for images of shape \(3, 5, 5\) \("):
        export_onnx(model, torch.rand(2, 3, 5, 5), tmp_path / "m.onnx")
    with pytest.raises(WrongShape, match=r"the export reads \(batch, channels, height, width\)"):
        export_onnx(model, images[0], tmp_path / "m.onnx")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    assert model.training


def test_a_process_that_was_killed_is_said_to_be(monkeypatch, tmp_path):
    (tmp_path / "killed.py").write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(latency, "PROGRAM", tmp_path / "killed.py")
    with pytest.raises(RuntimeError, match=r"should run large.pt failed: it was killed \(code -9\)"):
        process_memory(Path("large.pt"), (1, 3, 4, 4))


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.slow
def test_a_file_is_measured_without_running_what_it_carries(tmp_path):
    torch.save(Payload(tmp_path / "ran"), tmp_path / "evil.pt")
    torch.save(ResNet(small_resnet(3)), tmp_path / "model.pt")
    with pytest.raises(RuntimeError, match=r"should run evil.pt failed"):
        process_memory(tmp_path / "evil.pt", (1, 3, 32, 32), runs=1)
    assert not (tmp_path / "ran").exists()
    assert process_memory(tmp_path / "model.pt", (1, 3, 32, 32), runs=1).growth > 0
