// The rest of the explorer's page: the layers, the answer, and changes to the whole model.

import { cividis } from "./colours.js";
import { contextOf, make, percent, press, slider } from "./shared.js";
import { largestAt, movesOf, peakOf, readingOf, rowOf, tokenName, whole } from "./vit_answers.js";

/** @import { Lab } from "./vit_explorer.js" */

// ---- maps ------------------------------------------------------------------------------------------------------

// A small canvas with one pixel per patch; paint(numbers, top) colours it, from dark blue for 0 to yellow for top.
/** @param {{ rows: number, columns: number }} grid */
export function cellMap({ rows, columns }) {
  const canvas = make("canvas", { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  image.data.fill(255);
  /** @param {ArrayLike<number>} numbers @param {number} top */
  const paint = (numbers, top) => {
    for (let patch = 0; patch < rows * columns; patch++) {
      const level = 3 * Math.round(255 * Math.min(1, Math.max(0, numbers[patch] / (top || 1))));
      for (let c = 0; c < 3; c++) image.data[4 * patch + c] = cividis[level + c];
    }
    contextOf(canvas).putImageData(image, 0, 0);
  };
  return { canvas, paint };
}

/** @param {string} title @param {string} name @param {(Node | string)[]} children */
export function part(title, name, ...children) {
  const caption = make("figcaption", {}, title);
  return { caption, element: make("figure", { class: `afv-${name}`, "data-part": name }, caption, ...children) };
}

// ---- the layers ------------------------------------------------------------------------------------------------

/** @param {Lab} lab */
export function makeLayers(lab) {
  const rows = Array.from({ length: lab.config.layers }, (_, layer) => makeLayer(lab, layer));
  const first = make("div", { class: "afv-lens" });
  const before = make(
    "div",
    { class: "afv-layer" },
    make("b", {}, "before layer 0"),
    make("span"),
    make("span"),
    first,
  );
  const { caption, element } = part("", "layers", before, ...rows.map((row) => row.element));
  const paint = () => {
    caption.textContent = `Layers: where ${tokenName(lab.config, lab.state.query)} looks${lab.classes.length ? ", and the answer so far" : ""}`;
    if (lab.state.answer) paintLens(first, lab, 0);
    for (const row of rows) row.paint();
  };
  return { element, paint };
}

/** @param {Lab} lab @param {number} layer */
function makeLayer(lab, layer) {
  const { config, state, act } = lab;
  const heads = Array.from({ length: config.heads }, (_, head) => {
    const map = cellMap(config);
    const onclick = () => act.silence(layer, head);
    return { map, button: make("button", { type: "button", "data-head": `${layer}.${head}`, onclick }, map.canvas) };
  });
  const branches = /** @type {const} */ (["attention", "mlp"]).map((branch) => {
    const [map, words] = [cellMap(config), make("span")];
    const onclick = () => act.skip(layer, branch);
    const button = make(
      "button",
      { type: "button", "data-branch": `${layer}.${branch}`, onclick },
      map.canvas,
      words,
    );
    return { branch, map, words, button };
  });
  const lens = make("div", { class: "afv-lens" });
  const group = { class: "afv-heads", role: "group", "aria-label": `heads of layer ${layer}` };
  const element = make(
    "div",
    { class: "afv-layer", "data-layer": layer },
    make("b", {}, `layer ${layer}`),
    make("div", group, ...heads.map(({ button }) => button)),
    make("div", { class: "afv-adds" }, ...branches.map(({ button }) => button)),
    lens,
  );
  const paint = () => {
    const { answer, query, experiment } = state;
    if (!answer) return;
    paintHeads(lab, layer, heads);
    press(
      heads.map(({ button }) => button),
      (_, head) => experiment.changes.silenced.includes(`${layer}.${head}`),
    );
    for (const [at, { branch, map, words, button }] of branches.entries()) {
      const changed = answer.changed[2 * layer + at];
      map.paint(changed.subarray(config.special), 1);
      words.textContent = `${branch === "mlp" ? "MLP" : "attention"}\n${whole(changed[query])}`;
      button.setAttribute("aria-pressed", String(experiment.changes.skipped.includes(`${layer}.${branch}`)));
    }
    paintLens(lens, lab, layer + 1);
  };
  return { element, paint };
}

// The maps of a layer have one scale: yellow is the largest weight among them.
/** @param {Lab} lab @param {number} layer @param {{ map: ReturnType<typeof cellMap>, button: HTMLElement }[]} heads */
function paintHeads({ config, state, tokens }, layer, heads) {
  const { answer, query } = state;
  if (!answer) return;
  const rows = heads.map((_, head) => rowOf(answer.attention[layer], tokens, query, head).subarray(config.special));
  const top = Math.max(...rows.map((row) => row[largestAt(row)]));
  for (const [head, { map, button }] of heads.entries()) {
    map.paint(rows[head], top);
    const most = peakOf(config, rows[head], percent);
    button.setAttribute("aria-label", `silence head ${head} of layer ${layer}; it looks most at ${most}`);
    button.title = `head ${head}: most at ${most}`;
  }
}

// The most probable class if the head read the class token here.
/** @param {HTMLElement} place @param {Lab} lab @param {number} depth  layers passed */
function paintLens(place, { state, classes }, depth) {
  if (!state.answer || !classes.length) return;
  const { top, probabilities } = readingOf({ ...state.answer, logits: state.answer.lens[depth] });
  const bar = make("i", { style: `width:${(100 * probabilities[top]).toFixed(1)}%` });
  place.replaceChildren(
    make("span", {}, classes[top]),
    make("u", { "aria-hidden": "true" }, bar),
    whole(probabilities[top]),
  );
}

// ---- the answer ------------------------------------------------------------------------------------------------

const MOST_CLASSES = 10;

// The probabilities now, and a mark where each was before the last change.
/** @param {Lab} lab */
export function makeAnswer({ state, classes, busy }) {
  const list = make("div", { class: "afv-bars", "data-fact": "answer" });
  const { caption, element } = part("Answer", "answer", list);
  const paint = () => {
    const { reading, history } = state;
    element.setAttribute("aria-busy", String(state.answered !== state.experiment));
    caption.textContent = `Answer${reading ? `: ${classes[reading.top]}, ${percent(reading.probabilities[reading.top])}` : ""}${busy()}`;
    if (!reading) return;
    const before = history.at(-1)?.reading;
    const order = classes.map((_, at) => at);
    if (classes.length > MOST_CLASSES) order.sort((a, b) => reading.probabilities[b] - reading.probabilities[a]);
    list.replaceChildren(
      ...order.slice(0, MOST_CLASSES).flatMap((at) => {
        const bar = make("i", { style: `width:${(100 * reading.probabilities[at]).toFixed(1)}%` });
        const mark = before ? [make("s", { style: `left:${(100 * before.probabilities[at]).toFixed(1)}%` })] : [];
        const name = make("span", at === reading.top ? { class: "afv-top" } : {}, classes[at]);
        return [
          name,
          make("u", { "aria-hidden": "true" }, bar, ...mark),
          make("b", {}, percent(reading.probabilities[at])),
        ];
      }),
    );
  };
  return { element, paint };
}

// Instead of an answer, for a model without classes: how much the last change moves each token.
/** @param {Lab} lab */
export function makeMoves({ config, state, busy }) {
  const [map, words] = [cellMap(config), make("p", { "data-fact": "moves" })];
  map.canvas.setAttribute("role", "img");
  const { caption, element } = part("", "answer", map.canvas, words);
  const paint = () => {
    const { reading, history } = state;
    const before = history.at(-1)?.reading;
    element.setAttribute("aria-busy", String(state.answered !== state.experiment));
    caption.textContent = `Tokens after the last layer: what changes${busy()}`;
    map.canvas.hidden = !reading || !before;
    words.textContent = reading ? "Nothing is changed yet." : "";
    if (!reading || !before) return;
    const moves = movesOf(config, before, reading);
    const patches = moves.subarray(config.special);
    map.paint(patches, patches[largestAt(patches)]);
    map.canvas.setAttribute("aria-label", `changes most: ${peakOf(config, patches, whole)}`);
    words.textContent = `Yellow changes most: ${peakOf(config, patches, whole)} of its length. Class token: ${whole(moves[0])}.`;
  };
  return { element, paint };
}

// ---- changes to the whole --------------------------------------------------------------------------------------

/** @param {Lab} lab */
export function makeChanges({ config, state, act }) {
  const button = (/** @type {string} */ name, /** @type {() => void} */ onclick) =>
    make("button", { type: "button", onclick }, name);
  const shuffle = button("shuffle the patches", () => act.shuffle(config.rows * config.columns));
  const drop = button("drop the positions", act.dropPositions);
  const range = { min: 0.2, max: 3, step: 0.1, value: 1 };
  const temperature = slider("temperature of the softmax", range, act.heat);
  const undo = button("undo", act.undo);
  const all = button("undo all", act.undoAll);
  const done = make("p", { class: "afv-done", "data-fact": "done" });
  const bar = make("div", { class: "afv-bar" }, shuffle, drop, temperature.label, undo, all);
  const paint = () => {
    const { changes } = state.experiment;
    press([shuffle, drop], (one) => (one === shuffle ? changes.order !== null : !changes.positions));
    temperature.input.value = String(changes.temperature);
    temperature.output.textContent = changes.temperature.toFixed(1);
    for (const one of [undo, all]) one.disabled = !state.history.length;
    done.textContent = state.done;
  };
  return { element: make("div", { class: "afv-changes" }, bar, done), paint };
}
