// A vision transformer under the hand: any picture's way through the model, everything on it, and parts to switch off.

import { bytesOf, hint, make, root, stage, widget } from "./shared.js";
import { effectOf, IN_PLACE, readingOf, shuffledOrder, toggled, tokenName, UNTOUCHED } from "./vit_answers.js";
import { makeExplanation } from "./vit_explanation.js";
import { kernelLink } from "./vit_kernel.js";
import { makeAnswer, makeChanges, makeLayers, makeMoves } from "./vit_layers.js";
import { makeChoice, makeOthers, othersInWords } from "./vit_models.js";
import { makePicture, makeToken, patchUnder } from "./vit_parts.js";
import { asRead, channelsOf, drawn, placed } from "./vit_pictures.js";
import { makeSources } from "./vit_sources.js";
import { makeWalk } from "./vit_walk.js";
import { makePasses, unpacked } from "./vit_worker.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
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
 * @property {string[]} model_names @property {number} same  how many models, from the first on, are built like the first
 * @property {boolean} in_kernel  whether the kernel computes these; the others are always there
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
 * @property {number} model  the one that is looked into @property {Record<number, Reading | undefined>} others  what the others answer
 * @property {string} unanswered  why they do not
 */
/**
 * @typedef {object} Bench  the model, the pictures, and what computes and shows
 * @property {Config} config @property {string[]} classes @property {{ name: string, picture: Float32Array }[]} samples
 * @property {Model[]} models @property {number} tokens @property {State} state
 * @property {() => string} busy  what is written while the kernel computes
 * @property {Pick<Passes, "show" | "queue" | "forget">} passes  of the model that is looked into
 * @property {(experiment: Experiment, whole?: boolean) => Request} request @property {ReturnType<typeof stage<State>>} page
 */
/** @typedef {ReturnType<typeof makePasses>} Passes */
/**
 * @typedef {object} Model
 * @property {string} name @property {Weights | null} weights  none if it cannot be looked into; only its positions, if the
 *   kernel computes @property {Passes} passes
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
    model: 0,
    others: {},
    unanswered: "",
  };
  const models = modelsOf(model, config, (words, at) =>
    page.change(
      at === state.model ? { done: words } : { unanswered: words, others: { ...state.others, [at]: undefined } },
    ),
  );
  const current = () => models[state.model].passes;
  /** @type {Bench["passes"]} */
  const passes = {
    show: (job) => current().show(job),
    queue: (jobs) => current().queue(jobs),
    forget: () => current().forget(),
  };
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
    models,
    tokens: config.special + config.rows * config.columns,
    state,
    busy: () => (model.get("in_kernel") && state.answered !== state.experiment ? " · thinking …" : ""),
    passes,
    request,
    page,
  };
  return { ...lab, act: actionsOn(lab) };
}

/** @param {AnyModel<Traits>} model @param {Config} config @param {(words: string, at: number) => void} tell @returns {Model[]} */
function modelsOf(model, config, tell) {
  const [bytes, same, inKernel] = [bytesOf(model.get("weights")), model.get("same"), model.get("in_kernel")];
  const size = bytes.byteLength / same;
  return model.get("model_names").map((name, at) => {
    const own = at < same ? bytes.slice(at * size, (at + 1) * size) : null;
    const weights = own && unpacked(own, model.get("format"), model.get("layout_of_weights"));
    const link = inKernel || !weights ? kernelLink(model, (words) => tell(words, at), at) : null;
    return { name, weights, passes: makePasses(config, weights ?? {}, link) };
  });
}

// ---- what can be done ------------------------------------------------------------------------------------------

/** @param {Bench} lab */
function actionsOn(lab) {
  const { config, classes, state, passes, request, page } = lab;
  const run = () => {
    const { experiment, model } = state;
    askOthers(lab);
    passes.show({
      request: request(experiment),
      use: (answer) => {
        if (model !== state.model) return; // another one is looked into by now
        const [reading, before] = [readingOf(answer), state.history.at(-1)?.reading];
        const effect = before ? `: ${effectOf(config, before, reading, classes)}` : "";
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
  const lookInto = (/** @type {number} */ model) => {
    passes.forget();
    for (const each of state.history) each.reading = null; // of another model
    begin({ model, reading: null, answer: null, words: "", done: `You look into ${lab.models[model].name}.` });
  };
  return {
    run,
    edit,
    alter,
    undo,
    undoAll,
    settle,
    lookInto,
    ...onPicture({ config, state, edit, alter }),
    ...onModel({ state, alter }),
  };
}

// The models that are not looked into get the picture as it is read, and are themselves unchanged.
/** @param {Bench} lab */
function askOthers({ config, models, state, page }) {
  const { picture, placing, changes } = state.experiment;
  const pixels = asRead(placed(picture, config, placing), config, changes.erased, changes.order);
  for (const [at, { passes }] of models.entries()) {
    if (at === state.model) continue;
    const use = (/** @type {Answer} */ found) => page.change({ others: { ...state.others, [at]: readingOf(found) } });
    passes.show({ request: { pixels, changes: {}, whole: false }, use });
  }
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
function sentenceOf(lab) {
  const { config, classes, state } = lab;
  const { reading, done, query } = state;
  const answer = reading && classes.length ? ` Answer: ${classes[reading.top]}.` : "";
  return `${done} ${tokenName(config, query)} asks.${answer}${othersInWords(lab)}`.trim();
}

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const lab = read(model, () => {
    for (const { paint } of parts) paint();
    lab.page.said.say(sentenceOf(lab));
  });
  const { classes } = lab;
  const way = make("div", { class: "afv-way" });
  const sources = makeSources(lab, way);
  const [picture, token, layers] = [makePicture(lab), makeToken(lab), makeLayers(lab)];
  const [answer, changes, explanation] = [
    classes.length ? makeAnswer(lab) : makeMoves(lab),
    makeChanges(lab),
    makeExplanation(lab),
  ];
  picture.element.append(sources.element);
  const [choice, others] = [makeChoice(lab), makeOthers(lab)];
  answer.element.append(others.element);
  way.append(picture.element, token.element, layers.element, answer.element);
  const covered = { picture, token, layers, answer, changes, explanation };
  const walk = makeWalk(lab, model.get("walk"), covered);
  const parts = [walk, choice, sources, others, ...Object.values(covered)];
  const elements = [
    walk.element,
    choice.element,
    changes.element,
    way,
    explanation.element,
    hint(...HINT.slice(0, classes.length ? 4 : 3)),
    lab.page.said.line,
  ];
  el.append(root("vit", "A vision transformer at work", ...elements));
  if (model.get("guided")) walk.begin();
  lab.act.run();
  lab.page.show();
  return () => {
    sources.stop();
    for (const { passes } of lab.models) passes.stop();
    lab.page.stop();
  };
}

export default widget(render);
