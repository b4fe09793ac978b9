"""MemoryExplorer: the bytes of a transformer's attention matrices, interactively. Notebooks 03 and 04."""

from typing import Annotated

import psutil
import torch
import traitlets

from course_utils.costs import free_memory
from course_utils.front_end import script, style
from course_utils.settings import between, shown
from course_utils.widgets.tensors import as_setting
from course_utils.widgets.widget import Widget

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
MOST = {"image_size": 4096, "patch_size": 4096, "layers": 1000, "heads": 1000, "batch": 100_000}  # as in the page


class MemoryExplorer(Widget):
    """Tokens, entries and bytes of all attention matrices of a model, as a formula and next to this machine's memory.

    patch_size 1 is one token per pixel; class_token then stands for the start token. Raises ValueError for a count
    that the page does not offer, an unknown dtype or a patch size that does not divide the image.
    """

    _esm = script("memory_explorer")
    _css = style("memory_explorer")
    image_size = traitlets.Int().tag(sync=True)
    patch_size = traitlets.Int().tag(sync=True)
    layers = traitlets.Int().tag(sync=True)
    heads = traitlets.Int().tag(sync=True)
    batch = traitlets.Int().tag(sync=True)
    dtype = traitlets.Unicode().tag(sync=True)
    class_token = traitlets.Bool().tag(sync=True)
    bytes_of = traitlets.Dict().tag(sync=True)
    machine = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        image_size: int = 224,
        patch_size: int = 16,
        layers: int = 12,
        heads: int = 12,
        batch: int = 1,
        dtype: torch.dtype | str = torch.float32,
        class_token: bool = True,
    ) -> None:
        values = {
            "image_size": image_size,
            "patch_size": patch_size,
            "layers": layers,
            "heads": heads,
            "batch": batch,
        }
        counts = {
            name: as_setting(value, name, Annotated[int, between(1, MOST[name])]) for name, value in values.items()
        }
        class_token = as_setting(class_token, "class_token", bool)
        image_size, patch_size = counts["image_size"], counts["patch_size"]
        if image_size % patch_size:
            most = MOST["image_size"] // patch_size
            nearest = patch_size * max(1, min(most, round(image_size / patch_size)))
            raise ValueError(f"patch_size {patch_size} does not divide image_size {image_size}: try {nearest}.")
        number = str(getattr(dtype, "__name__", dtype)).removeprefix("torch.")
        if number not in BYTES:
            raise ValueError(
                f"dtype is {shown(dtype)}, but this widget does not know its size: choose one of {', '.join(BYTES)}."
            )
        total = psutil.virtual_memory().total
        machine = {"memory of the machine that ran this": total, "free memory when it ran": free_memory()}
        if torch.cuda.is_available():
            machine[f"memory of the {torch.cuda.get_device_name(0)}"] = torch.cuda.get_device_properties(
                0
            ).total_memory
        super().__init__(**counts, dtype=number, class_token=class_token, bytes_of=BYTES, machine=machine)
