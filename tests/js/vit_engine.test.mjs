// The parts of the engine by hand, and its text as a worker's program; test_vit_engine.py compares the whole with PyTorch.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { ViTEngine } from "../../course_utils/widgets/vit_engine.js";
import { product } from "../../course_utils/widgets/vit_product.js";

const CONFIG = {
  ...{
    height: 4,
    width: 4,
    rows: 2,
    columns: 2,
    patch_size: 2,
    channels: 1,
    dim: 2,
    layers: 1,
    heads: 1,
    mlp_dim: 2,
    classes: 2,
  },
  ...{ mean: 0, std: 1, special: 1, fused: false, blank: [9] },
};
const floats = (...numbers) => Float32Array.from(numbers);
const engine = new ViTEngine(CONFIG, {});
const PICTURE = Float32Array.from({ length: 16 }, (_, at) => at);

test("patches are cut row by row, erased before they are shuffled", () => {
  assert.deepEqual([...engine.patchify(PICTURE, {})], [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
  const changed = engine.patchify(PICTURE, { order: [3, 0, 1, 2], erased: [0] });
  assert.deepEqual([...changed], [10, 11, 14, 15, 9, 9, 9, 9, 2, 3, 6, 7, 8, 9, 12, 13]);
});

test("a product has every row of x with every row of w, at any size", () => {
  for (const [rows, columns, depth] of [
    [1, 1, 1],
    [5, 3, 2],
    [4, 2, 7],
    [9, 8, 5],
  ]) {
    const x = Float32Array.from({ length: rows * depth }, (_, at) => (at * 7) % 5);
    const w = Float32Array.from({ length: columns * depth }, (_, at) => (at * 3) % 4);
    const out = { data: new Float32Array(rows * columns), at: 0, step: columns };
    product({ data: x, at: 0, step: depth }, { data: w, at: 0, step: depth }, out, rows, columns, depth);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let i = 0; i < depth; i++) sum += x[row * depth + i] * w[column * depth + i];
        assert.equal(out.data[row * columns + column], sum);
      }
    }
  }
});

test("softmax, norm and GELU are the known ones", () => {
  const scores = floats(0, Math.log(3), 1000, 1000);
  engine.softmax(scores, 2, 1);
  assert.ok(Math.abs(scores[0] - 0.25) < 1e-6 && Math.abs(scores[3] - 0.5) < 1e-6);
  const norm = new ViTEngine(CONFIG, { "n.weight": floats(2, 2), "n.bias": floats(1, 1) });
  const [low, high] = norm.norm(floats(-3, 5), "n");
  assert.ok(Math.abs(low + 1) < 1e-4 && Math.abs(high - 3) < 1e-4);
  const known = [
    [0, 0],
    [1, 0.8413447],
    [-1, -0.1586553],
    [3, 2.9959503],
    [-6, 0],
  ]; // x · Φ(x)
  for (const [x, value] of known) assert.ok(Math.abs(engine.gelu(x) - value) < 1e-6, String(x));
});

test("its own text and the product's are a program: a worker needs nothing else", () => {
  const alone = runInNewContext(`${product}\n(${ViTEngine})`);
  const weights = { "n.weight": floats(1, 2, 3, 4), "n.bias": floats(1, 1) };
  assert.deepEqual([...new alone(CONFIG, weights).linear(floats(1, 1), "n")], [4, 8]);
});
