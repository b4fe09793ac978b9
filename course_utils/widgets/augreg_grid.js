// A table of accuracies by model, augmentation and regularisation: four views, and every cell told in words.

import { cividisOf, diverging, onGround } from "./colours.js";
import { arrows, clamp, hint, make, onKeys, press, root, voice, widget, withSign } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {keyof typeof VIEWS} View */
/** @typedef {{ row: number, half: number, level: number }} Place  half 1: with regularisation */
/** @typedef {Place & { view: View }} State */
/**
 * @typedef {object} Traits
 * @property {number[][][]} values  (rows, 2, levels), in per cent
 * @property {string[]} rows @property {string[]} levels
 * @property {Record<string, number>} original @property {number | string} regularisation
 */
/** @typedef {Traits & { best: number[] }} Data */

const VIEWS = {
  value: "accuracy",
  below: "below the row's best",
  effect: "what regularisation adds",
  original: "against the original paper",
};
const HINTS = {
  value: "Yellow is the highest of the whole table; \u2605 is the best of its row.",
  below: "How far each cell is below the best of its row: the bluer, the further.",
  effect: "Orange: regularisation helps. Blue: it hurts.",
  original: "Orange: better than the original paper's value for this model. Hatched: the slide gives none.",
};

// ---- numbers ---------------------------------------------------------------------------------------------------

/** @param {View} view */
export const halves = (view) => (view === "effect" ? [1] : [0, 1]);

// null where there is nothing to show.
/** @param {Data} data @param {View} view @param {Place} place */
export function shownValue({ values, rows, original, best }, view, { row, half, level }) {
  const value = values[row][half][level];
  if (view === "below") return value - best[row];
  if (view === "effect") return values[row][1][level] - values[row][0][level];
  if (view === "original") return Object.hasOwn(original, rows[row]) ? value - original[rows[row]] : null;
  return value;
}

// What another view changes: effect has no left half, and original begins with a row that the original paper has.
/** @param {Data} data @param {State} state @param {View} view @returns {Partial<State>} */
export function viewed({ rows, original }, { row }, view) {
  if (view === "effect") return { view, half: 1 };
  if (view !== "original" || Object.hasOwn(original, rows[row])) return { view };
  return { view, row: rows.findIndex((name) => Object.hasOwn(original, name)), half: 0, level: 0 };
}

// The place so many further on, in the order of the table's columns.
/** @param {Data} data @param {State} state @param {number} down @param {number} right @returns {Place} */
export function stepped({ rows, levels }, { view, row, half, level }, down, right) {
  const shown = halves(view);
  const column = clamp(shown.indexOf(half) * levels.length + level + right, shown.length * levels.length);
  const next = shown[Math.floor(column / levels.length)];
  return { row: clamp(row + down, rows.length), half: next, level: column % levels.length };
}

// ---- words -----------------------------------------------------------------------------------------------------

/** @param {number} value */
const rounded = (value) => Math.round(value * 10) / 10;

/** @param {number} value */
export const signed = (value) => withSign(String(rounded(value)));

/** @param {number} value */
export const points = (value) => `${Math.abs(rounded(value))} point${Math.abs(rounded(value)) === 1 ? "" : "s"}`;

/** @param {Data} data @param {Place} place */
export function sentenceOf(data, { row, half, level }) {
  const { values, rows, levels, original, regularisation, best } = data;
  const value = values[row][half][level];
  const where = (/** @type {number} */ h, /** @type {number} */ l) =>
    `${levels[l]}, ${h ? `regularisation ${regularisation}` : "no regularisation"}`;
  const tops = [0, 1]
    .flatMap((h) => levels.map((_, l) => [h, l]))
    .filter(([h, l]) => values[row][h][l] === best[row]);
  const others = tops.filter(([h, l]) => h !== half || l !== level).map(([h, l]) => where(h, l));
  const also = others.length ? `, as ${others.length > 1 ? "are" : "is"} ${others.join(" and ")}` : "";
  const more = `${points(best[row] - value)} more`;
  const effect = values[row][1][level] - values[row][0][level];
  const change = effect ? `${effect > 0 ? "adds" : "costs"} ${points(effect)}` : "changes nothing";
  const gap = value - original[rows[row]];
  return [
    `${rows[row]}, ${where(half, level)}: ${rounded(value)} %.`,
    value === best[row]
      ? `The best of its row${also}.`
      : `The best of its row is ${rounded(best[row])} % (${others.join("; ")}), ${more}.`,
    `At this augmentation, regularisation ${change}.`,
    ...(Object.hasOwn(original, rows[row])
      ? [`The original paper has ${original[rows[row]]} %: this is ${points(gap)} ${gap < 0 ? "less" : "more"}.`]
      : []),
  ].join(" ");
}

// ---- the table -------------------------------------------------------------------------------------------------

// The table of a view and its cells. act(place) when the pointer or the focus comes to a cell.
/** @param {Data} data @param {View} view @param {(place: Place) => void} act */
function makeTable(data, view, act) {
  const { rows, levels } = data;
  /** @type {{ place: Place, cell: HTMLTableCellElement }[]} */
  const cells = [];
  const gap = (/** @type {"th" | "td"} */ tag) => make(tag, { class: "afv-gap", "aria-hidden": true });
  const spaced = (/** @type {(half: number) => HTMLElement[]} */ each, /** @type {"th" | "td"} */ tag) =>
    halves(view).flatMap((half, index) => (index ? [gap(tag), ...each(half)] : each(half)));
  const heads = spaced((half) => {
    const name = `regularisation ${data.regularisation}`;
    const title = view === "effect" ? `with ${name} minus without` : half ? name : "no regularisation";
    return [make("th", { colspan: levels.length, scope: "colgroup" }, title)];
  }, "th");
  const names = spaced(
    () => levels.map((level) => make("th", { scope: "col", title: level }, ...broken(level))),
    "th",
  );
  const line = (/** @type {string} */ name, /** @type {number} */ row) => {
    const numbers = spaced((half) => {
      const places = levels.map((_, level) => ({ row, half, level }));
      const own = places.map((place) => ({ place, cell: makeCell(place, () => act(place)) }));
      cells.push(...own);
      return own.map(({ cell }) => cell);
    }, "td");
    return make("tr", {}, make("th", { scope: "row" }, name), ...numbers);
  };
  const first = make("tr", {}, make("td", { class: "afv-names" }), ...heads);
  const head = make("thead", {}, first, make("tr", {}, make("td"), ...names));
  const body = make("tbody", {}, ...rows.map(line));
  return { cells, table: make("table", { role: "grid", "aria-label": VIEWS[view] }, head, body) };
}

// A name that may be broken before its number, where columns are narrow.
/** @param {string} name */
const broken = (name) => name.split(/(?=\d+$)/).flatMap((part, index) => (index ? [make("wbr"), part] : [part]));

/** @param {Place} place @param {() => void} act */
function makeCell({ row, half, level }, act) {
  const events = { onpointerenter: act, onfocus: act };
  return make("td", { role: "gridcell", tabindex: -1, "data-cell": `${row},${half},${level}`, ...events });
}

/** @param {ReturnType<typeof makeTable>["cells"]} cells @param {Data} data @param {State} state */
function paintCells(cells, data, state) {
  const { values, best } = data;
  const all = values.flat(2);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const shown = cells.map(({ place }) => shownValue(data, state.view, place));
  const reach = Math.max(...shown.map((value) => Math.abs(value ?? 0))) || 1;
  for (const [index, { place, cell }] of cells.entries()) {
    const value = shown[index];
    const isChosen = at(place, state);
    cell.setAttribute("aria-selected", String(isChosen));
    cell.tabIndex = isChosen ? 0 : -1;
    const plain = state.view === "value";
    const isBest = plain && value === best[place.row];
    cell.className = value === null ? "afv-none" : isBest ? "afv-best" : "";
    cell.textContent = value === null ? "" : plain ? String(rounded(value)) : signed(value);
    const levels = (/** @type {number} */ share) => (plain ? cividisOf(share) : diverging(share));
    const share = plain ? (Number(value) - low) / (high - low || 1) : Number(value) / reach;
    [cell.style.background, cell.style.color] = value === null ? ["", ""] : onGround(levels(share));
  }
}

/** @param {Place} place @param {Place} other */
const at = (place, other) => place.row === other.row && place.half === other.half && place.level === other.level;

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const values = model.get("values");
  const [rows, levels, original] = [model.get("rows"), model.get("levels"), model.get("original")];
  const best = values.map((row) => Math.max(...row.flat()));
  const data = { values, rows, levels, original, best, regularisation: model.get("regularisation") };
  /** @type {State} */
  const state = { view: "value", row: 0, half: 0, level: 0 };
  const said = voice();
  const keys = /** @type {View[]} */ (Object.keys(VIEWS));
  const buttons = keys
    .filter((view) => view !== "original" || Object.keys(original).length)
    .map((view) =>
      make(
        "button",
        { type: "button", "data-view": view, onclick: () => change(viewed(data, state, view)) },
        VIEWS[view],
      ),
    );
  const words = make("p", { class: "afv-words", "data-fact": "words" });
  const [scroll, meaning] = [make("div", { class: "afv-scroll" }), make("span")];
  const how = hint("Point at a cell, or click it and use the [arrow keys]. ");
  how.append(meaning);
  const views = make("div", { class: "afv-views", role: "group", "aria-label": "what is shown" }, ...buttons);
  const label = "Accuracy by model, augmentation and regularisation";
  el.append(root("augreg", label, views, scroll, words, how, said.line));
  let cells = build();
  paint();
  return said.stop;

  function build() {
    const made = makeTable(data, state.view, change);
    onKeys(made.table, {
      ...arrows((down, right) => go(down, right)),
      home: () => go(0, -Infinity),
      end: () => go(0, Infinity),
    });
    scroll.replaceChildren(made.table);
    return made.cells;
  }

  /** @param {number} down @param {number} right */
  function go(down, right) {
    change(stepped(data, state, down, right));
    cells.find(({ place }) => at(place, state))?.cell.focus();
  }

  /** @param {Partial<State>} fields */
  function change(fields) {
    const { view } = state;
    Object.assign(state, fields);
    if (state.view !== view) cells = build();
    paint();
  }

  function paint() {
    press(buttons, (button) => button.dataset.view === state.view);
    paintCells(cells, data, state);
    meaning.textContent = HINTS[state.view];
    words.textContent = sentenceOf(data, state);
    said.say(words.textContent);
  }
}

export default widget(render);
