// What the widgets share: elements, numbers, colours, canvases that stay sharp, and a voice for screen readers.
// Each widget's own file follows in the same module.

// make("p", { class: "x", onclick: f }, "text", child): properties that are functions become listeners.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element[name] = value;
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// The root of a widget. JupyterLab's single-letter shortcuts (c copies a cell) must not fire while a key is meant for it.
function root(name, label, ...children) {
  return make(
    "div",
    { class: `afv afv-${name}`, role: "group", "aria-label": label, "data-lm-suppress-shortcuts": "true" },
    ...children,
  );
}

// What keys do on an element, which a press makes theirs: { arrowup: f, h: g }. With Ctrl, Alt or Meta a key belongs to
// the browser.
function onKeys(element, keys) {
  element.addEventListener("pointerdown", () => element.focus({ preventScroll: true }));
  element.addEventListener("keydown", (event) => {
    const act = keys[event.key.toLowerCase()];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}

// A slider with a name and its value in words beside it; act(value) when it moves. JupyterLab takes the arrow keys away
// from sliders, so they are moved by hand; a page is five steps.
function slider(name, { min, max, step = 1, value }, act) {
  const output = make("output", {});
  const input = make("input", { type: "range", min, max, step, value, "aria-label": name, oninput: () => act(Number(input.value)) });
  const by = (steps) => () => {
    input.value = Math.min(Number(input.max), Math.max(min, Number(input.value) + steps * step));
    act(Number(input.value));
  };
  onKeys(input, {
    arrowright: by(1), arrowup: by(1), arrowleft: by(-1), arrowdown: by(-1),
    pageup: by(5), pagedown: by(-5), home: by(-Infinity), end: by(Infinity),
  });
  return { input, output, label: make("label", {}, name, input, output) };
}

// Text in which `backticks` mark code; never HTML.
function withCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

// Bytes arrive as a DataView into a larger buffer; typed arrays need an aligned copy.
function bytesOf(view) {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
}

// A picture sent as RGBA bytes: [a canvas of its own size, its bytes].
function pictureOf(model) {
  const [width, height] = [model.get("width"), model.get("height")];
  const pixels = new Uint8ClampedArray(bytesOf(model.get("pixels")));
  const canvas = make("canvas", { width, height });
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  return [canvas, pixels];
}

// Half floats are decoded by a table of all 65,536 of them, made when first needed.
let halfTable = null;
function halfFloats() {
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

// Cividis (Nuñez, Anderton & Renslow 2018), safe for colour-blind eyes: 17 stops, straight lines between them.
const CIVIDIS = (
  "#00224e #002e6a #1a386f #32436d #434e6c #535a6d #61656f #6f7073 #7d7c78 " +
  "#8c8878 #9b9476 #aba072 #bcae6c #cdbb63 #dec958 #f0d846 #fee838"
).split(" ");
const cividis = (() => {
  const stops = CIVIDIS.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const table = new Uint8ClampedArray(256 * 3);
  for (let level = 0; level < 256; level++) {
    const place = (level / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      table[level * 3 + c] = stops[low][c] + (place - low) * (stops[low + 1][c] - stops[low][c]);
    }
  }
  return table;
})();

function percent(share) {
  const value = share * 100;
  if (value < 0.001) return value > 0 ? "< 0.001 %" : "0 %";
  if (value >= 99.95) return "100 %";
  return `${value >= 1 ? value.toFixed(1) : value.toPrecision(2)} %`;
}

const grouped = (number) => number.toLocaleString("en-US");

// A canvas that fills its place, as sharp as the screen. paint(context, width, height) works in CSS pixels.
function sharpCanvas(aspect, paint, attributes = {}) {
  const canvas = make("canvas", attributes);
  canvas.style.aspectRatio = String(aspect);
  const context = canvas.getContext("2d");
  let box = { width: 0, height: 0 }; // known from the observer: to ask the page would make it lay itself out again
  const repaint = () => {
    if (!box.width || !box.height) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    context.setTransform(width / box.width, 0, 0, height / box.height, 0, 0);
    paint(context, box.width, box.height);
  };
  const observer = new ResizeObserver(([entry]) => {
    box = entry.contentRect;
    repaint();
  });
  observer.observe(canvas);
  return { canvas, repaint, stop: () => observer.disconnect() };
}

// Where a pointer is on an element, as fractions in [0, 1).
function placeOf(event, element) {
  const box = element.getBoundingClientRect();
  const inside = (value) => Math.min(Math.max(value, 0), 1 - 1e-6);
  return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
}

const clamp = (value, count) => Math.min(Math.max(value, 0), count - 1);

// A line that is seen on any ground: dark outside, white inside.
function outline(context, x, y, width, height, dash = []) {
  for (const [colour, thickness, dashes] of [["#000", 4, []], ["#fff", 2, dash]]) {
    context.setLineDash(dashes);
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.strokeRect(x, y, width, height);
  }
  context.setLineDash([]);
}

// At most one repaint a frame, however many events arrive.
function oncePerFrame(paint) {
  let waiting = 0;
  const ask = () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      paint();
    });
  };
  ask.cancel = () => cancelAnimationFrame(waiting);
  return ask;
}

// Says a sentence to screen readers once the hand has come to rest.
function voice() {
  const line = make("div", { class: "afv-unseen", role: "status", "aria-live": "polite", id: uniqueId("status") });
  let timer = 0;
  const say = (sentence) => {
    clearTimeout(timer);
    timer = setTimeout(() => (line.textContent = sentence), 350);
  };
  return { line, say, stop: () => clearTimeout(timer) };
}

// A canvas that the keyboard can reach; arrow keys are handed to it, also by screen readers.
const focusable = (label, said) => ({ tabindex: 0, role: "application", "aria-label": label, "aria-describedby": said.line.id });

let counted = 0;
const uniqueId = (name) => `afv-${name}-${++counted}-${Math.random().toString(36).slice(2, 8)}`;
