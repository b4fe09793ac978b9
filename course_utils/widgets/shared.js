// Shared by all widgets: each widget's own file follows in the same module.

/** Create an element: make("p", { class: "note" }, "text", child). */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A canvas of so many CSS pixels, sharp on every screen; returns [canvas, context in CSS pixels]. */
function makeCanvas(width, height, attributes = {}) {
  const scale = window.devicePixelRatio || 1;
  const canvas = make("canvas", attributes);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.aspectRatio = `${width} / ${height}`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.imageSmoothingEnabled = false;
  return [canvas, context];
}

/** The bytes of a trait, whatever view the front end hands out. */
function bytesOf(value) {
  return value instanceof DataView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
}

/** A picture sent as RGBA bytes, on a canvas of its own size. */
function pictureOf(model) {
  const canvas = document.createElement("canvas");
  canvas.width = model.get("width");
  canvas.height = model.get("height");
  const pixels = new Uint8ClampedArray(bytesOf(model.get("pixels")));
  canvas.getContext("2d").putImageData(new ImageData(pixels, canvas.width, canvas.height), 0, 0);
  return [canvas, pixels];
}

/** Little-endian half floats as a Float32Array, by a table of all 65,536 of them. */
function halfFloats(value) {
  const bytes = bytesOf(value);
  const half = new Uint16Array(bytes.slice().buffer);
  const table = new Float32Array(65536);
  for (let code = 0; code < 65536; code++) {
    const exponent = (code >> 10) & 31;
    const fraction = code & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    table[code] = code >> 15 ? -size : size;
  }
  return Float32Array.from(half, (code) => table[code]);
}

/** Draw at most once a frame, however many events come. */
function onceAFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}

/** Where a pointer is on an element, both in [0, 1). */
function placeOf(event) {
  const box = event.currentTarget.getBoundingClientRect();
  const clamp = (value) => Math.min(Math.max(value, 0), 0.999999);
  return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const percent = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
