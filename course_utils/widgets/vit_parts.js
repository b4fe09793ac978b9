// The beginning of the explorer's page: the picture and its token.

import { diverging, rgb } from "./colours.js";
import { arrows, clamp, factList, focusable, make, onKeys, outline, paintImage } from "./shared.js";
import { placeOf, press } from "./shared.js";
import { changesInWords, tokenName } from "./vit_answers.js";
import { part } from "./vit_layers.js";
import { asRead, placed, putPicture } from "./vit_pictures.js";

/** @import { Context, Paint, Point } from "./shared.js" */
/** @import { Lab } from "./vit_explorer.js" */

// ---- the picture -----------------------------------------------------------------------------------------------

/** @param {Lab} lab */
export function makePicture(lab) {
  const { config, state, page } = lab;
  const { width, height, rows, columns } = config;
  const shown = make("canvas", { width, height });
  /** @type {Paint} */
  const draw = (context, wide, high) => {
    paintImage(context, shown, wide, high);
    paintGrid(context, config, wide, high);
    const [cell, tall] = [wide / columns, high / rows];
    const patch = state.query - config.special;
    if (patch >= 0) outline(context, (patch % columns) * cell, Math.floor(patch / columns) * tall, cell, tall);
    if (state.tool === "draw") paintPen(context, state.pen, wide, high);
  };
  const label =
    "The picture as the model reads it: arrow keys move the query patch or the pen, Space erases or draws";
  const canvas = page.canvas(width / height, draw, { ...focusable(label, page.said), "data-panel": "picture" });
  listenToPointer(canvas, lab);
  listenToKeys(canvas, lab);
  const tools = /** @type {const} */ (["look", "erase", "draw"]).map((tool) =>
    make("button", { type: "button", onclick: () => page.change({ tool }) }, tool),
  );
  const bar = make("div", { class: "afv-bar", role: "group", "aria-label": "what the pointer does" }, ...tools);
  const samples = makeSamples(lab);
  const { caption, element } = part("", "picture", canvas, bar, samples.element);
  const paint = () => {
    const { picture, placing, changes, name } = state.experiment;
    putPicture(shown, asRead(placed(picture, config, placing), config, changes.erased, changes.order), config);
    caption.textContent = `Picture: ${name}`;
    const done = changesInWords(state.experiment);
    element.title = done;
    canvas.style.touchAction = state.tool === "look" ? "" : "none"; // a finger draws and does not scroll
    press(tools, (button) => button.textContent === state.tool);
    samples.paint();
  };
  return { element, paint };
}

/** @param {Context} context @param {Lab["config"]} config @param {number} width @param {number} height */
function paintGrid(context, { rows, columns }, width, height) {
  context.fillStyle = "rgba(128, 128, 128, 0.55)";
  for (let line = 1; line < columns; line++) context.fillRect((line * width) / columns - 0.5, 0, 1, height);
  for (let line = 1; line < rows; line++) context.fillRect(0, (line * height) / rows - 0.5, width, 1);
}

/** @param {Context} context @param {Lab["state"]["pen"]} pen @param {number} width @param {number} height */
function paintPen(context, { at, down }, width, height) {
  outline(context, at[0] * width - 4, at[1] * height - 4, 8, 8, down ? [] : [2, 2]);
}

/** @param {Lab} lab */
function makeSamples({ config, samples, state, act }) {
  const buttons = samples.map(({ picture, name }) => {
    const canvas = make("canvas", { width: config.width, height: config.height });
    putPicture(canvas, picture, config);
    const onclick = () => act.choose(picture, name);
    return make("button", { type: "button", title: name, "aria-label": `picture: ${name}`, onclick }, canvas);
  });
  const element = make("div", { class: "afv-samples", role: "group", "aria-label": "pictures" }, ...buttons);
  return { element, paint: () => press(buttons, (_, at) => state.experiment.picture === samples[at].picture) };
}

// A patch of the grid under a point.
/** @param {Lab["config"]} config @param {Point} point */
export const patchUnder = ({ rows, columns }, [x, y]) => Math.floor(y * rows) * columns + Math.floor(x * columns);

/** @param {Lab["config"]} config */
export const middleToken = ({ special, rows, columns }) =>
  special + Math.floor(rows / 2) * columns + Math.floor(columns / 2);

/** @param {HTMLCanvasElement} canvas @param {Lab} lab */
function listenToPointer(canvas, { config, state, page, act }) {
  /** @type {Point | null} */
  let last = null; // of a stroke
  let erasing = true;
  const look = (/** @type {Point} */ point) => page.change({ query: config.special + patchUnder(config, point) });
  const stroke = (/** @type {Point} */ point) => {
    if (state.tool === "draw") act.draw(last ?? point, point);
    else act.erase(patchUnder(config, point), erasing);
    last = point;
  };
  canvas.addEventListener("pointerdown", (event) => {
    const point = placeOf(event, canvas);
    if (state.tool === "look") return look(point);
    canvas.setPointerCapture(event.pointerId);
    erasing = !act.isErased(patchUnder(config, point));
    page.change({ pen: { at: point, down: false } });
    stroke(point);
  });
  canvas.addEventListener("pointermove", (event) => {
    const point = placeOf(event, canvas);
    if (state.tool === "look") look(point);
    else if (last) stroke(point);
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(end, () => {
      last = null;
      act.settle();
    });
  }
}

/** @param {HTMLCanvasElement} canvas @param {Lab} lab */
function listenToKeys(canvas, { config, state, page, act }) {
  const { special, rows, columns } = config;
  const patch = () => (state.query < special ? middleToken(config) : state.query) - special;
  const step = (/** @type {number} */ down, /** @type {number} */ right) => {
    if (state.tool !== "draw") {
      const [row, column] = [Math.floor(patch() / columns) + down, (patch() % columns) + right];
      return page.change({ query: special + clamp(row, rows) * columns + clamp(column, columns) });
    }
    const inside = (/** @type {number} */ value) => Math.min(1 - 1e-6, Math.max(0, value));
    const { at, down: lowered } = state.pen;
    /** @type {Point} */
    const next = [inside(at[0] + right / config.width), inside(at[1] + down / config.height)];
    page.change({ pen: { at: next, down: lowered } });
    if (lowered) act.draw(at, next);
  };
  const press = () => {
    if (state.tool !== "draw") {
      act.erase(patch(), !act.isErased(patch()));
      return act.settle();
    }
    const { at, down } = state.pen;
    page.change({ pen: { at, down: !down } });
    if (down) act.settle();
    else act.draw(at, at);
  };
  const nextSpecial = () => {
    const next = state.query < special ? state.query + 1 : 0;
    page.change({ query: next < special ? next : middleToken(config) });
  };
  onKeys(canvas, { ...arrows(step), enter: press, " ": press, c: nextSpecial, u: act.undo });
}

// ---- the token -------------------------------------------------------------------------------------------------

/** @param {Lab} lab */
export function makeToken({ config, models, state, page }) {
  const patch = make("canvas", { width: config.patch_size, height: config.patch_size, role: "img" });
  const strips = [0, 1, 2].map(() => new Float32Array(config.dim));
  const label = "The numbers of the token: projected patch, position and their sum";
  /** @type {Paint} */
  const draw = (context, width, high) => paintStrips(context, strips, width, high);
  const canvas = page.canvas(3, draw, { role: "img", "aria-label": label });
  const facts = factList();
  const { caption, element } = part("", "token", make("div", { class: "afv-vector" }, patch, canvas), facts.list);
  const paint = () => {
    const { query, experiment, answer } = state;
    const [special, place] = [query < config.special, query - config.special];
    const { picture, placing, changes } = experiment;
    caption.textContent = `Token ${query}: ${tokenName(config, query)}`;
    const read = asRead(placed(picture, config, placing), config, changes.erased, changes.order);
    const [row, column] = [Math.floor(place / config.columns), place % config.columns];
    const corner = { row: row * config.patch_size, column: column * config.patch_size };
    patch.hidden = special;
    if (!special) putPicture(patch, read, config, corner);
    patch.setAttribute("aria-label", `the patch in ${tokenName(config, query)}`);
    if (!answer) return;
    const at = query * config.dim;
    for (let i = 0; i < config.dim; i++) {
      strips[2][i] = answer.embedded[at + i];
      strips[1][i] = changes.positions ? Number(models[state.model].weights?.positions[at + i]) : 0;
      strips[0][i] = strips[2][i] - strips[1][i];
    }
    const [content, position] = strips.map((strip) => Math.hypot(...strip).toFixed(2));
    const source = special
      ? "a learned vector"
      : `${config.channels * config.patch_size ** 2} pixel values, projected`;
    facts.write({
      content: [`above: ${source}`, `length ${content}`],
      position: ["middle: its position", `length ${position}`],
      sum: ["below: their sum", `${config.dim} numbers`],
    });
  };
  return { element, paint };
}

// Three rows of numbers: white is zero, blue negative, orange positive.
/** @param {Context} context @param {Float32Array[]} strips @param {number} width @param {number} high */
function paintStrips(context, strips, width, high) {
  const top =
    Math.max(...strips.map((strip) => strip.reduce((most, value) => Math.max(most, Math.abs(value)), 0))) || 1;
  const tall = high / strips.length;
  context.clearRect(0, 0, width, high);
  for (const [row, strip] of strips.entries()) {
    for (const [at, value] of strip.entries()) {
      context.fillStyle = rgb(diverging(value / top));
      context.fillRect((at * width) / strip.length, row * tall, width / strip.length + 0.5, tall - 3);
    }
  }
}
