// What one query looks at, by model, layer and map: reading the weights, moving the query, and saying it in words.

import { clamp, halfFloats, percent } from "./shared.js";

/** @import { Facts, Point } from "./shared.js" */
/** @typedef {{ tokens: number, special: number, special_name: string, rows: number, columns: number }} Grid */
/** @typedef {Record<"layers" | "heads" | "attention" | "rollout", number>} Counts */
/** @typedef {Grid & Counts & { name: string, seen: number[] }} Sent  seen: keys that a query gives any weight */
/** @typedef {Sent & { weights: Uint16Array, rollouts: Uint16Array }} One  a model, with its half floats */
/**
 * @typedef {object} State
 * @property {number} layer
 * @property {number | string} map  a head's number, "mean" or "rollout"
 * @property {number} opacity
 * @property {Point} point  the query
 * @property {number | null} special  or the number of the special token that asks
 * @property {boolean} held  a held query stays while the pointer reads single weights
 * @property {Point | null} reading  the patch that is read
 * @property {boolean} own  each map has a colour scale of its own
 */
/** @typedef {{ one: One, asker: number | null, weights: Float32Array, title: string }} Answer */

// ---- numbers ---------------------------------------------------------------------------------------------------

// Each model with its half floats: attention (layers, heads, queries, keys), rollout (layers, queries, keys).
/** @param {Sent[]} models @param {ArrayBuffer} bytes @returns {One[]} */
export function readModels(models, bytes) {
  const numbers = new Uint16Array(bytes);
  return models.map((one) => ({
    ...one,
    weights: numbers.subarray(one.attention, one.rollout),
    rollouts: numbers.subarray(one.rollout, one.rollout + one.layers * one.tokens ** 2),
  }));
}

// One query's weights over all keys: of a head, the mean of the heads, or the rollout.
/**
 * @param {One} one @param {number} layer @param {number | string} map @param {number} asker
 * @param {Float32Array} into
 */
export function readRow(one, layer, map, asker, into) {
  const decode = halfFloats();
  const { tokens } = one;
  if (map === "rollout") {
    const start = (layer * tokens + asker) * tokens;
    for (let key = 0; key < tokens; key++) into[key] = decode[one.rollouts[start + key]];
    return;
  }
  const [first, last] = map === "mean" ? [0, one.heads - 1] : [Number(map), Number(map)];
  into.fill(0);
  for (let head = first; head <= last; head++) {
    const start = ((layer * one.heads + head) * tokens + asker) * tokens;
    for (let key = 0; key < tokens; key++) into[key] += decode[one.weights[start + key]];
  }
  for (let key = 0; key < tokens; key++) into[key] /= last - first + 1;
}

// The patch with the largest weight; special tokens have no place in the image and no part in its scale.
/** @param {Grid} one @param {Float32Array} weights */
export function largest(one, weights) {
  let best = one.special;
  for (let key = best + 1; key < one.tokens; key++) if (weights[key] > weights[best]) best = key;
  return best;
}

// The largest weight of a patch, in each map or, on a common scale, in all.
/** @param {{ one: Grid, weights: Float32Array }[]} maps @param {boolean} own */
export function topsOf(maps, own) {
  const tops = maps.map(({ one, weights }) => weights[largest(one, weights)]);
  return own ? tops : tops.map(() => Math.max(...tops));
}

/** @param {Grid} one @param {Float32Array} weights */
export const onSpecials = (one, weights) => weights.subarray(0, one.special).reduce((sum, weight) => sum + weight, 0);

/** @param {Grid} one @param {Point} point */
export const cell = (one, [u, v]) => ({ row: Math.floor(v * one.rows), column: Math.floor(u * one.columns) });

/** @param {Grid} one @param {Point} point */
export function tokenAt(one, point) {
  const { row, column } = cell(one, point);
  return one.special + row * one.columns + column;
}

// The token that asks in this model, or null when the model has no such special token.
/** @param {Grid} one @param {State} state */
export function askerOf(one, { special, point }) {
  if (special === null) return tokenAt(one, point);
  return special < one.special ? special : null;
}

// ---- what is asked ---------------------------------------------------------------------------------------------

export const RELEASED = { special: null, held: false, reading: null };

/** @param {State} state @param {number} special */
export const askSpecial = (state, special) =>
  state.special === special ? RELEASED : { special, held: true, reading: null };

// Key c: each special token in turn, then back to the patch.
/** @param {State} state @param {number} specials */
export function askNext(state, specials) {
  const next = state.special === null ? 0 : state.special + 1;
  return next < specials ? askSpecial(state, next) : RELEASED;
}

/** @param {State} state */
export const toggleHold = (state) => (state.held ? RELEASED : { held: true, reading: null });

/** @param {State} state @param {Point} point */
export const moveTo = (state, point) => (state.held ? { reading: point } : { point });

// The middle of the patch so many further on, from the one that is read or else asks.
/** @param {Grid} one @param {State} state @param {number} down @param {number} right @returns {Point} */
export function stepped(one, state, down, right) {
  const { row, column } = cell(one, (state.held && state.reading) || state.point);
  return [(clamp(column + right, one.columns) + 0.5) / one.columns, (clamp(row + down, one.rows) + 0.5) / one.rows];
}

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {Grid} one @param {number | null} index */
export const specialName = (one, index) => (index ? `special token ${index}` : one.special_name);

/** @param {Grid} one */
const specialsName = (one) => (one.special === 1 ? one.special_name : "special tokens");

// What each key would get if a query spread its weight evenly over those that it sees.
/** @param {One} one @param {number} asker */
function evenly({ seen, tokens }, asker) {
  const share = `${percent(1 / seen[asker])} each`;
  return seen[asker] < tokens ? `${share}, over the ${seen[asker]} it sees` : share;
}

/** @param {Grid} one @param {number} token */
export function placeName(one, token) {
  if (token < one.special) return specialName(one, token);
  const patch = token - one.special;
  return `row ${Math.floor(patch / one.columns)}, column ${patch % one.columns}`;
}

/** @param {number | string} map @param {string[]} names */
export const mapName = (map, names) => (typeof map === "number" ? (names[map] ?? `head ${map}`) : map);

// The map of a model that is shown when another one may have more layers and heads, and its name.
/**
 * @param {One} one @param {State} state @param {string[]} names
 * @returns {{ layer: number, map: number | string, title: string }}
 */
export function mapOf(one, state, names) {
  const layer = Math.min(state.layer, one.layers - 1);
  const only = one.heads === 1 && state.map === "mean";
  const map = typeof state.map === "number" ? Math.min(state.map, one.heads - 1) : only ? 0 : state.map;
  if (one.heads === 1 && one.layers === 1) return { layer, map, title: "attention" };
  if (map === "rollout") return { layer, map, title: `rollout of layers 0–${layer}` };
  return {
    layer,
    map,
    title: `layer ${layer}, ${map === "mean" ? `mean of ${one.heads} heads` : mapName(map, names)}`,
  };
}

/** @param {Answer} answer @param {State} state @returns {Facts} */
export function factsOf({ one, asker, weights }, state) {
  if (asker === null) {
    const others = ["most", "itself", ...(one.special ? ["special"] : []), "even", "read"];
    const blank = Object.fromEntries(others.map((name) => [name, ["\u00a0", ""]]));
    return { asks: ["asks", `no ${specialName(one, state.special)} in this model`], ...blank };
  }
  const told = (/** @type {number} */ token) => `${placeName(one, token)}: ${percent(weights[token])}`;
  const read = state.reading ? told(tokenAt(one, state.reading)) : state.held ? "point at a patch" : "";
  return {
    asks: ["asks", `token ${asker} of 0–${one.tokens - 1}`],
    most: ["looks most at", told(largest(one, weights))],
    itself: ["at itself", percent(weights[asker])],
    ...(one.special && { special: [`at the ${specialsName(one)}`, percent(onSpecials(one, weights))] }),
    even: ["if spread evenly", evenly(one, asker)],
    read: [state.held ? "weight read" : "\u00a0", read],
  };
}

/** @param {Answer} answer @param {State} state */
export function sentenceOf({ one, asker, weights, title }, state) {
  const prefix = prefixOf(one);
  if (asker === null) return `${prefix}there is no ${specialName(one, state.special)} in this model.`;
  const [top, read] = [largest(one, weights), state.reading && tokenAt(one, state.reading)];
  const special = one.special ? `, at the ${specialsName(one)} ${percent(onSpecials(one, weights))}` : "";
  const reading = read === null ? "" : `, at ${placeName(one, read)} ${percent(weights[read])}`;
  const most = `${placeName(one, asker)} looks most at ${placeName(one, top)}, ${percent(weights[top])}`;
  return `${prefix}${title}: ${most}; at itself ${percent(weights[asker])}${special}${reading}.`;
}

/** @param {Sent} one */
export const prefixOf = (one) => (one.name ? `${one.name}: ` : "");
