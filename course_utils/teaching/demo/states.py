"""What the widget of each demo shows, stored in ``data/demos``: a page needs no kernel, and a sentence stays true.

``course demo --renew NAME`` runs the demo's cells and writes its file anew.
"""

import base64
import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from course_utils.files import atomic
from course_utils.paths import DATA
from course_utils.teaching.demo import script

if TYPE_CHECKING:
    import numpy as np

FOLDER = DATA / "demos"
VIEWS = "application/vnd.jupyter.widget-view+json"
STATES = "application/vnd.jupyter.widget-state+json"
SENT_AS_WEBP = "changed"  # a trait of RGB images, nine megabytes as they are
NOT_SHOWN = ("layout", "tabbable", "tooltip")  # traits of every widget of Jupyter


def stored(name: str) -> dict[str, Any]:
    """The stored state of a demo: ``widget``, the name of its script, ``cells``, the fingerprint of its cells,
    ``traits`` and ``buffers``, the bytes among the traits with their paths, in base64.

    Raises FileNotFoundError, with the command that makes it, if there is none, and ValueError if it cannot be read.
    """
    path = FOLDER / f"{script.find(name).cells}.json.gz"
    remedy = f"run `course demo --renew {name}`, or restore it with `git checkout -- data/demos`"
    try:
        return json.loads(gzip.decompress(path.read_bytes()))
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no {path}: {remedy}.") from None
    except (EOFError, OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}): {remedy}.") from error


def renew(name: str) -> Path:
    """Run the cells of a demo in a kernel and store what its widget shows; → the file.

    Raises ValueError for an unknown name and for cells that fail.
    """
    from course_utils.lab import notebooks
    from course_utils.teaching.demo import cells

    target = FOLDER / f"{script.find(name).cells}.json.gz"
    made = cells.notebook_of(name)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.ipynb"
        notebooks.write(made, path)
        run = notebooks.execute(path, cell_seconds=3600)
    if run.error:
        raise ValueError(f"The cells of demo {name} fail: {run.error}")
    shown = next(output.data[VIEWS] for output in run.notebook.cells[-1].outputs if VIEWS in output.get("data", {}))
    model = run.notebook.metadata["widgets"][STATES]["state"][shown["model_id"]]
    traits = {key: value for key, value in model["state"].items() if key[0] != "_" and key not in NOT_SHOWN}
    state = {
        "widget": model["state"]["_anywidget_id"].split(".")[-2],
        "cells": cells.fingerprint(cells.cells_of(name)),
        "traits": traits,
        "buffers": [small(buffer, traits) for buffer in model.get("buffers", ())],
    }
    with atomic(target) as partial:
        partial.write_bytes(gzip.compress(json.dumps(state, ensure_ascii=False).encode(), mtime=0))
    return target


def small(buffer: dict[str, Any], traits: dict[str, Any]) -> dict[str, Any]:
    """A buffer as it is, or its images on one WebP, row by row in a square."""
    if buffer["path"] != [SENT_AS_WEBP]:
        return buffer
    import numpy as np

    images = np.frombuffer(base64.b64decode(buffer["data"]), np.uint8)
    images = images.reshape(-1, traits["height"], traits["width"], 3)
    data = base64.b64encode(as_webp(images, quality=90)).decode()
    return {"path": buffer["path"], "encoding": "webp", "data": data, "count": len(images)}


def as_webp(images: "np.ndarray", **options: Any) -> bytes:
    """Images (count, height, width, 3 or 4) on one WebP, row by row in a square. options: Pillow's for this format."""
    import numpy as np
    from PIL import Image

    count, height, width, channels = images.shape
    across = int(np.ceil(np.sqrt(count)))
    sheet = np.zeros((across, across, height, width, channels), np.uint8)
    sheet.reshape(-1, height, width, channels)[:count] = images
    whole = sheet.transpose(0, 2, 1, 3, 4).reshape(across * height, across * width, channels)
    file = io.BytesIO()
    Image.fromarray(whole).save(file, "WEBP", method=6, **options)
    return file.getvalue()
