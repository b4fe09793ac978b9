// The keys of the hall, which need no click first: what each does, and which of them belong to what has the focus.

/**
 * @typedef {"forward" | "back" | "next" | "previous" | "answer" | "reset" | "full" | "larger" | "smaller" | "freeze"
 *   | "theme" | "vote" | "code" | "help" | "release"} Action
 */

/** @type {[string[], Action, string][]} */
export const KEYS = [
  [["PageDown"], "forward", "the answer, then the next demo; also a clicker"],
  [["PageUp"], "back", "hide the answer, then the demo before"],
  [["n"], "next", "next demo"],
  [["p"], "previous", "previous demo"],
  [["a", "b", "."], "answer", "show or hide the answer; . and B are a clicker's black screen"],
  [["r"], "reset", "back to the beginning of this demo"],
  [["v"], "vote", "enter the votes; with phones, close the vote, then open it again"],
  [["q"], "code", "QR code of the vote"],
  [["z"], "freeze", "freeze the pointer, or release it"],
  [["f"], "full", "full screen"],
  [["+", "="], "larger", "larger"],
  [["-"], "smaller", "smaller"],
  [["t"], "theme", "light, dark, washed-out projector"],
  [["?"], "help", "these keys"],
  [["Escape"], "release", "close what is open; the keys are the hall's again"],
];

// While something is typed, only these are the hall's.
const ALWAYS = ["PageDown", "PageUp", "Escape"];

// What a key does in the hall, or null if it belongs to what has the focus.
/**
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">} event @param {boolean} typing
 * @returns {Action | null}
 */
export function actionOf({ key, ctrlKey, metaKey, altKey }, typing) {
  if (ctrlKey || metaKey || altKey || (typing && !ALWAYS.includes(key))) return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  return KEYS.find(([keys]) => keys.includes(name))?.[1] ?? null;
}

// Whether an element takes letters and digits itself.
/** @param {Element | null} element */
export const takesText = (element) =>
  element?.matches('select, textarea, input:not([type="range"], [type="checkbox"], [type="radio"])') ?? false;
