// Windows, their shift, the groups of a rolled map, and where a token's content comes from.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as windows from "../../course_utils/widgets/window_explorer.js";

const SIZES = { tokens: 8, window: 4, depths: [2, 2] };
const DATA = { tokens: 8, window: 4, blocks: windows.blocksOf(SIZES) };
const STATE = { row: 1, column: 6, block: 0, shifted: true };
const count = (met) => met.reduce((sum, yes) => sum + yes, 0);

test("stages halve the map; every second block shifts by half a window, unless a window is the whole map", () => {
  assert.deepEqual(DATA.blocks, [
    { stage: 0, side: 8, shift: 0 },
    { stage: 0, side: 8, shift: 2 },
    { stage: 1, side: 4, shift: 0 },
    { stage: 1, side: 4, shift: 0 },
  ]);
});

test("in a stage of three blocks the middle one shifts", () => {
  const shifts = windows.blocksOf({ ...SIZES, depths: [3] }).map(({ shift }) => shift);
  assert.deepEqual(shifts, [0, 2, 0]);
});

// All places of a map in the group of one of them.
function group(side, shift, row, column) {
  const own = windows.groupOf(4, side, shift, row, column);
  const places = Array.from({ length: side * side }, (_, place) => [Math.floor(place / side), place % side]);
  return places.filter(([r, c]) => windows.groupOf(4, side, shift, r, c) === own);
}

test("without a shift a group is a window", () => {
  const places = group(8, 0, 1, 6);
  assert.equal(places.length, 16);
  assert.ok(places.every(([r, c]) => r < 4 && c >= 4));
});

test("with a shift, what comes from the other border is a group of its own", () => {
  assert.equal(group(8, 2, 3, 3).length, 16); // the inner window, from 2 to 5
  assert.ok(group(8, 2, 3, 3).every(([r, c]) => r >= 2 && r < 6 && c >= 2 && c < 6));
  assert.deepEqual(group(8, 2, 0, 0), [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  assert.equal(group(8, 2, 0, 7).length, 4);
  assert.equal(group(8, 2, 0, 3).length, 8);
});

test("a token's content comes from its window, after the shift from those around it too", () => {
  assert.equal(count(windows.origins(DATA, STATE, true)), 16);
  assert.equal(count(windows.origins(DATA, { ...STATE, block: 1 }, false)), 16);
  const met = windows.origins(DATA, { ...STATE, block: 1 }, true); // rows 0–1, columns 6–7: within one window
  assert.equal(count(met), 16);
  assert.equal(count(windows.origins(DATA, { ...STATE, row: 3, column: 3, block: 1 }, true)), 64);
  assert.equal(count(windows.origins(DATA, { ...STATE, block: 2 }, true)), 64);
});

test("a token of a merged map comes from four times as many tokens, around its own place", () => {
  const sizes = { tokens: 8, window: 2, depths: [1, 1] };
  const data = { ...sizes, blocks: windows.blocksOf(sizes) };
  const met = windows.origins(data, { row: 3, column: 5, block: 1, shifted: true }, true);
  const inside = (place) => Math.floor(place / 8) < 4 && place % 8 >= 4;
  assert.deepEqual(
    [...met].map(Boolean),
    Array.from(met, (_, place) => inside(place)),
  );
  const turned = windows.origins(data, { row: 5, column: 3, block: 1, shifted: true }, true);
  assert.ok(turned[7 * 8] && !turned[3 * 8 + 7] && count(turned) === 16);
});

test("a merged token is four tokens of the map before", () => {
  const met = windows.enlarged(Uint8Array.from([0, 1, 0, 0]), 2);
  assert.deepEqual([...met], [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("a place of the image is a token of the chosen block's map", () => {
  const { side, row, column, shift, seen } = windows.here(DATA, { ...STATE, block: 3 });
  assert.deepEqual([side, row, column, shift], [4, 0, 3, 0]);
  assert.ok(seen(3, 0));
  const plain = windows.here(DATA, { ...STATE, column: 5 });
  assert.deepEqual([plain.row, plain.column, plain.seen(0, 4), plain.seen(4, 0)], [1, 5, true, false]);
  assert.equal(windows.here(DATA, { ...STATE, column: 5, block: 2 }).column, 2);
  assert.equal(windows.here(DATA, { ...STATE, block: 1, shifted: false }).shift, 0);
});

test("words say what may be looked at and how much of the image is reached", () => {
  const { facts, sentence, titles } = windows.told(DATA, { ...STATE, row: 0, column: 0, block: 1 });
  assert.deepEqual(windows.told(DATA, STATE).facts.token, ["token", "row 1, column 6"]);
  assert.deepEqual(facts.looks, ["may attend to", "4 of 64 tokens"]);
  assert.deepEqual(facts.pieces, ["hidden in its window", "12 tokens from the opposite edge of the image"]);
  assert.deepEqual(facts.reach, ["image reached after block 2", "25.0 %"]);
  assert.equal(sentence, "Block 2, row 0, column 0: may attend to 4 tokens; 25.0 % of the image has reached it.");
  assert.equal(titles[1], "rolled by 2, as it is computed");
});
