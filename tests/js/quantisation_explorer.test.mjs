// Rounding weights: scales, zero points, errors, bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as quantisation from "../../course_utils/widgets/quantisation_explorer.js";

const STATE = { layer: 0, bits: 4, channel: 1, perChannel: false, symmetric: true };
const weights = Float32Array.from([0.5, -0.25, 0.125, 0, 7, -7, 3.5, 1]);
const LAYER = { name: "layer", shape: [2, 4], weights };
const close = (value, expected) => assert.ok(Math.abs(value - expected) < 1e-6, `${value}, not ${expected}`);

test("halves are rounded to the even neighbour, as in torch", () => {
  const given = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4, 0.6];
  assert.deepEqual(
    given.map((value) => quantisation.nearest(value) + 0),
    [-2, -2, 0, 0, 2, 2, 0, 1],
  );
});

test("a symmetric scale reaches the largest weight, with zero at zero", () => {
  assert.deepEqual(quantisation.scaleOf(Float32Array.from([-2, 1]), STATE), { scale: 2 / 7, zero: 0 });
  assert.deepEqual(quantisation.scaleOf(new Float32Array(3), STATE), { scale: 1, zero: 0 });
});

test("an affine scale spans the weights and zero", () => {
  const affine = { ...STATE, symmetric: false };
  assert.deepEqual(quantisation.scaleOf(Float32Array.from([0, 15]), affine), { scale: 1, zero: -8 });
  assert.deepEqual(quantisation.scaleOf(Float32Array.from([3, 15]), affine), { scale: 1, zero: -8 });
  assert.deepEqual(quantisation.scaleOf(Float32Array.from([-15, -3]), affine), { scale: 1, zero: 7 });
});

test("a layer with one scale, and the channel that is looked at", () => {
  const now = quantisation.quantised(LAYER, STATE);
  assert.deepEqual(now.own, { scale: 1, zero: 0 });
  assert.deepEqual([...now.before], [7, -7, 3.5, 1]);
  assert.deepEqual([...now.after], [7, -7, 4, 1]);
  assert.equal(now.used, 4);
  assert.equal(now.bytes, 4 + 4);
  close(now.channelError, 0.5 / Math.sqrt(49 + 49 + 12.25 + 1));
});

test("a scale for each channel costs bytes and saves the small channel", () => {
  const [one, each] = [false, true].map((perChannel) =>
    quantisation.quantised(LAYER, { ...STATE, channel: 0, perChannel }),
  );
  assert.equal(each.bytes, 4 + 2 * 4);
  close(each.own.scale, 0.5 / 7);
  assert.ok(each.channelError < one.channelError / 2);
  const eight = quantisation.quantised(LAYER, { ...STATE, bits: 8, symmetric: false });
  assert.equal(eight.bytes, 8 + 5);
  for (const [index, value] of eight.before.entries()) assert.ok(Math.abs(eight.after[index] - value) < 14 / 255);
  assert.ok(eight.error < one.error / 8);
});

test("with a zero point, weights that are not around zero are said exactly where a level is", () => {
  const layer = { name: "layer", shape: [1, 4], weights: Float32Array.from([0, 5, 10, 15]) };
  const now = quantisation.quantised(layer, { ...STATE, channel: 0, symmetric: false });
  assert.deepEqual([now.own, [...now.after], now.error], [{ scale: 1, zero: -8 }, [0, 5, 10, 15], 0]);
});

test("every weight is counted, the largest in the outer bins", () => {
  const bins = quantisation.countsOf(weights, 7);
  assert.equal(
    bins.reduce((a, b) => a + b),
    8,
  );
  const filled = [...bins.keys()].filter((bin) => bins[bin]);
  assert.deepEqual(filled, [0, 39, 40, 41, 43, 46, 60, 80]);
});

test("colours: white at zero, blue below, orange above, never stronger than full", () => {
  assert.equal(quantisation.colourOf(0), "rgb(255 255 255)");
  assert.equal(quantisation.colourOf(-1), "rgb(0 90 181)");
  assert.equal(quantisation.colourOf(2), "rgb(213 94 0)");
  assert.equal(quantisation.colourOf(0.5), "rgb(234 175 128)");
});

test("facts give errors in per cent and bytes beside float32's", () => {
  const now = quantisation.quantised(LAYER, STATE);
  const facts = quantisation.factsOf(now, STATE);
  assert.deepEqual(facts.error, ["error of the layer, as a share of its size", `${(100 * now.error).toFixed(2)} %`]);
  assert.deepEqual(facts.used, ["levels that the channel uses", "4 of 16"]);
  assert.deepEqual(facts.own, ["error of the channel, as a share of its size", "4.74 %"]);
  assert.deepEqual(facts.bytes, ["bytes of the layer, float32 and now", "32 → 8, 4.0 times smaller"]);
  assert.deepEqual([0, -0.12345].map(quantisation.short), ["0", "−0.123"]);
});

test("the accuracy is that of the bits and of both ticks, beside 8 bits", () => {
  const table = [2, 3, 4, 5, 6, 7, 8].map((bits) => [
    [bits / 10, bits / 10 + 0.01],
    [bits / 10 + 0.02, bits / 10 + 0.03],
  ]);
  const at = (state) => quantisation.accuracyOf(table, { ...STATE, ...state });
  assert.equal(at({}), "41.0 %; with 8 bits 81.0 %");
  assert.equal(at({ perChannel: true, symmetric: false }), "42.0 %; with 8 bits 82.0 %");
  assert.equal(at({ bits: 8, perChannel: true }), "83.0 %");
  assert.equal(quantisation.accuracyOf([], STATE), "");
  const now = quantisation.quantised(LAYER, STATE);
  assert.equal(quantisation.factsOf(now, STATE).accuracy, undefined);
  assert.equal(quantisation.factsOf(now, STATE, "41.0 %").accuracy[1], "41.0 %");
});
