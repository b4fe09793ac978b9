// The guided walk: each step's right answer is computed on the model, and its texts name only what is known.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { IN_PLACE, readingOf, UNTOUCHED } from "../../course_utils/widgets/vit_answers.js";
import { ViTEngine } from "../../course_utils/widgets/vit_engine.js";
import { FINDERS, filled, settledAfter, sharesOf } from "../../course_utils/widgets/vit_walk.js";
import { answerOf } from "../../course_utils/widgets/vit_worker.js";

const STEPS = JSON.parse(readFileSync(new URL("../../course_utils/widgets/vit_walk.json", import.meta.url), "utf8"));
const CONFIG = {
  ...{
    height: 6,
    width: 6,
    rows: 3,
    columns: 3,
    patch_size: 2,
    channels: 1,
    dim: 8,
    layers: 2,
    heads: 2,
    mlp_dim: 8,
    classes: 3,
  },
  ...{ mean: 0, std: 1, special: 1, fused: false, blank: [0] },
};
const CLASSES = ["boot", "bag", "coat"];

function randomWeights(seed) {
  let now = seed;
  const random = (count) =>
    Float32Array.from({ length: count }, () => {
      now = (now * 48271) % 2147483647;
      return now / 2147483647 - 0.5;
    });
  const linear = (name, outputs, inputs) => ({
    [`${name}.weight`]: random(outputs * inputs),
    [`${name}.bias`]: random(outputs),
  });
  const norm = (name) => ({ [`${name}.weight`]: random(8).map((value) => 1 + value), [`${name}.bias`]: random(8) });
  const block = (name) => ({
    ...{ ...norm(`${name}.norm1`), ...norm(`${name}.norm2`), ...linear(`${name}.attention.to_qkv`, 24, 8) },
    ...{
      ...linear(`${name}.attention.to_out`, 8, 8),
      ...linear(`${name}.mlp.0`, 8, 8),
      ...linear(`${name}.mlp.3`, 8, 8),
    },
  });
  const ends = { ...linear("project", 8, 4), ...norm("norm"), ...linear("head", 3, 8) };
  return { special_tokens: random(8), positions: random(80), ...ends, ...block("blocks.0"), ...block("blocks.1") };
}

// What the page has, with passes that are computed at once.
function labOf(seed) {
  const engine = new ViTEngine(CONFIG, randomWeights(seed));
  const experiment = {
    picture: Float32Array.from({ length: 36 }, (_, at) => (at % 7) / 7),
    placing: IN_PLACE,
    changes: UNTOUCHED,
  };
  const request = ({ picture, changes }, whole = true) => ({ pixels: picture, changes, whole });
  const answer = answerOf(engine, request(experiment));
  const state = { experiment, answer, reading: readingOf(answer), query: 5, explanation: null };
  const passes = {
    forget: () => {},
    queue: (jobs) => {
      for (const job of jobs) job.use(answerOf(engine, job.request));
    },
  };
  const page = { change: (fields) => Object.assign(state, fields) };
  return { config: CONFIG, classes: CLASSES, tokens: 10, state, passes, request, page };
}

const PLAIN =
  "ones width height pixels patch patches dim special tokens heads layers allHeads query answer before".split(" ");

for (const step of STEPS) {
  test(`step “${step.title}” has one right answer, and every text is filled`, () => {
    const rights = new Set();
    for (const seed of [1, 2, 3, 4, 5]) {
      let found = null;
      FINDERS[step.name](labOf(seed), (one) => {
        found = one;
      });
      assert.ok(step.reveal[found.right], `option ${found.right} has no reveal`);
      rights.add(found.right);
      const known = { ...Object.fromEntries(PLAIN.map((name) => [name, "1"])), ...found.values };
      const texts = [step.text, step.question, ...step.options, step.reveal[found.right]];
      for (const text of texts) assert.doesNotMatch(filled(text, known), /undefined|NaN|[{}]/);
    }
    assert.equal(step.options.length, step.reveal.length);
    if (step.name === "tokens") assert.deepEqual([...rights], [2]);
    if (step.name === "set") assert.deepEqual([...rights], [0]);
  });
}

test("the shares of a query add up, and each kind has its number of tokens", () => {
  const { shares, counts } = sharesOf(new Float32Array(10).fill(0.125), 1, { special: 1, columns: 3 }); // the patch in the corner
  assert.deepEqual(counts, [1, 3, 5, 1]);
  assert.deepEqual(shares, [0.125, 0.375, 0.625, 0.125]);
});

test("an answer is settled after the layer from which it stays", () => {
  assert.equal(settledAfter([0, 1, 1]), 1);
  assert.equal(settledAfter([1, 0, 1]), 2);
  assert.equal(settledAfter([1, 1, 1]), 0);
});
