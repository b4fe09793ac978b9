// Files that a page loads when a widget needs them, and the numbers and images that they carry in few bytes.

// A script, unlike a module or data, can be read from a file too.
/** @param {string} address @returns {Promise<void>} */
export function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${address} is missing: make these pages again.`));
    document.head.append(script);
  });
}

/** @param {string} text */
export const bytesIn = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// What gzip has packed.
/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function unzipped(bytes) {
  const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(whole).arrayBuffer());
}

// Half floats from whole numbers of levels: each row is a share of its largest number. All largest numbers come first,
// as half floats.
/** @param {Uint8Array} bytes @param {[number, number][]} shape  how many rows, and of how many numbers @param {number} levels */
export function fromLevels(bytes, shape, levels) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const rows = shape.reduce((sum, [count]) => sum + count, 0);
  const whole = new Uint16Array(bytes.length - 2 * rows);
  let [row, at] = [0, 0];
  for (const [count, length] of shape) {
    for (const end = row + count; row < end; row++) {
      const largest = fromHalf(view.getUint16(2 * row, true));
      const codes = Array.from({ length: levels + 1 }, (_, level) => toHalf((largest * level) / levels));
      for (const stop = at + length; at < stop; at++) whole[at] = codes[bytes[2 * rows + at]];
    }
  }
  return new Uint8Array(whole.buffer);
}

// Half floats from 0 to 65504 as they are stored.
/** @param {number} code */
export const fromHalf = (code) =>
  code < 1024 ? code * 2 ** -24 : (1 + (code % 1024) / 1024) * 2 ** ((code >> 10) - 15);
/** @param {number} value */
export function toHalf(value) {
  if (value < 2 ** -14) return Math.round(value * 2 ** 24);
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) + Math.round((value / 2 ** exponent - 1) * 1024); // 2048 carries to the exponent
}

// The red, green and blue bytes, or also the alpha, of images that lie side by side, row by row, in one picture.
/** @param {Uint8Array<ArrayBuffer>} bytes @param {number} count @param {number} width @param {number} height @param {number} channels */
export async function imagesIn(bytes, count, width, height, channels = 3) {
  const picture = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none" });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(picture, 0, 0);
  const across = picture.width / width;
  const whole = new Uint8Array(count * width * height * channels);
  for (let image = 0, to = 0; image < count; image++) {
    const [x, y] = [(image % across) * width, Math.floor(image / across) * height];
    const { data } = context.getImageData(x, y, width, height);
    for (let from = 0; from < data.length; from += 4, to += channels)
      whole.set(data.subarray(from, from + channels), to);
  }
  return whole;
}
