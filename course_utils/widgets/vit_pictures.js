// Pictures for a ViT in the page: from files, drawn, moved, and cut into patches.

import { contextOf, make } from "./shared.js";

/** @import { Placing } from "./vit_answers.js" */
/** @import { Config } from "./vit_engine.js" */
/** @import { Point } from "./shared.js" */

// The channels (channels, height, width) in [0, 1] of a picture: the largest part of that shape in the middle of a source.
/** @param {CanvasImageSource} source @param {number} wide @param {number} high @param {Config} config */
export function pictureFrom(source, wide, high, { width, height, channels }) {
  const canvas = make("canvas", { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const scale = Math.min(wide / width, high / height);
  const [across, down] = [scale * width, scale * height];
  context.fillStyle = "#fff"; // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, (wide - across) / 2, (high - down) / 2, across, down, 0, 0, width, height);
  return channelsOf(context.getImageData(0, 0, width, height).data, 4, channels);
}

// Bytes of interleaved colours → channels one after the other; one channel is the luminance (ITU-R BT.601).
/** @param {ArrayLike<number>} bytes @param {number} step  bytes per pixel @param {number} channels */
export function channelsOf(bytes, step, channels) {
  const count = bytes.length / step;
  const picture = new Float32Array(channels * count);
  for (let pixel = 0; pixel < count; pixel++) {
    const [red, green, blue] = [0, 1, 2].map((c) => bytes[pixel * step + c] / 255);
    if (channels === 1) picture[pixel] = 0.299 * red + 0.587 * green + 0.114 * blue;
    else for (let c = 0; c < channels; c++) picture[c * count + pixel] = [red, green, blue][c];
  }
  return picture;
}

// A picture moved, scaled about its middle, and inverted; what comes in from outside is blank.
/** @param {Float32Array} picture @param {Config} config @param {Placing} placing */
export function placed(picture, { width, height, channels, blank }, { right, down, size, inverted }) {
  if (!right && !down && size === 1 && !inverted) return picture;
  const out = new Float32Array(picture.length);
  const [middle, centre] = [(height - 1) / 2, (width - 1) / 2];
  const at = (/** @type {number} */ c, /** @type {number} */ row, /** @type {number} */ column) =>
    row < 0 || column < 0 || row >= height || column >= width
      ? blank[c]
      : picture[(c * height + row) * width + column];
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [y, x] = [middle + (row - down - middle) / size, centre + (column - right - centre) / size];
        const [top, left] = [Math.floor(y), Math.floor(x)];
        const mixed = (/** @type {number} */ line) =>
          at(c, line, left) * (left + 1 - x) + at(c, line, left + 1) * (x - left);
        const value = mixed(top) * (top + 1 - y) + mixed(top + 1) * (y - top);
        out[(c * height + row) * width + column] = inverted ? 1 - value : value;
      }
    }
  }
  return out;
}

// A picture with a soft stroke between two points: light on a dark ground, dark on a light one.
/** @param {Float32Array} picture @param {Config} config @param {Point} from @param {Point} to */
export function drawn(picture, { width, height, channels, blank }, from, to) {
  const out = picture.slice();
  const radius = Math.max(1, Math.min(width, height) / 24);
  const [x, y] = [from[0] * width - 0.5, from[1] * height - 0.5];
  const [dx, dy] = [(to[0] - from[0]) * width, (to[1] - from[1]) * height];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const along = ((column - x) * dx + (row - y) * dy) / (dx * dx + dy * dy || 1);
      const share = Math.min(1, Math.max(0, along));
      const distance = Math.hypot(column - x - share * dx, row - y - share * dy);
      const cover = Math.min(1, Math.max(0, radius + 0.5 - distance));
      for (let c = 0; c < channels; c++) {
        const place = (c * height + row) * width + column;
        out[place] = blank[c] < 0.5 ? Math.max(out[place], cover) : Math.min(out[place], 1 - cover);
      }
    }
  }
  return out;
}

/** @param {Config} config */
export const blankPicture = ({ width, height, channels, blank }) =>
  Float32Array.from({ length: channels * width * height }, (_, at) => blank[Math.floor(at / (width * height))]);

// The picture as the model reads it: its patches in their order, with the erased ones blank.
/** @param {Float32Array} picture @param {Config} config @param {number[]} erased @param {number[] | null} order */
export function asRead(picture, { width, height, rows, columns, patch_size: size, channels, blank }, erased, order) {
  const out = picture.slice();
  for (let place = 0; place < rows * columns; place++) {
    const patch = order ? order[place] : place;
    const [from, to] = [patch, place].map((at) => Math.floor(at / columns) * size * width + (at % columns) * size);
    const hidden = erased.includes(patch);
    if (from === to && !hidden) continue; // as it was
    for (let c = 0; c < channels; c++) {
      for (let pixel = 0; pixel < size * size; pixel++) {
        const offset = c * width * height + Math.floor(pixel / size) * width + (pixel % size);
        out[to + offset] = hidden ? blank[c] : picture[from + offset];
      }
    }
  }
  return out;
}

// Puts a picture, or a part of it, on a canvas of as many pixels.
/**
 * @param {HTMLCanvasElement} canvas @param {Float32Array} picture @param {Config} config
 * @param {{ row: number, column: number }} corner
 */
export function putPicture(canvas, picture, { width, height, channels }, corner = { row: 0, column: 0 }) {
  const image = new ImageData(canvas.width, canvas.height);
  for (let row = 0; row < image.height; row++) {
    for (let column = 0; column < image.width; column++) {
      const [to, from] = [4 * (row * image.width + column), (corner.row + row) * width + corner.column + column];
      for (let c = 0; c < 3; c++) {
        image.data[to + c] = 255 * picture[Math.min(c, channels - 1) * width * height + from];
      }
      image.data[to + 3] = 255;
    }
  }
  contextOf(canvas).putImageData(image, 0, 0);
}
