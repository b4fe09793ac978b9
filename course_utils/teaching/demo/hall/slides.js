// The slides of a notebook: reveal.js, keys that always work, and widgets as large as their slide.

import { fit } from "./fit.js";

/**
 * @typedef {{ next: () => void, prev: () => void, initialize: (options: object) => void,
 *   on: (event: string, act: () => void) => void }} Deck
 * @typedef {{ MathJax: { startup: { promise: Promise<void> } } }} Formulas
 */

// The widget that has the focus, if one has.
const focused = () => document.activeElement?.closest(".afv");

// A clicker sends page up and page down, also after a click into a widget; Escape gives the keys back to the slides.
/** @param {Deck} deck */
function listen(deck) {
  /** @type {Record<string, () => void>} */
  const acts = { PageDown: () => deck.next(), PageUp: () => deck.prev(), Escape: () => {} };
  const take = (/** @type {KeyboardEvent} */ event) => {
    const act = acts[event.key];
    if (!act || !focused()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    /** @type {HTMLElement} */ (document.activeElement).blur();
    act();
  };
  window.addEventListener("keydown", take, true);
}

// Makes a widget as large as its place whenever that is shown or changes its size.
/** @param {Element} widget */
function grow(widget) {
  const place = /** @type {HTMLElement} */ (widget.closest(".shown"));
  const part = /** @type {HTMLElement} */ (widget.parentElement);
  const sizes = new ResizeObserver(() => {
    if (place.clientHeight) fit(place, part, 0);
  });
  sizes.observe(place);
}

// The widgets are made after the page: each is watched from when it is there.
function watch() {
  const known = new WeakSet();
  const look = () => {
    for (const widget of document.querySelectorAll(".shown .afv")) {
      if (!known.has(widget)) grow(widget);
      known.add(widget);
    }
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}

// For printing, reveal.js takes the slides out of the page for a moment, so widgets have to be made before.
async function widgetsForPrinting() {
  const missing = () =>
    [...document.querySelectorAll(".widget .shown")].some((place) => !place.querySelector(".afv"));
  while (/print-pdf/.test(location.search) && missing()) await new Promise((done) => setTimeout(done, 50));
}

/** @param {Deck} deck @param {object} notes */
async function start(deck, notes) {
  listen(deck);
  watch();
  const whole = {
    width: "100%",
    height: "100%",
    margin: 0,
    minScale: 1,
    maxScale: 1,
    center: false,
    display: "grid",
  };
  const pages = { pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, scrollActivationWidth: null };
  const keyboardCondition = () => !focused(); // the other keys are a widget's while it has the focus
  const plain = { controls: false, hash: true, slideNumber: "c/t", transition: "none" };
  deck.on("pdf-ready", async () => {
    await /** @type {Formulas} */ (/** @type {unknown} */ (window)).MathJax.startup.promise;
    document.documentElement.dataset.printable = "yes";
  });
  await widgetsForPrinting();
  deck.initialize({ plugins: [notes], ...whole, ...pages, ...plain, keyboardCondition });
}

const parts = ["_static/reveal/reveal.js", "_static/reveal/notes.js"];
// @ts-expect-error: RequireJS, which the page loads before; it takes no async function
require(parts, (/** @type {Deck} */ deck, /** @type {object} */ notes) => void start(deck, notes));
