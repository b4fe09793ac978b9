// What one query looks at: rows of weights, places of tokens, moving the query, words.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as answers from "../../course_utils/widgets/attention_answers.js";

const HALF = { 0: 0x0000, 0.125: 0x3000, 0.25: 0x3400, 0.5: 0x3800, 0.75: 0x3a00, 1: 0x3c00 };
const SENT = {
  name: "",
  layers: 2,
  heads: 2,
  tokens: 3,
  special: 1,
  special_name: "start token",
  rows: 1,
  columns: 2,
  seen: [1, 2, 3],
};
// Row q of layer l and head h has its weight 1 at key (l + h + q) % 3; rollout spreads halves over keys 0 and 1.
const attention = [0, 1].flatMap((layer) =>
  [0, 1].flatMap((head) =>
    [0, 1, 2].flatMap((query) => [0, 1, 2].map((key) => HALF[key === (layer + head + query) % 3 ? 1 : 0])),
  ),
);
const rollout = Array.from({ length: 6 }, (_, row) => [
  HALF[0.5],
  HALF[0.25],
  row === 4 ? HALF[0.125] : HALF[0.25],
]).flat();
const before = [HALF[1], HALF[1]]; // another model's numbers
const bytes = Uint16Array.from([...before, ...attention, ...rollout]).buffer;
const start = before.length;
const [one] = answers.readModels([{ ...SENT, attention: start, rollout: start + attention.length }], bytes);
const STATE = { layer: 1, map: 0, opacity: 1, point: [0.75, 0.5], special: null, held: false, reading: null };

function row(layer, map, asker) {
  const into = new Float32Array(3).fill(9);
  answers.readRow(one, layer, map, asker, into);
  return [...into];
}

test("a row is that of the layer, the head and the query that are asked for", () => {
  assert.deepEqual(row(0, 0, 0), [1, 0, 0]);
  assert.deepEqual(row(0, 0, 2), [0, 0, 1]);
  assert.deepEqual(row(0, 1, 0), [0, 1, 0]);
  assert.deepEqual(row(1, 1, 0), [0, 0, 1]);
});

test("the mean is over the heads, and rollout is read from its own numbers", () => {
  assert.deepEqual(row(0, "mean", 0), [0.5, 0.5, 0]);
  assert.deepEqual(row(1, "rollout", 1), [0.5, 0.25, 0.125]);
  assert.deepEqual(row(1, "rollout", 0), [0.5, 0.25, 0.25]);
});

test("special tokens come before the patches, are never the largest, and are summed apart", () => {
  const weights = Float32Array.from([0.75, 0.125, 0.25]);
  assert.equal(answers.largest(one, weights), 2);
  assert.equal(answers.onSpecials(one, weights), 0.75);
  assert.equal(answers.placeName(one, 0), "start token");
  assert.equal(answers.placeName({ ...one, special: 2 }, 1), "special token 1");
  assert.equal(answers.placeName({ ...one, columns: 14 }, 1 + 2 * 14 + 3), "row 2, column 3");
});

test("maps share the largest weight of any patch as the top of their colours, or each has its own", () => {
  const maps = [
    [0.9, 0.25, 0.125],
    [0, 0.5, 0.75],
    [1, 0, 0],
  ].map((row) => ({ one, weights: Float32Array.from(row) }));
  assert.deepEqual(answers.topsOf(maps, false), [0.75, 0.75, 0.75]);
  assert.deepEqual(answers.topsOf(maps, true), [0.25, 0.75, 0]);
});

test("an even share counts the tokens that the query sees, and says so where it does not see all", () => {
  const even = (asker) => answers.factsOf({ one, asker, weights: new Float32Array(3), title: "" }, STATE).even[1];
  assert.deepEqual([0, 1, 2].map(even), [
    "100 % each, over the 1 it sees",
    "50.0 % each, over the 2 it sees",
    "33.3 % each",
  ]);
});

test("a place of the image is a patch of each model's own grid", () => {
  const grid = { tokens: 1 + 12, special: 1, rows: 3, columns: 4 };
  assert.deepEqual(answers.cell(grid, [0.999, 0.4]), { row: 1, column: 3 });
  assert.equal(answers.tokenAt(grid, [0.999, 0.4]), 1 + 4 + 3);
  assert.equal(answers.askerOf(grid, STATE), 1 + 4 + 3);
  assert.equal(answers.askerOf(grid, { ...STATE, special: 0 }), 0);
  assert.equal(answers.askerOf({ ...grid, special: 0 }, { ...STATE, special: 0 }), null);
});

test("a step goes from the middle of a patch to the middle of another, not over the border", () => {
  const grid = { tokens: 12, special: 0, rows: 3, columns: 4 };
  assert.deepEqual(answers.stepped(grid, STATE, 1, -1), [2.5 / 4, 2.5 / 3]);
  assert.deepEqual(answers.stepped(grid, STATE, 0, 9), [3.5 / 4, 1.5 / 3]);
  const held = { ...STATE, held: true, reading: [0.1, 0.1] };
  assert.deepEqual(answers.stepped(grid, held, 1, 0), [0.5 / 4, 1.5 / 3]);
});

test("a held query stays while the pointer reads; released, it moves again", () => {
  const held = { ...STATE, ...answers.toggleHold(STATE) };
  assert.deepEqual(answers.moveTo(held, [0, 0]), { reading: [0, 0] });
  assert.deepEqual(answers.toggleHold(held), { special: null, held: false, reading: null });
  assert.deepEqual(answers.moveTo(STATE, [0, 0]), { point: [0, 0] });
});

test("key c asks with each special token in turn, then with the patch", () => {
  let state = STATE;
  const asked = [1, 2, 3, 4].map(() => {
    state = { ...state, ...answers.askNext(state, 2) };
    return [state.special, state.held];
  });
  assert.deepEqual(asked, [
    [0, true],
    [1, true],
    [null, false],
    [0, true],
  ]);
  assert.equal(answers.askSpecial({ ...STATE, special: 1 }, 1).special, null);
});

test("a model with fewer layers and heads shows its last ones", () => {
  const small = { ...one, layers: 1 };
  assert.deepEqual(answers.mapOf(small, { ...STATE, layer: 5, map: 7 }, []), {
    layer: 0,
    map: 1,
    title: "layer 0, head 1",
  });
  assert.equal(answers.mapOf(one, { ...STATE, map: "mean" }, []).title, "layer 1, mean of 2 heads");
  assert.equal(answers.mapOf(one, { ...STATE, map: 1 }, ["near", "far"]).title, "layer 1, far");
  assert.equal(answers.mapOf(one, { ...STATE, map: "rollout" }, []).title, "rollout of layers 0–1");
  assert.equal(answers.mapOf({ ...small, heads: 1 }, { ...STATE, map: "mean" }, []).title, "attention");
  assert.equal(answers.mapOf({ ...one, heads: 1 }, { ...STATE, map: "mean" }, []).title, "layer 1, head 0");
});

test("facts and sentence say the same weights", () => {
  const answer = { one, asker: 1, weights: Float32Array.from([0.5, 0.125, 0.375]), title: "layer 1, head 0" };
  const state = { ...STATE, held: true, reading: [0.1, 0.5] };
  const facts = answers.factsOf(answer, state);
  assert.deepEqual(Object.keys(facts), ["asks", "most", "itself", "special", "even", "read"]);
  assert.deepEqual(facts.asks, ["asks", "token 1 of 0–2"]);
  assert.deepEqual(facts.most, ["looks most at", "row 0, column 1: 37.5 %"]);
  assert.deepEqual(facts.special, ["at the start token", "50.0 %"]);
  assert.deepEqual(facts.even, ["if spread evenly", "50.0 % each, over the 2 it sees"]);
  assert.deepEqual(facts.read, ["weight read", "row 0, column 0: 12.5 %"]);
  assert.equal(
    answers.sentenceOf(answer, state),
    "layer 1, head 0: row 0, column 0 looks most at row 0, column 1, 37.5 %; at itself 12.5 %, " +
      "at the start token 50.0 %, at row 0, column 0 12.5 %.",
  );
});

test("a model without the token that asks says so, in as many lines", () => {
  const grid = { ...one, name: "coarse", special: 0 };
  const answer = { one: grid, asker: null, weights: new Float32Array(3), title: "" };
  const state = { ...STATE, special: 0 };
  const facts = answers.factsOf(answer, state);
  assert.deepEqual(facts.asks, ["asks", "no start token in this model"]);
  assert.deepEqual(Object.keys(facts), Object.keys(answers.factsOf({ ...answer, asker: 0 }, STATE)));
  assert.equal(answers.sentenceOf(answer, state), "coarse: there is no start token in this model.");
});
