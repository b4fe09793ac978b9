// What the widgets share: elements, keys, numbers, colours, sharp canvases, and a voice for screen readers.

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {(context: Context, width: number, height: number) => void} Paint  in CSS pixels */
/** @typedef {[number, number]} Point  fractions of a width and of a height */
/** @typedef {Record<string, () => void>} Keys  what a key does, by its name in lower case */
/** @typedef {Record<string, [string, string]>} Facts  a term and a value each */
/** @typedef {ReturnType<typeof voice>} Voice */

// ---- elements --------------------------------------------------------------------------------------------------

// make("p", { class: "x", onclick: f }, "text", child): properties that are functions become listeners.
/**
 * @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag @param {Record<string, unknown>} attributes
 * @param {(Node | string)[]} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") Object.assign(element, { [name]: value });
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

// The root of a widget. In a notebook, JupyterLab must not hear the keys that are typed on it: d d deletes the cell.
// Elsewhere, on slides or in a hall, Escape gives the keys back to the page.
/** @param {string} name @param {string} label @param {(Node | string)[]} children */
export function root(name, label, ...children) {
  const element = make("div", { class: `afv afv-${name}`, role: "group", "aria-label": label }, ...children);
  element.addEventListener("keydown", (event) => {
    const inNotebook = element.closest(".jp-Notebook");
    if (inNotebook ? !leaves(event) : event.key === "Escape") event.stopPropagation();
    if (!inNotebook && event.key === "Escape") /** @type {HTMLElement} */ (event.target).blur();
  });
  return element;
}

// Whether a key leaves the widget or runs its cell.
/** @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey">} event */
export function leaves({ key, ctrlKey, metaKey, shiftKey }) {
  return key === "Escape" || key === "Tab" || (key === "Enter" && (ctrlKey || metaKey || shiftKey));
}

// What keys do on an element; one that can have the focus gets it by a press. With Ctrl, Alt or Meta a key belongs to
// the browser.
/** @param {HTMLElement} element @param {Keys} keys */
export function onKeys(element, keys) {
  if (element.tabIndex >= 0) element.addEventListener("pointerdown", () => element.focus({ preventScroll: true }));
  element.addEventListener("keydown", (event) => {
    const act = keys[event.key.toLowerCase()];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter")) return;
    event.preventDefault();
    if (event.key !== "Escape") event.stopPropagation();
    act();
  });
}

/** @type {(step: (down: number, right: number) => void) => Keys} */
export const arrows = (step) => ({
  arrowup: () => step(-1, 0),
  arrowdown: () => step(1, 0),
  arrowleft: () => step(0, -1),
  arrowright: () => step(0, 1),
});

// act(place) whenever a pointer moves over an element or is pressed there.
/** @param {HTMLElement} element @param {(place: Point) => void} act */
export function onPoint(element, act) {
  element.addEventListener("pointermove", (event) => act(placeOf(event, element)));
  element.addEventListener("pointerdown", (event) => act(placeOf(event, element)));
}

// act() when a pointer leaves an element. A finger only ever leaves by being lifted, and then its reader looks.
/** @param {HTMLElement} element @param {() => void} act */
export function onLeave(element, act) {
  element.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType !== "touch") act();
  });
}

// Where a pointer is on an element, as fractions in [0, 1).
/**
 * @param {{ clientX: number, clientY: number }} event @param {Pick<Element, "getBoundingClientRect">} element
 * @returns {Point}
 */
export function placeOf(event, element) {
  const box = element.getBoundingClientRect();
  const inside = (/** @type {number} */ value) => Math.min(Math.max(value, 0), 1 - 1e-6);
  return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
}

// A slider with a name and its value in words beside it; act(value) when it moves. JupyterLab takes the arrow keys
// away from sliders, so they are moved by hand; a page is five steps.
/**
 * @param {string} name @param {{ min: number, max: number, step?: number, value: number }} range
 * @param {(value: number) => void} act
 */
export function slider(name, { min, max, step = 1, value }, act) {
  const oninput = () => act(Number(input.value));
  const input = make("input", { type: "range", min, max, step, value, "aria-label": name, oninput });
  const output = make("output");
  const by = (/** @type {number} */ steps) => {
    input.value = String(Math.min(Number(input.max), Math.max(min, Number(input.value) + steps * step)));
    oninput();
  };
  onKeys(input, {
    ...arrows((down, right) => by(right - down)),
    pageup: () => by(5),
    pagedown: () => by(-5),
    home: () => by(-Infinity),
    end: () => by(Infinity),
  });
  return { input, output, label: make("label", {}, name, input, output) };
}

// A list of terms and values; write(facts) renews those that it names.
export function factList() {
  const list = make("dl");
  /** @type {Record<string, [HTMLElement, HTMLElement]>} */
  const shown = {};
  const write = (/** @type {Facts} */ facts) => {
    for (const [name, words] of Object.entries(facts)) {
      if (!shown[name]) {
        shown[name] = [make("dt"), make("dd", { "data-fact": name })];
        list.append(...shown[name]);
      }
      for (const [index, element] of shown[name].entries()) element.textContent = words[index];
    }
  };
  return { list, write };
}

// Which of some buttons is the chosen one.
/**
 * @template {HTMLElement} Button @param {Button[]} buttons @param {(button: Button, index: number) => boolean} chosen
 */
export function press(buttons, chosen) {
  for (const [index, button] of buttons.entries()) button.setAttribute("aria-pressed", String(chosen(button, index)));
}

// What to do with a widget, in a small paragraph in which [brackets] mark keys.
/** @param {string[]} sentences */
export function hint(...sentences) {
  const parts = sentences.join(" ").split(/[[\]]/);
  return make("p", { class: "afv-hint" }, ...parts.map((part, index) => (index % 2 ? make("kbd", {}, part) : part)));
}

let counted = 0;
/** @param {string} name */
export const uniqueId = (name) => `afv-${name}-${++counted}-${Math.random().toString(36).slice(2, 8)}`;

// ---- what Python sent ------------------------------------------------------------------------------------------

// Bytes arrive as a DataView into a larger buffer; typed arrays need an aligned copy.
/** @param {DataView} view */
export function bytesOf(view) {
  return /** @type {ArrayBuffer} */ (view.buffer).slice(view.byteOffset, view.byteOffset + view.byteLength);
}

// An image sent as RGBA bytes, on a canvas of its own size.
/** @param {DataView} view @param {number} width @param {number} height */
export function canvasOf(view, width, height) {
  const canvas = make("canvas", { width, height });
  contextOf(canvas).putImageData(new ImageData(new Uint8ClampedArray(bytesOf(view)), width, height), 0, 0);
  return canvas;
}

/** @param {AnyModel<{ pixels: DataView, width: number, height: number }>} model */
export const imageOf = (model) => canvasOf(model.get("pixels"), model.get("width"), model.get("height"));

// Half floats are decoded by a table of all 65,536 of them, made when first needed.
/** @type {Float32Array | null} */
let halfTable = null;
export function halfFloats() {
  if (halfTable) return halfTable;
  halfTable = new Float32Array(65536);
  for (let code = 0; code < 65536; code++) {
    const exponent = (code >> 10) & 31;
    const fraction = code & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    halfTable[code] = code >> 15 ? -size : size;
  }
  return halfTable;
}

// ---- numbers ---------------------------------------------------------------------------------------------------

/** @param {number} value @param {number} count */
export const clamp = (value, count) => Math.min(Math.max(value, 0), count - 1);

/** @param {number | bigint} number */
export const grouped = (number) => number.toLocaleString("en-US");

// With the sign of mathematics; zero has none.
/** @param {string} number */
export const trueMinus = (number) => number.replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212");

// The same, with a plus before what is above zero.
/** @param {string} number */
export const withSign = (number) => trueMinus(/^-|^[0.]*$/.test(number) ? number : `+${number}`);

// A slider's steps, from 0 to a last one, for values from low to high: each step has the same factor. A value that was
// given may lie between two steps; values have three digits, so that what is written is what is computed with.
/** @param {number} low @param {number} high @param {number} last */
export const logScale = (low, high, last) => ({
  range: { min: 0, max: last },
  stepOf: (/** @type {number} */ value) => last * (Math.log(value / low) / Math.log(high / low)),
  at: (/** @type {number} */ step) => Number((low * (high / low) ** (step / last)).toPrecision(3)),
});

/** @param {number} share */
export function percent(share) {
  const value = share * 100;
  if (value < 0.001) return value > 0 ? "< 0.001 %" : "0 %";
  if (value >= 99.95) return "100 %";
  return `${value >= 1 ? value.toFixed(1) : value.toPrecision(2)} %`;
}

/** @param {number[]} logits @param {number} temperature */
export function logSoftmax(logits, temperature) {
  const top = Math.max(...logits);
  const norm = Math.log(logits.reduce((sum, logit) => sum + Math.exp((logit - top) / temperature), 0));
  return logits.map((logit) => (logit - top) / temperature - norm);
}

// ---- canvases --------------------------------------------------------------------------------------------------

/** @param {HTMLCanvasElement} canvas */
export const contextOf = (canvas) => /** @type {Context} */ (canvas.getContext("2d"));

// A canvas that fills its place, as sharp as the screen, also where the page is enlarged.
/** @param {number | string} aspect @param {Paint} paint @param {Record<string, unknown>} attributes */
function sharpCanvas(aspect, paint, attributes) {
  const canvas = make("canvas", attributes);
  canvas.style.aspectRatio = String(aspect);
  const context = contextOf(canvas);
  let box = { width: 0, height: 0 }; // known from the observer: to ask the page would make it lay itself out again
  let ratio = 1; // of the screen's pixels to the page's
  const repaint = () => {
    if (!box.width || !box.height) return;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    context.setTransform(width / box.width, 0, 0, height / box.height, 0, 0);
    paint(context, box.width, box.height);
  };
  canvas.addEventListener("transitionend", repaint); // of its colour: the ink is the page's
  /** @param {ResizeObserverEntry[]} entries */
  const measure = ([entry]) => {
    box = entry.contentRect;
    const pixels = entry.devicePixelContentBoxSize?.[0].inlineSize; // Safari does not know them
    ratio = (pixels ?? box.width * (window.devicePixelRatio || 1)) / (box.width || 1);
    repaint();
  };
  const observers = BOXES.map((box) => {
    const observer = new ResizeObserver(measure);
    observer.observe(canvas, { box });
    return observer;
  });
  const stop = () => {
    for (const observer of observers) observer.disconnect();
  };
  return { canvas, repaint, stop };
}

// Either size may change without the other, when a page is enlarged.
const KNOWS_PIXELS = "devicePixelContentBoxSize" in (globalThis.ResizeObserverEntry?.prototype ?? {});
/** @type {ResizeObserverBoxOptions[]} */
const BOXES = KNOWS_PIXELS ? ["content-box", "device-pixel-content-box"] : ["content-box"];

// The size in pixels of words on a canvas: style sheets set it.
/** @param {Context} context */
export const wordSize = (context) => Number.parseFloat(getComputedStyle(context.canvas).fontSize);

// The size in pixels at which a number fits a cell, or 0 if it could not be read there.
/** @param {number} width  of the number at a size of one pixel @param {number} cell */
export function fontSize(width, cell) {
  const size = Math.min(13, (0.9 * cell) / width);
  return size < 8 ? 0 : size;
}

// Sets the font for a number in the middle of a cell; false when there is no room for it.
/** @param {Context} context @param {string} text @param {number} cell */
export function fitFont(context, text, cell) {
  const font = (/** @type {number} */ pixels) => `${pixels}px system-ui, sans-serif`;
  context.font = font(100);
  const pixels = fontSize(context.measureText(text).width / 100, cell);
  context.font = font(pixels);
  context.textAlign = "center";
  context.textBaseline = "middle";
  return pixels > 0;
}

// An image over the whole canvas; a tiny one shows its pixels.
/** @param {Context} context @param {HTMLCanvasElement} image @param {number} width @param {number} height */
export function paintImage(context, image, width, height) {
  context.imageSmoothingEnabled = width < 3 * image.width;
  context.drawImage(image, 0, 0, width, height);
}

// A line that is seen on any ground: dark outside, white inside.
/**
 * @param {Context} context @param {number} x @param {number} y @param {number} width @param {number} height
 * @param {number[]} dash
 */
export function outline(context, x, y, width, height, dash = []) {
  const stroke = (/** @type {string} */ colour, /** @type {number} */ thickness) => {
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.strokeRect(x, y, width, height);
  };
  stroke("#000", 4);
  context.setLineDash(dash);
  stroke("#fff", 2);
  context.setLineDash([]);
}

// ---- the life of a widget --------------------------------------------------------------------------------------

// What anywidget wants of a module. A view that was removed is left empty: the notebook keeps it as long as its model,
// that is, until the kernel ends.
/**
 * @template {Record<string, any>} Traits
 * @param {(context: RenderProps<Traits>) => (() => void) | void} render
 */
export const widget = (render) => ({
  /** @param {RenderProps<Traits>} context */
  render: (context) => {
    const stop = render(context);
    return () => {
      stop?.();
      context.el.replaceChildren();
    };
  },
});

// change(fields) notes what is new in the state. At the next frame, however many changes there were, paint() is
// called and what canvas(…) made is painted again. stop() ends all of it.
/** @template {object} State @param {State} state @param {() => void} paint */
export function stage(state, paint) {
  const said = voice();
  /** @type {ReturnType<typeof sharpCanvas>[]} */
  const sharps = [];
  let waiting = 0;
  const repaint = () => {
    for (const sharp of sharps) sharp.repaint();
  };
  const show = () => {
    waiting = 0;
    paint();
    repaint();
  };
  return {
    said,
    show,
    change: (/** @type {Partial<State>} */ fields) => {
      Object.assign(state, fields);
      waiting ||= requestAnimationFrame(show);
    },
    canvas: (/** @type {Parameters<typeof sharpCanvas>} */ ...wanted) => {
      const sharp = sharpCanvas(...wanted);
      sharps.push(sharp);
      return sharp.canvas;
    },
    stop: () => {
      cancelAnimationFrame(waiting);
      said.stop();
      for (const sharp of sharps) sharp.stop();
    },
  };
}

// Says a sentence to screen readers once the hand has come to rest.
export function voice() {
  const line = make("div", { class: "afv-unseen", role: "status", "aria-live": "polite", id: uniqueId("status") });
  const speak = (/** @type {string} */ sentence) => line.replaceChildren(sentence);
  let timer = 0;
  const say = (/** @type {string} */ sentence) => {
    clearTimeout(timer);
    timer = setTimeout(speak, 350, sentence);
  };
  return { line, say, stop: () => clearTimeout(timer) };
}

// A canvas that the keyboard can reach; arrow keys are handed to it, also by screen readers.
/** @param {string} label @param {Voice} said */
export const focusable = (label, said) => ({
  tabindex: 0,
  role: "application",
  "aria-label": label,
  "aria-describedby": said.line.id,
});
