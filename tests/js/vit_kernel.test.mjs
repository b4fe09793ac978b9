// A kernel behind the widget: what it is asked and answers, who is meant, and what is said when it is silent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFrom, kernelLink, SILENT } from "../../course_utils/widgets/vit_kernel.js";
import { makePasses } from "../../course_utils/widgets/vit_worker.js";

const REQUEST = { pixels: Float32Array.of(0.25), changes: { temperature: 2 }, whole: true };
const view = (array) => new DataView(array.buffer);
const LAYOUT = [
  ["logits", [2]],
  ["attention", [2, 1, 1, 1]],
  ["final", [2, 1]],
];
const BUFFERS = [Float32Array.of(1, 2), Uint16Array.of(0x3c00, 0x3800), Float32Array.of(5, 6)].map(view);

// Jupyter's side of a widget, with a kernel that answers when it is told to.
function fakeModel() {
  const [asked, listeners] = [[], new Set()];
  return {
    asked,
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    send: (content, _, buffers) => asked.push({ ...content, buffers }),
    reply: (content, buffers = []) => {
      for (const listener of listeners) listener(content, buffers);
    },
  };
}

test("an answer has its arrays, one per layer where there are several", () => {
  const { logits, attention, lens, final } = answerFrom(LAYOUT, BUFFERS);
  assert.deepEqual(
    [[...logits], attention.map(([weight]) => weight), lens, [...final]],
    [[1, 2], [1, 0.5], [], [5, 6]],
  );
});

test("of several inputs only the latest reaches the kernel, and answers to others are not taken", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [model, told, said] = [fakeModel(), [], []];
  const passes = makePasses(
    {},
    {},
    kernelLink(model, (words) => said.push(words)),
  );
  const job = (name) => ({ request: { ...REQUEST, changes: { name } }, use: () => told.push(name) });
  for (const name of ["a", "b", "c"]) passes.show(job(name));
  assert.deepEqual([...new Float32Array(model.asked[0].buffers[0])], [0.25]);
  model.reply({ id: "another view", layout: LAYOUT }, BUFFERS);
  assert.deepEqual(told, []);
  model.reply({ id: model.asked[0].id, layout: LAYOUT }, BUFFERS);
  model.reply({ id: model.asked[1].id, error: "There is no memory." });
  assert.deepEqual(
    model.asked.map(({ changes }) => changes.name),
    ["a", "c"],
  );
  assert.deepEqual([told, said], [["a"], ["There is no memory."]]);
  passes.show(job("d"));
  model.reply({ id: model.asked[2].id, layout: LAYOUT }, BUFFERS);
  assert.deepEqual(told, ["a", "d"]);
  passes.stop();
  t.mock.timers.tick(60_000);
  assert.equal(said.length, 1);
});

test("a kernel that does not answer, and a page without one, are told of", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [model, said] = [fakeModel(), []];
  kernelLink(model, (words) => said.push(words)).ask(REQUEST, () => {});
  assert.deepEqual(said, []);
  t.mock.timers.tick(10_000);
  assert.deepEqual(said, [SILENT]);
  model.send = undefined; // as in a hall
  kernelLink(model, (words) => said.push(words)).ask(REQUEST, () => {});
  assert.deepEqual(said, [SILENT, SILENT]);
  const passes = makePasses(
    {},
    {},
    kernelLink(model, (words) => said.push(words)),
  );
  for (const count of [3, 4]) {
    passes.show({ request: REQUEST, use: () => {} }); // says so again: the words of a change stood in its place
    assert.equal(said.length, count);
  }
});
