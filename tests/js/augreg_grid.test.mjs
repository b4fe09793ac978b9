// A table of accuracies: its views, moving over it, its colours and its words.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as grid from "../../course_utils/widgets/augreg_grid.js";

const DATA = {
  values: [
    [
      [70, 72],
      [71, 69],
    ],
    [
      [60, 66],
      [66.04, 66.04],
    ],
  ],
  best: [72, 66.04],
  rows: ["Ti/16", "B/16"],
  levels: ["none", "light"],
  original: { "B/16": 67 },
  regularisation: 0.1,
};
const at = (row, half, level) => ({ row, half, level });

test("four views of a cell", () => {
  const views = (place) => ["value", "below", "effect", "original"].map((view) => grid.shownValue(DATA, view, place));
  assert.deepEqual(views(at(0, 1, 1)), [69, -3, -3, null]);
  assert.deepEqual(views(at(1, 0, 0)).slice(0, 2), [60, 60 - 66.04]);
  assert.deepEqual(views(at(1, 0, 1))[3], -1);
  const named = { ...DATA, rows: ["constructor", "B/16"] }; // a name that every object has
  assert.equal(grid.shownValue(named, "original", at(0, 0, 0)), null);
  assert.equal(grid.viewed(named, { ...at(0, 0, 1), view: "value" }, "original").row, 1);
  assert.doesNotMatch(grid.sentenceOf(named, at(0, 0, 0)), /original/);
});

test("a view begins at a cell that has something to show", () => {
  const from = { ...at(0, 0, 1), view: "value" };
  assert.deepEqual(grid.viewed(DATA, from, "original"), { view: "original", ...at(1, 0, 0) });
  assert.deepEqual(grid.viewed(DATA, { ...from, row: 1 }, "original"), { view: "original" });
  assert.deepEqual(grid.viewed(DATA, from, "effect"), { view: "effect", half: 1 });
  assert.deepEqual(grid.viewed(DATA, from, "below"), { view: "below" });
});

test("a step goes on from one half of the table to the other, and stops at its edges", () => {
  const from = { ...at(0, 0, 1), view: "value" };
  assert.deepEqual(grid.stepped(DATA, from, 0, 1), at(0, 1, 0));
  assert.deepEqual(grid.stepped(DATA, from, 1, -1), at(1, 0, 0));
  assert.deepEqual(grid.stepped(DATA, { ...at(0, 1, 1), view: "value" }, 0, -1), at(0, 1, 0));
  assert.deepEqual(grid.stepped(DATA, from, -1, Number.POSITIVE_INFINITY), at(0, 1, 1));
  assert.deepEqual(grid.stepped(DATA, from, 9, Number.NEGATIVE_INFINITY), at(1, 0, 0));
  assert.deepEqual(grid.stepped(DATA, { ...at(0, 1, 0), view: "effect" }, 0, -1), at(0, 1, 0));
});

test("differences have a sign, points a plural", () => {
  assert.deepEqual([-1.26, 0.04, -0.04, 0.5].map(grid.signed), ["\u22121.3", "0", "0", "+0.5"]);
  assert.deepEqual([1, -1, 0.96, 2.5].map(grid.points), ["1 point", "1 point", "1 point", "2.5 points"]);
});

test("a cell is told in words: its row's best, regularisation, the original paper", () => {
  assert.equal(
    grid.sentenceOf(DATA, at(0, 1, 0)),
    "Ti/16, none, regularisation 0.1: 71 %. The best of its row is 72 % (light, no regularisation), 1 point more. " +
      "At this augmentation, regularisation adds 1 point.",
  );
  assert.equal(
    grid.sentenceOf(DATA, at(1, 1, 0)),
    "B/16, none, regularisation 0.1: 66 %. The best of its row, as is light, regularisation 0.1. " +
      "At this augmentation, regularisation adds 6 points. The original paper has 67 %: this is 1 point less.",
  );
  const earlier = grid.sentenceOf({ ...DATA, original: { "B/16": 65.5 } }, at(1, 0, 1));
  assert.match(earlier, /65\.5 %: this is 0\.5 points more\.$/);
  assert.match(
    grid.sentenceOf(DATA, at(0, 0, 1)),
    /The best of its row\. At this augmentation, regularisation costs 3 points\.$/,
  );
});
