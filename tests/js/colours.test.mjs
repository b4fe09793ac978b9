// Colour maps from end to end, and ink on them.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as colours from "../../course_utils/widgets/colours.js";

test("cividis runs from its first stop to its last, ever lighter", () => {
  assert.deepEqual(colours.cividisOf(0), [0x00, 0x22, 0x4e]);
  assert.deepEqual(colours.cividisOf(1), [0xfe, 0xe8, 0x38]);
  assert.deepEqual(colours.cividisOf(0.5), [125, 124, 120]); // between #7d7c78 and the next
  const green = Array.from({ length: 256 }, (_, level) => colours.cividisOf(level / 255)[1]);
  assert.ok(green.every((value, level) => !level || value >= green[level - 1]));
});

test("below zero is blue, above it orange, zero nearly white", () => {
  assert.equal(colours.rgb(colours.diverging(-1)), "rgb(0,90,160)");
  assert.equal(colours.rgb(colours.diverging(1)), "rgb(190,85,0)");
  assert.equal(colours.rgb(colours.diverging(0)), "rgb(248,248,248)");
  assert.deepEqual(colours.diverging(0.5), [219, 167, 124]);
});

test("ink stands out from every ground, by 4.5 to 1", () => {
  const light = (levels) => {
    const [r, g, b] = levels.map((c) => (c <= 10 ? c / 3295 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  for (let level = 0; level < 256; level++) {
    const [ground, ink] = colours.onGround([level, level, level]);
    assert.equal(ground, `rgb(${level},${level},${level})`);
    const contrast = ink === "#000" ? light([level, level, level]) / 0.05 : 1.05 / light([level, level, level]);
    assert.ok(contrast >= 4.5, `${contrast} on ${ground}`);
  }
});
