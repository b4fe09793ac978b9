// A widget's traits in a page without a kernel: anywidget's model, as much of it as the widgets use.

import { bytesIn, imagesIn } from "./packed.js";

/** @typedef {{ path: (string | number)[], encoding: string, data: string, count?: number }} Sent */
/** @typedef {Record<string, any>} Traits */

/** @param {Traits} traits */
export function modelOf(traits) {
  const values = { ...traits };
  return {
    get: (/** @type {string} */ name) => values[name],
    set: (/** @type {string} */ name, /** @type {unknown} */ value) => {
      values[name] = value;
    },
    save_changes() {},
    on() {},
    off() {},
  };
}

// The traits with their bytes in place.
/** @param {Traits} traits @param {Sent[]} buffers @returns {Promise<Traits>} */
export async function traitsOf(traits, buffers) {
  const whole = structuredClone(traits);
  for (const { path, encoding, data, count } of buffers) {
    const { width, height } = whole;
    const bytes = bytesIn(data);
    const sent = encoding === "webp" ? await imagesIn(bytes, Number(count), width, height) : bytes;
    put(whole, path, new DataView(sent.buffer));
  }
  return whole;
}

// Puts a value in its place among nested lists and records, as Jupyter's widgets are stored.
/** @param {Traits} whole @param {(string | number)[]} path @param {unknown} value */
export function put(whole, path, value) {
  const [last, ...before] = [...path].reverse();
  const inner = before.reverse().reduce((part, key) => part[key], whole);
  inner[last] = value;
}
