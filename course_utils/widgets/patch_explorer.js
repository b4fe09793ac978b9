// An image cut into patches: pick one, see it as the vector it becomes and where it stands in the sequence.

import {
  arrows,
  bytesOf,
  clamp,
  factList,
  focusable,
  grouped,
  hint,
  imageOf,
  make,
  onKeys,
  widget,
} from "./shared.js";
import { onLeave, onPoint, outline, paintImage, press, root, stage, uniqueId, wordSize } from "./shared.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
/** @import { Context, Facts, Paint, Point } from "./shared.js" */
/**
 * @typedef {object} Traits
 * @property {DataView} pixels @property {number} width @property {number} height
 * @property {number} channels @property {number} patch_size @property {number[]} choices
 */
/** @typedef {{ bytes: Uint8Array, width: number, height: number, channels: number }} Data */
/** @typedef {{ size: number, patch: number, entry: number | null, shuffled: boolean }} State  entry: of the vector */
/** @typedef {ReturnType<typeof stage<State>>} Stage */

// Red, green, blue as hues that colour-blind eyes tell apart by lightness too; one grey channel is drawn in ink.
const CHANNELS = [
  ["red", "#d55e00"],
  ["green", "#009e73"],
  ["blue", "#56b4e9"],
];

// ---- places and numbers ----------------------------------------------------------------------------------------

// The grid of patches, the place of the chosen one in it, and the length of a vector.
/** @param {Data} data @param {State} state */
export function gridOf({ width, height, channels }, { size, patch }) {
  const [rows, columns] = [height / size, width / size];
  const [row, column] = [Math.floor(patch / columns), patch % columns];
  return { rows, columns, row, column, count: rows * columns, length: size ** 2 * channels };
}

// Which patch stands at each place of the sequence: in the order of reading, or in one that looks random and stays.
/** @param {number} count @param {boolean} shuffled */
export function orderOf(count, shuffled) {
  const order = Array.from({ length: count }, (_, patch) => patch);
  let draw = 1;
  for (let last = count - 1; shuffled && last > 0; last--) {
    draw = (draw * 48271) % 2147483647; // Park & Miller 1988
    const other = draw % (last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

// What another size of patches changes, at the same place of the image.
/** @param {Data} data @param {State} state @param {number} size @returns {Partial<State>} */
export function resized(data, state, size) {
  const { row, column } = gridOf(data, state);
  const same = (/** @type {number} */ place) => Math.floor(((place + 0.5) * state.size) / size);
  return { size, patch: same(row) * (data.width / size) + same(column), entry: null };
}

// The vector of the chosen patch, as far as one channel goes.
/** @param {Data} data @param {State} state @param {number} channel */
export function valuesOf(data, state, channel) {
  const { row, column } = gridOf(data, state);
  const { size } = state;
  const values = new Float64Array(size ** 2);
  for (let entry = 0; entry < values.length; entry++) {
    const [y, x] = [row * size + Math.floor(entry / size), column * size + (entry % size)];
    values[entry] = data.bytes[4 * (y * data.width + x) + channel] / 255;
  }
  return values;
}

// How many patches stand in one line: as few lines as keep a patch large enough to be told apart.
/** @param {number} count @param {number} wide */
export function layout(count, wide) {
  const cell = Math.min(48, Math.max(6, Math.sqrt((wide * 110) / count)));
  const across = Math.max(1, Math.min(Math.floor(wide / cell), 4096));
  return { across, lines: Math.ceil(count / across) };
}

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {number} first @param {number} count */
const range = (first, count) => (count > 1 ? `${grouped(first)}–${grouped(first + count - 1)}` : grouped(first));

/** @param {Data} data @param {State} state @returns {Facts} */
export function factsOf(data, state) {
  const { row, column, count, length } = gridOf(data, state);
  /** @type {(name: string, place: number) => [string, string]} */
  const pixels = (name, place) => [
    `pixel ${name}${state.size > 1 ? "s" : ""}`,
    range(state.size * place, state.size),
  ];
  return {
    place: ["patch", `${state.patch} of 0–${grouped(count - 1)}`],
    "row-column": ["row, column", `${row}, ${column}`],
    "pixel-rows": pixels("row", row),
    "pixel-columns": pixels("column", column),
    count: ["sequence", `${grouped(count)} patches`],
    length: ["each", `${grouped(length)} numbers`],
  };
}

/** @param {Data} data @param {number} channel */
const channelName = ({ channels }, channel) => (channels === 1 ? "grey" : CHANNELS[channel][0]);

// The entry under the pointer, or else the first ones.
/** @param {Data} data @param {State} state */
export function entryWords(data, state) {
  const { size, entry } = state;
  if (entry === null) {
    const channels = Array.from({ length: data.channels }, (_, channel) => [...valuesOf(data, state, channel)]);
    const first = channels
      .flat()
      .slice(0, 4)
      .map((value) => value.toFixed(3));
    return `(${first.join(", ")}${gridOf(data, state).length > first.length ? ", …" : ""})`;
  }
  const parts = Array.from({ length: data.channels }, (_, channel) => {
    const value = valuesOf(data, state, channel)[entry].toFixed(3);
    return `entry ${channel * size ** 2 + entry} ${channelName(data, channel)} ${value}`;
  });
  return `pixel ${Math.floor(entry / size)}, ${entry % size} of the patch: ${parts.join(" · ")}`;
}

// ---- painting --------------------------------------------------------------------------------------------------

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @returns {Paint} */
function paintWhole(image, data, state) {
  return (context, wide, high) => {
    const { rows, columns, row, column } = gridOf(data, state);
    paintImage(context, image, wide, high);
    const [w, h] = [wide / columns, high / rows];
    if (Math.min(w, h) >= 3) {
      lines(context, columns, rows, wide, high, "rgba(0,0,0,0.55)", 1.5);
      lines(context, columns, rows, wide, high, "rgba(255,255,255,0.75)", 0.75);
    }
    outline(context, column * w, row * h, w, h);
  };
}

/**
 * @param {Context} context @param {number} columns @param {number} rows @param {number} wide @param {number} high
 * @param {string} colour @param {number} thickness
 */
function lines(context, columns, rows, wide, high, colour, thickness) {
  context.strokeStyle = colour;
  context.lineWidth = thickness;
  context.beginPath();
  for (let column = 1; column < columns; column++) {
    context.moveTo((column * wide) / columns, 0);
    context.lineTo((column * wide) / columns, high);
  }
  for (let row = 1; row < rows; row++) {
    context.moveTo(0, (row * high) / rows);
    context.lineTo(wide, (row * high) / rows);
  }
  context.stroke();
}

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @returns {Paint} */
function paintEnlarged(image, data, state) {
  return (context, wide, high) => {
    const { row, column } = gridOf(data, state);
    const { size, entry } = state;
    context.imageSmoothingEnabled = false;
    context.drawImage(image, column * size, row * size, size, size, 0, 0, wide, high);
    if (entry === null) return;
    const cell = wide / size;
    outline(context, (entry % size) * cell, Math.floor(entry / size) * cell, cell, cell);
  };
}

// One lane per channel, in the order of the vector; the height of a bar is the value.
/** @param {Data} data @param {State} state @returns {Paint} */
function paintVector(data, state) {
  return (context, wide, high) => {
    context.clearRect(0, 0, wide, high);
    const entries = state.size ** 2;
    const lane = high / data.channels;
    const ink = getComputedStyle(context.canvas).color;
    for (let channel = 0; channel < data.channels; channel++) {
      const bottom = (channel + 1) * lane;
      context.fillStyle = data.channels === 1 ? ink : CHANNELS[channel][1];
      context.globalAlpha = data.channels === 1 ? 0.7 : 1;
      paintBars(context, valuesOf(data, state, channel), wide, bottom, lane - 1.45 * wordSize(context));
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.font = `${wordSize(context)}px system-ui, sans-serif`;
      const name = `${channelName(data, channel)}  ${range(channel * entries, entries)}`;
      context.fillText(name, 5, bottom - lane + wordSize(context));
    }
    if (state.entry === null) return;
    context.strokeStyle = ink;
    context.lineWidth = 1;
    const w = wide / entries;
    context.strokeRect(state.entry * w, 0.5, Math.max(w, 1), high - 1);
  };
}

// More values than the canvas has columns are drawn as the largest of each column.
/**
 * @param {Context} context @param {Float64Array} values @param {number} wide @param {number} bottom
 * @param {number} high
 */
function paintBars(context, values, wide, bottom, high) {
  const columns = Math.min(values.length, Math.ceil(wide * 2));
  context.beginPath();
  for (let at = 0; at < columns; at++) {
    const [from, to] = [at, at + 1].map((column) => Math.floor((column * values.length) / columns));
    const tall = Math.max(0, ...values.subarray(from, to)) * high;
    context.rect((at * wide) / columns, bottom - tall, wide / columns + 0.3, tall);
  }
  context.fill();
}

/**
 * @param {HTMLCanvasElement} image @param {Data} data @param {State} state
 * @param {() => { across: number, lines: number }} lineOf @returns {Paint}
 */
function paintSequence(image, data, state, lineOf) {
  return (context, wide, high) => {
    const { columns, count } = gridOf(data, state);
    const { across, lines } = lineOf();
    const { size } = state;
    const cell = Math.min(wide / across, high / lines);
    const gap = cell > 10 ? 1.5 : cell > 4 ? 0.5 : 0;
    const side = cell - gap;
    context.clearRect(0, 0, wide, high);
    context.imageSmoothingEnabled = size > cell;
    const order = orderOf(count, state.shuffled);
    for (const [place, patch] of order.entries()) {
      const [x, y] = [(place % across) * cell, Math.floor(place / across) * cell];
      const [left, top] = [(patch % columns) * size, Math.floor(patch / columns) * size];
      context.drawImage(image, left, top, size, size, x, y, side, side);
    }
    const chosen = order.indexOf(state.patch);
    outline(context, (chosen % across) * cell, Math.floor(chosen / across) * cell, side, side);
  };
}

// ---- the page --------------------------------------------------------------------------------------------------

/**
 * @param {HTMLCanvasElement} canvas @param {(place: Point) => void} point
 * @param {(down: number, right: number) => void} step
 */
function on(canvas, point, step) {
  onPoint(canvas, point);
  onKeys(canvas, arrows(step));
}

// Sideways steps walk along the sequence, over the end of a row to the next.
/** @param {ReturnType<typeof makeCanvases>} canvases @param {Data} data @param {State} state @param {Stage} stage */
function listen({ whole, vector, sequence, lineOf }, data, state, { change }) {
  const pick = (/** @type {number | undefined} */ patch) => {
    if (patch !== undefined && patch >= 0 && patch < gridOf(data, state).count) change({ patch, entry: null });
  };
  const walk = (/** @type {number} */ steps) => pick(state.patch + steps);
  const order = () => orderOf(gridOf(data, state).count, state.shuffled);
  on(
    whole,
    ([u, v]) => {
      const { rows, columns } = gridOf(data, state);
      pick(Math.floor(v * rows) * columns + Math.floor(u * columns));
    },
    (down, right) => walk(right + down * gridOf(data, state).columns),
  );
  on(
    sequence,
    ([u, v]) => pick(order()[Math.floor(v * lineOf().lines) * lineOf().across + Math.floor(u * lineOf().across)]),
    (down, right) => pick(order()[order().indexOf(state.patch) + right + down * lineOf().across]),
  );
  on(
    vector,
    ([u]) => change({ entry: Math.floor(u * state.size ** 2) }),
    (down, right) => change({ entry: clamp((state.entry ?? -1) + right + down * state.size, state.size ** 2) }),
  );
  onLeave(vector, () => change({ entry: null }));
}

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @param {Stage} stage */
function makeCanvases(image, data, state, { canvas, said }) {
  const lineOf = () => layout(gridOf(data, state).count, whole.parentElement?.parentElement?.clientWidth || 800);
  const reached = (/** @type {string} */ label) => focusable(label, said);
  const label = "The image and its patches: arrow keys pick a patch";
  const whole = canvas(image.width / image.height, paintWhole(image, data, state), reached(label));
  const patch = { role: "img", "aria-label": "The patch, enlarged" };
  const enlarged = canvas(1, paintEnlarged(image, data, state), patch);
  const entries = reached("The vector of the patch: arrow keys pick an entry");
  const vector = canvas("auto", paintVector(data, state), entries);
  const all = reached("All patches in order: arrow keys pick a patch");
  const sequence = canvas(1, paintSequence(image, data, state, lineOf), all);
  return { whole, enlarged, vector, sequence, lineOf };
}

/** @param {number[]} choices @param {number} chosen @param {(size: number) => void} act */
function makeSizes(choices, chosen, act) {
  const name = uniqueId("size");
  const sizes = choices.map((size) => {
    const radio = make("input", { type: "radio", name, value: size, onchange: () => act(size) });
    radio.checked = size === chosen;
    return make("label", {}, radio, make("span", {}, String(size)));
  });
  return make("fieldset", { class: "afv-sizes" }, make("legend", {}, "patch size in pixels"), ...sizes);
}

const HINT = [
  "Point at a patch, or move with the [arrow keys].",
  "Point at the vector to see which pixel an entry is. Rows, columns and patches count from 0.",
];

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const image = imageOf(model);
  const { width, height } = image;
  const data = {
    bytes: new Uint8Array(bytesOf(model.get("pixels"))),
    width,
    height,
    channels: model.get("channels"),
  };
  /** @type {State} */
  const state = { size: model.get("patch_size"), patch: 0, entry: null, shuffled: false };
  const { rows, columns } = gridOf(data, state);
  state.patch = Math.floor(rows / 2) * columns + Math.floor(columns / 2);
  /** @type {Stage} */
  const page = stage(state, () => {
    const { size, patch } = state;
    const { rows, columns, row, column, count, length } = gridOf(data, state);
    facts.write(factsOf(data, state));
    vectorTitle.textContent = `its vector: ${size} · ${size} · ${data.channels} = ${grouped(length)} numbers`;
    const product = `${height}/${size} · ${width}/${size} = ${rows} · ${columns}`;
    press([shuffle], () => state.shuffled);
    const order = state.shuffled ? "in random order" : "row by row";
    title.textContent = `The sequence: ${product} = ${grouped(count)} patches, ${order}`;
    entry.textContent = entryWords(data, state);
    const { across, lines } = canvases.lineOf();
    canvases.sequence.style.aspectRatio = `${across} / ${lines}`;
    const where = `Patch ${patch} of ${count}, row ${row}, column ${column}`;
    page.said.say(`${where}; a vector of ${length} numbers. ${entry.textContent} The sequence is ${order}.`);
  });
  const canvases = makeCanvases(image, data, state, page);
  const [facts, vectorTitle, title] = [factList(), make("figcaption"), make("summary")];
  const entry = make("p", { class: "afv-hint afv-values" });
  const sizes = makeSizes(model.get("choices"), state.size, (size) => page.change(resized(data, state, size)));
  const onclick = () => page.change({ shuffled: !state.shuffled });
  const shuffle = make("button", { type: "button", onclick }, "shuffle the sequence");
  sizes.append(shuffle);
  const patch = make("div", { class: "afv-patch" }, canvases.enlarged, facts.list);
  const vector = make("figure", { class: "afv-vector" }, vectorTitle, canvases.vector, entry);
  const whole = make("figure", { class: "afv-image" }, canvases.whole);
  const cut = make("div", { class: "afv-cut" }, whole, make("div", {}, patch, vector));
  const sequence = make("details", { class: "afv-sequence", open: true }, title, canvases.sequence);
  el.append(
    root("patches", "An image as a sequence of patches", sizes, cut, sequence, hint(...HINT), page.said.line),
  );
  listen(canvases, data, state, page);
  page.show();
  const watch = new ResizeObserver(() => page.change({})); // the sequence has other lines at another width
  watch.observe(cut);
  return () => {
    watch.disconnect();
    page.stop();
  };
}

export default widget(render);
