// A neighbourhood: its places, its weights, and what is said of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as local from "../../course_utils/widgets/local_answers.js";

const [heads, rows, columns, size] = [2, 2, 3, 3];
const share = (index) => 0.125 * (1 + index / 128);
const weights = Uint16Array.from({ length: heads * rows * columns * 9 }, (_, index) => 0x3000 + 8 * index);
const kernel = [0.1, 0, 0, 0, -0.5, 0, 0, 0, 0.2];
const DATA = { heads, rows, columns, size, half: 1, kernel, names: ["near"], weights };
const STATE = { row: 0, column: 2, head: 0, offset: null, common: false };

test("neighbours beyond the border have no place", () => {
  const places = Array.from({ length: 9 }, (_, offset) => local.neighbour(DATA, STATE, offset));
  const none = null;
  assert.deepEqual(
    places.map((place) => place && [place.row, place.column]),
    [none, none, none, [0, 1], [0, 2], none, [1, 1], [1, 2], none],
  );
});

test("at the first row and column the neighbours before them are missing", () => {
  const places = Array.from({ length: 9 }, (_, offset) =>
    local.neighbour(DATA, { ...STATE, column: 0, row: 1 }, offset),
  );
  const inside = places.flatMap((place, offset) => (place ? [offset] : []));
  assert.deepEqual(inside, [1, 2, 4, 5]);
});

test("a weight is that of the head, the position and the offset", () => {
  assert.equal(local.weight(DATA, STATE, 4), share(2 * 9 + 4));
  assert.equal(local.weight(DATA, { ...STATE, head: 1, row: 1, column: 0 }, 8), share((2 + 1) * 3 * 9 + 8));
});

test("on a common scale the top of the colours is the largest weight of both, without negative ones", () => {
  const top = share(2 * 9 + 8);
  assert.equal(local.topOf(DATA, STATE), top);
  assert.equal(local.topOf({ ...DATA, kernel: [0.75] }, STATE), top);
  assert.equal(local.topOf({ ...DATA, kernel: [0.75] }, { ...STATE, common: true }), 0.75);
  assert.equal(local.topOf({ ...DATA, kernel: [0.01] }, { ...STATE, common: true }), top);
  assert.deepEqual([local.canShare(DATA), local.canShare({ ...DATA, kernel: [0, 0.5] })], [false, true]);
});

test("reading begins in the middle and stops at the edges", () => {
  assert.equal(local.stepped(DATA, null, -1, 0), 1);
  assert.equal(local.stepped(DATA, 1, -1, 1), 2);
  assert.equal(local.stepped(DATA, 8, 1, 1), 8);
});

test("an offset is said with its signs", () => {
  assert.deepEqual(
    [0, 4, 5, 7].map((offset) => local.offsetName(DATA, offset)),
    ["\u22121, \u22121", "0, 0", "0, +1", "+1, 0"],
  );
});

test("facts name the strongest of both, the border, and the cell that is read", () => {
  const { facts, sentence } = local.told(DATA, STATE);
  assert.deepEqual(facts.position, ["centre at", "row 0, column 2"]);
  assert.deepEqual(facts.centre, ["attention: at the centre", "14.6 %"]);
  assert.deepEqual(facts.border, ["beyond the border", "5 of 9"]);
  assert.deepEqual(facts.kernel, ["convolution: strongest at", "offset 0, 0, everywhere"]);
  assert.match(facts.most[1], /^offset \+1, \+1: /);
  assert.deepEqual(facts.read, ["cell read", "\u2013"]);
  assert.match(sentence, /^Row 0, column 2\. 5 neighbours are beyond the border\. near: attention is largest at/);
  const read = local.told(DATA, { ...STATE, offset: 4 });
  assert.match(read.facts.read[1], /^offset 0, 0: convolution \u22120\.500, attention 14\.6 %$/);
  assert.equal(read.sentence, `${read.facts.read[1]}.`);
  assert.match(local.told(DATA, { ...STATE, offset: 8 }).sentence, /beyond the border: no weight\.$/);
  assert.match(local.told(DATA, { ...STATE, head: 1, row: 1 }).sentence, /head 1: attention/);
});
