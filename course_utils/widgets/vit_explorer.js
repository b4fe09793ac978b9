// A vision transformer under the hand: any picture's way through the model, everything on it, and parts to switch off.

import { bytesOf, hint, make, root, stage } from "./shared.js";
import { effectOf, IN_PLACE, readingOf, shuffledOrder, toggled, tokenName, UNTOUCHED } from "./vit_answers.js";
import { makeExplanation } from "./vit_explanation.js";
import { makeAnswer, makeChanges, makeLayers } from "./vit_layers.js";
import { makePicture, makeToken, patchUnder } from "./vit_parts.js";
import { channelsOf, drawn, placed } from "./vit_pictures.js";
import { makeSources } from "./vit_sources.js";
import { makeWalk } from "./vit_walk.js";
import { makePasses, unpacked } from "./vit_worker.js";

/** @import { AnyModel, Render } from "@anywidget/types" */
/** @import { Experiment, Placing, Reading } from "./vit_answers.js" */
/** @import { Changes, Config, Weights } from "./vit_engine.js" */
/** @import { Explanation } from "./vit_explanation.js" */
/** @import { Walk } from "./vit_walk.js" */
/** @import { Answer, Request } from "./vit_worker.js" */
/** @import { Point } from "./shared.js" */
/**
 * @typedef {object} Traits
 * @property {DataView} pixels @property {string[]} names @property {string[]} classes @property {Config} config
 * @property {"float16" | "float32"} format @property {[string, number][]} layout_of_weights @property {DataView} weights
 * @property {number} start @property {boolean} guided @property {Walk["steps"]} walk @property {Changes} changes
 */
/**
 * @typedef {object} State
 * @property {Experiment} experiment @property {Answer | null} answer @property {Reading | null} reading
 * @property {Experiment | null} answered  which experiment the answer is to
 * @property {{ experiment: Experiment, reading: Reading | null, done: string }[]} history  what undo goes back to
 * @property {string} key  of the last change: one that goes on, as a stroke does, is undone as a whole
 * @property {string} words  what was done last @property {string} done  that, and what it did to the answer
 * @property {number} query  the token that asks @property {"look" | "erase" | "draw"} tool
 * @property {{ at: Point, down: boolean }} pen
 * @property {Explanation | null} explanation @property {number | null} progress  of it, from 0 to 1
 * @property {Walk | null} walk  the guided walk, if it is on
 */
/**
 * @typedef {object} Bench  the model, the pictures, and what computes and shows
 * @property {Config} config @property {string[]} classes @property {{ name: string, picture: Float32Array }[]} samples
 * @property {Weights} weights @property {number} tokens @property {State} state
 * @property {ReturnType<typeof makePasses>} passes
 * @property {(experiment: Experiment, whole?: boolean) => Request} request @property {ReturnType<typeof stage<State>>} page
 */
/** @typedef {Bench & { act: ReturnType<typeof actionsOn> }} Lab */

/** @param {AnyModel<Traits>} model @param {() => void} paint @returns {Lab} */
function read(model, paint) {
  const [config, names, classes] = [model.get("config"), model.get("names"), model.get("classes")];
  const bytes = new Uint8Array(bytesOf(model.get("pixels")));
  const size = 3 * config.width * config.height;
  const samples = names.map((name, at) => ({
    name,
    picture: channelsOf(bytes.subarray(at * size, (at + 1) * size), 3, config.channels),
  }));
  const weights = unpacked(bytesOf(model.get("weights")), model.get("format"), model.get("layout_of_weights"));
  const changes = { ...UNTOUCHED, ...model.get("changes") };
  /** @type {State} */
  const state = {
    experiment: { picture: samples[0].picture, name: samples[0].name, placing: IN_PLACE, changes },
    answer: null,
    answered: null,
    reading: null,
    history: [],
    key: "",
    words: "",
    done: "",
    query: model.get("start"),
    tool: "look",
    pen: { at: [0.5, 0.5], down: false },
    explanation: null,
    progress: null,
    walk: null,
  };
  const passes = makePasses(config, weights);
  const request = (/** @type {Experiment} */ { picture, placing, changes }, whole = true) => ({
    pixels: placed(picture, config, placing),
    changes,
    whole,
  });
  /** @type {ReturnType<typeof stage<State>>} */
  const page = stage(state, paint);
  const lab = {
    config,
    classes,
    samples,
    weights,
    tokens: config.special + config.rows * config.columns,
    state,
    passes,
    request,
    page,
  };
  return { ...lab, act: actionsOn(lab) };
}

// ---- what can be done ------------------------------------------------------------------------------------------

/** @param {Bench} lab */
function actionsOn(lab) {
  const { config, classes, state, passes, request, page } = lab;
  const run = () => {
    const { experiment } = state;
    passes.show({
      request: request(experiment),
      use: (answer) => {
        const [reading, before] = [readingOf(answer.logits), state.history.at(-1)?.reading];
        const effect = before ? `: ${effectOf(before, reading, classes)}` : "";
        const done = state.words ? `${state.words}${effect}.` : state.done;
        page.change({ answer, reading, answered: experiment, done });
      },
    });
  };
  /** @param {Partial<State>} fields */
  const begin = (fields) => {
    passes.forget();
    page.change({ explanation: null, progress: null, ...fields });
    run();
  };
  // A change with the key of the last one goes on with it.
  /** @param {string} words @param {string | null} key @param {Partial<Experiment>} fields */
  const edit = (words, key, fields) => {
    const { experiment, reading, done, history } = state;
    if (key === null || key !== state.key) history.push({ experiment, reading, done });
    begin({ experiment: { ...experiment, ...fields }, key: key ?? "", words, done: words });
  };
  /** @param {string} words @param {string | null} key @param {Partial<Changes>} fields */
  const alter = (words, key, fields) => edit(words, key, { changes: { ...state.experiment.changes, ...fields } });
  const undo = () => {
    const last = state.history.pop();
    if (last) begin({ experiment: last.experiment, key: "", words: "", done: `Undone. ${last.done}` });
  };
  const undoAll = () => {
    if (state.history.length) edit("All is undone", null, state.history[0].experiment);
  };
  const settle = () => page.change({ key: "" });
  return {
    run,
    edit,
    alter,
    undo,
    undoAll,
    settle,
    ...onPicture({ config, state, edit, alter }),
    ...onModel({ state, alter }),
  };
}

/**
 * @typedef {object} Tools
 * @property {State} state
 * @property {(words: string, key: string | null, fields: Partial<Changes>) => void} alter
 */
/** @param {Tools & { config: Config, edit: (words: string, key: string | null, fields: Partial<Experiment>) => void }} tools */
function onPicture({ config, state, edit, alter }) {
  const patchAt = (/** @type {number} */ place) => state.experiment.changes.order?.[place] ?? place;
  // Where a point of the picture as the model reads it lies in the picture itself, whose patches may be shuffled.
  const behind = (/** @type {Point} */ [x, y]) => {
    const { rows, columns } = config;
    const patch = patchAt(patchUnder(config, [x, y]));
    const [row, column] = [Math.floor(patch / columns), patch % columns];
    return /** @type {Point} */ ([(column + ((x * columns) % 1)) / columns, (row + ((y * rows) % 1)) / rows]);
  };
  return {
    choose: (/** @type {Float32Array} */ picture, /** @type {string} */ name) =>
      edit(`The picture is now ${name}`, null, { picture, name, placing: IN_PLACE }),
    see: (/** @type {Float32Array} */ picture, /** @type {string} */ name) =>
      edit(`The picture is now ${name}`, "camera", { picture, name, placing: IN_PLACE }),
    place: (/** @type {Partial<Placing>} */ fields) =>
      edit("The picture is moved, scaled or inverted", "place", {
        placing: { ...state.experiment.placing, ...fields },
      }),
    draw: (/** @type {Point} */ from, /** @type {Point} */ to) => {
      const { picture, placing, changes } = state.experiment;
      const start = changes.order ? to : from; // no line across patches that are not neighbours
      const drawing = drawn(placed(picture, config, placing), config, behind(start), behind(to));
      edit("A stroke is drawn", "draw", { picture: drawing, name: "your drawing", placing: IN_PLACE });
    },
    isErased: (/** @type {number} */ place) => state.experiment.changes.erased.includes(patchAt(place)),
    erase: (/** @type {number} */ place, /** @type {boolean} */ away) => {
      const [{ erased }, patch] = [state.experiment.changes, patchAt(place)];
      if (erased.includes(patch) === away) return;
      const now = toggled(erased, patch);
      alter(`${now.length} ${now.length === 1 ? "patch is" : "patches are"} erased`, "erase", { erased: now });
    },
  };
}

/** @param {Tools} tools */
function onModel({ state, alter }) {
  return {
    silence: (/** @type {number} */ layer, /** @type {number} */ head) => {
      const silenced = toggled(state.experiment.changes.silenced, `${layer}.${head}`);
      const silent = silenced.includes(`${layer}.${head}`);
      alter(`Head ${head} of layer ${layer} is ${silent ? "silent" : "heard again"}`, null, { silenced });
    },
    skip: (/** @type {number} */ layer, /** @type {"attention" | "mlp"} */ branch) => {
      const skipped = toggled(state.experiment.changes.skipped, `${layer}.${branch}`);
      const name = `${branch === "mlp" ? "The MLP" : "The attention"} of layer ${layer}`;
      alter(`${name} ${skipped.includes(`${layer}.${branch}`) ? "is skipped" : "works again"}`, null, { skipped });
    },
    shuffle: (/** @type {number} */ patches) => {
      const order = state.experiment.changes.order ? null : shuffledOrder(patches, Math.random);
      alter(order ? "The patches are shuffled" : "The patches are in order again", null, { order });
    },
    dropPositions: () => {
      const positions = !state.experiment.changes.positions;
      alter(positions ? "The positions are added again" : "No positions are added", null, { positions });
    },
    heat: (/** @type {number} */ value) => {
      const temperature = Math.round(10 * value) / 10;
      alter(`The temperature of the softmax is ${temperature.toFixed(1)}`, "heat", { temperature });
    },
  };
}

// ---- the page --------------------------------------------------------------------------------------------------

const HINT = [
  "Point at a patch or use the [arrow keys] on the picture: it asks, and the layers show where each head looks.",
  "[Space] erases it, [C] lets the class token ask, [U] undoes.",
  "Press a head to silence it, attention or MLP to skip it. Yellow is the largest weight of a layer.",
  "In the answer, orange marks are the probabilities before the last change.",
];

/** @param {Lab} lab */
function sentenceOf({ config, classes, state }) {
  const { reading, done, query } = state;
  const answer = reading ? ` Answer: ${classes[reading.top]}.` : "";
  return `${done} ${tokenName(config, query)} asks.${answer}`.trim();
}

/** @type {Render<Traits>} */
function render({ model, el }) {
  const lab = read(model, () => {
    for (const { paint } of parts) paint();
    lab.page.said.say(sentenceOf(lab));
  });
  const way = make("div", { class: "afv-way" });
  const sources = makeSources(lab, way);
  const [picture, token, layers] = [makePicture(lab), makeToken(lab), makeLayers(lab)];
  const [answer, changes, explanation] = [makeAnswer(lab), makeChanges(lab), makeExplanation(lab)];
  picture.element.append(sources.element);
  way.append(picture.element, token.element, layers.element, answer.element);
  const covered = { picture, token, layers, answer, changes, explanation };
  const walk = makeWalk(lab, model.get("walk"), covered);
  const parts = [walk, sources, ...Object.values(covered)];
  const elements = [walk.element, changes.element, way, explanation.element, hint(...HINT), lab.page.said.line];
  el.append(root("vit", "A vision transformer at work", ...elements));
  if (model.get("guided")) walk.begin();
  lab.act.run();
  lab.page.show();
  return () => {
    sources.stop();
    lab.passes.stop();
    lab.page.stop();
  };
}

export default { render };
