// MixUp's mixture and its labels, Beta's mass, and where RandAugment's images lie.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as augmentation from "../../course_utils/widgets/augmentation_explorer.js";

const originals = Uint8Array.from({ length: 2 * 6 * 3 }, (_, index) => index * 7);
const DATA = {
  width: 3,
  height: 2,
  names: ["boot", "bag"],
  most: 2,
  magnitudes: [0, 15, 30],
  transforms: [["a"], ["b"]],
  originals,
};
const STATE = { own: 0, other: 1, share: 0.7, alpha: 0.8, number: 1, magnitude: 2, pixel: null };
const close = (value, expected, by) => assert.ok(Math.abs(value - expected) < by, `${value}, not ${expected}`);

test("an image is cut out of all, and a changed one found by image, N, M and sample", () => {
  assert.deepEqual([...augmentation.imageAt(DATA, originals, 0)], [...originals.slice(0, 18)]);
  assert.deepEqual([...augmentation.imageAt(DATA, originals, 1)], [...originals.slice(18)]);
  const places = new Set();
  for (const own of [0, 1])
    for (const number of [0, 1, 2])
      for (const magnitude of [0, 1, 2])
        for (const sample of [0, 1]) {
          places.add(augmentation.placeIn(DATA, { own, number, magnitude }, sample));
        }
  assert.deepEqual([...places], [...Array(2 * 3 * 3 * 2).keys()]);
});

test("a mixture is the share of one and the rest of the other", () => {
  const [own, other] = [Uint8Array.from([200, 0]), Uint8Array.from([0, 101])];
  assert.deepEqual([...augmentation.mixed(own, other, 0.7)], [140, 30]);
  assert.deepEqual([...augmentation.mixed(own, other, 1)], [200, 0]);
});

test("labels are mixed as the images are, unless they are the same", () => {
  assert.deepEqual(
    augmentation.targetsOf(DATA, STATE).map(([name]) => name),
    ["boot", "bag"],
  );
  close(augmentation.targetsOf(DATA, STATE)[1][1], 0.3, 1e-12);
  assert.deepEqual(augmentation.targetsOf({ names: ["bag", "bag"] }, STATE), [["bag", 1]]);
});

test("Beta's mass is right where it is known", () => {
  const share = (alpha, point) => augmentation.tail(alpha, point) / augmentation.tail(alpha, 0.5);
  close(share(1, 0.1), 0.2, 1e-9); // uniform
  close(share(0.5, 0.1), (4 / Math.PI) * Math.asin(Math.sqrt(0.1)), 1e-4); // the arcsine law
  close(share(2, 0.1), 2 * (3 * 0.1 ** 2 - 2 * 0.1 ** 3), 1e-4);
});

test("Beta's density is even, with its largest at one", () => {
  const heights = augmentation.densities(0.4, 10);
  assert.equal(Math.max(...heights), 1);
  assert.deepEqual(
    heights.map((value) => value.toFixed(9)),
    heights.map((value) => value.toFixed(9)).reverse(),
  );
  close(heights[5] / heights[0], ((0.05 * 0.95) / (0.55 * 0.45)) ** 0.6, 1e-9);
});

test("one pixel is computed in words", () => {
  assert.match(augmentation.pixelWords(DATA, STATE), /^Point at/);
  const words = augmentation.pixelWords(DATA, { ...STATE, pixel: [1, 2] });
  assert.equal(words, "Row 1, column 2, first channel: 0.70 · 0.41 + 0.30 · 0.91 = 0.56");
});

test("a sentence says λ, the labels, N and M", () => {
  const sentence = "Lambda 0.70: boot 0.70, bag 0.30. RandAugment with N 1 and M 30.";
  assert.equal(augmentation.sentenceOf(DATA, STATE), sentence);
});
