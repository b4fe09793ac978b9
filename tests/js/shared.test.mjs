// What the widgets share: numbers, colours, bytes, places, keys.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as shared from "../../course_utils/widgets/shared.js";

test("half floats are decoded as IEEE 754 says, zero, subnormal and negative ones too", () => {
  const decode = shared.halfFloats();
  const known = { 0: 0, 1: 2 ** -24, 1023: 1023 * 2 ** -24, 1024: 2 ** -14, 13653: 0.333251953125 };
  for (const [code, value] of Object.entries({ ...known, 15360: 1, 49152: -2, 31743: 65504 })) {
    assert.equal(decode[code], value);
  }
});

test("bytes are copied from the view alone, not from the whole buffer", () => {
  const whole = Uint8Array.from([9, 9, 9, 1, 2, 3, 4, 9, 9]);
  const bytes = shared.bytesOf(new DataView(whole.buffer, 3, 4));
  assert.deepEqual([...new Uint8Array(bytes)], [1, 2, 3, 4]);
  assert.deepEqual([...new Uint16Array(bytes)], [0x0201, 0x0403]); // aligned, although the view is not
});

test("a share is said with the digits that it deserves", () => {
  const said = {
    0: "0 %",
    0.000001: "< 0.001 %",
    0.00042: "0.042 %",
    0.01: "1.0 %",
    0.5: "50.0 %",
    0.9995: "100 %",
    0.999: "99.9 %",
  };
  for (const [share, words] of Object.entries(said)) assert.equal(shared.percent(Number(share)), words);
});

test("numbers are grouped, and have a true minus sign", () => {
  assert.equal(shared.grouped(1234567), "1,234,567");
  assert.equal(shared.grouped(12345678901234567890n), "12,345,678,901,234,567,890");
  assert.equal(shared.trueMinus("-0.25"), "\u22120.25");
});

test("an index stays within its count", () => {
  assert.deepEqual(
    [-3, 0, 4, 5, Infinity].map((value) => shared.clamp(value, 5)),
    [0, 0, 4, 4, 4],
  );
});

test("logarithms of a softmax sum to one in shares, do not overflow, and are flatter when it is hotter", () => {
  const cold = shared.logSoftmax([1000, 1001, 999], 1).map(Math.exp);
  const hot = shared.logSoftmax([1000, 1001, 999], 10).map(Math.exp);
  for (const shares of [cold, hot]) assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 1) < 1e-12);
  assert.ok(Math.abs(cold[1] / cold[0] - Math.E) < 1e-9);
  assert.ok(Math.abs(hot[1] / hot[0] - Math.exp(0.1)) < 1e-9);
  assert.deepEqual(shared.logSoftmax([0, 1000], 1), [-1000, 0]);
});

test("a place is a fraction of the element, never outside it", () => {
  const element = { getBoundingClientRect: () => ({ left: 10, top: 20, width: 200, height: 50 }) };
  assert.deepEqual(shared.placeOf({ clientX: 60, clientY: 45 }, element), [0.25, 0.5]);
  const [x, y] = shared.placeOf({ clientX: 999, clientY: 0 }, element);
  assert.equal(Math.floor(x * 14), 13);
  assert.equal(y, 0);
});

test("arrow keys are steps down and to the right", () => {
  const steps = [];
  const keys = shared.arrows((...step) => steps.push(step));
  for (const key of ["arrowup", "arrowdown", "arrowleft", "arrowright"]) keys[key]();
  assert.deepEqual(steps, [
    [-1, 0],
    [1, 0],
    [0, -1],
    [0, 1],
  ]);
});

// What a key does on an element: whether it was acted on, prevented, and heard outside.
function press(keys, event) {
  const element = Object.assign(new EventTarget(), { tabIndex: -1 });
  const acted = [];
  shared.onKeys(element, Object.fromEntries(keys.map((key) => [key, () => acted.push(key)])));
  const sent = Object.assign(new Event("keydown", { cancelable: true }), event);
  let heard = true;
  sent.stopPropagation = () => {
    heard = false;
  };
  element.dispatchEvent(sent);
  return { acted: acted.length > 0, prevented: sent.defaultPrevented, heard };
}

test("a key of the table acts, in either case, and is heard by nobody else", () => {
  assert.deepEqual(press(["c"], { key: "C" }), { acted: true, prevented: true, heard: false });
  assert.deepEqual(press(["c"], { key: "d" }), { acted: false, prevented: false, heard: true });
});

test("with Ctrl, Alt or Meta a key is the browser's, and Shift+Enter runs the cell", () => {
  for (const event of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }]) {
    assert.deepEqual(press(["c"], { key: "c", ...event }), { acted: false, prevented: false, heard: true });
  }
  assert.equal(press(["enter"], { key: "Enter", shiftKey: true }).acted, false);
  assert.equal(press(["enter"], { key: "Enter" }).acted, true);
});

test("Escape, Tab and what runs the cell leave a widget; no other key does", () => {
  const plain = { ctrlKey: false, metaKey: false, shiftKey: false };
  const leaving = [
    ["Escape"],
    ["Tab"],
    ["Tab", "shiftKey"],
    ["Enter", "ctrlKey"],
    ["Enter", "metaKey"],
    ["Enter", "shiftKey"],
  ];
  for (const [key, held] of leaving) assert.ok(shared.leaves({ ...plain, key, [held]: true }), key);
  const staying = [["Enter"], ["d"], ["x"], [" "], ["ArrowDown"], ["Backspace", "ctrlKey"], ["ArrowUp", "shiftKey"]];
  for (const [key, held] of staying) assert.ok(!shared.leaves({ ...plain, key, [held]: true }), key);
});

test("a number is as large as its cell allows, and left out where it could not be read", () => {
  assert.equal(shared.fontSize(2.5, 100), 13);
  assert.equal(shared.fontSize(2.5, 34), (0.9 * 34) / 2.5);
  assert.equal(shared.fontSize(2.5, 22), 0);
});

test("a slider of equal factors goes from its lowest value to its highest, and shows what it is given as it is", () => {
  const { range, stepOf, at } = shared.logScale(0.01, 1, 60);
  const reached = [range.min, 30, range.max].map((step) => at(step).toFixed(9));
  assert.deepEqual(reached, ["0.010000000", "0.100000000", "1.000000000"]);
  for (const step of [0, 17, 60]) assert.equal(Math.round(stepOf(at(step))), step);
  for (const given of [0.01, 0.03, 0.05, 0.07, 0.0725, 1]) assert.equal(at(stepOf(given)), given);
  assert.equal(at(17), 0.0369); // 0.03687…: what is written is computed with
});

test("a negative number has a true minus, zero has no sign", () => {
  assert.deepEqual(["-0.5", "-0.00", "-10", "0.25", "-0"].map(shared.trueMinus), [
    "−0.5",
    "0.00",
    "−10",
    "0.25",
    "0",
  ]);
  assert.deepEqual(["-0.5", "-0.00", "2", "0.0"].map(shared.withSign), ["−0.5", "0.00", "+2", "0.0"]);
});
