// What a pass through a ViT says: probabilities, maps, rank correlation, and sentences about what a change did.

import { logSoftmax, percent, trueMinus } from "./shared.js";

/** @import { Changes, Config } from "./vit_engine.js" */
/** @import { Answer } from "./vit_worker.js" */
/** @typedef {{ right: number, down: number, size: number, inverted: boolean }} Placing  in pixels, and times as large */
/**
 * @typedef {object} Experiment  all that a student can change
 * @property {Float32Array} picture  (channels, height, width), before it is moved
 * @property {string} name  of the picture
 * @property {Placing} placing @property {Required<Changes>} changes
 */
/** @typedef {{ top: number, probabilities: number[], final: Float32Array }} Reading  without classes, top is −1 */

export const UNTOUCHED = Object.freeze({
  erased: [],
  order: null,
  positions: true,
  silenced: [],
  skipped: [],
  temperature: 1,
});
export const IN_PLACE = Object.freeze({ right: 0, down: 0, size: 1, inverted: false });

// ---- numbers ---------------------------------------------------------------------------------------------------

/** @param {Pick<Answer, "logits" | "final">} answer @returns {Reading} */
export function readingOf({ logits, final }) {
  const probabilities = logSoftmax([...logits], 1).map(Math.exp);
  return { top: probabilities.indexOf(Math.max(...probabilities)), probabilities, final };
}

// By how much each token that came after differs from what it was, as a share of its length then.
/** @param {Config} config @param {Reading} before @param {Reading} after */
export function movesOf({ dim }, { final: before }, { final: after }) {
  return Float32Array.from({ length: after.length / dim }, (_, token) => {
    let [moved, length] = [0, 0];
    for (let at = token * dim; at < (token + 1) * dim; at++) {
      moved += (after[at] - before[at]) ** 2;
      length += before[at] ** 2;
    }
    return Math.sqrt(moved / length) || 0;
  });
}

// In whole per cent, also above 100; a vector of zeros can only change infinitely.
/** @param {number} share */
export const whole = (share) => (Number.isFinite(share) ? `${Math.round(100 * share)} %` : "∞ %");

// By how much a probability falls.
/** @param {number} share */
export const points = (share) => `${trueMinus((100 * share).toFixed(1))} points`;

// A list with or without an entry.
/** @template T @param {readonly T[]} list @param {T} entry */
export const toggled = (list, entry) =>
  list.includes(entry) ? list.filter((each) => each !== entry) : [...list, entry];

// The attention of one query in one head, or the mean over the heads.
/** @param {Float32Array} map  (heads, tokens, tokens) @param {number} tokens @param {number} query @param {number | null} head */
export function rowOf(map, tokens, query, head) {
  const heads = map.length / tokens ** 2;
  if (head !== null) return map.subarray((head * tokens + query) * tokens, (head * tokens + query + 1) * tokens);
  const mean = new Float32Array(tokens);
  for (let at = 0; at < heads; at++) {
    for (let key = 0; key < tokens; key++) mean[key] += map[(at * tokens + query) * tokens + key] / heads;
  }
  return mean;
}

// What each token holds of each input token after the last layer; attention and residual connection count half each.
// Abnar & Zuidema 2020.
/** @param {Float32Array[]} attention @param {number} tokens */
export function rolloutOf(attention, tokens) {
  let rollout = Float32Array.from({ length: tokens ** 2 }, (_, at) => (at % (tokens + 1) === 0 ? 1 : 0));
  for (const map of attention) {
    const next = new Float32Array(tokens ** 2);
    for (let query = 0; query < tokens; query++) {
      const row = rowOf(map, tokens, query, null);
      for (let key = 0; key < tokens; key++) {
        const share = (row[key] + (key === query ? 1 : 0)) / 2;
        for (let at = 0; at < tokens; at++) next[query * tokens + at] += share * rollout[key * tokens + at];
      }
    }
    rollout = next;
  }
  return rollout;
}

// Ranks from 0; equal numbers share the mean of theirs.
/** @param {ArrayLike<number>} numbers */
function ranksOf(numbers) {
  const order = Array.from(numbers, (_, at) => at).sort((a, b) => numbers[a] - numbers[b]);
  const ranks = new Array(numbers.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && numbers[order[to]] === numbers[order[from]]) to++;
    for (let at = from; at < to; at++) ranks[order[at]] = (from + to - 1) / 2;
  }
  return ranks;
}

// Spearman's rank correlation; NaN if all numbers of a list are equal.
/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function rankCorrelation(a, b) {
  const middle = (a.length - 1) / 2;
  const [x, y] = [ranksOf(a), ranksOf(b)].map((ranks) => ranks.map((/** @type {number} */ rank) => rank - middle));
  const dot = (/** @type {number[]} */ p, /** @type {number[]} */ q) =>
    p.reduce((sum, value, at) => sum + value * q[at], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

/** @param {ArrayLike<number>} numbers */
export function largestAt(numbers) {
  let best = 0;
  for (let at = 1; at < numbers.length; at++) if (numbers[at] > numbers[best]) best = at;
  return best;
}

// The places of patches in another order than before.
/** @param {number} count @param {() => number} random  in [0, 1) */
export function shuffledOrder(count, random) {
  const order = Array.from({ length: count }, (_, at) => at);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {Config} config @param {number} token */
export function tokenName({ special, columns }, token) {
  if (token < special) return token === 0 ? "class token" : `special token ${token}`;
  return `row ${Math.floor((token - special) / columns)}, column ${(token - special) % columns}`;
}

// What a change did to the answer or, without classes, to the tokens.
/** @param {Config} config @param {Reading} before @param {Reading} after @param {string[]} classes */
export function effectOf(config, before, after, classes) {
  if (!classes.length) {
    const moves = movesOf(config, before, after);
    const patches = moves.subarray(config.special);
    const mean = patches.reduce((sum, move) => sum + move / patches.length, 0);
    return `the class token changes by ${whole(moves[0])} of its length, the patches by ${whole(mean)}, on average`;
  }
  const [was, now] = [before.probabilities[before.top], after.probabilities[after.top]];
  if (before.top !== after.top) {
    return `the answer changes from ${classes[before.top]} (${percent(was)}) to ${classes[after.top]} (${percent(now)})`;
  }
  if (percent(was) === percent(now)) return `the answer stays ${classes[after.top]}, ${percent(now)}`;
  return `the answer stays ${classes[after.top]}, ${percent(was)} → ${percent(now)}`;
}

// All that is changed of an experiment, in words; nothing if it is as it came.
/** @param {Experiment} experiment */
export function changesInWords({ placing, changes }) {
  const { erased, order, positions, silenced, skipped, temperature } = changes;
  const count = (/** @type {unknown[]} */ { length }, /** @type {string} */ one, /** @type {string} */ several) =>
    length ? [`${length} ${length === 1 ? one : several}`] : [];
  const moved = placing.right || placing.down || placing.size !== 1;
  return [
    ...(moved ? ["moved or scaled"] : []),
    ...(placing.inverted ? ["inverted"] : []),
    ...count(erased, "erased patch", "erased patches"),
    ...(order ? ["patches shuffled"] : []),
    ...(positions ? [] : ["no positions"]),
    ...count(silenced, "silent head", "silent heads"),
    ...count(skipped, "skipped branch", "skipped branches"),
    ...(temperature === 1 ? [] : [`temperature ${temperature}`]),
  ].join(", ");
}

// Which patches of a map count most, in words: the text alternative of a map.
/** @param {Config} config @param {ArrayLike<number>} numbers  of the patches @param {(value: number) => string} written */
export function peakOf(config, numbers, written) {
  const best = largestAt(numbers);
  return `${tokenName(config, best + config.special)}, ${written(numbers[best])}`;
}

// What the rank correlations say about maps as an explanation.
/** @param {number} attention @param {number} rollout */
export function verdictOf(attention, rollout) {
  const written = (/** @type {number} */ value) => (Number.isNaN(value) ? "undefined" : trueMinus(value.toFixed(2)));
  return (
    `Rank correlation with the effect of erasing: attention ${written(attention)}, rollout ${written(rollout)}. ` +
    "1 would mean the same order of patches; 0, that neither order says anything about the other."
  );
}
