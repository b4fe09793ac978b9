"""Light pages: what widgets carry lies packed in files beside the pages, each once, however many pages show it.

A part is a script, because a page that is opened as a file can load nothing else; ``hall/light.js`` puts the parts back
into the state of the page's widgets and shows them.
"""

import base64
import gzip
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.teaching.demo.states import STATES, as_webp, small
from course_utils.teaching.site.shown import as_script, with_referred

PARTS = "application/vnd.course.widget-parts+json"
LEAST = 2_000  # bytes: what is smaller stays in the page
MOST_EXACT = 1_000_000  # bytes of attention weights that a page carries as they are
LEVELS = 63  # of larger ones: each weight is rounded to 1/63 of the largest in its row
MOST_OF_A_PAGE, MOST_OF_A_SITE = 4_000_000, 40_000_000  # bytes
_STATE = re.compile(rf'<script type="{re.escape(STATES)}">(.*?)</script>', re.DOTALL)
_VIEW = re.compile(r'"model_id":\s*"(\w+)"')
_LIGHT = re.compile(rf'<script type="{re.escape(PARTS)}">(.*?)</script>', re.DOTALL)


def lighten(site: Path) -> None:
    """Move what the widgets of all pages in this folder carry into ``_static/parts``."""
    for page in site.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        light = lightened(html, site / "_static")
        if light != html:
            page.write_text(light, encoding="utf-8")


def lightened(html: str, static: Path) -> str:
    """A page without what its widgets carry, which is written into ``parts`` of the folder static."""
    shown = _VIEW.findall(html)
    return _STATE.sub(lambda found: _script(json.loads(found[1]), shown, static / "parts"), html)


def _script(saved: dict[str, Any], shown: list[str], folder: Path) -> str:
    """The saved state of the models that the page shows and of those that they refer to, light."""
    folder.mkdir(parents=True, exist_ok=True)
    saved["state"] = with_referred(saved["state"], [name for name in shown if name in saved["state"]])
    parts = [part for name, model in saved["state"].items() for part in _parts(name, model, folder)]
    return f'<script type="{PARTS}">{as_script({**saved, "parts": parts})}</script>'


def _parts(name: str, model: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Write the long texts and the bytes of a model and take them out of it; → where each of them belongs."""
    traits, buffers, parts = model["state"], model.pop("buffers", []), []
    for trait, text in traits.items():
        if isinstance(text, str) and len(text) >= LEAST:
            traits[trait] = None
            parts.append({"kind": "text", "path": [trait], **_written(_packed(text.encode()), folder)})
    for buffer in buffers:
        kind, packed = _of_bytes(buffer, traits)
        parts.append({**kind, "path": buffer["path"], **_written(packed, folder)})
    return [{**part, "model": name} for part in parts]


def _of_bytes(buffer: dict[str, Any], traits: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """How a buffer is packed, and the packed bytes."""
    light = small(buffer, traits)
    content = base64.b64decode(light["data"])
    if light["encoding"] == "webp":
        return {"kind": "images", "count": light["count"], "channels": 3}, content
    side = traits.get("height", 0), traits.get("width", 0)
    if buffer["path"] == ["pixels"] and len(content) == 4 * side[0] * side[1] and set(content[3::4]) == {255}:
        image = np.frombuffer(content, np.uint8).reshape(1, *side, 4)
        return {"kind": "images", "count": 1, "channels": 4}, as_webp(image, lossless=True)
    if "models" in traits and buffer["path"] == ["weights"] and len(content) > MOST_EXACT:
        rows = [[one["layers"] * (one["heads"] + 1) * one["tokens"], one["tokens"]] for one in traits["models"]]
        return {"kind": "levels", "shape": rows, "levels": LEVELS}, _packed(rounded(content, rows))
    return {"kind": "bytes"}, _packed(content)


def rounded(weights: bytes, shape: list[list[int]]) -> bytes:
    """Half floats in rows → the largest number of each row as a half float, then each number in shares of it, from 0 to
    LEVELS. A weight is off by at most 1/126 of the largest in its row. shape: how many rows, and of how many numbers.
    """
    numbers, largest, codes = np.frombuffer(weights, "<f2").astype(np.float32), [], []
    for count, length in shape:
        rows, numbers = numbers[: count * length].reshape(count, length), numbers[count * length :]
        largest.append(rows.max(1))
        codes.append(np.rint(LEVELS * rows / np.maximum(rows.max(1, keepdims=True), 2**-24)).astype(np.uint8))
    return b"".join([*(each.astype("<f2").tobytes() for each in largest), *(each.tobytes() for each in codes)])


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _written(packed: bytes, folder: Path) -> dict[str, str]:
    name = sha256(packed).hexdigest()[:16]
    text = base64.b64encode(packed).decode()
    (folder / f"{name}.js").write_text(f'part("{name}","{text}");\n', encoding="utf-8")
    return {"file": name}


def too_heavy(site: Path) -> list[str]:
    """A sentence for each page that is heavier than a page may be, with what its widgets carry,
    and for the whole site."""
    said = []
    for page in sorted(site.glob("*.html")):
        carried = weights(page)
        total, (most, size) = sum(carried.values()), max(carried.items(), key=lambda item: item[1])
        if total > MOST_OF_A_PAGE:
            said.append(
                f"{page.name} weighs {total / 1e6:.1f} MB, more than {MOST_OF_A_PAGE / 1e6:.0f} MB, of which {most} "
                f"{size / 1e6:.1f} MB: show less there."
            )
    files = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    if sum(files.values()) > MOST_OF_A_SITE:
        largest = max(files, key=files.__getitem__)
        said.append(
            f"The site weighs {sum(files.values()) / 1e6:.1f} MB, more than {MOST_OF_A_SITE / 1e6:.0f} MB; its largest "
            f"file is {largest.relative_to(site)}, {files[largest] / 1e6:.1f} MB."
        )
    return said


def weights(page: Path) -> dict[str, int]:
    """The bytes of a page's text, and of each part that its widgets carry."""
    carried = {"its text": page.stat().st_size}
    for found in _LIGHT.findall(page.read_text(encoding="utf-8")):
        saved = json.loads(found)
        for part in {part["file"]: part for part in saved["parts"]}.values():
            widget = saved["state"][part["model"]]["state"].get("_anywidget_id", "").rpartition(".")[2]
            what = f"{'.'.join(map(str, part['path']))} of {widget} ({part['file']})"
            carried[what] = (page.parent / "_static" / "parts" / f"{part['file']}.js").stat().st_size
    return carried
