// The guided walk: nine steps, each with a prediction before its reveal. The right answers are computed on the model.

import { make, percent, press } from "./shared.js";
import { changesInWords, IN_PLACE, largestAt, peakOf, points, rankCorrelation } from "./vit_answers.js";
import { readingOf, rowOf, shuffledOrder, tokenName, UNTOUCHED, verdictOf, whole } from "./vit_answers.js";
import { explain } from "./vit_explanation.js";
import { middleToken } from "./vit_parts.js";

/** @import { Changes } from "./vit_engine.js" */
/** @import { Lab, State } from "./vit_explorer.js" */
/** @import { Answer } from "./vit_worker.js" */
/** @typedef {Record<"name" | "title" | "text" | "question", string>} Texts */
/** @typedef {Texts & Record<"shows" | "covers" | "options" | "reveal", string[]>} Step  shows: parts that are seen at once */
/** @typedef {{ right: number, values?: Record<string, string | number>, changes?: Partial<Changes> }} Found  changes: to show */
/**
 * @typedef {object} Walk
 * @property {Step[]} steps @property {number} at @property {number | null} chosen  the prediction
 * @property {Found | null} found @property {object} visit  another one whenever a step is opened
 */
/** @typedef {(lab: Lab, ready: (found: Found) => void) => void} Finder */

// ---- what is right ---------------------------------------------------------------------------------------------

// The numbers of a model that texts name before anything is computed.
/** @param {Lab} lab */
function plainValues({ config, classes, tokens, state }) {
  const { width, height, rows, columns, patch_size, dim, special, heads, layers } = config;
  const reading = state.reading;
  return {
    ...{ width, height, pixels: width * height, patch: patch_size, patches: rows * columns, dim, special, tokens },
    ...{ heads, layers, allHeads: heads * layers, query: tokenName(config, state.query) },
    ones: special === 1 ? "the class token" : "the special tokens",
    answer: reading ? classes[reading.top] : "",
    before: reading ? percent(reading.probabilities[reading.top]) : "",
  };
}

// {name} → its value.
/** @param {string} text @param {Record<string, string | number>} values */
export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

// Shares of a query's weights: itself, its eight neighbours, patches farther away, special tokens.
/** @param {Float32Array} row @param {number} query @param {{ special: number, columns: number }} config */
export function sharesOf(row, query, { special, columns }) {
  const [itself, near, far, specials] = [0, 1, 2, 3];
  const [shares, counts] = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  const [y, x] = [Math.floor((query - special) / columns), (query - special) % columns];
  for (const [token, weight] of row.entries()) {
    const patch = token - special;
    const distance = Math.max(Math.abs(Math.floor(patch / columns) - y), Math.abs((patch % columns) - x));
    const kind = patch < 0 ? specials : distance === 0 ? itself : distance === 1 ? near : far;
    shares[kind] += weight;
    counts[kind] += 1;
  }
  return { shares, counts };
}

// After how many layers the answer is the last one and stays so.
/** @param {number[]} tops  before the first layer and after each */
export function settledAfter(tops) {
  let layers = tops.length - 1;
  while (layers > 0 && tops[layers - 1] === tops[tops.length - 1]) layers--;
  return layers;
}

// Park & Miller's random numbers: the same for everybody, so that a class sees the same.
function fixedRandom() {
  let seed = 7;
  return () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
}

/** @type {Record<string, Finder>} */
export const FINDERS = {
  tokens: (_, ready) => ready({ right: 2 }),
  neighbours: ({ config, tokens, state }, ready) => {
    const row = rowOf(/** @type {Answer} */ (state.answer).attention[0], tokens, state.query, null);
    const { shares, counts } = sharesOf(row, state.query, config);
    const [itself, near, far, specials] = shares.map(percent);
    const even = percent(counts[2] / tokens);
    ready({ right: largestAt(shares), values: { itself, near, far, specials, farCount: counts[2], even } });
  },
  heads: ({ config, tokens, state }, ready) => {
    const map = /** @type {Answer} */ (state.answer).attention[config.layers - 1];
    const rows = Array.from({ length: config.heads }, (_, head) =>
      rowOf(map, tokens, 0, head).subarray(config.special),
    );
    const distinct = new Set(rows.map(largestAt)).size;
    const peaks = rows.map((row, head) => `head ${head} at ${peakOf(config, row, percent)}`).join("; ");
    ready({ right: distinct === 1 ? 0 : distinct < rows.length ? 1 : 2, values: { distinct, peaks } });
  },
  branches: ({ config, state }, ready) => {
    const mean = (/** @type {number} */ branch) =>
      /** @type {Answer} */ (state.answer).changed.reduce(
        (sum, each, at) => sum + (at % 2 === branch ? each[0] : 0),
        0,
      ) / config.layers;
    const [attention, mlp] = [mean(0), mean(1)];
    ready({ right: attention >= mlp ? 0 : 1, values: { attention: whole(attention), mlp: whole(mlp) } });
  },
  lens: ({ config, classes, state }, ready) => {
    const { lens, final } = /** @type {Answer} */ (state.answer);
    const read = lens.map((logits) => readingOf({ logits, final }));
    const after = settledAfter(read.map(({ top }) => top));
    const depth = (/** @type {number} */ layers) => (layers ? `after layer ${layers - 1}` : "before layer 0");
    const said = read.map(
      ({ top, probabilities }, at) => `${depth(at)} ${classes[top]} (${percent(probabilities[top])})`,
    );
    const right = after <= config.layers / 2 ? 0 : after < config.layers ? 1 : 2;
    ready({ right, values: { from: depth(after), readings: said.join(", ") } });
  },
  shuffle: (lab, ready) => {
    const changes = { order: shuffledOrder(lab.config.rows * lab.config.columns, fixedRandom()) };
    probe(lab, [changes], ([reading], values) =>
      ready({ right: reading.top === lab.state.reading?.top ? 0 : 1, values, changes }),
    );
  },
  set: (lab, ready) => {
    const order = shuffledOrder(lab.config.rows * lab.config.columns, fixedRandom());
    probe(lab, [{ positions: false }, { positions: false, order }], (_, values, [one, other]) => {
      const difference = Math.max(...one.map((logit, at) => Math.abs(logit - other[at])));
      const size = Math.max(1, ...one.map(Math.abs));
      const told = { ...values, difference: difference.toPrecision(1) };
      ready({ right: difference < 1e-3 * size ? 0 : 1, values: told, changes: { positions: false, order } });
    });
  },
  silence: (lab, ready) => {
    const { layers, heads } = lab.config;
    const pairs = Array.from({ length: layers * heads }, (_, at) => [Math.floor(at / heads), at % heads]);
    const all = pairs.map(([layer, head]) => ({ silenced: [`${layer}.${head}`] }));
    probe(lab, all, (readings) => {
      const top = lab.state.reading?.top ?? 0;
      const kept = readings.filter((reading) => reading.top === top).length;
      const lost = readings.map(({ probabilities }) => -probabilities[top]);
      const name = (/** @type {number} */ at) =>
        `head ${pairs[at][1]} of layer ${pairs[at][0]} (${percent(-lost[at])})`;
      const [worst, best] = [largestAt(lost), largestAt(lost.map((each) => -each))];
      const right = kept === all.length ? 0 : 2 * kept >= all.length ? 1 : 2;
      ready({ right, values: { kept, worst: name(worst), best: name(best) }, changes: all[worst] });
    });
  },
  explanation: (lab, ready) => {
    explain(lab, (found, share) => {
      lab.page.change({ explanation: found, progress: found ? null : share });
      if (!found) return;
      const [hurts, looks] = [peakOf(lab.config, found.falls, points), peakOf(lab.config, found.attention, percent)];
      const [one, two] = [found.attention, found.rollout].map((map) => rankCorrelation(found.falls, map));
      const right = largestAt(found.falls) === largestAt(found.attention) ? 0 : 1;
      ready({ right, values: { hurts, looks, verdict: verdictOf(one, two) } });
    });
  },
};

// The predictions under some changes, one pass each; then with the readings, the last one in words, and the logits.
/**
 * @param {Lab} lab @param {Partial<Changes>[]} all
 * @param {(readings: ReturnType<typeof readingOf>[], values: Record<string, string>, logits: Float32Array[]) => void} then
 */
function probe({ state, passes, request, classes }, all, then) {
  /** @type {Answer[]} */
  const answers = [];
  const finish = (/** @type {Answer} */ answer) => {
    answers.push(answer);
    if (answers.length < all.length) return;
    const [readings, logits] = [answers.map(readingOf), answers.map((each) => each.logits)];
    const last = readings[readings.length - 1];
    then(readings, { other: classes[last.top], after: percent(last.probabilities[last.top]) }, logits);
  };
  passes.forget();
  const { experiment } = state;
  passes.queue(
    all.map((changes) => ({
      request: request({ ...experiment, changes: { ...experiment.changes, ...changes } }, false),
      use: finish,
    })),
  );
}

// ---- the walk --------------------------------------------------------------------------------------------------

/**
 * @param {Lab} lab @param {Step[]} steps
 * @param {Record<string, { element: HTMLElement }>} parts  of the page, which appear step by step
 */
export function makeWalk(lab, steps, parts) {
  const { state, page, act } = lab;
  const on = make("input", { type: "checkbox", onchange: () => (on.checked ? begin() : leave()) });
  const { panel, title, text, question, options, reveal, back, next } = makePanel((by) => go(by));
  const element = make("div", { hidden: !lab.classes.length }, make("label", {}, on, "guided walk"), panel);

  /** @param {number} at */
  const open = (at) => {
    const { name } = steps[at];
    const special = name === "heads" || name === "branches" || name === "lens"; // the class token asks
    if (special) page.change({ query: 0 });
    else if (state.query < lab.config.special) page.change({ query: middleToken(lab.config) });
    restore();
    page.change({ walk: { steps, at, chosen: null, found: null, visit: {} } });
  };
  const restore = () => {
    if (!changesInWords(state.experiment)) return;
    act.edit("Nothing is changed any more", null, { placing: IN_PLACE, changes: UNTOUCHED });
  };
  const begin = () => open(0);
  const go = (/** @type {number} */ by) => {
    const at = (state.walk?.at ?? 0) + by;
    if (at < steps.length) open(at);
    else leave();
  };
  const leave = () => {
    page.change({ walk: null });
    restore();
  };
  /** @param {number} chosen */
  const choose = (chosen) => {
    const walk = state.walk;
    if (!walk || !state.answer) return;
    page.change({ walk: { ...walk, chosen } });
    if (walk.chosen !== null) return; // only the prediction changes
    const values = plainValues(lab);
    FINDERS[steps[walk.at].name](lab, (found) => {
      if (state.walk?.visit !== walk.visit) return;
      page.change({ walk: { ...state.walk, found: { ...found, values: { ...values, ...found.values } } } });
      if (found.changes) act.alter("The walk shows a change", null, found.changes);
    });
  };
  const show = makeStep({ lab, steps, title, text, question, options, choose });
  const paint = () => {
    const { walk } = state;
    on.checked = walk !== null;
    panel.hidden = !walk;
    for (const [name, { element: shown }] of Object.entries(parts))
      shown.hidden = walk !== null && !isShown(walk, name);
    const way = parts.picture.element.parentElement; // Firefox 115 has no :has()
    way?.classList.toggle("afv-some", way.querySelector(":scope > [hidden]") !== null);
    if (!walk) return;
    const { found, chosen, at } = walk;
    show(walk);
    back.disabled = at === 0;
    next.disabled = found === null;
    next.textContent = at === steps.length - 1 ? "end the walk" : "next";
    const verdict = found && (found.right === chosen ? "Right. " : "Not quite. ");
    reveal.textContent = found
      ? `${verdict}${filled(steps[at].reveal[found.right], found.values ?? {})}`
      : chosen === null
        ? ""
        : "…";
  };
  return { element, paint, begin };
}

/** @param {(by: number) => void} go */
function makePanel(go) {
  const button = (/** @type {string} */ name, /** @type {number} */ by) =>
    make("button", { type: "button", onclick: () => go(by) }, name);
  const [title, text, question] = [make("h4"), make("p"), make("p", { class: "afv-question" })];
  const options = make("div", { class: "afv-options", role: "group", "aria-label": "your prediction" });
  const reveal = make("p", { class: "afv-reveal", "data-fact": "reveal" });
  const [back, next] = [button("back", -1), button("next", 1)];
  const bar = make("div", { class: "afv-bar" }, back, next);
  const panel = make("div", { class: "afv-walk" }, title, text, question, options, reveal, bar);
  return { panel, title, text, question, options, reveal, back, next };
}

/** @param {Walk} walk @param {string} name */
const isShown = ({ steps, at, found }, name) =>
  steps[at].shows.includes(name) || (found !== null && steps[at].covers.includes(name));

// The texts of a step, written anew when another begins: the numbers are those of its beginning.
/**
 * @param {{ lab: Lab, steps: Step[], choose: (option: number) => void }
 *   & Record<"title" | "text" | "question" | "options", HTMLElement>} page
 */
function makeStep({ lab, steps, title, text, question, options, choose }) {
  let shown = -1;
  let known = false; // the answer, which some texts name
  /** @param {Walk} walk */
  return ({ at, chosen, found }) => {
    const buttons = /** @type {HTMLElement[]} */ ([...options.children]);
    if (shown === at && known) {
      press(buttons, (_, option) => option === chosen);
      for (const [option, each] of buttons.entries()) {
        each.classList.toggle("afv-right", found?.right === option);
      }
      return;
    }
    const values = plainValues(lab);
    [shown, known] = [at, lab.state.answered === lab.state.experiment];
    title.textContent = `Step ${at + 1} of ${steps.length}: ${steps[at].title}`;
    text.textContent = filled(steps[at].text, values);
    question.textContent = filled(steps[at].question, values);
    const offered = known ? steps[at].options : [];
    options.replaceChildren(
      ...offered.map((words, option) =>
        make(
          "button",
          { type: "button", "aria-pressed": "false", onclick: () => choose(option) },
          filled(words, values),
        ),
      ),
    );
  };
}
