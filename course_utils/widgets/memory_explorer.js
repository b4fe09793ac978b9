// Bytes of attention matrices, exact to the last one (BigInt), for any image, patch and model.

import { grouped, hint, make, press, root, voice, widget } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {{ image_size: number, patch_size: number, layers: number, heads: number, batch: number }} Sizes */
/** @typedef {Sizes & { dtype: string, class_token: boolean }} State */
/** @typedef {State & { bytes_of: Record<string, number>, machine: Record<string, number> }} Traits */
/** @typedef {[string, number][]} Memories  names and bytes */

/** @type {(image_size: number, patch_size: number, layers: number, heads: number, class_token: boolean) => State} */
const preset = (image_size, patch_size, layers, heads, class_token) => ({
  image_size,
  patch_size,
  layers,
  heads,
  class_token,
  batch: 1,
  dtype: "float32",
});
const PRESETS = {
  "slide: pixels, R = 128": preset(128, 1, 48, 16, false),
  "slide: 14×14 patches": preset(224, 16, 48, 16, false),
  "slide: 16×16 patches": preset(224, 14, 48, 16, false),
  "ViT-B/16": preset(224, 16, 12, 12, true),
};
/** @type {Memories} */
const KNOWN = [["a graphics card of 24 GiB", 24 * 2 ** 30]];
// Label, name in a sentence, largest.
/** @type {[keyof Sizes, string, string, number][]} */
const SIZES = [
  ["image_size", "image, pixels per side", "image size", 4096],
  ["patch_size", "patch, pixels per side", "patch size", 4096],
  ["layers", "layers", "layers", 1000],
  ["heads", "heads", "heads", 1000],
  ["batch", "images per batch", "batch", 100000],
];
/** @type {(keyof State)[]} */
const STATE = [...SIZES.map(([key]) => key), "dtype", "class_token"];

// ---- numbers ---------------------------------------------------------------------------------------------------

// One sentence when a setting makes no sense, or nothing.
/** @param {State} state */
export function problemOf(state) {
  for (const [key, , name, most] of SIZES) {
    if (!Number.isInteger(state[key]) || state[key] < 1 || state[key] > most) {
      return `${name} must be a whole number from 1 to ${grouped(most)}: change it.`;
    }
  }
  const { image_size: size, patch_size: patch } = state;
  if (size % patch === 0) return "";
  const divisors = Array.from({ length: size }, (_, index) => index + 1).filter((divisor) => size % divisor === 0);
  const near = divisors
    .sort((a, b) => Math.abs(a - patch) - Math.abs(b - patch))
    .slice(0, 2)
    .sort((a, b) => a - b);
  return `Patches of ${patch} pixels do not divide ${size} pixels: try ${near.join(" or ")}.`;
}

// Tokens, entries of one matrix, and the bytes of one, of a layer and of all.
/** @param {State} state @param {number} size  bytes of a number */
export function countsOf({ image_size, patch_size, layers, heads, batch, class_token }, size) {
  const tokens = BigInt(image_size / patch_size) ** 2n + BigInt(class_token);
  const entries = tokens ** 2n;
  const one = entries * BigInt(size);
  const layer = one * BigInt(heads) * BigInt(batch);
  return { tokens, entries, one, layer, all: layer * BigInt(layers) };
}

// Bytes in binary units with four or more digits, as "768 GiB" or "112.55 MiB"; exact values lose their zeros.
/** @param {bigint} bytes */
export function binary(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  let value = Number(bytes);
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${grouped(Number(value.toFixed(2)))} ${units[unit]}`;
}

// Lengths of bars, from 0 to 1: logarithms between the shortest, or 100 bytes, and the longest.
/** @param {bigint[]} bytes */
export function sharesOf(bytes) {
  const logarithms = bytes.map((each) => Math.log10(Number(each)));
  const [longest, shortest] = [Math.max(...logarithms), Math.min(2, ...logarithms)];
  return logarithms.map((each) => Math.max(0, (each - shortest) / (longest - shortest || 1)));
}

/** @param {State} one @param {State} other */
const isSame = (one, other) => STATE.every((key) => one[key] === other[key]);

/** @param {State} state */
const startToken = ({ patch_size }) => (patch_size === 1 ? "start token" : "class token");

// ---- results ---------------------------------------------------------------------------------------------------

// The sum in three lines.
/** @param {State} state @param {number} size @param {ReturnType<typeof countsOf>} counts */
function makeLines(state, size, { tokens, entries, one, all }) {
  const side = state.image_size / state.patch_size;
  const plus = state.class_token ? ` + 1 ${startToken(state)}` : "";
  const what = state.patch_size === 1 ? "pixels" : "patches";
  const batch = state.batch > 1 ? ` × ${grouped(state.batch)} images` : "";
  const field = (/** @type {string} */ name, /** @type {string} */ text, bytes = {}) =>
    make("b", { "data-field": name, ...bytes }, text);
  const matrix = field("entries", `${grouped(tokens)}² = ${grouped(entries)} entries`);
  const last = make("b", {}, `${grouped(all)} bytes`);
  return [
    make("div", {}, `${side}² ${what}${plus} = `, field("tokens", `${grouped(tokens)} tokens`)),
    make("div", {}, "one matrix: ", matrix, ` × ${size} bytes = `, field("one", binary(one), { "data-bytes": one })),
    make("div", {}, `× ${state.heads} heads × ${state.layers} layers${batch} = `, last),
  ];
}

/** @param {ReturnType<typeof countsOf>} counts @param {number} batch @param {Memories} memories */
function makeBars({ one, layer, all }, batch, memories) {
  /** @type {[string, bigint, string][]} */
  const rows = [
    ["one matrix", one, "afv-one"],
    [batch > 1 ? "one layer, whole batch" : "one layer, all heads", layer, "afv-layer"],
    ["all layers", all, "afv-all"],
  ];
  for (const [name, bytes] of memories) rows.push([name, BigInt(bytes), "afv-known"]);
  const shares = sharesOf(rows.map(([, bytes]) => bytes));
  return rows.flatMap(([name, bytes, kind], index) => {
    const share = 100 * shares[index];
    // Black on the bar when it is long enough, in ink behind it when not.
    const style = share > 50 ? `right: ${100 - share}%; color: #000` : `left: ${share}%`;
    const [bar, label] = [make("i", { style: `width: ${share}%` }), make("span", { style }, binary(bytes))];
    return [make("dt", {}, name), make("dd", { class: kind }, bar, label)];
  });
}

/** @param {Memories} machine */
function makeResults(machine) {
  const total = make("strong", { "data-field": "all" });
  const lines = make("div", { class: "afv-lines" });
  const bars = make("dl", { class: "afv-bars", "aria-label": "Bytes on a logarithmic scale" });
  const words = hint(
    "Each bar's length is logarithmic: one step of the same length is ten times as much.",
    "KiB, MiB, GiB are binary (1 KiB = 1024 bytes).",
    "This counts the attention weights of one forward pass, all of them kept, as in training; a fused kernel never stores them.",
  );
  // Shows the results and returns them as a sentence.
  const paint = (/** @type {State} */ state, /** @type {number} */ size) => {
    const counts = countsOf(state, size);
    const { all, tokens } = counts;
    total.textContent = binary(all);
    total.dataset.bytes = String(all);
    lines.replaceChildren(...makeLines(state, size, counts));
    bars.replaceChildren(...makeBars(counts, state.batch, [...machine, ...KNOWN]));
    const compared = machine
      .map(([name, bytes]) => `${all <= BigInt(bytes) ? "less" : "more"} than the ${name}, ${binary(BigInt(bytes))}`)
      .join("; ");
    return `${grouped(tokens)} tokens; all attention matrices take ${binary(all)}, ${compared}.`;
  };
  return { paint, element: make("div", {}, make("div", { class: "afv-answer" }, total, lines), bars, words) };
}

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {State} state @param {Traits["bytes_of"]} dtypes @param {(fields: Partial<State>) => void} change */
function makeInputs(state, dtypes, change) {
  const numbers = SIZES.map(([key, label, , max]) => {
    const oninput = () => change({ [key]: input.value === "" ? NaN : Number(input.value) });
    const attributes = { type: "number", min: 1, max, step: 1, value: state[key], "data-input": key, oninput };
    const input = make("input", attributes);
    return { key, input, label: make("label", {}, label, input) };
  });
  const options = Object.entries(dtypes).map(([value, bytes]) =>
    make("option", { value }, `${value}, ${bytes} bytes`),
  );
  const dtype = make("select", { "data-input": "dtype", onchange: () => change({ dtype: dtype.value }) }, ...options);
  const onchange = () => change({ class_token: tick.checked });
  const tick = make("input", { type: "checkbox", "data-input": "class_token", onchange });
  const name = make("span");
  // What a student is typing is not written over.
  const paint = (/** @type {string[]} */ typed) => {
    for (const { key, input } of numbers) {
      const free = document.activeElement !== input || !typed.includes(key);
      if (free && !Number.isNaN(state[key])) input.value = String(state[key]);
    }
    dtype.value = state.dtype;
    tick.checked = state.class_token;
    name.textContent = startToken(state);
  };
  const labels = [...numbers.map(({ label }) => label), make("label", {}, "numbers", dtype)];
  return {
    paint,
    element: make("div", { class: "afv-inputs" }, ...labels, make("label", { class: "afv-tick" }, tick, name)),
  };
}

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const dtypes = model.get("bytes_of");
  const [dtype, class_token] = [model.get("dtype"), model.get("class_token")];
  const sizes = /** @type {Sizes} */ (Object.fromEntries(SIZES.map(([key]) => [key, model.get(key)])));
  /** @type {State} */
  const state = { ...sizes, dtype, class_token };
  const said = voice();
  const presets = Object.entries(PRESETS).map(([name, fields]) =>
    make("button", { type: "button", onclick: () => change(fields) }, name),
  );
  const inputs = makeInputs(state, dtypes, change);
  const results = makeResults(Object.entries(model.get("machine")));
  const wrong = make("p", { class: "afv-wrong", role: "alert", hidden: true });
  const bar = make("div", { class: "afv-presets" }, ...presets);
  el.append(root("memory", "Memory of attention matrices", bar, inputs.element, wrong, results.element, said.line));
  change({});
  return said.stop;

  /** @param {Partial<State>} fields */
  function change(fields) {
    Object.assign(state, fields);
    inputs.paint(Object.keys(fields));
    const all = Object.values(PRESETS);
    press(presets, (_, index) => isSame(all[index], state));
    const problem = problemOf(state);
    wrong.hidden = !problem;
    wrong.textContent = problem;
    results.element.hidden = Boolean(problem);
    if (!problem) said.say(results.paint(state, dtypes[state.dtype]));
  }
}

export default widget(render);
