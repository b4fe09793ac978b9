// Shows the widgets of a page whose parts lie in files of their own, which other pages share.

import { put } from "./model.js";
import { bytesIn, fromLevels, imagesIn, loadScript, unzipped } from "./packed.js";

/** @typedef {(string | number)[]} Path */
/**
 * @typedef {object} Part  of a widget's state: a text, or bytes that may be images, or numbers of few levels
 * @property {string} file @property {string} model @property {Path} path @property {"text" | "bytes" | "images" | "levels"} kind
 * @property {number} [count] @property {number} [channels] @property {[number, number][]} [shape] @property {number} [levels]
 */
/** @typedef {{ version_major: number, version_minor: number, state: Record<string, { state: Record<string, any> }> }} Saved */
/**
 * @typedef {object} Manager  of Jupyter's widgets
 * @property {(saved: Saved) => Promise<{ model_id: string }[]>} set_state
 * @property {(model: object) => Promise<object>} create_view @property {(view: object, place: Element) => Promise<void>} display_view
 */

const { src: HERE } = /** @type {HTMLScriptElement} */ (document.currentScript);

/** @type {Map<string, string>} */
const arrived = new Map();
/** @type {Map<string, Promise<void>>} */
const asked = new Map();
// Called by the script of each part.
Object.assign(globalThis, {
  part: (/** @type {string} */ name, /** @type {string} */ data) => arrived.set(name, data),
});

/** @param {string} name */
async function bytesOfPart(name) {
  if (!asked.has(name)) asked.set(name, loadScript(new URL(`parts/${name}.js`, HERE).href));
  await asked.get(name);
  return bytesIn(/** @type {string} */ (arrived.get(name)));
}

/** @param {Part} part @param {Record<string, any>} traits */
async function contentOf({ file, kind, count = 0, channels = 3, shape = [], levels = 1 }, { width, height }) {
  const packed = await bytesOfPart(file);
  if (kind === "images") return viewOf(await imagesIn(packed, count, width, height, channels));
  const bytes = await unzipped(packed);
  if (kind === "text") return new TextDecoder().decode(bytes);
  return viewOf(kind === "levels" ? fromLevels(bytes, shape, levels) : bytes);
}

/** @param {Uint8Array} bytes */
const viewOf = ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength);

/** @param {Saved & { parts: Part[] }} page @returns {Promise<Saved>} */
async function whole({ parts, ...saved }) {
  await Promise.all(
    parts.map(async (part) => {
      const traits = saved.state[part.model].state;
      put(traits, part.path, await contentOf(part, traits));
    }),
  );
  return saved;
}

// As Jupyter's own page does it, which knows states only as one text.
/** @param {Saved} saved @param {Manager} manager */
async function show(saved, manager) {
  const models = await manager.set_state(saved);
  for (const tag of document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')) {
    const { model_id: wanted } = JSON.parse(tag.textContent ?? "");
    const model = models.find(({ model_id: known }) => known === wanted);
    if (!model) continue;
    const place = document.createElement("div");
    place.className = "widget-subarea";
    tag.before(place);
    manager.display_view(await manager.create_view(model), place);
  }
}

window.addEventListener("DOMContentLoaded", () => {
  const tag = document.querySelector('script[type="application/vnd.course.widget-parts+json"]');
  if (!tag) return;
  const saved = whole(JSON.parse(tag.textContent ?? ""));
  const modules = ["@jupyter-widgets/html-manager", "@jupyter-widgets/html-manager/dist/libembed-amd"];
  // @ts-expect-error: RequireJS, which the page loads before; it takes no async function
  require(modules, (/** @type {any} */ { HTMLManager }, /** @type {any} */ { requireLoader }) => {
    saved.then((whole) => show(whole, new HTMLManager({ loader: requireLoader })));
  });
});
