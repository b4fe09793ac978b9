// A widget's traits in a page without a kernel: anywidget's model, as much of it as the widgets use.

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
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const { width, height } = whole;
    const sent = encoding === "webp" ? await unpacked(bytes, Number(count), width, height) : bytes;
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

// The red, green and blue bytes of images that lie side by side, row by row, in one picture.
/** @param {Uint8Array<ArrayBuffer>} bytes @param {number} count @param {number} width @param {number} height */
async function unpacked(bytes, count, width, height) {
  const picture = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none" });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(picture, 0, 0);
  const across = picture.width / width;
  const whole = new Uint8Array(count * width * height * 3);
  for (let image = 0, to = 0; image < count; image++) {
    const [x, y] = [(image % across) * width, Math.floor(image / across) * height];
    const { data } = context.getImageData(x, y, width, height);
    for (let from = 0; from < data.length; from += 4, to += 3) whole.set(data.subarray(from, from + 3), to);
  }
  return whole;
}
