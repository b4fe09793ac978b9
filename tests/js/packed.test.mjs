// What a light page unpacks: half floats, numbers of few levels, and what gzip has packed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { bytesIn, fromHalf, fromLevels, toHalf, unzipped } from "../../course_utils/teaching/demo/hall/packed.js";
import { halfFloats } from "../../course_utils/widgets/shared.js";

test("every half float that is no less than zero is read as the widgets read it, and written again", () => {
  const table = halfFloats();
  for (let code = 0; code < 31 << 10; code++) {
    assert.equal(fromHalf(code), table[code]);
    assert.equal(toHalf(table[code]), code);
  }
  assert.equal(toHalf(2047.9 / 2048), toHalf(1)); // the rounding carries to the exponent
});

test("levels are shares of the largest number of their row, also where rows differ in length", () => {
  const [half, quarter] = [0x3800, 0x3400];
  const largest = Uint16Array.of(half, quarter, half);
  const bytes = Uint8Array.of(...new Uint8Array(largest.buffer), 4, 2, 0, 4, 1, 3, 4);
  const shape = [[2, 2], [1, 3]]; // biome-ignore format: a table
  const numbers = new Uint16Array(fromLevels(bytes, shape, 4).buffer);
  assert.deepEqual([...numbers].map(fromHalf), [0.5, 0.25, 0, 0.25, 0.125, 0.375, 0.5]);
});

test("what Python has packed is unpacked", async () => {
  const packed = gzipSync(Buffer.from("attention"));
  const bytes = await unzipped(bytesIn(packed.toString("base64")));
  assert.equal(new TextDecoder().decode(bytes), "attention");
});
