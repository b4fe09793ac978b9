"""The weights of a Hugging Face Dinov2Model inside an ONNX file, under timm's names. Notebook 04."""

from pathlib import Path

import torch
from torch import Tensor

from course_utils import extras
from course_utils.models.conversion import with_parts_renamed

ENCODER = "backbone."
# Hugging Face's part of a parameter's name → timm's.
NAMES = {
    "embeddings.cls_token": "cls_token",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "encoder.layer.": "blocks.",
    "attention.attention.": "attn.",
    "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
    "layernorm.": "norm.",
}


def read_dinov2(path: Path) -> dict[str, Tensor]:
    """The encoder's weights under the names that timm gives them in its DINOv2 models, LayerScale included.

    An exporter to ONNX writes x @ W, and W has no name any more, but the bias that is added next has: it names W. The
    positions have lost theirs too: they are the constants of shape (1, tokens, dim). Raises ValueError for another
    graph.
    """
    extras.needs("onnx")
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer}
    named = {name.removeprefix(ENCODER): value for name, value in stored.items() if name.startswith(ENCODER)}
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        if node.op_type == "Add" and node.input[0].startswith(ENCODER) and node.input[1] in products:
            bias = node.input[0].removeprefix(ENCODER)
            named[bias.replace(".bias", ".weight")] = stored[products[node.input[1]]].mT
    positions = [value for name, value in stored.items() if value.ndim == 3 and not name.startswith(ENCODER)]
    weights = {with_parts_renamed(name, NAMES): value for name, value in named.items()}
    try:
        weights["pos_embed"] = torch.cat(sorted(positions, key=lambda each: each.shape[1]), dim=1)
        for name in [name for name in weights if ".attn.query." in name]:
            parts = [weights.pop(name.replace("query", part)) for part in ("query", "key", "value")]
            weights[name.replace("query", "qkv")] = torch.cat(parts)
    except (RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"{path} is not the graph of a Dinov2Model: pass one with its parameter names.") from error
    return weights
