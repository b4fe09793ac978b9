"""Light pages: parts that pages share, attention in few bytes, and a page or a site that is too heavy."""

import base64
import gzip
import io
import json
import re

import numpy as np
from PIL import Image

from course_utils.teaching.demo.states import STATES, VIEWS
from course_utils.teaching.site import light

SCRIPT = "export default {};\n" * 200
RNG = np.random.default_rng(0)


def page_of(folder, name: str, models: dict, more: str = "") -> None:
    shown = "".join(f'<script type="{VIEWS}">{{"model_id": "{name}"}}</script>' for name in models)
    models = {**models, "other": model({"_esm": SCRIPT}, weights=b"of a widget that the page does not show")}
    saved = json.dumps({"version_major": 2, "version_minor": 0, "state": models}).replace("</", "<\\/")
    (folder / name).write_text(f'<p>{more}</p>{shown}<script type="{STATES}">{saved}</script>', encoding="utf-8")


def model(traits: dict, **buffers: bytes) -> dict:
    sent = [{"path": [k], "encoding": "base64", "data": base64.b64encode(v).decode()} for k, v in buffers.items()]
    return {"model_name": "AnyModel", "state": {"_anywidget_id": "a.b.Explorer", **traits}, "buffers": sent}


def parts_of(page) -> dict:
    (found,) = re.findall(
        rf'<script type="{re.escape(light.PARTS)}">(.*?)</script>', page.read_text(encoding="utf-8")
    )
    return json.loads(found)


def content(site, part: dict) -> bytes:
    text = (site / "_static" / "parts" / f"{part['file']}.js").read_text(encoding="utf-8")
    name, data = re.fullmatch(r'part\("(\w+)","([\w+/=]+)"\);\n', text).groups()
    assert name == part["file"]
    packed = base64.b64decode(data)
    return packed if part["kind"] == "images" else gzip.decompress(packed)


def test_what_widgets_carry_is_stored_once_for_all_pages_and_nothing_is_lost(tmp_path):
    pixels = RNG.integers(0, 256, (5, 6, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    traits = {"_esm": SCRIPT, "name": "</script>", "height": 5, "width": 6}
    page_of(tmp_path, "a.html", {"m": model(traits, pixels=pixels.tobytes(), weights=b"\x01\x02")}, "a text")
    page_of(tmp_path, "b.html", {"n": model(traits, weights=b"\x01\x02"), "o": model({"_esm": SCRIPT})})
    light.lighten(tmp_path)
    first, second = (parts_of(tmp_path / name) for name in ("a.html", "b.html"))
    assert set(first["state"]) == {"m"}
    assert first["state"]["m"]["state"] == {"_anywidget_id": "a.b.Explorer", **traits, "_esm": None}
    assert "<p>a text</p>" in (tmp_path / "a.html").read_text(encoding="utf-8")
    script, image, weights = first["parts"]
    assert content(tmp_path, script).decode() == SCRIPT
    assert content(tmp_path, weights) == b"\x01\x02"
    assert (image["kind"], image["count"], image["channels"]) == ("images", 1, 4)

    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content(tmp_path, image))).convert("RGBA")), pixels)
    assert {part["file"] for part in second["parts"]} == {script["file"], weights["file"]}
    assert len(list((tmp_path / "_static" / "parts").iterdir())) == 3
    assert set(light.weights(tmp_path / "b.html")) == {
        "its text",
        f"_esm of Explorer ({script['file']})",
        f"weights of Explorer ({weights['file']})",
    }


def test_large_attention_is_rounded_to_shares_of_the_largest_in_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr(light, "MOST_EXACT", 100)
    sizes = [{"layers": 2, "heads": 3, "tokens": 5}, {"layers": 1, "heads": 1, "tokens": 4}]
    rows = [
        RNG.dirichlet(np.full(one["tokens"], 0.2), one["layers"] * (one["heads"] + 1) * one["tokens"])
        for one in sizes
    ]
    rows[1][0] = 0  # of a query that sees nothing
    sent = b"".join(each.astype("<f2").tobytes() for each in rows)
    page_of(tmp_path, "a.html", {"m": model({"models": sizes}, weights=sent)})
    light.lighten(tmp_path)
    (part,) = parts_of(tmp_path / "a.html")["parts"]
    assert (part["kind"], part["shape"], part["levels"]) == ("levels", [[40, 5], [8, 4]], light.LEVELS)
    packed = content(tmp_path, part)
    largest, codes = np.frombuffer(packed[: 2 * 48], "<f2").astype(float), np.frombuffer(packed[2 * 48 :], np.uint8)
    assert codes.max() == light.LEVELS
    for each, top, code in zip(rows, np.split(largest, [40]), np.split(codes, [200]), strict=True):
        again = top[:, None] * code.reshape(each.shape) / light.LEVELS
        assert (np.abs(again - each) <= each.max(1, keepdims=True) * (0.5 / light.LEVELS + 2**-9)).all()
        assert np.allclose(again.max(1), each.max(1), rtol=2**-10)


def test_a_heavy_page_and_a_heavy_site_are_named_with_what_weighs_most(tmp_path, monkeypatch):
    page_of(tmp_path, "a.html", {"m": model({}, weights=RNG.bytes(9_000)), "n": model({}, pixels=RNG.bytes(3_000))})
    page_of(tmp_path, "b.html", {"m": model({}, weights=RNG.bytes(300))}, "text")
    light.lighten(tmp_path)
    assert light.too_heavy(tmp_path) == []
    monkeypatch.setattr(light, "MOST_OF_A_PAGE", 15_000)
    monkeypatch.setattr(light, "MOST_OF_A_SITE", 16_000)
    page, site = light.too_heavy(tmp_path)
    assert re.fullmatch(
        r"a\.html weighs 0\.0 MB, more than .* of which weights of Explorer \(\w+\) 0\.0 MB: .*", page
    )
    assert re.fullmatch(r"The site weighs 0\.0 MB, .*; its largest file is _static/parts/\w+\.js, 0\.0 MB\.", site)
