// A neighbourhood under the pointer: its pixels, a convolution's weights there, and the attention's.

import { cividisOf, diverging, onGround } from "./colours.js";
import {
  arrows,
  bytesOf,
  clamp,
  factList,
  fitFont,
  focusable,
  hint,
  imageOf,
  make,
  onKeys,
  widget,
} from "./shared.js";
import { onLeave, onPoint, outline, paintImage, press, root, stage, trueMinus } from "./shared.js";
import { canShare, coloursOf, headName, neighbour, offsets, stepped, told, topOf, weight } from "./local_answers.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
/** @import { Data, Numbers, State } from "./local_answers.js" */
/** @import { Context, Paint } from "./shared.js" */
/** @typedef {{ pixels: DataView, width: number, height: number, weights: DataView, head_names: string[], start: number[] }} Sent */
/** @typedef {ReturnType<typeof stage<State>>} Stage */

/** @param {AnyModel<Numbers & Sent>} model @returns {Data} */
function read(model) {
  const size = model.get("size");
  return {
    size,
    half: (size - 1) / 2,
    heads: model.get("heads"),
    rows: model.get("rows"),
    columns: model.get("columns"),
    kernel: model.get("kernel"),
    names: model.get("head_names"),
    weights: new Uint16Array(bytesOf(model.get("weights"))),
  };
}

// ---- painting --------------------------------------------------------------------------------------------------

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @returns {Paint} */
function paintWhole(image, { rows, columns, size, half }, state) {
  return (context, wide, high) => {
    paintImage(context, image, wide, high);
    const [w, h] = [wide / columns, high / rows];
    outline(context, (state.column - half) * w, (state.row - half) * h, size * w, size * h);
    outline(context, state.column * w, state.row * h, w, h, [2, 2]);
  };
}

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @returns {Paint} */
function pixels(image, data, state) {
  const { size, columns } = data;
  const side = image.width / columns; // of a position, in pixels of the image
  return (context, wide) => {
    const cell = wide / size;
    context.imageSmoothingEnabled = false;
    for (const offset of offsets(data)) {
      const place = neighbour(data, state, offset);
      const [x, y] = [(offset % size) * cell, Math.floor(offset / size) * cell];
      if (!place) hatch(context, x, y, cell);
      else context.drawImage(image, place.column * side, place.row * side, side, side, x, y, cell + 0.5, cell + 0.5);
    }
    mark(context, data, state, cell);
  };
}

/** @param {Data} data @param {State} state @returns {Paint} */
function convolution(data, state) {
  const { size, kernel } = data;
  const loudest = Math.max(...kernel.map(Math.abs)) || 1;
  return (context, wide) => {
    const cell = wide / size;
    const top = state.common ? topOf(data, state) : 0;
    for (const offset of offsets(data)) {
      const levels = state.common ? cividisOf(kernel[offset] / top) : diverging(kernel[offset] / loudest);
      paintCell(context, levels, trueMinus(kernel[offset].toFixed(2)), offset, size, cell);
    }
    mark(context, data, state, cell);
  };
}

/** @param {Data} data @param {State} state @returns {Paint} */
function attention(data, state) {
  return (context, wide) => {
    paintWeights(context, wide, data, state);
    mark(context, data, state, wide / data.size);
  };
}

/** @param {Context} context @param {number} wide @param {Data} data @param {State} state */
function paintWeights(context, wide, data, state) {
  const { size } = data;
  const cell = wide / size;
  const top = topOf(data, state);
  for (const offset of offsets(data)) {
    const value = weight(data, state, offset);
    if (neighbour(data, state, offset))
      paintCell(context, cividisOf(value / top), value.toFixed(2), offset, size, cell);
    else hatch(context, (offset % size) * cell, Math.floor(offset / size) * cell, cell);
  }
}

// One cell, with its number when there is room.
/**
 * @param {Context} context @param {number[]} levels  of red, green and blue @param {string} text
 * @param {number} offset @param {number} size @param {number} cell
 */
function paintCell(context, levels, text, offset, size, cell) {
  const [ground, ink] = onGround(levels);
  const [x, y] = [offset % size, Math.floor(offset / size)];
  context.fillStyle = ground;
  context.fillRect(x * cell, y * cell, cell + 0.5, cell + 0.5);
  context.fillStyle = ink;
  if (fitFont(context, text, cell)) context.fillText(text, (x + 0.5) * cell, (y + 0.5) * cell);
}

/** @param {Context} context @param {number} x @param {number} y @param {number} cell */
function hatch(context, x, y, cell) {
  context.save();
  context.beginPath();
  context.rect(x, y, cell + 0.5, cell + 0.5);
  context.clip();
  context.fillStyle = "#d5d5d5";
  context.fillRect(x, y, cell + 1, cell + 1);
  context.strokeStyle = "#777";
  context.lineWidth = 1;
  context.beginPath();
  const gap = Math.max(4, cell / 4);
  for (let at = -cell; at < cell; at += gap) {
    context.moveTo(x + at, y + cell);
    context.lineTo(x + at + cell, y);
  }
  context.stroke();
  context.restore();
}

/** @param {Context} context @param {Data} data @param {State} state @param {number} cell */
function mark(context, { size, half }, { offset }, cell) {
  outline(context, half * cell + 1, half * cell + 1, cell - 2, cell - 2, [2, 2]);
  if (offset === null) return;
  outline(context, (offset % size) * cell + 1, Math.floor(offset / size) * cell + 1, cell - 2, cell - 2);
}

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {HTMLCanvasElement} canvas @param {Data} data @param {State} state @param {Stage} stage */
function listen(canvas, { rows, columns }, state, { change }) {
  const go = (/** @type {number} */ row, /** @type {number} */ column) =>
    change({ row: clamp(row, rows), column: clamp(column, columns) });
  onPoint(canvas, ([x, y]) => go(Math.floor(y * rows), Math.floor(x * columns)));
  onKeys(canvas, {
    ...arrows((down, right) => go(state.row + down, state.column + right)),
    home: () => go(state.row, 0),
    end: () => go(state.row, columns),
  });
}

/**
 * @param {string} title @param {Paint} paint @param {string} label @param {Data} data @param {State} state
 * @param {Stage} stage
 */
function panel(title, paint, label, data, state, { canvas, change, said }) {
  const { size } = data;
  const shown = canvas(1, paint, { ...focusable(`${label}: arrow keys read a cell`, said), "data-panel": title });
  const caption = make("figcaption", {}, title);
  const leave = () => change({ offset: null });
  shown.addEventListener("blur", leave);
  const step = (/** @type {number} */ down, /** @type {number} */ right) =>
    change({ offset: stepped(data, state.offset, down, right) });
  onKeys(shown, { ...arrows(step), escape: leave });
  // After the focus has come, which another panel loses.
  onPoint(shown, ([x, y]) => change({ offset: Math.floor(y * size) * size + Math.floor(x * size) }));
  onLeave(shown, leave);
  return { caption, figure: make("figure", {}, caption, shown) };
}

/** @param {Data} data @param {State} state @param {Stage} stage */
function makeHeads(data, state, { canvas, change }) {
  return Array.from({ length: data.heads }, (_, head) => {
    const small = canvas(1, (context, wide) => paintWeights(context, wide, data, { ...state, head }), {});
    const title = headName(data, head);
    const attributes = { type: "button", title, "data-head": head, onclick: () => change({ head }) };
    return make("button", attributes, small, make("span", {}, data.names[head] ?? String(head)));
  });
}

const HINT = [
  "Point at the image or use the [arrow keys]; [H] takes the next head.",
  "Point at a cell, or go there with the keys, to read its numbers.",
  "Hatched: beyond the border, no weight.",
];

/** @param {RenderProps<Numbers & Sent>} props */
function render({ model, el }) {
  const [image, data] = [imageOf(model), read(model)];
  const { heads } = data;
  const [row, column] = model.get("start");
  /** @type {State} */
  const state = { row, column, head: 0, offset: null, common: false };
  /** @type {Stage} */
  const page = stage(state, () => {
    const { facts, sentence } = told(data, state);
    press(thumbnails, (_, head) => head === state.head);
    panels[2].caption.textContent = heads > 1 ? `attention, ${headName(data, state.head)}` : "attention";
    press([scale], () => state.common);
    colours.textContent = coloursOf(state);
    shown.write(facts);
    page.said.say(sentence);
  });
  const label = "The image: arrow keys move the centre of the neighbourhood";
  const attributes = { ...focusable(label, page.said), "data-panel": "image" };
  const source = page.canvas(image.width / image.height, paintWhole(image, data, state), attributes);
  const panels = [
    panel("the pixels there", pixels(image, data, state), "pixels of the neighbourhood", data, state, page),
    panel("convolution", convolution(data, state), "weights of the convolution", data, state, page),
    panel("attention", attention(data, state), "weights of the attention", data, state, page),
  ];
  const thumbnails = makeHeads(data, state, page);
  const shown = factList();
  const group = make("div", { class: "afv-heads", role: "group", "aria-label": "head" }, ...thumbnails);
  const onclick = () => page.change({ common: !state.common });
  const scale = make("button", { type: "button", onclick }, "one scale");
  const bar = make("div", { class: "afv-bar" }, ...(heads > 1 ? [group] : []), ...(canShare(data) ? [scale] : []));
  const colours = hint();
  const figures = [
    make("figure", {}, make("figcaption", {}, "The image"), source),
    ...panels.map(({ figure }) => figure),
  ];
  const places = make("div", { class: "afv-places", style: `--size: ${data.size}` }, ...figures);
  const title = "A neighbourhood, the weights of a convolution and those of attention";
  const hints = [...HINT, ...(canShare(data) ? ["[S] gives kernel and attention one scale."] : [])];
  const whole = root("local", title, places, bar, shown.list, hint(...hints), colours, page.said.line);
  onKeys(whole, { h: () => page.change({ head: (state.head + 1) % heads }), ...(canShare(data) && { s: onclick }) });
  el.append(whole);
  listen(source, data, state, page);
  page.show();
  return page.stop;
}

export default widget(render);
