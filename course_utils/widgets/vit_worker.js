// Forward passes beside the page, in a worker; where workers are refused, in the page itself.

import { halfFloats } from "./shared.js";
import { ViTEngine } from "./vit_engine.js";
import { product } from "./vit_product.js";

/** @import { Changes, Config, Weights } from "./vit_engine.js" */
/** @import { Link } from "./vit_kernel.js" */
/** @typedef {{ pixels: Float32Array, changes: Changes, whole: boolean }} Request  whole: all that can be seen, not only logits */
/**
 * @typedef {object} Answer
 * @property {Float32Array} logits
 * @property {Float32Array[]} attention  per layer, (heads, tokens, tokens)
 * @property {Float32Array[]} lens  logits read from the tokens before the first block and after each
 * @property {Float32Array[]} changed  per branch – attention, MLP, attention, … – and token, by how much it changed the
 *   token's vector, as a share of its length
 * @property {Float32Array} embedded  (tokens, dim): what the first block reads
 * @property {Float32Array} final  (tokens, dim): what the last block wrote, normalised
 */
/** @typedef {{ request: Request, use: (answer: Answer) => void }} Job */

// The weights by name, from bytes in this order.
/** @param {ArrayBuffer} bytes @param {"float16" | "float32"} format @param {[string, number][]} layout @returns {Weights} */
export function unpacked(bytes, format, layout) {
  const half = halfFloats();
  const numbers =
    format === "float32" ? new Float32Array(bytes) : Float32Array.from(new Uint16Array(bytes), (code) => half[code]);
  let at = 0;
  return Object.fromEntries(
    layout.map(([name, count]) => {
      at += count;
      return [name, numbers.subarray(at - count, at)];
    }),
  );
}

// The answer to one request. Like the engine's, its text is a part of the worker's program, so it needs nothing else.
/** @param {ViTEngine} engine @param {Request} request @returns {Answer} */
export function answerOf(engine, { pixels, changes, whole }) {
  const { logits, attention, stream } = engine.forward(pixels, changes);
  const [embedded, final, { dim }] = [stream[0], engine.norm(stream[stream.length - 1], "norm"), engine.config];
  if (!whole) return { logits, attention: [], lens: [], changed: [], embedded, final };
  const length = (/** @type {(i: number) => number} */ at) => {
    let sum = 0;
    for (let i = 0; i < dim; i++) sum += at(i) ** 2;
    return Math.sqrt(sum);
  };
  const changed = stream.slice(1).map((after, step) => {
    const before = stream[step];
    return Float32Array.from({ length: engine.tokens }, (_, token) => {
      const at = token * dim;
      return length((i) => after[at + i] - before[at + i]) / length((i) => before[at + i]) || 0;
    });
  });
  const lens = stream.filter((_, step) => step % 2 === 0).map((tokens) => engine.read(tokens));
  return { logits, attention, lens, changed, embedded, final };
}

const PROGRAM = `"use strict";
${product}
${ViTEngine}
${answerOf}
let engine;
onmessage = ({ data }) => {
  if (data.config) engine = new ViTEngine(data.config, data.weights);
  else postMessage(answerOf(engine, data));
};`;

// show(job): computed next; of several that wait, only the latest. queue(jobs): one after the other, whenever nothing is
// to be shown; forget() drops them, and the answer to the one that is running. link: to the kernel, if that computes.
/** @param {Config} config @param {Weights} weights @param {Link | null} link */
export function makePasses(config, weights, link = null) {
  /** @type {Job | null} */
  let running = null;
  /** @type {Job | null} */
  let latest = null;
  /** @type {Job[]} */
  let waiting = [];
  let queued = false; // the one that is running
  const engine = new ViTEngine(config, weights); // of the page, in case there is no worker

  function next() {
    if (running) return;
    queued = latest === null;
    running = latest ?? waiting.shift() ?? null;
    latest = null;
    if (running) compute(running);
  }
  /** @param {Job} job */
  function compute(job) {
    if (link) link.ask(job.request, finish);
    else if (worker) worker.postMessage(job.request);
    else setTimeout(() => finish(answerOf(engine, job.request)));
  }
  /** @param {Answer | null} answer  none if it could not be computed */
  function finish(answer) {
    const job = running;
    running = null;
    if (answer) job?.use(answer);
    next();
  }
  function refused() {
    worker = null;
    if (running) compute(running);
  }
  let worker = link ? null : startWorker({ config, weights }, finish, refused);
  return {
    show: (/** @type {Job} */ job) => {
      latest = job;
      link?.remind();
      next();
    },
    queue: (/** @type {Job[]} */ jobs) => {
      waiting.push(...jobs);
      next();
    },
    forget: () => {
      waiting = [];
      if (running && queued) running = { ...running, use: () => {} };
    },
    stop: () => {
      [running, latest, waiting] = [null, null, []];
      worker?.terminate();
      link?.stop();
    },
  };
}

/**
 * @param {{ config: Config, weights: Weights }} model @param {(answer: Answer) => void} finish
 * @param {() => void} refused  when the page may have no worker
 */
function startWorker(model, finish, refused) {
  try {
    const address = URL.createObjectURL(new Blob([PROGRAM], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = ({ data }) => {
      URL.revokeObjectURL(address); // it has been read
      finish(data);
    };
    worker.onerror = refused;
    worker.postMessage(model);
    return worker;
  } catch {
    return null;
  }
}
