// Forward passes in the kernel, for a model that is too large for the page.

import { bytesOf, halfFloats, uniqueId } from "./shared.js";

/** @import { AnyModel } from "@anywidget/types" */
/** @import { Answer, Request } from "./vit_worker.js" */
/** @typedef {{ id: string, error?: string, layout: [keyof Answer, number[]][] }} Reply  name and shape of each buffer */
/**
 * @typedef {object} Link
 * @property {(request: Request, finish: (answer: Answer | null) => void) => void} ask
 * @property {() => void} remind  say once more that the kernel has not answered for long, if that is so
 * @property {() => void} stop
 */

const PATIENCE = 10_000; // milliseconds
export const SILENT =
  "The kernel does not answer. It may be busy with another cell; if it has ended, or if this page never had one, run the cell of this widget in the notebook.";

// The answer from the buffers of a reply: attention in half floats, the rest in floats.
/** @param {Reply["layout"]} layout @param {DataView[]} buffers @returns {Answer} */
export function answerFrom(layout, buffers) {
  const half = halfFloats();
  /** @type {Answer} */
  const answer = {
    logits: new Float32Array(),
    attention: [],
    lens: [],
    changed: [],
    embedded: new Float32Array(),
    final: new Float32Array(),
  };
  for (const [at, [name, [count]]] of layout.entries()) {
    const bytes = bytesOf(buffers[at]);
    const numbers =
      name === "attention"
        ? Float32Array.from(new Uint16Array(bytes), (code) => half[code])
        : new Float32Array(bytes);
    const size = numbers.length / count;
    const parts = () => Array.from({ length: count }, (_, part) => numbers.subarray(part * size, (part + 1) * size));
    Object.assign(answer, { [name]: Array.isArray(answer[name]) ? parts() : numbers });
  }
  return answer;
}

// What asks the kernel for one answer after another; tell(words) when there is none. number: of the model that is asked.
/** @param {AnyModel<any>} model @param {(words: string) => void} tell @param {number} number @returns {Link} */
export function kernelLink(model, tell, number = 0) {
  let [asked, timer, late] = ["", 0, false];
  /** @type {(answer: Answer | null) => void} */
  let finish = () => {};
  const listen = (/** @type {Reply} */ { id, error, layout }, /** @type {DataView[]} */ buffers) => {
    if (id !== asked) return; // by another view of this widget
    clearTimeout(timer);
    late = false;
    if (error) tell(error);
    finish(error ? null : answerFrom(layout, buffers));
  };
  model.on("msg:custom", listen);
  const remind = () => {
    if (late) tell(SILENT);
  };
  const wait = () => {
    late = true;
    remind();
  };
  /** @type {Link["ask"]} */
  const ask = ({ pixels, changes, whole }, then) => {
    [asked, finish] = [uniqueId("pass"), then];
    clearTimeout(timer);
    timer = setTimeout(wait, PATIENCE);
    try {
      model.send({ id: asked, model: number, changes, whole }, undefined, [pixels.slice().buffer]);
    } catch {
      wait(); // there is no way to a kernel
    }
  };
  const stop = () => {
    clearTimeout(timer);
    model.off("msg:custom", listen);
  };
  return { ask, remind, stop };
}
