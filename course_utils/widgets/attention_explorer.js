// Attention over an image. One query is shared by all models; each paints where its token there looks.

import { CIVIDIS, cividis } from "./colours.js";
import {
  arrows,
  bytesOf,
  clamp,
  contextOf,
  factList,
  focusable,
  hint,
  imageOf,
  make,
  onKeys,
  widget,
} from "./shared.js";
import { onLeave, onPoint, outline, paintImage, percent, press, root, stage } from "./shared.js";
import { askerOf, askNext, askSpecial, cell, factsOf, mapName, mapOf, moveTo } from "./attention_answers.js";
import { prefixOf, readModels, readRow, RELEASED, sentenceOf, specialName, stepped } from "./attention_answers.js";
import { toggleHold, topsOf } from "./attention_answers.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
/** @import { Answer, Grid, One, Sent, State } from "./attention_answers.js" */
/** @import { Context, Paint, Point } from "./shared.js" */
/**
 * @typedef {object} Traits
 * @property {DataView} pixels @property {number} width @property {number} height
 * @property {Sent[]} models @property {string[]} head_names @property {DataView} weights @property {Point} start
 */
/** @typedef {ReturnType<typeof read>} Data */
/** @typedef {ReturnType<typeof stage<State>>} Stage */
/** @typedef {ReturnType<typeof makePanel> & ReturnType<typeof makeHeads>} Panel */

/** @param {AnyModel<Traits>} model */
function read(model) {
  const models = readModels(model.get("models"), bytesOf(model.get("weights")));
  const most = (/** @type {"layers" | "heads" | "special"} */ key) => Math.max(...models.map((one) => one[key]));
  return { image: imageOf(model), models, layers: most("layers"), heads: most("heads"), specials: most("special") };
}

/** @param {HTMLCanvasElement} canvas @param {Grid} one @param {Data} data @param {State} state @param {Stage} page */
function listen(canvas, one, { layers, specials }, state, { change }) {
  const step = (/** @type {number} */ down, /** @type {number} */ right) =>
    change(moveTo(state, stepped(one, state, down, right)));
  const toggle = () => change(toggleHold(state));
  onPoint(canvas, (point) => change(moveTo(state, point)));
  let touched = false; // by a finger, which cannot point without pressing; in Safari a click does not say by what
  canvas.addEventListener("pointerdown", ({ pointerType }) => {
    touched = pointerType === "touch";
  });
  canvas.addEventListener("click", () => {
    if (!touched) toggle();
  });
  onLeave(canvas, () => {
    if (state.held) change({ reading: null });
  });
  onKeys(canvas, {
    ...arrows(step),
    home: () => step(0, -one.columns),
    end: () => step(0, one.columns),
    enter: toggle,
    " ": toggle,
    escape: () => change(RELEASED),
    c: () => change(askNext(state, specials)),
    pageup: () => change({ layer: clamp(state.layer + 1, layers) }),
    pagedown: () => change({ layer: clamp(state.layer - 1, layers) }),
  });
}

// ---- panels ----------------------------------------------------------------------------------------------------

/** @param {One} one @param {number} index @param {Data} data @param {State} state @param {Stage} stage */
function makePanel(one, index, data, state, stage) {
  const cells = cellsCanvas(one);
  const [caption, top, facts, { image }] = [make("figcaption"), make("span"), factList(), data];
  /** @type {Answer} */
  const answer = { one, asker: null, weights: new Float32Array(one.tokens), title: "" };
  const label = `${prefixOf(one)}attention over the image; arrow keys move the patch that asks`;
  /** @type {Paint} */
  const draw = (context, wide, high) => {
    paintImage(context, image, wide, high);
    if (answer.asker === null) return;
    context.globalAlpha = state.opacity;
    context.imageSmoothingEnabled = false;
    context.drawImage(cells.canvas, 0, 0, wide, high);
    context.globalAlpha = 1;
    paintMarks(context, one, state, wide, high);
  };
  const attributes = { ...focusable(label, stage.said), "data-panel": index };
  const canvas = stage.canvas(image.width / image.height, draw, attributes);
  const colours = make("i", { style: `background: linear-gradient(90deg, ${CIVIDIS.join(",")})` });
  const scale = make("div", { class: "afv-scale", "aria-hidden": "true" }, make("span", {}, "0"), colours, top);
  const figure = make("figure", {}, caption, canvas, scale, facts.list);
  listen(canvas, one, data, state, stage);
  return { answer, cells, caption, top, facts, figure };
}

// Every map of a layer in small, live: to be compared at a glance and chosen by a click.
/** @param {One} one @param {string[]} names @param {Stage} stage */
function makeHeads(one, names, { change }) {
  const single = one.heads === 1 && one.layers === 1;
  const maps = single ? [] : [...(one.heads > 1 ? ["mean"] : []), ...Array(one.heads).keys(), "rollout"];
  const small = maps.map((map) => {
    const cells = cellsCanvas(one);
    const attributes = {
      type: "button",
      title: mapName(map, names),
      "data-map": map,
      onclick: () => change({ map }),
    };
    const name = make("span", {}, (typeof map === "number" && names[map]) || String(map));
    return {
      one,
      map,
      cells,
      button: make("button", attributes, cells.canvas, name),
      weights: new Float32Array(one.tokens),
    };
  });
  const wide = names.length ? " afv-wide" : "";
  const group = { class: `afv-heads${wide}`, role: "group", "aria-label": `${prefixOf(one)}map` };
  const [title, buttons] = [make("b"), make("div", {}, ...small.map(({ button }) => button))];
  return { small, title, strips: single ? [] : [make("div", group, title, buttons)] };
}

// A canvas with one pixel per patch, to be drawn larger.
/** @param {Grid} one */
function cellsCanvas({ rows, columns }) {
  const canvas = make("canvas", { width: columns, height: rows });
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  const image = new ImageData(columns, rows);
  image.data.fill(255);
  return { canvas, image, context: contextOf(canvas) };
}

// ---- painting --------------------------------------------------------------------------------------------------

/** @param {Panel[]} panels @param {State} state @param {string[]} names */
function paintMaps(panels, state, names) {
  for (const panel of panels) readAnswer(panel, state, names);
  const asked = panels.filter(({ answer }) => answer.asker !== null);
  const tops = topsOf(
    asked.map(({ answer }) => answer),
    state.own,
  );
  for (const [index, { answer, cells, top }] of asked.entries()) {
    colour(cells, answer.one, answer.weights, tops[index]);
    top.textContent = percent(tops[index]);
  }
  const small = asked.flatMap(({ small }) => small);
  const heads = paintSmall(
    small.filter(({ map }) => map !== "rollout"),
    state.own,
  );
  const rollouts = paintSmall(
    small.filter(({ map }) => map === "rollout"),
    state.own,
  );
  const yellow = state.own ? "each map's largest weight" : `${percent(heads)}; in rollout ${percent(rollouts)}`;
  for (const { answer, title } of asked) title.textContent = `${prefixOf(answer.one)}yellow is ${yellow}`;
}

// Paints small maps and returns the largest weight among them.
/** @param {Panel["small"]} small @param {boolean} own */
function paintSmall(small, own) {
  const tops = topsOf(small, own);
  for (const [index, { one, cells, weights }] of small.entries()) colour(cells, one, weights, tops[index]);
  return Math.max(0, ...tops);
}

/** @param {Panel} panel @param {State} state @param {string[]} names */
function readAnswer({ answer, caption, facts, small }, state, names) {
  const { one, weights } = answer;
  const { layer, map, title } = mapOf(one, state, names);
  Object.assign(answer, { asker: askerOf(one, state), title });
  caption.textContent = one.name ? `${one.name}\n${title}` : title;
  if (answer.asker !== null) {
    readRow(one, layer, map, answer.asker, weights);
    for (const each of small) readRow(one, layer, each.map, answer.asker, each.weights);
  }
  const buttons = small.map(({ button }) => button);
  press(buttons, (_, index) => small[index].map === map);
  facts.write(factsOf(answer, state));
}

/** @param {ReturnType<typeof cellsCanvas>} cells @param {Grid} one @param {Float32Array} weights @param {number} top */
function colour({ image, context }, one, weights, top) {
  const scale = top > 0 ? 255 / top : 0;
  for (let patch = 0; patch < one.rows * one.columns; patch++) {
    const level = 3 * Math.round(weights[one.special + patch] * scale);
    for (let c = 0; c < 3; c++) image.data[4 * patch + c] = cividis[level + c];
  }
  context.putImageData(image, 0, 0);
}

/** @param {Context} context @param {Grid} one @param {State} state @param {number} wide @param {number} high */
function paintMarks(context, one, state, wide, high) {
  const [w, h] = [wide / one.columns, high / one.rows];
  const mark = (/** @type {Point} */ point, /** @type {number[]} */ dash) => {
    const { row, column } = cell(one, point);
    outline(context, column * w, row * h, w, h, dash);
  };
  if (state.special === null) mark(state.point, []);
  if (state.reading) mark(state.reading, [3, 3]);
}

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {Data} data @param {State} state @param {Stage} stage */
function makeSource(data, state, { canvas, said }) {
  const { image, models } = data;
  const attributes = { ...focusable("The image: arrow keys move the patch that asks", said), "data-panel": "image" };
  /** @type {Paint} */
  const paint = (context, wide, high) => {
    paintImage(context, image, wide, high);
    paintMarks(context, models[0], state, wide, high);
  };
  return canvas(image.width / image.height, paint, attributes);
}

/** @param {Data} data @param {State} state @param {Stage} stage */
function makeBar({ models, layers, heads, specials }, state, { change }) {
  const range = (/** @type {Record<string, unknown>} */ attributes) =>
    make("input", { type: "range", min: 0, ...attributes });
  const layer = range({ max: layers - 1, step: 1, value: state.layer, "aria-label": "layer" });
  layer.oninput = () => change({ layer: Number(layer.value) });
  const opacity = range({ max: 100, step: 5, value: 100 * state.opacity, "aria-label": "strength of the overlay" });
  opacity.oninput = () => change({ opacity: Number(opacity.value) / 100 });
  const button = (/** @type {() => void} */ onclick, /** @type {string} */ name) =>
    make("button", { type: "button", onclick }, name);
  const askers = Array.from({ length: specials }, (_, special) =>
    button(() => change(askSpecial(state, special)), `ask the ${specialName(models[0], special)}`),
  );
  const holder = button(() => change(toggleHold(state)), "hold the query");
  const scale = button(() => change({ own: !state.own }), "own scale per map");
  const words = make("output");
  const layerLabel = layers > 1 ? [make("label", {}, "layer", layer, words)] : [];
  const bar = make(
    "div",
    { class: "afv-bar" },
    ...layerLabel,
    make("label", {}, "overlay", opacity),
    ...askers,
    holder,
    ...(models.length * layers * heads > 1 ? [scale] : []),
  );
  const paint = () => {
    words.textContent = `${state.layer} of 0–${layers - 1}`;
    layer.value = String(state.layer);
    press(askers, (_, special) => state.special === special);
    press([holder], () => state.held);
    press([scale], () => state.own);
    holder.textContent = state.held ? "release the query" : "hold the query";
  };
  return { bar, paint };
}

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const data = read(model);
  const { models, layers, heads, specials } = data;
  const names = model.get("head_names");
  /** @type {State} */
  const state = {
    layer: layers - 1,
    map: heads > 1 ? "mean" : 0,
    opacity: 0.8,
    point: model.get("start"),
    special: null,
    held: false,
    reading: null,
    own: false,
  };
  /** @type {Stage} */
  const page = stage(state, () => {
    const { row, column } = cell(models[0], state.point);
    const asks =
      state.special === null ? `Row ${row}, column ${column}` : `The ${specialName(models[0], state.special)}`;
    caption.textContent = `${asks} asks`;
    scale.textContent = `Yellow is the largest weight ${state.own ? "of each map" : "shown"}, dark blue none.`;
    paintMaps(panels, state, names);
    bar.paint();
    page.said.say(panels.map(({ answer }) => sentenceOf(answer, state)).join(" "));
  });
  const caption = make("figcaption");
  const source = makeSource(data, state, page);
  listen(source, models[0], data, state, page);
  const panels = models.map((one, index) => ({
    ...makePanel(one, index, data, state, page),
    ...makeHeads(one, names, page),
  }));
  const bar = makeBar(data, state, page);
  const scale = make("p");
  el.append(
    root(
      "attention",
      "Attention over an image",
      make(
        "div",
        { class: `afv-panels${models.length > 1 ? " afv-several" : ""}` },
        make("figure", { class: "afv-source" }, caption, source, scale),
        ...panels.map(({ figure }) => figure),
      ),
      ...panels.flatMap(({ strips }) => strips),
      bar.bar,
      hint(
        "Point at a patch or use the [arrow keys]: it asks, the colours answer.",
        "Click or [Enter] holds it, so that you can read the weight of any other patch.",
        ...(specials ? [`[C] lets the ${specialName(models[0], 0)} ask.`] : []),
        ...(layers > 1 ? ["[PgUp] [PgDn] change the layer."] : []),
        "All numbers count from 0.",
      ),
      page.said.line,
    ),
  );
  page.show();
  return page.stop;
}

export default widget(render);
