// Several models and one picture: which of them is looked into, and what the others answer.

import { make, percent, press } from "./shared.js";

/** @import { Lab } from "./vit_explorer.js" */

// Buttons for the models that can be looked into: those that are built like the first.
/** @param {Lab} lab */
export function makeChoice({ models, state, act }) {
  const inside = models.filter(({ weights }) => weights);
  const buttons = inside.map(({ name }, at) =>
    make("button", { type: "button", onclick: () => act.lookInto(at) }, name),
  );
  const group = { class: "afv-bar", role: "group", "aria-label": "the model that is looked into" };
  const element = make("div", { ...group, hidden: inside.length < 2 }, "look into", ...buttons);
  return { element, paint: () => press(buttons, (_, at) => at === state.model) };
}

// The answers of the other models to the same picture, without what is changed inside the one that is looked into.
/** @param {Lab} lab */
export function makeOthers({ models, state, classes }) {
  const rows = models.map(({ name }) => {
    const [answer, bar, share] = [make("span"), make("i"), make("b")];
    const words = make("p", {}, `The same picture, ${name}: `, answer);
    const element = make(
      "div",
      { "data-other": name },
      words,
      make("div", { class: "afv-bars" }, make("u", { "aria-hidden": "true" }, bar), share),
    );
    return { element, answer, bar, share };
  });
  const paint = () => {
    for (const [at, { element, answer, bar, share }] of rows.entries()) {
      const reading = state.others[at];
      element.hidden = at === state.model || !classes.length;
      answer.textContent = reading ? classes[reading.top] : state.unanswered || "…";
      bar.style.width = reading ? `${(100 * reading.probabilities[reading.top]).toFixed(1)}%` : "0";
      share.textContent = reading ? percent(reading.probabilities[reading.top]) : "";
    }
  };
  return { element: make("div", { class: "afv-others" }, ...rows.map(({ element }) => element)), paint };
}

// What the others answer, in words.
/** @param {Lab} lab */
export const othersInWords = ({ models, state, classes }) =>
  models
    .map(({ name }, at) => {
      const reading = at === state.model ? undefined : state.others[at];
      return reading && classes.length ? ` ${name}: ${classes[reading.top]}.` : "";
    })
    .join("");
