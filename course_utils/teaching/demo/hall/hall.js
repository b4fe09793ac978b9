// Demos on the whole screen, one after another: predict, vote, see the answer. Next and previous keep the page, and so
// the full screen.

import { fit } from "./fit.js";
import { actionOf, KEYS, takesText } from "./keys.js";
import { liveVote } from "./live.js";
import { modelOf, traitsOf } from "./model.js";
import { loadScript } from "./packed.js";
import { ringAround } from "./pointer.js";
import { adviceOf, shareOf, totalOf } from "./votes.js";

/** @import { Action } from "./keys.js" */
/** @import { Tally } from "./live.js" */
/** @import { Sent, Traits } from "./model.js" */
/** @import { Counts } from "./votes.js" */
/**
 * @typedef {object} Demo
 * @property {string} question @property {string[]} options @property {string} right @property {string} reason
 * @property {string[]} cover @property {string[]} hide @property {Traits} start @property {Traits} answer
 * @property {Traits} traits @property {Sent[]} buffers @property {string} style
 * @property {{ render: (context: object) => () => void }} widget
 */

const LETTERS = ["A", "B", "C", "D"];
const THEMES = ["light", "dark", "bright"];
const MAIN = ['canvas[tabindex="0"]', 'td[tabindex="0"]', 'input[type="range"]', "button"]; // what gets keys without a click

const { body } = document;
const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const names = /** @type {string} */ (body.dataset.demos).split(" ");
const stage = $("stage");
const help = /** @type {HTMLDialogElement} */ ($("help"));
const ring = ringAround($("ring"), stage);
const styles = document.head.appendChild(document.createElement("style"));

/** @type {{ name: string, demo: Demo, traits: Traits, wanted: string, shown: boolean, counts: Counts, told: boolean, larger: number, close: () => void }} */
const hall = Object.assign(Object.create(null), {
  shown: false,
  counts: {},
  told: false,
  larger: 0,
  close: () => {},
});

// ---- demos -----------------------------------------------------------------------------------------------------

/** @type {Map<string, Demo>} */
const offered = new Map();

// Called by the script of each demo.
Object.assign(globalThis, {
  offer: (/** @type {string} */ name, /** @type {Demo} */ demo, /** @type {Demo["widget"]} */ widget) =>
    offered.set(name, { ...demo, widget }),
});

/** @param {string} name @returns {Promise<Demo>} */
async function load(name) {
  if (!offered.has(name)) await loadScript(`${name}.js`);
  return /** @type {Demo} */ (offered.get(name));
}

/** @param {string} name */
async function open(name) {
  hall.wanted = name;
  const demo = await load(name);
  const traits = await traitsOf(demo.traits, demo.buffers);
  if (hall.wanted !== name) return; // another key was faster
  Object.assign(hall, { name, demo, traits });
  location.replace(`#${name}`);
  document.title = `${name} · ${demo.question}`;
  styles.textContent = `${demo.style}\n${hiding(demo)}`;
  $("question").textContent = demo.question;
  $("reason").textContent = `${demo.right} · ${demo.reason}`;
  $("place").textContent = `${names.indexOf(name) + 1} / ${names.length} · ? keys`;
  $("options").replaceChildren(...demo.options.map(makeOption));
  reset();
}

// Style rules for what a hall does not need and for what waits for the answer.
/** @param {Demo} demo */
function hiding({ hide, cover }) {
  const covered = `.covered #stage :is(${cover.join()})`;
  return [
    `#stage :is(${hide.join()}) { display: none !important }`,
    `${covered} { position: relative; visibility: hidden }`,
    `${covered}::after { ${COVER} }`,
  ].join("\n");
}

const COVER =
  'content: "?"; visibility: visible; position: absolute; inset: -1px; z-index: 9; display: grid; place-content: center; overflow: hidden; ' +
  "border-radius: inherit; font: 700 13px/1 system-ui, sans-serif; color: var(--soft); background: " +
  "repeating-linear-gradient(45deg, var(--raised) 0 6px, var(--ground) 6px 12px)";

/** @param {string} text @param {number} index */
function makeOption(text, index) {
  const option = document.createElement("li");
  option.dataset.letter = LETTERS[index];
  const [letter, words, bar, count] = ["b", "span", "i", "output"].map((tag) => document.createElement(tag));
  letter.textContent = LETTERS[index];
  words.textContent = text;
  option.append(letter, words, bar, count);
  return option;
}

// ---- what is shown ---------------------------------------------------------------------------------------------

// The demo as it begins: its question, and nothing answered.
function reset() {
  Object.assign(hall, { shown: false, told: false, larger: 0 });
  ring.freeze(false);
  count({});
  render();
  tell?.({ demo: hall.name, question: hall.demo.question, options: hall.demo.options });
}

// The widget anew, at its starting state or, with the answer, at that of the answer.
function render() {
  hall.close();
  const part = document.createElement("div");
  stage.replaceChildren(part);
  const { start, answer, widget } = hall.demo;
  const model = modelOf({ ...hall.traits, ...start, ...(hall.shown ? answer : {}) });
  hall.close = widget.render({ model, el: part });
  show();
  mainOf(part)?.focus({ preventScroll: true });
}

/** @param {HTMLElement} part */
const mainOf = (part) =>
  /** @type {HTMLElement | undefined} */ (MAIN.flatMap((selector) => [...part.querySelectorAll(selector)])[0]);

function show() {
  body.classList.toggle("covered", !hall.shown);
  for (const option of $("options").children) {
    const { letter } = /** @type {HTMLElement} */ (option).dataset;
    option.classList.toggle("right", hall.shown && letter === hall.demo.right);
  }
  const part = /** @type {HTMLElement} */ (stage.firstElementChild);
  fit(stage, part, hall.larger);
  // Once more when the widget has adapted to its size.
  const again = () => part.isConnected && fit(stage, part, hall.larger);
  requestAnimationFrame(() => requestAnimationFrame(again));
}

/** @param {boolean} shown */
function answer(shown) {
  hall.shown = shown;
  if (Object.keys(hall.demo.answer).length) render();
  else show();
  if (shown) tell?.({ demo: hall.name, right: hall.demo.right });
}

// ---- votes -----------------------------------------------------------------------------------------------------

/** @param {Counts} counts */
function count(counts) {
  hall.counts = counts;
  $("counts").hidden = true;
  for (const option of $("options").children) {
    const letter = /** @type {HTMLElement} */ (option).dataset.letter ?? "";
    const [bar, number] = [option.querySelector("i"), option.querySelector("output")];
    const share = Math.round(100 * shareOf(counts, letter));
    if (bar) bar.style.width = `${share}%`;
    if (number) number.textContent = totalOf(counts) ? `${counts[letter] ?? 0} · ${share} %` : "";
  }
  const total = totalOf(counts);
  $("advice").textContent = hall.told ? adviceOf(counts, hall.demo.right) : total ? `${total} voted` : "";
}

/** @type {ReturnType<typeof liveVote>} */
const tell = liveVote(listen);

/** @param {Tally} tally */
function listen({ demo, counts, address, code }) {
  $("code").innerHTML = code; // made by this machine's server
  $("code").append(address);
  if (demo === hall.name) count(counts); // else this page's question is on its way
}

// With phones: the vote is closed and says what to do next, then it is open once more.
/** @param {(message: object) => void} tellPhones */
function closeVote(tellPhones) {
  hall.told = !hall.told;
  tellPhones({ demo: hall.name, ...(hall.told ? { closed: true } : { again: true }) });
  count(hall.counts);
}

// Counted hands or cards: one number per option.
function enterVotes() {
  const form = $("counts");
  const fields = hall.demo.options.map((_, index) => {
    const input = Object.assign(document.createElement("input"), { type: "number", min: "0", max: "9999" });
    const label = document.createElement("label");
    label.append(LETTERS[index], input);
    return { input, label };
  });
  form.replaceChildren(
    ...fields.map(({ label }) => label),
    Object.assign(document.createElement("button"), { textContent: "count" }),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    release();
    hall.told = true;
    count(Object.fromEntries(fields.map(({ input }, index) => [LETTERS[index], Math.max(0, Number(input.value))])));
  };
  form.hidden = false;
  fields[0].input.focus();
}

// ---- keys ------------------------------------------------------------------------------------------------------

/** @param {number} by */
function go(by) {
  const name = names[names.indexOf(hall.wanted) + by]; // also while the wanted one is being loaded
  if (name) open(name).catch(complain);
  else location.href = "index.html";
}

/** @param {Error} error */
function complain({ message }) {
  $("question").textContent = message;
}

function nextTheme() {
  const { dataset } = document.documentElement;
  const next = THEMES[(THEMES.indexOf(dataset.hall ?? "light") + 1) % THEMES.length];
  dataset.hall = next;
  dataset.theme = next === "dark" ? "dark" : "light";
}

/** @param {number} by */
function larger(by) {
  hall.larger += by;
  show();
}

// Closes what is open, and takes the focus from whatever has it.
function release() {
  help.close();
  $("counts").hidden = true;
  $("code").hidden = true;
  /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
}

/** @type {Record<Action, () => unknown>} */
const ACTIONS = {
  forward: () => (hall.shown ? go(1) : answer(true)),
  back: () => (hall.shown ? answer(false) : go(-1)),
  next: () => go(1),
  previous: () => go(-1),
  answer: () => answer(!hall.shown),
  reset,
  vote: () => (tell ? closeVote(tell) : enterVotes()),
  code: () => {
    $("code").hidden = !$("code").hidden;
  },
  freeze: () => ring.freeze(!ring.isFrozen()),
  full: () => (document.fullscreenElement ? document.exitFullscreen() : body.requestFullscreen()),
  larger: () => larger(1),
  smaller: () => larger(-1),
  theme: nextTheme,
  help: () => (help.open ? help.close() : help.showModal()),
  release,
};

// Before anything else hears of a key: a widget with the focus takes none of the hall's.
/** @param {KeyboardEvent} event */
function onKey(event) {
  if (!event.isTrusted || !hall.demo) return;
  const focused = document.activeElement;
  const action = actionOf(event, takesText(focused));
  if (action) {
    event.preventDefault();
    event.stopImmediatePropagation();
    ACTIONS[action]();
  } else if (focused === body || focused === null) {
    mainOf(stage)?.dispatchEvent(new KeyboardEvent("keydown", event));
  }
}

function begin() {
  for (const [keys, , words] of KEYS) {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.append(
      keys
        .map((key) => (key === "Escape" ? "Esc" : key.length > 1 ? key.replace("Page", "Page ") : key.toUpperCase()))
        .join(" "),
    );
    text.append(words);
    help.querySelector("dl")?.append(term, text);
  }
  addEventListener("keydown", onKey, { capture: true });
  addEventListener("resize", () => hall.demo && show());
  const wanted = location.hash.slice(1);
  open(names.includes(wanted) ? wanted : (body.dataset.demo ?? names[0])).catch(complain);
}

begin();
