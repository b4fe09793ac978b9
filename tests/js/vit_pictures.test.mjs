// Pictures as numbers: channels, moving, drawing, and the order in which the model reads the patches.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as pictures from "../../course_utils/widgets/vit_pictures.js";

const CONFIG = { height: 4, width: 4, rows: 2, columns: 2, patch_size: 2, channels: 1, blank: [0.25] };
const PICTURE = Float32Array.from({ length: 16 }, (_, at) => at / 16);
const PLACING = { right: 0, down: 0, size: 1, inverted: false };

test("bytes become channels, and one channel is the luminance", () => {
  assert.deepEqual([...pictures.channelsOf([255, 0, 0, 0, 0, 255], 3, 3)], [1, 0, 0, 0, 0, 1]);
  const [red, white] = pictures.channelsOf([255, 0, 0, 9, 255, 255, 255, 9], 4, 1);
  assert.ok(Math.abs(red - 0.299) < 1e-6 && Math.abs(white - 1) < 1e-6);
});

test("a picture in its place is the same to the last bit, and moved it comes in blank", () => {
  assert.deepEqual(pictures.placed(PICTURE, CONFIG, PLACING), PICTURE);
  const moved = pictures.placed(PICTURE, CONFIG, { ...PLACING, right: 1, down: -1 });
  assert.deepEqual([...moved.subarray(0, 4)], [0.25, PICTURE[4], PICTURE[5], PICTURE[6]]);
  assert.deepEqual([...moved.subarray(12)], [0.25, 0.25, 0.25, 0.25]);
  const inverted = pictures.placed(PICTURE, CONFIG, { ...PLACING, inverted: true });
  assert.equal(inverted[5], 1 - PICTURE[5]);
  const twice = pictures.placed(PICTURE, CONFIG, { ...PLACING, size: 2 }); // from the middle outwards
  assert.equal(twice[0], (PICTURE[0] + 3 * PICTURE[1] + 3 * PICTURE[4] + 9 * PICTURE[5]) / 16);
});

test("a stroke is light on dark ground and dark on light ground, and leaves the rest", () => {
  const stroke = pictures.drawn(new Float32Array(16), CONFIG, [0.125, 0.125], [0.875, 0.125]);
  assert.deepEqual([...stroke.subarray(0, 4)], [1, 1, 1, 1]);
  assert.deepEqual([...stroke.subarray(12)], [0, 0, 0, 0]);
  const light = { ...CONFIG, blank: [0.9] };
  assert.equal(pictures.drawn(pictures.blankPicture(light), light, [0.1, 0.1], [0.1, 0.1])[0], 0);
});

test("the model reads erased patches as blank, in the new order", () => {
  const read = pictures.asRead(PICTURE, CONFIG, [0], [3, 0, 1, 2]);
  assert.deepEqual([...read.subarray(0, 4)], [PICTURE[10], PICTURE[11], 0.25, 0.25]);
  assert.deepEqual([...read.subarray(8, 12)], [PICTURE[2], PICTURE[3], PICTURE[8], PICTURE[9]]);
  assert.deepEqual(pictures.asRead(PICTURE, CONFIG, [], null), PICTURE);
});
