// The neighbourhood of a place: its weights, a kernel's and the attention's, and saying them in words.

import { clamp, halfFloats, percent, trueMinus, withSign } from "./shared.js";

/** @import { Facts } from "./shared.js" */
/** @typedef {Record<"heads" | "rows" | "columns" | "size", number> & { kernel: number[] }} Numbers */
/** @typedef {Numbers & { half: number, names: string[], weights: Uint16Array }} Data */
/**
 * @typedef {object} State
 * @property {number} row @property {number} column @property {number} head
 * @property {number | null} offset  of the cell read
 * @property {boolean} common  the weights of the kernel and of attention have one colour scale
 */

// ---- numbers ---------------------------------------------------------------------------------------------------

// The place of a neighbour, or null beyond the border.
/** @param {Data} data @param {State} state @param {number} offset */
export function neighbour({ rows, columns, size, half }, state, offset) {
  const [row, column] = [state.row + Math.floor(offset / size) - half, state.column + (offset % size) - half];
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

// Half floats: (heads, rows, columns, size · size).
/** @param {Data} data @param {State} state @param {number} offset */
export function weight({ rows, columns, size, weights }, { head, row, column }, offset) {
  return halfFloats()[weights[((head * rows + row) * columns + column) * size * size + offset]];
}

// The cell so many further on, from the one that is read or else the middle.
/** @param {Data} data @param {number | null} offset @param {number} down @param {number} right */
export function stepped({ size, half }, offset, down, right) {
  const from = offset ?? half * size + half;
  return clamp(Math.floor(from / size) + down, size) * size + clamp((from % size) + right, size);
}

// The weight with the brightest colour: the largest of the neighbourhood or, on a common scale, of the kernel too.
/** @param {Data} data @param {State} state */
export function topOf(data, state) {
  const weights = offsets(data).map((offset) => weight(data, state, offset));
  return Math.max(...weights, ...(state.common ? data.kernel : []));
}

/** @param {{ size: number }} data */
export const offsets = ({ size }) => [...Array(size * size).keys()];

// A common scale has no colour for negative weights.
/** @param {Data} data */
export const canShare = ({ kernel }) => Math.min(...kernel) >= 0;

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {Data} data @param {number} head */
export const headName = ({ names }, head) => names[head] ?? `head ${head}`;

/** @param {Data} data @param {number} offset */
export function offsetName({ size, half }, offset) {
  const sign = (/** @type {number} */ value) => withSign(String(value));
  return `${sign(Math.floor(offset / size) - half)}, ${sign((offset % size) - half)}`;
}

/** @param {Data} data @param {State} state */
function reading(data, state) {
  const { offset } = state;
  if (offset === null) return null;
  const attention = neighbour(data, state, offset)
    ? `attention ${percent(weight(data, state, offset))}`
    : "beyond the border: no weight";
  return `offset ${offsetName(data, offset)}: convolution ${trueMinus(data.kernel[offset].toFixed(3))}, ${attention}`;
}

// What is known of the neighbourhood, and the sentence that says it.
/** @param {Data} data @param {State} state @returns {{ facts: Facts, sentence: string }} */
export function told(data, state) {
  const { kernel, heads } = data;
  const share = (/** @type {number} */ offset) => weight(data, state, offset);
  const all = offsets(data);
  const most = all.reduce((best, offset) => (share(offset) > share(best) ? offset : best), 0);
  const strongest = all.reduce((best, at) => (Math.abs(kernel[at]) > Math.abs(kernel[best]) ? at : best), 0);
  const outside = all.filter((offset) => !neighbour(data, state, offset)).length;
  const [where, which] = [offsetName(data, most), offsetName(data, strongest)];
  const [largest, centre] = [percent(share(most)), percent(share((all.length - 1) / 2))];
  const read = reading(data, state);
  const beyond = outside ? `${outside} neighbours are beyond the border. ` : "";
  return {
    facts: {
      position: ["centre at", `row ${state.row}, column ${state.column}`],
      border: ["beyond the border", `${outside} of ${all.length}`],
      kernel: ["convolution: strongest at", `offset ${which}, everywhere`],
      most: ["attention: most at", `offset ${where}: ${largest}`],
      centre: ["attention: at the centre", centre],
      read: ["cell read", read ?? "\u2013"],
    },
    sentence: read
      ? `${read}.`
      : `Row ${state.row}, column ${state.column}. ${beyond}${heads > 1 ? `${headName(data, state.head)}: ` : ""}` +
        `attention is largest at offset ${where}, ${largest}; at the centre ${centre}. ` +
        `The convolution is strongest at offset ${which}, as everywhere.`,
  };
}

/** @param {State} state */
export const coloursOf = ({ common }) =>
  common
    ? "One scale for both: yellow is the largest weight of kernel and attention, dark blue none."
    : "Convolution: blue is negative, orange positive, the same scale everywhere. " +
      "Attention: yellow is the largest weight of the neighbourhood, dark blue none.";
