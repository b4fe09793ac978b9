// What a pass says: probabilities, rollout, rank correlation, and what a change did, in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as answers from "../../course_utils/widgets/vit_answers.js";

const near = (found, expected) => assert.ok(Math.abs(found - expected) < 1e-6, `${found}, not ${expected}`);
const CONFIG = { columns: 2, special: 1, dim: 2 };
const CLASSES = ["boot", "bag"];
const reading = (...probabilities) => answers.readingOf({ logits: Float32Array.from(probabilities, Math.log) });

test("a reading is the softmax and its largest class", () => {
  const { top, probabilities } = answers.readingOf({ logits: Float32Array.of(0, Math.log(3)) });
  assert.equal(top, 1);
  near(probabilities[0], 0.25);
});

test("a row is one head's, or the mean of all", () => {
  const map = Float32Array.of(1, 0, 0, 1, 0.5, 0.5, 0.25, 0.75);
  assert.deepEqual([...answers.rowOf(map, 2, 1, 1)], [0.25, 0.75]);
  assert.deepEqual([...answers.rowOf(map, 2, 0, null)], [0.75, 0.25]);
});

test("rollout multiplies the later layer from the left, each with half of the residual connection", () => {
  const first = Float32Array.of(0, 1, 1, 0);
  const second = Float32Array.of(1, 0, 1, 0);
  // (½A₂ + ½I)(½A₁ + ½I) = [[1, 0], [½, ½]] · [[½, ½], [½, ½]]
  assert.deepEqual([...answers.rolloutOf([first, second], 2)], [0.5, 0.5, 0.5, 0.5]);
  assert.deepEqual([...answers.rolloutOf([second], 2)], [1, 0, 0.5, 0.5]);
});

test("rank correlation counts order only, and equal numbers share their rank", () => {
  near(answers.rankCorrelation([1, 2, 30], [5, 6, 7]), 1);
  near(answers.rankCorrelation([1, 2, 30], [7, 6, 5]), -1);
  near(answers.rankCorrelation([1, 2, 2, 3], [1, 3, 2, 4]), 0.9486832980505138); // SciPy's spearmanr
  assert.ok(Number.isNaN(answers.rankCorrelation([1, 1], [1, 2])));
  assert.match(answers.verdictOf(-0.254, Number.NaN), /attention −0.25, rollout undefined/);
});

test("points have a true minus, and zero has no sign", () => {
  assert.deepEqual([-0.0001, -0.25].map(answers.points), ["0.0 points", "−25.0 points"]);
});

test("an order is a permutation", () => {
  const order = answers.shuffledOrder(9, () => 0.3);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.notDeepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a sentence says whether the answer changes", () => {
  const change = answers.effectOf(CONFIG, reading(0.9, 0.1), reading(0.2, 0.8), CLASSES);
  assert.equal(change, "the answer changes from boot (90.0 %) to bag (80.0 %)");
  assert.equal(
    answers.effectOf(CONFIG, reading(0.9, 0.1), reading(0.6, 0.4), CLASSES),
    "the answer stays boot, 90.0 % → 60.0 %",
  );
  const same = answers.effectOf(CONFIG, reading(0.9, 0.1), reading(0.9, 0.1), CLASSES);
  assert.equal(same, "the answer stays boot, 90.0 %");
});

test("without classes, a sentence says how far the tokens move, as shares of their length", () => {
  const final = (...numbers) => answers.readingOf({ logits: new Float32Array(), final: Float32Array.from(numbers) });
  const [before, after] = [final(3, 4, 0, 2, 6, 8, 0, 0), final(3, 5, 0, 2, 0, 0, 0, 0)];
  assert.equal(before.top, -1);
  assert.deepEqual([...answers.movesOf(CONFIG, before, after)], [...Float32Array.of(0.2, 0, 1, 0)]);
  assert.equal(
    answers.effectOf(CONFIG, before, after, []),
    "the class token changes by 20 % of its length, the patches by 33 %, on average",
  );
});

test("all that is changed is told, and nothing else", () => {
  const untouched = { placing: answers.IN_PLACE, changes: answers.UNTOUCHED };
  assert.equal(answers.changesInWords(untouched), "");
  const changes = {
    erased: [1, 2],
    order: [0],
    positions: false,
    silenced: ["0.1"],
    skipped: ["0.mlp"],
    temperature: 2,
  };
  const words = answers.changesInWords({ placing: { ...answers.IN_PLACE, right: 1, inverted: true }, changes });
  assert.equal(
    words,
    "moved or scaled, inverted, 2 erased patches, patches shuffled, no positions, 1 silent head, 1 skipped branch, temperature 2",
  );
});

test("tokens have names, and a peak says where and how much", () => {
  assert.equal(answers.tokenName(CONFIG, 0), "class token");
  assert.equal(answers.tokenName({ ...CONFIG, special: 2 }, 1), "special token 1");
  assert.equal(answers.tokenName(CONFIG, 3), "row 1, column 0");
  assert.equal(answers.peakOf(CONFIG, [0, 1, 3, 2], String), "row 1, column 0, 3");
});
