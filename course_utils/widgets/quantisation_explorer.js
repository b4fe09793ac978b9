// Weights rounded to few bits: where they lie, which levels there are, and what is left of a kernel.

import { bytesOf, clamp, factList, grouped, hint, make, root, slider, stage } from "./shared.js";
import { trueMinus, widget, wordSize } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @import { Context, Facts, Paint } from "./shared.js" */
/** @typedef {{ weights: Float32Array, shape: number[], name: string }} Layer */
/**
 * @typedef {{ weights: DataView[], names: string[], shapes: number[][], layer: number, bits: number,
 *   accuracies: number[][][] }} Traits  accuracies: by bits − 2, per channel or not, symmetric or not */
/** @typedef {{ layer: number, bits: number, channel: number, perChannel: boolean, symmetric: boolean }} State */
/** @typedef {{ scale: number, zero: number }} Scale */
/** @typedef {ReturnType<typeof quantised>} Rounded */

const BINS = 81;
const KERNELS = 8; // shown of the chosen output channel
// Colours that hold on light and dark ground, and for colour-blind eyes.
const [LAYER, CHANNEL, LEVEL] = ["#9aa0a6", "#0072b2", "#d55e00"];

// ---- the mathematics -------------------------------------------------------------------------------------------

// Halves go to the even neighbour, as in torch.
/** @param {number} value */
export function nearest(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + Math.abs(low % 2) : Math.round(value);
}

/** @param {number} bits */
const rangeOf = (bits) => ({ least: -(2 ** (bits - 1)), most: 2 ** (bits - 1) - 1 });

// Scale and zero point of some weights.
/** @param {Float32Array} weights @param {State} state @returns {Scale} */
export function scaleOf(weights, { bits, symmetric }) {
  let [low, high] = [0, 0];
  for (const weight of weights) {
    low = Math.min(low, weight);
    high = Math.max(high, weight);
  }
  const { least, most } = rangeOf(bits);
  if (symmetric) return { scale: Math.max(-low, high) / most || 1, zero: 0 };
  const scale = (high - low) / (2 ** bits - 1) || 1;
  return { scale, zero: Math.min(most, Math.max(least, nearest(least - low / scale))) };
}

// Length of the differences, as a share of the length of the weights.
/** @param {Float32Array} weights @param {Float32Array} rounded */
function errorOf(weights, rounded) {
  let [error, power] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    error += (rounded[i] - weights[i]) ** 2;
    power += weights[i] ** 2;
  }
  return Math.sqrt(error / (power || 1));
}

// A layer's weights as so few bits can represent them. own, used: scale and number of levels of the chosen channel.
/** @param {Layer} layer @param {State} state */
export function quantised({ weights, shape }, state) {
  const { bits, perChannel, symmetric, channel } = state;
  const size = weights.length / shape[0];
  const { least, most } = rangeOf(bits);
  const rounded = new Float32Array(weights.length);
  const of = (/** @type {Float32Array} */ all, /** @type {number} */ output) =>
    all.subarray(output * size, (output + 1) * size);
  const whole = scaleOf(weights, state);
  let own = whole;
  const used = new Set();
  for (let output = 0; output < shape[0]; output++) {
    const { scale, zero } = perChannel ? scaleOf(of(weights, output), state) : whole;
    if (output === channel) own = { scale, zero };
    for (let i = output * size; i < (output + 1) * size; i++) {
      const level = Math.min(most, Math.max(least, nearest(weights[i] / scale) + zero));
      rounded[i] = (level - zero) * scale;
      if (output === channel) used.add(level);
    }
  }
  const [before, after] = [of(weights, channel), of(rounded, channel)];
  const bytes = Math.ceil((weights.length * bits) / 8) + (perChannel ? shape[0] : 1) * (symmetric ? 4 : 5);
  const [error, channelError] = [errorOf(weights, rounded), errorOf(before, after)];
  return { weights, before, after, least, most, own, used: used.size, bytes, error, channelError };
}

// How many weights lie in each of equal parts of [−reach, reach].
/** @param {Float32Array} weights @param {number} reach */
export function countsOf(weights, reach) {
  const bins = new Array(BINS).fill(0);
  for (const weight of weights) bins[clamp(Math.floor(((weight / reach + 1) / 2) * BINS), BINS)] += 1;
  return bins;
}

/** @param {Float32Array} weights */
const largest = (weights) => weights.reduce((top, weight) => Math.max(top, Math.abs(weight)), 0);

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {number} value */
export const short = (value) => (value === 0 ? "0" : trueMinus(value.toPrecision(3)));

/** @param {Rounded} rounded @param {State} state @param {string} accuracy @returns {Facts} */
export function factsOf({ weights, own, used, bytes, error, channelError }, { bits }, accuracy = "") {
  const whole = 4 * weights.length;
  const smaller = `${(whole / bytes).toFixed(1)} times smaller`;
  return {
    scale: ["scale, the width of a step", own.scale.toPrecision(4)],
    zero: ["zero point", trueMinus(String(own.zero))],
    used: ["levels that the channel uses", `${used} of ${2 ** bits}`],
    own: ["error of the channel, as a share of its size", `${(100 * channelError).toFixed(2)} %`],
    error: ["error of the layer, as a share of its size", `${(100 * error).toFixed(2)} %`],
    ...(accuracy && { accuracy: ["accuracy, all layers like this", accuracy] }),
    bytes: ["bytes of the layer, float32 and now", `${grouped(whole)} → ${grouped(bytes)}, ${smaller}`],
  };
}

// The share of the images that the network has right with all layers rounded in this way, beside 8 bits.
/** @param {number[][][]} accuracies @param {State} state */
export function accuracyOf(accuracies, { bits, perChannel, symmetric }) {
  if (!accuracies.length) return "";
  const at = (/** @type {number} */ row) =>
    `${(100 * accuracies[row][Number(perChannel)][Number(symmetric)]).toFixed(1)} %`;
  return bits === 8 ? at(6) : `${at(bits - 2)}; with 8 bits ${at(6)}`;
}

// ---- painting --------------------------------------------------------------------------------------------------

/** @param {Context} context @param {number} width @param {number} height @param {Rounded} now @param {State} state */
function paintHistogram(context, width, height, { weights, before, own, least, most }, { bits }) {
  const reach = largest(weights) || 1;
  const base = height - 18;
  context.clearRect(0, 0, width, height);
  paintBins(context, countsOf(weights, reach), width, base, LAYER, 0.6);
  paintBins(context, countsOf(before, reach), width, base, CHANNEL, 0.75);
  context.globalAlpha = 1;
  context.fillStyle = LEVEL;
  for (let level = least; level <= most; level++) {
    const x = ((((level - own.zero) * own.scale) / reach + 1) / 2) * width;
    if (x >= -1 && x <= width + 1) context.fillRect(x - 0.75, base, 1.5, level === own.zero ? 10 : 6);
  }
  context.fillStyle = getComputedStyle(context.canvas).color;
  const size = wordSize(context);
  context.font = `${size}px system-ui, sans-serif`;
  context.textBaseline = "bottom";
  const write = (/** @type {CanvasTextAlign} */ align, /** @type {number} */ value, /** @type {number} */ x) => {
    context.textAlign = align;
    context.fillText(short(value), x, size + 2);
  };
  write("left", -reach, 2);
  write("center", 0, width / 2);
  write("right", reach, width - 2);
  const range = `${grouped(weights.length)} weights from ${short(-reach)} to ${short(reach)}`;
  const label = `histogram of ${range}, with ${2 ** bits} levels ${short(own.scale)} apart`;
  context.canvas.setAttribute("aria-label", label);
}

/**
 * @param {Context} context @param {number[]} bins @param {number} width @param {number} base @param {string} colour
 * @param {number} alpha
 */
function paintBins(context, bins, width, base, colour, alpha) {
  const tallest = Math.max(...bins);
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  for (const [bin, count] of bins.entries()) {
    const tall = (count / tallest) * (base - 14);
    context.fillRect((bin * width) / BINS, base - tall, width / BINS - 0.5, tall);
  }
}

// Kernels of a channel, white at zero; both images of it have the colours of the weights as trained.
/**
 * @param {Context} context @param {number} width @param {number} height @param {number[]} shape
 * @param {Float32Array} values @param {number} top
 */
function paintKernels(context, width, height, [, inputs, rows, columns], values, top) {
  const side = width / KERNELS;
  const cell = Math.min((side - 5) / columns, (height - 2) / rows);
  context.clearRect(0, 0, width, height);
  for (const [at, value] of values.subarray(0, Math.min(KERNELS, inputs) * rows * columns).entries()) {
    const [kernel, row, column] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    context.fillStyle = colourOf(value / top);
    context.fillRect(kernel * side + column * cell, 1 + row * cell, cell + 0.3, cell + 0.3);
  }
}

// White at zero; blue below, orange above.
/** @param {number} value */
export function colourOf(value) {
  const strength = Math.min(1, Math.abs(value));
  const parts = value < 0 ? [0, 90, 181] : [213, 94, 0];
  return `rgb(${parts.map((part) => Math.round(255 + (part - 255) * strength)).join(" ")})`;
}

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {string} name @param {boolean} checked @param {(checked: boolean) => void} act */
function tick(name, checked, act) {
  const input = make("input", { type: "checkbox", checked, onchange: () => act(input.checked) });
  return make("label", {}, input, name);
}

function makeKey() {
  const keys = [
    [LAYER, "the whole layer"],
    [CHANNEL, "the chosen channel"],
    [LEVEL, "values that can be represented"],
  ];
  const marks = keys.map(([colour, text]) => make("span", {}, make("i", { style: `background: ${colour}` }), text));
  return make("div", { class: "afv-key", "aria-hidden": "true" }, ...marks);
}

/** @param {string} title @param {...Node} children */
const figure = (title, ...children) => make("figure", {}, make("figcaption", {}, title), ...children);

/** @param {Layer[]} layers @param {State} state @param {(fields: Partial<State>) => void} change */
function makeControls(layers, state, change) {
  const onchange = () => {
    const layer = choice.selectedIndex;
    change({ layer, channel: clamp(state.channel, layers[layer].shape[0]) });
  };
  const options = layers.map(({ name }) => make("option", {}, name));
  const choice = make("select", { "aria-label": "layer", onchange }, ...options);
  const bits = slider("bits", { min: 2, max: 8, value: state.bits }, (value) => change({ bits: value }));
  const range = { min: 0, max: layers[0].shape[0] - 1, value: 0 };
  const channel = slider("output channel", range, (value) => change({ channel: value }));
  const sliders = make("div", { class: "afv-bar" }, make("label", {}, "layer", choice), bits.label, channel.label);
  const ticks = make(
    "div",
    { class: "afv-bar" },
    tick("a scale for each output channel", state.perChannel, (perChannel) => change({ perChannel })),
    tick("symmetric (zero point 0)", state.symmetric, (symmetric) => change({ symmetric })),
  );
  const paint = () => {
    choice.selectedIndex = state.layer;
    const last = layers[state.layer].shape[0] - 1;
    channel.input.max = String(last);
    channel.input.value = String(state.channel);
    channel.output.textContent = `${state.channel} of 0–${last}`;
    bits.output.textContent = String(state.bits);
  };
  return { elements: [sliders, ticks], paint };
}

const HINT = [
  "Choose a layer; move the sliders, with the pointer or the [arrow keys].",
  "In the kernels blue is negative, orange positive, one square per weight.",
];

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const [names, shapes] = [model.get("names"), model.get("shapes")];
  const bytes = model.get("weights");
  const layers = names.map((name, i) => ({ name, shape: shapes[i], weights: new Float32Array(bytesOf(bytes[i])) }));
  const [layer, bits] = [model.get("layer"), model.get("bits")];
  /** @type {State} */
  const state = { layer, bits, channel: 0, perChannel: false, symmetric: true };
  let now = quantised(layers[0], state);
  /** @type {ReturnType<typeof stage<State>>} */
  const page = stage(state, () => {
    const { layer, bits, perChannel, symmetric, channel } = state;
    now = quantised(layers[layer], state);
    controls.paint();
    const accuracy = accuracyOf(model.get("accuracies"), state);
    const told = factsOf(now, state, accuracy);
    facts.write(told);
    const how = `${perChannel ? "one scale per channel" : "one scale"}, ${symmetric ? "symmetric" : "affine"}`;
    const right = accuracy && `, accuracy ${accuracy}`;
    const errors = `the error of the layer is ${told.error[1]}, of channel ${channel} ${told.own[1]}${right}`;
    page.said.say(`${names[layer]}, ${bits} bits, ${how}: ${errors}.`);
  });
  const { change, canvas, said, show, stop } = page;
  const controls = makeControls(layers, state, change);
  const kernels = (/** @type {"before" | "after"} */ which, /** @type {string} */ how) =>
    canvas(
      KERNELS,
      (context, width, height) => {
        const { shape } = layers[state.layer];
        paintKernels(context, width, height, shape, now[which], largest(now.before) || 1e-12);
        const label = `${Math.min(KERNELS, shape[1])} kernels of output channel ${state.channel}, ${how}`;
        context.canvas.setAttribute("aria-label", label);
      },
      { role: "img" },
    );
  /** @type {Paint} */
  const paint = (context, width, height) => paintHistogram(context, width, height, now, state);
  const histogram = figure("Where the weights lie", canvas(4, paint, { role: "img" }), makeKey());
  const before = figure("Kernels of the channel, as trained", kernels("before", "as trained"));
  const both = make("div", { class: "afv-kernels" }, before, figure("rounded", kernels("after", "rounded")));
  const facts = factList();
  const parts = [...controls.elements, histogram, both, facts.list, hint(...HINT), said.line];
  el.append(root("quantisation", "Weights rounded to few bits", ...parts));
  show();
  return stop;
}

export default widget(render);
