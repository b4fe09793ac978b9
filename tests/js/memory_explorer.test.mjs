// Bytes of attention matrices, and what makes no sense.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as memory from "../../course_utils/widgets/memory_explorer.js";

const PIXELS = {
  image_size: 128,
  patch_size: 1,
  layers: 48,
  heads: 16,
  batch: 1,
  dtype: "float32",
  class_token: false,
};
const VIT = { ...PIXELS, image_size: 224, patch_size: 16, layers: 12, heads: 12, class_token: true };

test("bytes are exact: the slide's 768 GiB, and ViT-B/16 with its class token", () => {
  const counts = memory.countsOf(PIXELS, 4);
  assert.equal(counts.tokens, 16384n);
  assert.equal(counts.one, 4n * 16384n ** 2n);
  assert.equal(counts.layer, 16n * counts.one);
  assert.equal(counts.all, 768n * 2n ** 30n);
  assert.equal(memory.countsOf(VIT, 4).all, 12n * 12n * 4n * 197n ** 2n);
  assert.equal(memory.countsOf({ ...VIT, batch: 3 }, 2).all, 3n * 12n * 12n * 2n * 197n ** 2n);
});

test("no digit is lost where numbers of the page end", () => {
  const huge = { ...PIXELS, image_size: 4096, heads: 999, layers: 999, batch: 99999 };
  assert.equal(memory.countsOf(huge, 4).all % 10n, (4n * 4096n ** 4n * 999n * 999n * 99999n) % 10n);
});

test("bytes are said in binary units", () => {
  const said = [0n, 1023n, 1024n, 118013952n, 768n * 2n ** 30n, 2n ** 70n].map(memory.binary);
  assert.deepEqual(said, ["0 bytes", "1,023 bytes", "1 KiB", "112.55 MiB", "768 GiB", "1,024 EiB"]);
});

test("ten times as many bytes are always the same length more", () => {
  const [a, b, c] = memory.sharesOf([10n ** 4n, 10n ** 5n, 10n ** 6n]);
  assert.ok(Math.abs(b - a - (c - b)) < 1e-12);
  assert.deepEqual(memory.sharesOf([10n, 1000n]), [0, 1]);
  assert.equal(memory.sharesOf([100n, 1000n])[0], 0);
});

test("what makes no sense is said in one sentence, with what would do", () => {
  assert.equal(memory.problemOf(PIXELS), "");
  assert.equal(
    memory.problemOf({ ...PIXELS, patch_size: 3 }),
    "Patches of 3 pixels do not divide 128 pixels: try 2 or 4.",
  );
  const large = memory.problemOf({ ...PIXELS, patch_size: 100 });
  assert.equal(large, "Patches of 100 pixels do not divide 128 pixels: try 64 or 128.");
  const prime = { ...PIXELS, image_size: 7, patch_size: 2, heads: 1000 };
  assert.equal(memory.problemOf(prime), "Patches of 2 pixels do not divide 7 pixels: try 1 or 7.");
  for (const heads of [0, 1.5, Number.NaN, 1001]) {
    assert.equal(memory.problemOf({ ...PIXELS, heads }), "heads must be a whole number from 1 to 1,000: change it.");
  }
});
