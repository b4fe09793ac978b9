"""A network on a small device: ONNX and int8. Notebook 09.

The float network goes through PyTorch's exporter; ONNX Runtime quantises and runs. See ``quantise.py`` for how a
number becomes eight bits, and ``latency.py`` for what a network costs.
"""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_utils import extras, files
from course_utils.console import first_line, unwarned
from course_utils.deployment.latency import Latency, Memory, latencies, process_memory
from course_utils.models.refusals import WrongShape
from course_utils.modes import evaluating
from course_utils.settings import checked

__all__ = [  # with what a network costs, which notebook 09 reads beside it
    "Latency",
    "Memory",
    "OnnxModel",
    "agreement",
    "export_onnx",
    "latencies",
    "process_memory",
    "quantise_dynamic",
    "quantise_static",
]

ONNX_TYPES = {"tensor(float16)": torch.float16, "tensor(double)": torch.float64}  # all others: float32


class OnnxModel:
    """An ONNX file as a function: images (batch, channels, height, width) → logits (batch, classes).

    It computes on the CPU, in the file's own type; the logits are on the images' device. Raises FileNotFoundError if
    the file does not exist, ValueError if it is no ONNX file or the images are not floating point, and WrongShape for
    images of another shape.
    """

    def __init__(self, path: str | Path, threads: int = 1) -> None:
        extras.needs("onnxruntime")
        import onnxruntime

        self.path = checked("path", path, Path)
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no ONNX file {self.path}: export a model to it first.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # one of onnxruntime's own, which share no base
            raise ValueError(
                f"{self.path} is damaged or not an ONNX file ({first_line(error)}), or its numbers are of a type that "
                "cannot be computed here: export it again, from model.float()."
            ) from error
        self.input = self.session.get_inputs()[0]

    def __call__(self, images: Tensor) -> Tensor:
        return torch.from_numpy(self.session.run(None, self.given(images))[0]).to(images.device)

    def given(self, images: Tensor) -> dict[str, Any]:
        """What onnxruntime reads: the name of the file's input, and the images as an array of the file's own type."""
        expected = self.input.shape[1:]
        if not isinstance(images, Tensor) or not images.is_floating_point():
            kind = str(images.dtype).removeprefix("torch.") if isinstance(images, Tensor) else type(images).__name__
            raise ValueError(
                f"The images are {kind}, but {self.path.name} reads a tensor of float32: use images.float() / 255 for "
                "bytes, and torch.from_numpy(array).float() for an array."
            )
        if images.ndim != 4 or list(images.shape[1:]) != expected:
            reads = f"(batch, {', '.join(map(str, expected))})"
            raise WrongShape(
                images.shape, self.path.name, reads, "resize the images or export the model for this shape"
            )
        own = images.detach().to("cpu", ONNX_TYPES.get(self.input.type, torch.float32)).numpy()
        return {self.input.name: own}


def export_onnx(model: nn.Module, images: Tensor, path: str | Path) -> Path:
    """Export the model in evaluation mode, for any number of images of this shape; → path.

    Only the shape of images (batch, channels, height, width) matters. The modes of the model stay as they are; of a
    compiled model, the original is exported. Raises ValueError, and writes nothing, for images that the model cannot
    read and for a model that the exporter cannot trace.
    """
    extras.needs("onnx", "onnxscript")
    model = getattr(model, "_orig_mod", model)  # of torch.compile
    if not isinstance(images, Tensor) or images.ndim != 4 or not len(images):
        shape = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise WrongShape(shape, "the export", "(batch, channels, height, width)", "pass at least one image")
    known = next(model.parameters(), images)
    # The exporter treats a batch size of one as a constant.
    pair = images[:1].detach().to(known.device, known.dtype).repeat(2, 1, 1, 1)
    place: Path = checked("path", path, Path)
    with evaluating(model), files.atomic(place) as partial_path:
        try:
            with torch.no_grad():
                model(pair)
            with quiet():
                torch.onnx.export(
                    model,
                    (pair,),
                    str(partial_path),
                    input_names=["images"],
                    output_names=["logits"],
                    dynamic_shapes=({0: torch.export.Dim("batch")},),
                    dynamo=True,
                    external_data=False,
                    verbose=False,
                )
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(
                f"This {type(model).__name__} cannot be exported for images of shape {tuple(pair.shape[1:])} "
                f"({first_line(error)}): pass images that it reads, or simplify its forward."
            ) from error
    return place


def quantise_dynamic(source: Path, target: Path) -> Path:
    """Weights in 8 bits, unsigned; the scale of each layer's input is computed for each batch at run time; → target.

    Raises the errors of :class:`OnnxModel` for a source that is no ONNX file; target appears only when it is complete.
    """
    extras.needs("onnx", "onnxruntime")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    OnnxModel(source)
    with prepared(source) as ready, files.atomic(Path(target)) as partial_path, quiet():
        quantize_dynamic(ready, partial_path, weight_type=QuantType.QUInt8)
    return target


def quantise_static(source: Path, target: Path, images: Tensor) -> Path:
    """Weights in int8, one scale per channel; fixed activation scales, calibrated on images; → target.

    images (count, channels, height, width): unlabelled, and like those the model will see. Jacob et al. 2018, section
    3. Raises ValueError for fewer than eight and for NaN, and the errors of :class:`OnnxModel` for a source that is no
    ONNX file and for images that it cannot read; target appears only when it is complete.
    """
    extras.needs("onnx", "onnxruntime")
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    if len(images) < 8:
        raise ValueError(f"Got {len(images)} images to calibrate with, but ranges need at least 8: pass about 100.")
    given = OnnxModel(source).given
    given(images)  # which refuses what the file cannot read
    if not images.isfinite().all():
        raise ValueError("The images to calibrate with hold NaN or infinity: repair them or leave them out.")

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(images.split(32))

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.left, None)
            return None if batch is None else given(batch)

    with prepared(source) as ready, files.atomic(Path(target)) as partial_path, quiet():
        quantize_static(
            ready,
            partial_path,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    return target


@contextlib.contextmanager
def prepared(source: Path) -> Iterator[Path]:
    """The graph with its shapes inferred and its BatchNorms folded, as quantisation needs it, in a temporary file."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        with quiet():
            quant_pre_process(source, ready, skip_symbolic_shape=True)
        yield ready


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and log output of exporters and quantisers; errors still come through."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with unwarned(), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)


def agreement(one: Tensor, other: Tensor) -> float:
    """Logits (images, classes) twice → the share of images for which both choose the same class.

    Raises ValueError for NaN, for different shapes and without images.
    """
    if one.shape != other.shape or not len(one) or one.isnan().any() or other.isnan().any():
        raise ValueError(
            f"The logits are {tuple(one.shape)} and {tuple(other.shape)}, but must be of the same images, one or more, "
            "and without NaN: compute both from one batch."
        )
    return (one.argmax(dim=-1) == other.argmax(dim=-1)).float().mean().item()
