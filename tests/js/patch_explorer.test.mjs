// Patches: their grid, their vectors, their line, and what is said of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as patches from "../../course_utils/widgets/patch_explorer.js";

// 4 rows of 6 pixels; red is the number of the pixel, green 100 more.
const bytes = Uint8Array.from({ length: 4 * 24 }, (_, at) => Math.floor(at / 4) + [0, 100, 0, 255][at % 4]);
const DATA = { bytes, width: 6, height: 4, channels: 3 };
const STATE = { size: 2, patch: 4, entry: null };

test("patches are counted row by row", () => {
  const grid = patches.gridOf(DATA, STATE);
  assert.deepEqual(grid, { rows: 2, columns: 3, row: 1, column: 1, count: 6, length: 12 });
});

test("a vector is the patch's pixels, row by row, one channel after the other", () => {
  const numbers = (channel) => [...patches.valuesOf(DATA, STATE, channel)].map((value) => Math.round(255 * value));
  assert.deepEqual(numbers(0), [14, 15, 20, 21]);
  assert.deepEqual(numbers(1), [114, 115, 120, 121]);
});

test("another size keeps the place in the image", () => {
  assert.deepEqual(patches.resized(DATA, { ...STATE, entry: 3 }, 1), { size: 1, patch: 3 * 6 + 3, entry: null });
  assert.equal(patches.resized({ ...DATA, width: 8 }, { size: 1, patch: 3 * 8 + 5, entry: null }, 4).patch, 1);
  assert.equal(patches.resized(DATA, { size: 1, patch: 3 * 6 + 5, entry: null }, 2).patch, 3 + 2);
});

test("a line is as long as patches stay between 6 and 48 pixels wide, and holds all", () => {
  assert.deepEqual(patches.layout(4, 800), { across: 16, lines: 1 });
  assert.deepEqual(patches.layout(196, 800), { across: 37, lines: 6 });
  assert.deepEqual(patches.layout(50176, 600), { across: 100, lines: 502 });
});

test("facts say where a patch is and how long its vector", () => {
  const facts = patches.factsOf(DATA, { ...STATE, patch: 5 });
  assert.deepEqual(facts.place, ["patch", "5 of 0–5"]);
  assert.deepEqual(facts["row-column"], ["row, column", "1, 2"]);
  assert.deepEqual(facts["pixel-rows"], ["pixel rows", "2–3"]);
  assert.deepEqual(facts["pixel-columns"], ["pixel columns", "4–5"]);
  assert.deepEqual(facts.length, ["each", "12 numbers"]);
  const pixel = patches.factsOf(DATA, { size: 1, patch: 9, entry: null });
  assert.deepEqual(
    [pixel["pixel-rows"], pixel["pixel-columns"]],
    [
      ["pixel row", "1"],
      ["pixel column", "3"],
    ],
  );
});

test("an entry is named by its pixel and its place in every channel", () => {
  assert.equal(patches.entryWords(DATA, STATE), "(0.055, 0.059, 0.078, 0.082, …)");
  const words = "pixel 1, 0 of the patch: entry 2 red 0.078 · entry 6 green 0.471 · entry 10 blue 0.078";
  assert.equal(patches.entryWords(DATA, { ...STATE, entry: 2 }), words);
  assert.equal(patches.entryWords(DATA, { size: 1, patch: 9, entry: null }), "(0.035, 0.427, 0.035)");
  const grey = { ...DATA, channels: 1 };
  assert.equal(patches.entryWords(grey, { ...STATE, entry: 2 }), "pixel 1, 0 of the patch: entry 2 grey 0.078");
  const dark = { bytes: new Uint8Array(4 * 36), width: 6, height: 6, channels: 3 };
  const last = "pixel 2, 1 of the patch: entry 7 red 0.000 · entry 16 green 0.000 · entry 25 blue 0.000";
  assert.equal(patches.entryWords(dark, { size: 3, patch: 0, entry: 7 }), last);
  assert.equal(patches.entryWords(grey, { size: 1, patch: 9, entry: null }), "(0.035)");
});

test("a shuffled sequence has every patch once, always in the same order", () => {
  assert.deepEqual(patches.orderOf(4, false), [0, 1, 2, 3]);
  const order = patches.orderOf(196, true);
  assert.deepEqual(patches.orderOf(196, true), order);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    patches.orderOf(196, false),
  );
  assert.ok(order.filter((patch, place) => patch === place).length < 10);
});
