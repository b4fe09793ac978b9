// MixUp: two images and their labels, mixed live. RandAugment: the same draws for every N and M, made beforehand.

import {
  arrows,
  bytesOf,
  clamp,
  contextOf,
  focusable,
  hint,
  make,
  onKeys,
  onLeave,
  onPoint,
  widget,
} from "./shared.js";
import { paintImage, root, slider, stage, wordSize } from "./shared.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
/** @import { Context, Paint } from "./shared.js" */
/**
 * @typedef {object} Traits
 * @property {DataView} pixels @property {DataView} changed @property {number} width @property {number} height
 * @property {string[]} names @property {number} numbers  the largest N
 * @property {number} number @property {number} magnitude  N and M at the beginning
 * @property {number[]} magnitudes @property {string[][]} transforms
 */
/** @typedef {ReturnType<typeof read>} Data */
/**
 * @typedef {object} State
 * @property {number} own @property {number} other @property {number} share  λ, of the own image
 * @property {number} alpha @property {number} number  N @property {number} magnitude  which M
 * @property {[number, number] | null} pixel  row and column of what is pointed at
 */
/** @typedef {ReturnType<typeof stage<State>>} Stage */

/** @param {AnyModel<Traits>} model */
function read(model) {
  const bytes = (/** @type {"pixels" | "changed"} */ name) => new Uint8Array(bytesOf(model.get(name)));
  const [width, height, most] = [model.get("width"), model.get("height"), model.get("numbers")];
  const [names, magnitudes, transforms] = [model.get("names"), model.get("magnitudes"), model.get("transforms")];
  return {
    width,
    height,
    most,
    names,
    magnitudes,
    transforms,
    originals: bytes("pixels"),
    changed: bytes("changed"),
  };
}

// ---- the mathematics -------------------------------------------------------------------------------------------

// One image's bytes out of many.
/** @param {{ width: number, height: number }} data @param {Uint8Array} source @param {number} index */
export function imageAt({ width, height }, source, index) {
  const size = width * height * 3;
  return source.subarray(index * size, (index + 1) * size);
}

// Where a changed image begins, counted in images.
/** @param {Pick<Data, "most" | "magnitudes" | "transforms">} data @param {State} state @param {number} sample */
export function placeIn({ most, magnitudes, transforms }, { own, number, magnitude }, sample) {
  return ((own * (most + 1) + number) * magnitudes.length + magnitude) * transforms.length + sample;
}

/** @param {Uint8Array} own @param {Uint8Array} other @param {number} share */
export const mixed = (own, other, share) =>
  own.map((value, index) => Math.round(share * value + (1 - share) * other[index]));

// What a label is mixed to: names and their shares.
/** @param {{ names: string[] }} data @param {State} state @returns {[string, number][]} */
export function targetsOf({ names }, { own, other, share }) {
  if (names[own] === names[other]) return [[names[own], 1]];
  return [
    [names[own], share],
    [names[other], 1 - share],
  ];
}

// Mass of Beta(α, α) below a point of the lower half, up to a factor: t = u^(1/α) takes the pole at zero away.
/** @param {number} alpha @param {number} point */
export function tail(alpha, point) {
  const [steps, end] = [400, point ** alpha];
  let sum = 0;
  for (let index = 0; index < steps; index++) {
    sum += (1 - (((index + 0.5) / steps) * end) ** (1 / alpha)) ** (alpha - 1);
  }
  return (sum * end) / steps;
}

// The density of Beta(α, α) in the middle of equal steps, as shares of the largest.
/** @param {number} alpha @param {number} steps */
export function densities(alpha, steps) {
  const middles = Array.from({ length: steps }, (_, index) => (index + 0.5) / steps);
  const heights = middles.map((value) => (value * (1 - value)) ** (alpha - 1));
  const top = Math.max(...heights);
  return heights.map((value) => value / top);
}

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {Data} data @param {State} state */
export function pixelWords(data, { own, other, share, pixel }) {
  if (!pixel) return "Point at the mixed image to see one pixel computed.";
  const [row, column] = pixel;
  const value = (/** @type {number} */ index) =>
    imageAt(data, data.originals, index)[(row * data.width + column) * 3] / 255;
  const [mine, theirs, rest] = [value(own), value(other), 1 - share];
  const sum = `${share.toFixed(2)} · ${mine.toFixed(2)} + ${rest.toFixed(2)} · ${theirs.toFixed(2)}`;
  return `Row ${row}, column ${column}, first channel: ${sum} = ${(share * mine + rest * theirs).toFixed(2)}`;
}

/** @param {Data} data @param {State} state */
export function sentenceOf(data, state) {
  const parts = targetsOf(data, state).map(([name, part]) => `${name} ${part.toFixed(2)}`);
  const augmented = `RandAugment with N ${state.number} and M ${data.magnitudes[state.magnitude]}.`;
  return `Lambda ${state.share.toFixed(2)}: ${parts.join(", ")}. ${augmented}`;
}

// ---- painting --------------------------------------------------------------------------------------------------

// put(context, width, height, bytes): an image of three bytes per pixel over a whole canvas.
/** @param {{ width: number, height: number }} data */
function painter({ width, height }) {
  const scratch = make("canvas", { width, height });
  const brush = contextOf(scratch);
  return (
    /** @type {Context} */ context,
    /** @type {number} */ wide,
    /** @type {number} */ high,
    /** @type {Uint8Array} */ bytes,
  ) => {
    const image = new ImageData(width, height);
    image.data.fill(255);
    for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
      for (let c = 0; c < 3; c++) image.data[to + c] = bytes[from + c];
    }
    brush.putImageData(image, 0, 0);
    paintImage(context, scratch, wide, high);
  };
}

/** @param {State} state @returns {Paint} */
function paintBeta(state) {
  return (context, wide, high) => {
    const steps = 120;
    context.clearRect(0, 0, wide, high);
    context.fillStyle = "#56b4e9";
    for (const [index, share] of densities(state.alpha, steps).entries()) {
      const tall = share * (high - 16);
      context.fillRect((index / steps) * wide, high - 14 - tall, wide / steps + 0.5, tall);
    }
    context.fillStyle = getComputedStyle(context.canvas).color;
    context.font = `${wordSize(context)}px system-ui, sans-serif`;
    context.textAlign = "left";
    context.fillText("λ = 0", 0, high - 2);
    context.textAlign = "right";
    context.fillText("λ = 1", wide, high - 2);
    context.fillStyle = "#d55e00";
    context.fillRect(state.share * (wide - 2), 0, 2, high - 13);
  };
}

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {string[]} names @param {"own" | "other"} key @param {State} state @param {Stage} stage */
function chooser(names, key, state, { change }) {
  const label = key === "own" ? "first image" : "second image";
  const onchange = () => change({ [key]: Number(select.value) });
  const options = names.map((name, value) => make("option", { value }, name));
  const select = make("select", { "aria-label": label, "data-input": key, onchange }, ...options);
  const paint = () => {
    select.value = String(state[key]);
  };
  return { label, select, paint };
}

/** @param {Data} data @param {State} state @param {Stage} stage @param {ReturnType<typeof painter>} put */
function makeMixUp(data, state, stage, put) {
  const { width, height, names, originals } = data;
  const { change, canvas, said } = stage;
  const aspect = width / height;
  const original = (/** @type {"own" | "other"} */ key) => imageAt(data, originals, state[key]);
  const choosers = [chooser(names, "own", state, stage), chooser(names, "other", state, stage)];
  const [own, other] = /** @type {const} */ (["own", "other"]).map((key, index) => {
    const { select, label } = choosers[index];
    /** @type {Paint} */
    const paint = (...place) => put(...place, original(key));
    return make("figure", {}, select, canvas(aspect, paint, { role: "img", "aria-label": label }));
  });
  /** @type {Paint} */
  const paintMixed = (...place) => put(...place, mixed(original("own"), original("other"), state.share));
  const label = focusable("The mixed image: left and right arrow keys change lambda", said);
  const middle = canvas(aspect, paintMixed, { ...label, "data-panel": "mixed" });
  const caption = make("figcaption", { style: "line-height:28px" }, "mixed");
  const trio = make("div", { class: "afv-trio" }, own, make("figure", {}, caption, middle), other);
  listenMixed(middle, data, state, change);
  const share = slider("λ", { min: 0, max: 1, step: 0.01, value: state.share }, (value) => change({ share: value }));
  const alpha = slider("α", { min: 0.1, max: 3, step: 0.1, value: state.alpha }, (value) => change({ alpha: value }));
  const beta = canvas(3, paintBeta(state), { role: "img", "aria-label": "How often each lambda is drawn" });
  const [bars, words] = [
    make("div", { class: "afv-shares", "data-fact": "targets" }),
    make("span", { "data-fact": "beta" }),
  ];
  const pixel = make("p", { class: "afv-hint", "data-fact": "pixel" });
  const bar = make("div", { class: "afv-bar" }, share.label);
  const curve = make("div", { class: "afv-beta" }, alpha.label, beta, words);
  const paint = () => {
    for (const each of choosers) each.paint();
    share.input.value = String(state.share);
    share.output.textContent = state.share.toFixed(2);
    alpha.input.value = String(state.alpha);
    alpha.output.textContent = state.alpha.toFixed(1);
    bars.replaceChildren(...targetsOf(data, state).flatMap(makeShare));
    pixel.textContent = pixelWords(data, state);
    const extreme = Math.round((100 * tail(state.alpha, 0.1)) / tail(state.alpha, 0.5));
    words.textContent = `λ within 0.1 of 0 or 1: ${extreme} % of the time`;
  };
  return {
    paint,
    section: make("div", { class: "afv-part" }, make("h4", {}, "MixUp"), trio, bar, bars, pixel, curve),
  };
}

/** @param {[string, number]} target @param {number} index */
function makeShare([name, part], index) {
  const bar = make("i", { class: index ? "afv-other" : "", style: `width:${(100 * part).toFixed(1)}%` });
  return [make("span", {}, name), make("span", {}, bar), make("b", {}, part.toFixed(2))];
}

/** @param {HTMLCanvasElement} canvas @param {Data} data @param {State} state @param {Stage["change"]} change */
function listenMixed(canvas, { width, height }, state, change) {
  onPoint(canvas, ([x, y]) => change({ pixel: [Math.floor(y * height), Math.floor(x * width)] }));
  onLeave(canvas, () => change({ pixel: null }));
  const step = (/** @type {number} */ amount) => () =>
    change({ share: Math.round(Math.min(Math.max(state.share + amount, 0), 1) * 100) / 100 });
  onKeys(canvas, { arrowleft: step(-0.05), arrowright: step(0.05), home: step(-1), end: step(1) });
}

/** @param {Data} data @param {State} state @param {Stage} stage @param {ReturnType<typeof painter>} put */
function makeRandAugment(data, state, { change, canvas, said }, put) {
  const { width, height, most, magnitudes, transforms, changed } = data;
  const range = { min: 0, max: most, value: state.number };
  const number = slider("N, transforms per image", range, (value) => change({ number: value }));
  const places = { min: 0, max: magnitudes.length - 1, value: state.magnitude };
  const magnitude = slider("M, magnitude", places, (value) => change({ magnitude: value }));
  const label = focusable("Changed images: left and right arrow keys change M, up and down change N", said);
  const panels = transforms.map((names, sample) => {
    const attributes = sample ? { role: "img", "aria-label": `sample ${sample + 1}` } : label;
    /** @type {Paint} */
    const paint = (...place) => put(...place, imageAt(data, changed, placeIn(data, state, sample)));
    const shown = canvas(width / height, paint, { ...attributes, "data-sample": sample });
    return { names, shown, caption: make("figcaption") };
  });
  const move = (/** @type {number} */ down, /** @type {number} */ right) =>
    change({
      number: clamp(state.number - down, most + 1),
      magnitude: clamp(state.magnitude + right, magnitudes.length),
    });
  onKeys(panels[0].shown, arrows(move));
  const bar = make("div", { class: "afv-bar" }, number.label, magnitude.label);
  const figures = panels.map(({ shown, caption }) => make("figure", {}, shown, caption));
  const grid = make("div", { class: "afv-samples" }, ...figures);
  const paint = () => {
    number.input.value = number.output.textContent = String(state.number);
    magnitude.input.value = String(state.magnitude);
    magnitude.output.textContent = String(magnitudes[state.magnitude]);
    for (const { names, caption } of panels) {
      caption.textContent = names.slice(0, state.number).join(", then ") || "as it is";
    }
  };
  return {
    paint,
    section: make("div", { class: "afv-part" }, make("h4", {}, "RandAugment, on the first image"), bar, grid),
  };
}

const HINT = [
  "Move the sliders, or click the mixed image or the first changed one and use the [arrow keys].",
  "Each changed image keeps its transforms and their direction: M alone makes them stronger, N adds the next one.",
];

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const data = read(model);
  const [number, magnitude] = [model.get("number"), data.magnitudes.indexOf(model.get("magnitude"))];
  /** @type {State} */
  const state = { own: 0, other: 1, share: 0.7, alpha: 0.8, number, magnitude, pixel: null };
  /** @type {Stage} */
  const page = stage(state, () => {
    for (const { paint } of sections) paint();
    page.said.say(sentenceOf(data, state));
  });
  const put = painter(data);
  const sections = [makeMixUp(data, state, page, put), makeRandAugment(data, state, page, put)];
  const parts = [...sections.map(({ section }) => section), hint(...HINT), page.said.line];
  el.append(root("augment", "MixUp and RandAugment on images", ...parts));
  page.show();
  return page.stop;
}

export default widget(render);
