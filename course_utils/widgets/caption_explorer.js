// Images against captions: the matrix of cosines, and both softmaxes of it at a temperature.

import { cividisOf, diverging, onGround } from "./colours.js";
import {
  arrows,
  canvasOf,
  clamp,
  contextOf,
  factList,
  fitFont,
  focusable,
  hint,
  logScale,
  logSoftmax,
  widget,
} from "./shared.js";
import { make, onKeys, onPoint, outline, percent, press, root, slider, stage, trueMinus } from "./shared.js";
import { wordSize } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @import { Context, Facts, Paint } from "./shared.js" */
/** @typedef {{ captions: string[], names: string[], cosines: number[][], right: number[] }} Data */
/** @typedef {Data & { temperature: number, pixels: DataView[], width: number, height: number }} Traits */
/** @typedef {keyof typeof VIEWS} View */
/** @typedef {{ row: number, column: number, view: View, step: number, solved: boolean }} State  solved: pairs shown */
/** @typedef {ReturnType<typeof stage<State>>} Stage */

const VIEWS = { cosine: "cosine", row: "image chooses", column: "caption chooses" };
const HEAT = logScale(0.01, 1, 60); // temperatures
const HEAD = 0.45; // of a cell, above the matrix, for the numbers of the captions

// ---- the mathematics -------------------------------------------------------------------------------------------

// Logarithms of the shares with which each image chooses a caption, and each caption an image.
/** @param {number[][]} cosines @param {number} temperature */
export function choicesOf(cosines, temperature) {
  const turned = cosines[0].map((_, column) => cosines.map((row) => row[column]));
  const choose = (/** @type {number[]} */ values) => logSoftmax(values, temperature);
  return { byRow: cosines.map(choose), byColumn: turned.map(choose) };
}

// Mean of both cross entropies over the pairs.
/** @param {Data} data @param {number} temperature */
export function lossOf({ cosines, right }, temperature) {
  const { byRow, byColumn } = choicesOf(cosines, temperature);
  return (
    right.reduce((sum, column, row) => sum - byRow[row][column] - byColumn[column][row], 0) / (2 * cosines.length)
  );
}

// What the matrix shows: for each cell a cosine or a share, for its colour, and its text.
/** @param {number[][]} cosines @param {State} state @returns {[number, string][][]} */
export function cellsOf(cosines, { view, step }) {
  if (view === "cosine") return cosines.map((row) => row.map((value) => [value, trueMinus(value.toFixed(2))]));
  const { byRow, byColumn } = choicesOf(cosines, HEAT.at(step));
  return cosines.map((row, i) =>
    row.map((_, j) => {
      const share = Math.exp(view === "row" ? byRow[i][j] : byColumn[j][i]);
      return [share, share.toFixed(2)];
    }),
  );
}

/** @param {Data} data @param {State} state @returns {Facts} */
export function factsOf(data, { row, column, step, solved }) {
  const { cosines, captions, right } = data;
  const temperature = HEAT.at(step);
  const { byRow, byColumn } = choicesOf(cosines, temperature);
  const cosine = cosines[row][column];
  const pairs = right.length === captions.length && new Set(right).size === captions.length;
  return {
    cosine: ["cosine", trueMinus(cosine.toFixed(3))],
    logit: ["cosine / temperature", trueMinus((cosine / temperature).toFixed(2))],
    row: ["image chooses caption", percent(Math.exp(byRow[row][column]))],
    column: ["caption chooses image", percent(Math.exp(byColumn[column][row]))],
    ...(pairs && {
      loss: ["loss of the pairs, both directions", solved ? lossOf(data, temperature).toFixed(4) : "hidden"],
    }),
  };
}

// ---- painting --------------------------------------------------------------------------------------------------

/** @param {HTMLCanvasElement[]} images @param {Data} data @param {State} state @returns {Paint} */
function paintMatrix(images, { captions, cosines, right }, state) {
  return (context, w, h) => {
    const [cell, tall] = [w / (captions.length + 1), h / (images.length + HEAD)];
    context.clearRect(0, 0, w, h);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.imageSmoothingEnabled = false;
    context.font = `${Math.min(wordSize(context) + 1, cell * 0.32)}px system-ui, sans-serif`;
    context.fillStyle = getComputedStyle(context.canvas).color;
    for (const column of captions.keys()) {
      context.fillText(String(column + 1), (column + 1.5) * cell, (HEAD * tall) / 2);
    }
    for (const [row, values] of cellsOf(cosines, state).entries()) {
      const y = (row + HEAD) * tall;
      context.drawImage(images[row], 1, y + 1, cell - 3, tall - 3);
      for (const [column, [value, text]] of values.entries()) {
        const x = (column + 1) * cell;
        const levels = state.view === "cosine" ? diverging(clip(value, -1)) : cividisOf(clip(value, 0));
        paintCell(context, levels, text, x, y, cell, tall);
        if (state.solved && right[row] === column) dot(context, x + cell - 7, y + 7);
      }
    }
    outline(context, (state.column + 1) * cell + 2, (state.row + HEAD) * tall + 2, cell - 4, tall - 4);
  };
}

// Rounded cosines may lie a little beyond 1.
/** @param {number} value @param {number} least */
const clip = (value, least) => Math.min(1, Math.max(least, value));

/**
 * @param {Context} context @param {number[]} levels  of red, green and blue @param {string} text @param {number} x
 * @param {number} y @param {number} cell @param {number} tall
 */
function paintCell(context, levels, text, x, y, cell, tall) {
  const [ground, ink] = onGround(levels);
  context.fillStyle = ground;
  context.fillRect(x + 0.5, y + 0.5, cell - 1, tall - 1);
  context.fillStyle = ink;
  if (fitFont(context, "\u22120.00", cell)) context.fillText(text, x + cell / 2, y + tall / 2);
}

/** @param {Context} context @param {number} x @param {number} y */
function dot(context, x, y) {
  context.beginPath();
  context.arc(x, y, 3, 0, 7);
  context.fill();
}

// ---- the page --------------------------------------------------------------------------------------------------

// A button with a share as a bar and in words, behind a number or an image.
/** @param {string | HTMLCanvasElement} first @param {string} text @param {() => void} onclick */
function makeBar(first, text, onclick) {
  const [inner, value] = [make("i"), make("b")];
  const element = make("button", { type: "button", class: "afv-choice", onclick });
  element.append(typeof first === "string" ? make("em", {}, first) : small(first));
  element.append(make("span", {}, inner, make("u", {}, text)), value);
  return { inner, value, element };
}

/** @param {HTMLCanvasElement} image */
function small(image) {
  const canvas = make("canvas", { width: image.width, height: image.height, "aria-hidden": "true" });
  contextOf(canvas).drawImage(image, 0, 0);
  return canvas;
}

/** @param {ReturnType<typeof makeBar>[]} bars @param {number[]} logarithms @param {number} chosen */
function fill(bars, logarithms, chosen) {
  for (const [index, { inner, value }] of bars.entries()) {
    inner.style.width = `${100 * Math.exp(logarithms[index])}%`;
    value.textContent = percent(Math.exp(logarithms[index]));
  }
  const buttons = bars.map(({ element }) => element);
  press(buttons, (_, index) => index === chosen);
}

/** @param {string} name @param {ReturnType<typeof makeBar>[]} bars */
function makeList(name, bars) {
  const title = make("figcaption");
  return { title, figure: make("figure", { "data-list": name }, title, ...bars.map(({ element }) => element)) };
}

/** @param {HTMLCanvasElement} canvas @param {Data} data @param {State} state @param {Stage} page */
function listen(canvas, { cosines, captions }, state, { change }) {
  const [rows, columns] = [cosines.length, captions.length];
  const go = (/** @type {number} */ row, /** @type {number} */ column) =>
    change({ row: clamp(row, rows), column: clamp(column, columns) });
  onPoint(canvas, ([x, y]) => {
    const row = Math.floor(y * (rows + HEAD) - HEAD);
    if (row >= 0) go(row, Math.floor(x * (columns + 1)) - 1);
  });
  onKeys(
    canvas,
    arrows((down, right) => go(state.row + down, state.column + right)),
  );
}

// At a temperature of 1 a class begins by finding the pairs itself.
/** @param {number} temperature */
export const begun = (temperature) => ({ step: HEAT.stepOf(temperature), solved: temperature < 1 });

/** @param {Data} data */
const hintOf = ({ right }) =>
  hint(
    "A row is an image, a column a caption; their numbers are in the list.",
    "Point at a cell, or move with the [arrow keys].",
    ...(right.length ? ["Dots mark the right pairs, once you show them."] : []),
    "Cosines: blue is negative, orange positive. Shares: yellow is one, dark blue zero.",
    "In the lists, blue: the softmax along the row; orange: the softmax along the column.",
  );

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const [captions, names, right] = [model.get("captions"), model.get("names"), model.get("right")];
  const data = { captions, names, right, cosines: model.get("cosines") };
  const [width, height] = [model.get("width"), model.get("height")];
  const images = model.get("pixels").map((bytes) => canvasOf(bytes, width, height));
  /** @type {State} */
  const state = { row: 0, column: right[0] ?? 0, view: "cosine", ...begun(model.get("temperature")) };
  /** @type {Stage} */
  const page = stage(state, () => {
    const { row, column, view, step } = state;
    press(views, (button) => button.dataset.view === view);
    press([pairs], () => state.solved);
    const temperature = String(HEAT.at(step));
    heat.output.textContent = temperature;
    heat.input.setAttribute("aria-valuetext", temperature);
    const { byRow, byColumn } = choicesOf(data.cosines, HEAT.at(step));
    fill(ofRow, byRow[row], column);
    fill(ofColumn, byColumn[column], row);
    rowList.title.textContent = `${names[row]} chooses a caption`;
    columnList.title.textContent = `"${captions[column]}" chooses an image`;
    contextOf(shown).drawImage(images[row], 0, 0);
    shown.setAttribute("aria-label", names[row]);
    const told = factsOf(data, state);
    facts.write(told);
    const pair = `${names[row]} and "${captions[column]}": cosine ${told.cosine[1]}`;
    const shares = `this caption with ${told.row[1]}, the caption this image with ${told.column[1]}`;
    page.said.say(`${pair}; the image chooses ${shares}, at temperature ${temperature}.`);
  });
  const { change, said, canvas, show, stop } = page;
  const label = focusable("similarity of every image with every caption", said);
  const aspect = (captions.length + 1) / (images.length + HEAD);
  const matrix = canvas(aspect, paintMatrix(images, data, state), label);
  listen(matrix, data, state, page);
  const views = /** @type {[View, string][]} */ (Object.entries(VIEWS)).map(([view, name]) =>
    make("button", { type: "button", "data-view": view, onclick: () => change({ view }) }, name),
  );
  const onclick = () => change({ solved: !state.solved });
  const pairs = make("button", { type: "button", onclick }, "show the right pairs");
  const heat = slider("temperature", { ...HEAT.range, value: state.step }, (step) => change({ step }));
  const shown = make("canvas", { width, height, class: "afv-image", role: "img" });
  const ofRow = captions.map((caption, column) => makeBar(String(column + 1), caption, () => change({ column })));
  const ofColumn = names.map((name, row) => makeBar(images[row], name, () => change({ row })));
  const [rowList, columnList, facts] = [makeList("row", ofRow), makeList("column", ofColumn), factList()];
  const group = { class: "afv-views", role: "group", "aria-label": "what the matrix shows" };
  const chosen = make("div", { class: "afv-chosen" }, shown, facts.list);
  const lists = make("div", {}, rowList.figure, columnList.figure);
  const bar = make(
    "div",
    { class: "afv-bar" },
    make("span", group, ...views),
    heat.label,
    ...(right.length ? [pairs] : []),
  );
  const both = make("div", { class: "afv-both" }, make("figure", {}, matrix, chosen), lists);
  el.append(
    root("captions", "Images and captions: similarities and both softmaxes", bar, both, hintOf(data), said.line),
  );
  show();
  return stop;
}

export default widget(render);
