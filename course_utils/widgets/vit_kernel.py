"""A ViT that computes in the kernel what ViTExplorer shows, as the engine does in the page. Notebooks 04 to 07."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor

from course_utils.analysis.erasing import erased
from course_utils.attention import silenced
from course_utils.console import first_line
from course_utils.models import DistilledViT, ViT
from course_utils.models.deit import fuse
from course_utils.models.vit import patchify, standardised
from course_utils.modes import evaluating
from course_utils.settings import shown
from course_utils.widgets.tensors import floats, half_floats

Prepare = Callable[[Tensor], Tensor]
CHANGED = "The model was changed after this widget was made: run the widget's cell again."


@torch.no_grad()
def answer(
    model: ViT, pixels: Tensor, changes: Mapping[str, Any], blank: list[float], prepare: Prepare | None = None
) -> dict[str, Tensor]:
    """pixels (channels, height, width) in [0, 1] → what vit_worker.js answers to them, under these changes to the model
    or its input: logits (classes,), attention (layers, heads, tokens, tokens), lens (layers + 1, classes), changed (2 ·
    layers, tokens), embedded and final (tokens, dim). changes: as in vit_engine.js. blank: of each channel, the value
    of an erased pixel. prepare: what the images get before the model reads them, such as standardisation.
    """
    c, skipped = model.config, changes.get("skipped", ())
    images = erased(pixels, changes.get("erased", ()), model, pixels.new_tensor(blank))[None].to(model.positions)
    images = (images if prepare is None else prepare(images)).to(model.positions)
    images = standardised(images, c.mean, c.std)
    heads = [(int(layer), int(head)) for layer, head in (name.split(".") for name in changes.get("silenced", ()))]
    with model.recording() as maps, silenced(model, heads), _heated(model, changes.get("temperature", 1)):
        patches = model.project(patchify(images, c.patch_size))
        if changes.get("order"):
            patches = patches[:, changes["order"]]
        tokens = torch.cat([model.special_tokens, patches], dim=1)
        if changes.get("positions", True):
            tokens = tokens + model.positions
        stream = [tokens]
        for layer, block in enumerate(model.blocks):
            for branch, norm in (("attention", "norm1"), ("mlp", "norm2")):
                added = block.get_submodule(branch)(block.get_submodule(norm)(tokens))
                tokens = tokens if f"{layer}.{branch}" in skipped else tokens + added
                stream.append(tokens)
        lens = [_read(model, each) for each in stream[::2]]
    steps = zip(stream[1:], stream[:-1], strict=True)
    changed = [(after - before).norm(dim=-1) / before.norm(dim=-1) for after, before in steps]
    return {
        "logits": lens[-1][0],
        "attention": torch.cat(maps),
        "lens": torch.cat(lens),
        "changed": torch.cat(changed).nan_to_num(0, posinf=torch.inf),
        "embedded": stream[0][0],
        "final": model.norm(tokens)[0],
    }


class Answering:
    """Answers the pages of a widget: of the first models, which are looked into, all that can be seen, or the logits
    and the final class token if a page asks for less; of other models the logits. See `answer`.
    """

    def __init__(
        self, models: Mapping[str, Any], looked_into: int, blank: list[float], prepare: Prepare | None
    ) -> None:
        self.names, self.models, self.looked_into = list(models), list(models.values()), looked_into
        self.blank, self.prepare = blank, prepare
        self.positions = [model.positions.detach().clone() for model in self.models[:looked_into]]

    def check(self, images: Tensor) -> None:
        """Raises ValueError if a model that cannot be looked into does not turn images into logits."""
        for number in range(self.looked_into, len(self.models)):
            self.logits(number, images)

    def logits(self, number: int, images: Tensor) -> Tensor:
        """images (batch, channels, height, width) in [0, 1] → what a model of any kind makes of them in evaluation
        mode, (batch, classes). Raises ValueError, with the model's own reason, if it makes anything else.
        """
        model, expected = self.models[number], (len(images), self.models[0].config.classes)
        like = next(filter(Tensor.is_floating_point, model.parameters()), images)
        with torch.no_grad(), evaluating(model):
            found, cause = _tried(lambda images: model(self._prepared(images).to(like)), images)
        if not isinstance(found, Tensor) or found.shape != expected:
            made = f"{tuple(found.shape)}" if isinstance(found, Tensor) else "no tensor"
            raise ValueError(
                f"The model {self.names[number]} makes {made} of images of shape {tuple(images.shape)}{_why(cause)}, "
                f"but must make logits of shape {expected}: pass a model for the images and classes of the first."
            ) from cause
        return found

    def _prepared(self, images: Tensor) -> Tensor:
        return images if self.prepare is None else self.prepare(images)

    def reply(self, request: Mapping[str, Any], buffers: Sequence[Any]) -> tuple[dict[str, Any], list[bytes]]:
        """A page's request and its pixels, as floats → what is sent back: attention as half floats, the rest as floats;
        or why it could not be computed.
        """
        c, number = self.models[0].config, request["model"]
        pixels = torch.frombuffer(bytearray(buffers[0]), dtype=torch.float32).reshape(c.channels, *c.height_and_width)
        try:
            if number < self.looked_into:
                if not torch.equal(self.models[number].positions.to(self.positions[number]), self.positions[number]):
                    return {"id": request["id"], "error": CHANGED}, []  # the page has those of before
                found = answer(self.models[number], pixels, request["changes"], self.blank, self.prepare)
            else:
                found = {"logits": self.logits(number, pixels[None])[0]}
            layers = len(found["lens"]) - 1 if "lens" in found else c.layers
            if found["logits"].shape != (c.classes,) or layers != c.layers:
                return {"id": request["id"], "error": CHANGED}, []
            if not request["whole"]:
                found = {
                    name: found[name][: 1 if name == "final" else None]
                    for name in ("logits", "final")
                    if name in found
                }
            layout = [[name, list(value.shape)] for name, value in found.items()]
            sent = [half_floats(v) if name == "attention" else floats(v) for name, v in found.items()]
        except (ValueError, MemoryError) as error:
            return {"id": request["id"], "error": f"{first_line(error)}."}, []
        except Exception as error:  # of a layer that is not the course's, or of prepare
            return {"id": request["id"], "error": f"The model does not answer{_why(error)}."}, []
        return {"id": request["id"], "layout": layout}, sent


def check_prepare(prepare: Any, images: Tensor) -> None:
    """Raises ValueError if prepare does not turn images into images of the same shape."""
    if prepare is None:
        return
    found, cause = _tried(prepare, images)
    if not isinstance(found, Tensor) or found.shape != images.shape or not found.is_floating_point():
        made = f"{found.dtype} of shape {tuple(found.shape)}" if isinstance(found, Tensor) else "no tensor"
        raise ValueError(
            f"prepare is {shown(prepare)}, but must be a function that turns images of shape {tuple(images.shape)} "
            "into floating-point numbers of that shape, such as prepared of load_pretrained: it makes "
            f"{made}{_why(cause)}."
        ) from cause


def _tried(function: Callable[[Tensor], Any], images: Tensor) -> tuple[Any, Exception | None]:
    """What the function makes of the images; or None, and whatever it raised because it was made for something else."""
    try:
        return function(images), None
    except Exception as error:
        return None, error


def _why(error: Exception | None) -> str:
    """What a foreign error says, in brackets."""
    return "" if error is None else f" ({type(error).__name__}: {shorten(first_line(error), 200)})"


def _read(model: ViT, tokens: Tensor) -> Tensor:
    """(1, tokens, dim) at any depth → (1, classes): the prediction from them,
    without columns for a model without classes.
    """
    normed = model.norm(tokens)
    if isinstance(model, DistilledViT):
        two = fuse(model.head(normed[:, 0]), model.distillation_head(normed[:, 1]))
        return two.clamp_min(torch.finfo(two.dtype).tiny).log()
    return model.head(normed[:, 0]) if model.config.classes else normed.new_empty(1, 0)


@contextmanager
def _heated(model: ViT, temperature: float) -> Iterator[None]:
    """In the block, all scores are divided by the temperature before the softmax."""

    def cooler(_: Any, __: Any, qkv: Tensor) -> Tensor:
        queries, others = qkv.split([model.config.dim, 2 * model.config.dim], dim=-1)
        return torch.cat([queries / temperature, others], dim=-1)

    layers = [] if temperature == 1 else [block.get_submodule("attention.to_qkv") for block in model.blocks]
    hooks = [layer.register_forward_hook(cooler) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
