// Windows over an image: block after block, who may look at whom, and where a token's content can come from.

import {
  arrows,
  clamp,
  factList,
  focusable,
  grouped,
  hint,
  imageOf,
  make,
  onKeys,
  onPoint,
  widget,
} from "./shared.js";
import { outline, percent, press, root, stage } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @import { Context, Facts, Paint } from "./shared.js" */
/** @typedef {{ tokens: number, window: number, depths: number[] }} Sizes */
/** @typedef {Sizes & { pixels: DataView, width: number, height: number, block: number, start: number[] }} Traits */
/** @typedef {{ stage: number, side: number, shift: number }} Block */
/** @typedef {{ tokens: number, window: number, blocks: Block[] }} Data */
/** @typedef {{ row: number, column: number, block: number, shifted: boolean }} State */
/** @typedef {ReturnType<typeof stage<State>>} Stage */

// Okabe & Ito 2008: told apart by colour-blind eyes. One for each piece of a rolled map.
const PIECES = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7"];

// ---- the mathematics -------------------------------------------------------------------------------------------

// Every block: its stage, the side of its map in tokens, and how far its windows move when they do.
/** @param {Sizes} sizes @returns {Block[]} */
export function blocksOf({ tokens, window, depths }) {
  return depths.flatMap((depth, stage) =>
    Array.from({ length: depth }, (_, index) => {
      const side = tokens >> stage;
      return { stage, side, shift: index % 2 && window < side ? window >> 1 : 0 };
    }),
  );
}

// Place of the map → its group, a number: those of the same group, and no others, may look at each other.
/** @param {number} window @param {number} side @param {number} shift @param {number} row @param {number} column */
export function groupOf(window, side, shift, row, column) {
  const [r, c] = [(row - shift + side) % side, (column - shift + side) % side]; // after the roll
  return 4 * (Math.floor(r / window) * side + Math.floor(c / window)) + pieceOf(side, shift, r, c);
}

// Which piece of a map a place of it belongs to once it is rolled.
/** @param {number} side @param {number} shift @param {number} row @param {number} column */
function pieceOf(side, shift, row, column) {
  return shift ? 2 * Number(row >= side - shift) + Number(column >= side - shift) : 0;
}

// Which tokens of the first stage have had a part in the token under the pointer, after the chosen block.
// Backwards from there: a group met once is met whole.
/** @param {Data} data @param {State} state @param {boolean} shifted */
export function origins({ tokens, window, blocks }, state, shifted) {
  let { side } = blocks[state.block];
  let met = new Uint8Array(side * side);
  const scale = tokens / side;
  met[Math.floor(state.row / scale) * side + Math.floor(state.column / scale)] = 1;
  for (const block of blocks.slice(0, state.block + 1).reverse()) {
    if (block.side > side) {
      met = enlarged(met, side);
      side = block.side;
    }
    const shift = shifted ? block.shift : 0;
    const groups = new Set();
    const key = (/** @type {number} */ place) => groupOf(window, side, shift, Math.floor(place / side), place % side);
    for (const [place, yes] of met.entries()) if (yes) groups.add(key(place));
    met = met.map((_, place) => Number(groups.has(key(place))));
  }
  return side < tokens ? enlarged(met, side) : met;
}

// Every place of a map as four of the map before the merge.
/** @param {Uint8Array} met @param {number} side */
export function enlarged(met, side) {
  return Uint8Array.from({ length: 4 * side * side }, (_, place) => {
    const [row, column] = [Math.floor(place / (2 * side)), place % (2 * side)];
    return met[Math.floor(row / 2) * side + Math.floor(column / 2)];
  });
}

// What the chosen block makes of the token under the pointer. seen: may it look at a place of the map?
/** @param {Data} data @param {State} state */
export function here({ tokens, window, blocks }, state) {
  const block = blocks[state.block];
  const { side } = block;
  const scale = tokens / side;
  const [row, column] = [Math.floor(state.row / scale), Math.floor(state.column / scale)];
  const shift = state.shifted ? block.shift : 0;
  const group = groupOf(window, side, shift, row, column);
  const seen = (/** @type {number} */ r, /** @type {number} */ c) => groupOf(window, side, shift, r, c) === group;
  return { stage: block.stage, side, row, column, shift, seen };
}

/** @param {number} side @param {(row: number, column: number) => void} act */
function each(side, act) {
  for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) act(row, column);
}

// ---- painting --------------------------------------------------------------------------------------------------

/** @param {Context} context @param {number} x @param {number} y @param {number} size */
function shade(context, x, y, size) {
  context.fillStyle = "rgba(0, 10, 40, 0.62)";
  context.fillRect(x, y, size + 0.5, size + 0.5);
}

// Tokens in thin lines, windows in thick ones, moved down and to the right by the shift.
/** @param {Context} context @param {number} wide @param {number} side @param {number} window @param {number} shift */
function lines(context, wide, side, window, shift) {
  const cell = wide / side;
  const draw = (/** @type {number} */ width, /** @type {string} */ colour, every = window, start = shift) => {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    for (let at = start % every; at <= side; at += every) {
      context.moveTo(at * cell, 0);
      context.lineTo(at * cell, wide);
      context.moveTo(0, at * cell);
      context.lineTo(wide, at * cell);
    }
    context.stroke();
  };
  draw(0.5, "rgba(255,255,255,0.45)", 1, 0);
  draw(3.5, "#000");
  draw(1.6, "#ffd400");
}

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @returns {Paint} */
function windows(image, data, state) {
  return (context, wide) => {
    const { side, row, column, shift, seen } = here(data, state);
    const cell = wide / side;
    context.drawImage(image, 0, 0, wide, wide);
    each(side, (r, c) => {
      if (!seen(r, c)) shade(context, c * cell, r * cell, cell);
    });
    lines(context, wide, side, data.window, shift);
    outline(context, column * cell, row * cell, cell, cell, [2, 2]);
  };
}

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @returns {Paint} */
function rolled(image, data, state) {
  return (context, wide) => {
    const { side, row, column, shift, seen } = here(data, state);
    const [cell, pixel] = [wide / side, image.width / side];
    each(side, (r, c) => {
      const [fromRow, fromColumn] = [(r + shift) % side, (c + shift) % side];
      const [x, y, size] = [c * cell, r * cell, cell + 0.5];
      context.drawImage(image, fromColumn * pixel, fromRow * pixel, pixel, pixel, x, y, size, size);
      if (shift) {
        context.globalAlpha = 0.3;
        context.fillStyle = PIECES[pieceOf(side, shift, r, c)];
        context.fillRect(x, y, size, size);
        context.globalAlpha = 1;
      }
      if (!seen(fromRow, fromColumn)) shade(context, x, y, cell);
    });
    lines(context, wide, side, data.window, 0);
    const [left, top] = [(column - shift + side) % side, (row - shift + side) % side];
    outline(context, left * cell, top * cell, cell, cell, [2, 2]);
  };
}

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @returns {Paint} */
function reach(image, data, state) {
  return (context, wide) => {
    const { tokens } = data;
    const cell = wide / tokens;
    context.drawImage(image, 0, 0, wide, wide);
    for (const [place, yes] of origins(data, state, state.shifted).entries()) {
      if (!yes) shade(context, (place % tokens) * cell, Math.floor(place / tokens) * cell, cell);
    }
    const { side, row, column } = here(data, state);
    const size = wide / side;
    outline(context, column * size, row * size, size, size, [2, 2]);
  };
}

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {Data} data @param {State} state @returns {{ facts: Facts, sentence: string, titles: string[] }} */
export function told(data, state) {
  const { side, row, column, shift, stage, seen } = here(data, state);
  const { window } = data;
  let looks = 0;
  each(side, (r, c) => {
    looks += Number(seen(r, c));
  });
  const share = (/** @type {boolean} */ shifted) => {
    const met = origins(data, state, shifted);
    return percent(met.reduce((sum, yes) => sum + yes, 0) / met.length);
  };
  const [reached, otherwise] = [share(state.shifted), share(!state.shifted)];
  const hidden = window * window - looks;
  const block = state.block + 1;
  const where = `Block ${block}, row ${row}, column ${column}`;
  return {
    facts: {
      token: ["token", `row ${row}, column ${column}`],
      map: ["stage and map", `stage ${stage + 1}, ${side} × ${side} tokens, windows of ${window} × ${window}`],
      looks: ["may attend to", `${looks} of ${grouped(side * side)} tokens`],
      pieces: ["hidden in its window", hidden ? `${hidden} tokens from the opposite edge of the image` : "none"],
      reach: [`image reached after block ${block}`, reached],
      still: [state.shifted ? "without any shift it would be" : "with shifted windows it would be", otherwise],
    },
    sentence: `${where}: may attend to ${looks} tokens; ${reached} of the image has reached it.`,
    titles: [
      shift ? `block ${block}: windows moved by ${shift}` : `block ${block}: windows`,
      shift ? `rolled by ${shift}, as it is computed` : "as it is computed",
      "where its content can come from",
    ],
  };
}

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {HTMLCanvasElement} canvas @param {Data} data @param {State} state @param {Stage} stage */
function listen(canvas, { tokens, blocks }, state, { change }) {
  const go = (/** @type {number} */ row, /** @type {number} */ column) =>
    change({ row: clamp(row, tokens), column: clamp(column, tokens) });
  onPoint(canvas, ([x, y]) => go(Math.floor(y * tokens), Math.floor(x * tokens)));
  onKeys(canvas, {
    ...arrows((down, right) => {
      const size = tokens / blocks[state.block].side; // one token of this block's map
      go(state.row + down * size, state.column + right * size);
    }),
  });
}

// The button of each block, and between them where the map is merged.
/** @param {Data} data @param {Stage} stage */
function makeBlocks({ blocks }, { change }) {
  const buttons = blocks.map((_, block) =>
    make("button", { type: "button", "data-block": block, onclick: () => change({ block }) }, String(block + 1)),
  );
  const withMerges = buttons.flatMap((button, block) =>
    block && blocks[block].stage > blocks[block - 1].stage ? [make("span", {}, "merge"), button] : [button],
  );
  const group = { class: "afv-blocks", role: "group", "aria-label": "block" };
  return { buttons, group: make("div", group, make("span", {}, "block"), ...withMerges) };
}

/** @param {HTMLCanvasElement} image @param {Data} data @param {State} state @param {Stage} stage */
function makePanels(image, data, state, { canvas, said }) {
  const keys = "arrow keys move, Page Up and Page Down change the block, S turns the shift on and off";
  const map = { role: "img", "aria-label": "the map as the block computes it", "data-panel": "rolled" };
  const far = { role: "img", "aria-label": "where the token's content can come from", "data-panel": "reach" };
  const asked = { ...focusable(`Tokens over the image: ${keys}`, said), "data-panel": "windows" };
  const seen = canvas(1, windows(image, data, state), asked);
  const canvases = [seen, canvas(1, rolled(image, data, state), map), canvas(1, reach(image, data, state), far)];
  const captions = canvases.map(() => make("figcaption"));
  const figures = canvases.map((each, index) => make("figure", {}, captions[index], each));
  return { seen, captions, panels: make("div", { class: "afv-panels" }, ...figures) };
}

const HINT = [
  "Point at a token or use the [arrow keys]; [PgUp] [PgDn] change the block, [S] turns the shift on and off.",
  "Lit: what the token may attend to. All numbers of places count from 0.",
];

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const [tokens, window, depths] = [model.get("tokens"), model.get("window"), model.get("depths")];
  const [image, data] = [imageOf(model), { tokens, window, blocks: blocksOf({ tokens, window, depths }) }];
  const [row, column] = model.get("start");
  /** @type {State} */
  const state = { row, column, block: model.get("block") - 1, shifted: true };
  /** @type {Stage} */
  const page = stage(state, () => {
    const { facts, sentence, titles } = told(data, state);
    press(buttons, (_, block) => block === state.block);
    toggle.checked = state.shifted;
    for (const [index, caption] of captions.entries()) caption.textContent = titles[index];
    list.write(facts);
    page.said.say(sentence);
  });
  const { seen, captions, panels } = makePanels(image, data, state, page);
  const { buttons, group } = makeBlocks(data, page);
  const list = factList();
  const onchange = () => page.change({ shifted: toggle.checked });
  const toggle = make("input", { type: "checkbox", checked: true, onchange });
  const bar = make(
    "div",
    { class: "afv-bar" },
    group,
    make("label", {}, toggle, "every second block shifts its windows"),
  );
  const title = "Windows over an image, block by block";
  const whole = root("windows", title, bar, panels, list.list, hint(...HINT), page.said.line);
  const turn = (/** @type {number} */ by) => page.change({ block: clamp(state.block + by, data.blocks.length) });
  onKeys(whole, {
    pageup: () => turn(1),
    pagedown: () => turn(-1),
    s: () => page.change({ shifted: !state.shifted }),
  });
  el.append(whole);
  listen(seen, data, state, page);
  page.show();
  return page.stop;
}

export default widget(render);
