// Passes beside the page: the latest input wins, others wait their turn, and where there is no worker the page computes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makePasses, unpacked } from "../../course_utils/widgets/vit_worker.js";

const CONFIG = {
  ...{
    height: 1,
    width: 1,
    rows: 1,
    columns: 1,
    patch_size: 1,
    channels: 1,
    dim: 1,
    layers: 0,
    heads: 1,
    mlp_dim: 1,
    classes: 1,
  },
  ...{ mean: 0, std: 1, special: 1, fused: false, blank: [0] },
};
const ones = { special_tokens: [0], positions: [0, 0], "project.weight": [1], "project.bias": [0] };
const norm = { "norm.weight": [1], "norm.bias": [1], "head.weight": [1], "head.bias": [0] };
const WEIGHTS = Object.fromEntries(
  Object.entries({ ...ones, ...norm }).map(([name, all]) => [name, Float32Array.from(all)]),
);
const request = { pixels: Float32Array.of(0), changes: {}, whole: false };

// A worker that answers when it is told to.
class FakeWorker {
  constructor() {
    FakeWorker.last = this;
    this.asked = [];
  }
  postMessage(message) {
    this.asked.push(message);
  }
  terminate() {
    this.ended = true;
  }
}

function withWorker(kind, act) {
  globalThis.Worker = kind;
  return Promise.resolve(act()).finally(() => delete globalThis.Worker);
}

test("of several inputs only the latest is computed, before anything that waits", () =>
  withWorker(FakeWorker, () => {
    const [passes, told] = [makePasses(CONFIG, WEIGHTS), []];
    const job = (name) => ({ request: { ...request, name }, use: () => told.push(name) });
    for (const name of ["a", "b", "c"]) passes.show(job(name));
    passes.queue([job("d"), job("e")]);
    const worker = FakeWorker.last;
    for (let turn = 0; turn < 4; turn++) worker.onmessage({ data: {} });
    assert.deepEqual(
      worker.asked.slice(1).map(({ name }) => name),
      ["a", "c", "d", "e"],
    );
    assert.deepEqual(told, ["a", "c", "d", "e"]);
    passes.queue([job("f"), job("g")]);
    passes.forget();
    worker.onmessage({ data: {} });
    assert.deepEqual(told.slice(4), []); // not even of what was running
    passes.show(job("h"));
    passes.forget();
    worker.onmessage({ data: {} });
    assert.deepEqual(told.slice(4), ["h"]); // it did not wait
    passes.show(job("i"));
    passes.stop();
    worker.onmessage({ data: {} });
    assert.deepEqual(told.slice(5), []);
    assert.ok(worker.ended);
  }));

for (const [what, kind] of [
  [
    "forbids",
    class {
      constructor() {
        throw new Error("no");
      }
    },
  ],
  ["does not know", undefined],
]) {
  test(`a page that ${what} workers computes itself`, () =>
    withWorker(kind, async () => {
      const passes = makePasses(CONFIG, WEIGHTS);
      const { logits } = await new Promise((use) => passes.show({ request, use }));
      assert.deepEqual([...logits], [1]);
    }));
}

test("a worker that fails later hands its request to the page", () =>
  withWorker(FakeWorker, async () => {
    const passes = makePasses(CONFIG, WEIGHTS);
    const answer = new Promise((use) => passes.show({ request, use }));
    FakeWorker.last.onerror();
    assert.deepEqual([...(await answer).logits], [1]);
  }));

test("weights are read by name from half floats and from floats", () => {
  const layout = [
    ["a", 1],
    ["b", 2],
  ];
  const halves = unpacked(Uint16Array.of(0x3c00, 0x3800, 0xc000).buffer, "float16", layout);
  assert.deepEqual([[...halves.a], [...halves.b]], [[1], [0.5, -2]]);
  const floats = unpacked(Float32Array.of(1, 0.1, 3).buffer, "float32", layout);
  assert.deepEqual([...floats.b], [Math.fround(0.1), 3]);
});
