"""The forward pass in the page is PyTorch's, and the kernel's: logits, attention and residual stream, untouched and
under every change.
"""

import copy
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from course_utils.attention import silenced
from course_utils.models import (
    DistilledViT,
    DistilledViTConfig,
    RegisterViT,
    RegisterViTConfig,
    ViT,
    ViTConfig,
    build,
)
from course_utils.training import load_checkpoint
from course_utils.widgets import vit_weights
from course_utils.widgets.vit_kernel import answer

SCRIPT = Path(__file__).with_name("vit_parity.mjs")
KINDS = {ViT: ViTConfig, DistilledViT: DistilledViTConfig, RegisterViT: RegisterViTConfig}
BLANK = [0.3, 0.6, 0.9]
SMALL = ViTConfig(8, 4, channels=3, dim=12, layers=2, heads=3, mlp_dim=10, classes=4, mean=0.4, std=0.7)
EACH: dict[str, Any] = {  # change, alone
    "erased": [1, 2],
    "order": [2, 0, 3, 1],
    "positions": False,
    "silenced": ["0.1", "1.2"],
    "skipped": ["0.attention", "1.mlp"],
    "temperature": 2.5,
}


PARTS = ("logits", "attention", "stream", "lens", "changed", "embedded", "final")


def random_model(draw: random.Random, kind: type) -> ViT:
    patch, rows, columns, heads = (draw.randint(low, 4) for low in (2, 1, 1, 1))
    config = KINDS[kind](
        image_size=(patch * rows, patch * columns),
        patch_size=patch,
        channels=draw.choice((1, 3)),
        dim=heads * draw.randint(6, 12),
        layers=draw.randint(1, 3),
        heads=heads,
        mlp_dim=draw.randint(5, 20),
        classes=draw.randint(1, 7),
        mean=draw.random(),
        std=0.2 + draw.random(),
    )
    return uneven(build(config, seed=draw.randint(0, 99)))


def uneven(model: ViT) -> ViT:
    """In evaluation mode, with biases and special tokens that are not zero."""
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return model


def random_changes(draw: random.Random, model: ViT) -> dict[str, Any]:
    c = model.config
    places = list(range(c.patches))
    branches = [f"{layer}.{branch}" for layer in range(c.layers) for branch in ("attention", "mlp")]
    every = [f"{layer}.{head}" for layer in range(c.layers) for head in range(c.heads)]
    return {
        "erased": draw.sample(places, draw.randint(0, len(places))),
        "order": draw.choice((None, draw.sample(places, len(places)))),
        "positions": draw.random() < 0.5,
        "silenced": draw.sample(every, draw.randint(0, len(every))),
        "skipped": draw.sample(branches, draw.randint(0, len(branches) - 1)),
        "temperature": draw.uniform(0.3, 3),
    }


def in_pytorch(model: ViT, image: Tensor, changes: dict[str, Any]) -> dict[str, Tensor]:
    """The same by other means: changed images and weights, and hooks on the branches."""
    model, c = copy.deepcopy(model), model.config
    image = image.clone()
    for patch in changes.get("erased", ()):
        top, left = (place * c.patch_size for place in divmod(patch, c.grid[1]))
        blank = torch.tensor(BLANK[: c.channels])[:, None, None]
        image[:, top : top + c.patch_size, left : left + c.patch_size] = blank
    if changes.get("order"):
        model.project.register_forward_hook(lambda _, __, patches: patches[:, changes["order"]])
    stream = []
    for layer, block in enumerate(model.blocks):
        block.register_forward_pre_hook(lambda _, tokens: stream.append(tokens[0]) if not stream else None)
        block.norm2.register_forward_pre_hook(lambda _, tokens: stream.append(tokens[0]))
        block.register_forward_hook(lambda _, __, tokens: stream.append(tokens))
        for branch in ("attention", "mlp"):
            if f"{layer}.{branch}" in changes.get("skipped", ()):
                block.get_submodule(branch).register_forward_hook(lambda _, __, out: torch.zeros_like(out))
    heads = [tuple(map(int, pair.split("."))) for pair in changes.get("silenced", ())]
    with torch.no_grad(), silenced(model, heads):
        if changes.get("positions") is False:
            model.positions.zero_()
        for block in model.blocks:
            for parameter in (block.attention.to_qkv.weight, block.attention.to_qkv.bias):
                parameter[: c.dim] /= changes.get("temperature", 1)
        maps = model.attention_maps(image[None])
        logits = model(image[None])
        seen = stream[: 2 * c.layers + 1]
        lens = [] if isinstance(model, DistilledViT) else seen[::2]
        lens = [model.head(model.norm(tokens)[:, 0]) for tokens in lens]
        steps = zip(seen[1:], seen[:-1], strict=True)
        changed = [(after - before).norm(dim=-1) / before.norm(dim=-1) for after, before in steps]
    parts = {"logits": [logits], "attention": maps, "stream": seen, "lens": lens, "changed": changed}
    return {name: torch.cat([each.flatten() for each in found]) for name, found in parts.items() if found}


def in_kernel(model: ViT, image: Tensor, changes: dict[str, Any]) -> dict[str, Tensor]:
    found = answer(model, image, changes, BLANK[: model.config.channels])
    return {name: found[name].flatten() for name in ("logits", "attention", "lens", "changed", "embedded", "final")}


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> dict[str, tuple[list[tuple[float, dict[str, Tensor]]], dict[str, Tensor]]]:
    """Name of each case → tolerances with what PyTorch computes, and what the engine computes.

    With half floats, PyTorch is once exact and once has the rounded weights too.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed: `make test` installs what it needs with npm")
    folder, draw = tmp_path_factory.mktemp("cases"), random.Random(0)
    cases, expected = [], {}
    tried = [(load_checkpoint("fashion-vit-small")[0], {})]
    for number in range(1, 25):
        model = random_model(draw, list(KINDS)[number % 3])
        tried.append((model, random_changes(draw, model) if number % 2 else {}))
    tried += [(uneven(build(SMALL, seed=0)), {name: value}) for name, value in EACH.items()]
    for number, (model, changes) in enumerate(tried):
        c, name = model.config, f"{number:02d} {type(model).__name__} {' '.join(changes)}"
        image = torch.rand(c.channels, *c.height_and_width, generator=torch.Generator().manual_seed(number))
        _, layout, halves = vit_weights.packed(model)
        config = {**vit_weights.configuration(model), "blank": BLANK}
        exact = in_pytorch(model, image, changes)
        rounded = in_pytorch(copy.deepcopy(model).half().float(), image, changes)
        kernel = in_kernel(model, image, changes)
        theirs = {"float32": [(1e-5, exact), (1e-4, kernel)], "float16": [(5e-3, exact), (1e-5, rounded)]}
        for form, weights in (("float32", single(model, layout)), ("float16", halves)):
            case = f"{name} {form}"
            cases.append({"name": case, "config": config, "format": form, "layout": layout, "changes": changes})
            (folder / f"{case}.weights").write_bytes(weights)
            (folder / f"{case}.pixels").write_bytes(image.numpy().astype("<f4").tobytes())
            expected[case] = theirs[form]
    (folder / "cases.json").write_text(json.dumps(cases))
    subprocess.run([node, str(SCRIPT), str(folder)], check=True, timeout=600)
    return {
        case: (theirs, {part: torch.from_numpy(np.fromfile(folder / f"{case}.{part}", "<f4")) for part in PARTS})
        for case, theirs in expected.items()
    }


def single(model: ViT, layout: list) -> bytes:
    """The weights of a layout in float32."""
    named = {"special_tokens": model.special_tokens, **model.state_dict()}
    return torch.cat([named[name].detach().flatten() for name, _ in layout]).numpy().astype("<f4").tobytes()


@pytest.mark.parametrize("part", PARTS)
def test_the_engine_computes_what_pytorch_and_the_kernel_behind_the_widget_compute(compared, part):
    tried = 0
    for case, (theirs, ours) in compared.items():
        for within, parts in theirs:
            if part in parts:
                tried += 1
                assert ours[part].shape == parts[part].shape, case
                off = (ours[part] - parts[part]).abs().max().item() / max(1, parts[part].abs().max().item())
                assert off <= within, f"{case}: off by {off:.1e}"
    assert tried >= len(compared) // 3
