// Questions to be answered before reading on: a choice or a sentence shows the answer, and why.

import { marked } from "./marked.js";
import { attempted, verdictOf } from "./quiz_answers.js";
import { leaves, make, root, uniqueId, widget } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @import { Answer, Answered, Asked, Question } from "./quiz_answers.js" */
/** @typedef {{ elements: HTMLElement[], first: HTMLElement, paint: (now: Answered, open: boolean) => void }} Way  to answer */

const LONGEST = 1000; // as in saved_answers.py

/** @param {Answer} answer @param {number} place @param {() => void} onclick */
function makeOption({ text, correct }, place, onclick) {
  const [letter, mark] = ["ABCD"[place], make("mark")];
  const words = make("span", {}, ...marked(text));
  const attributes = { type: "button", class: "afv-option", "data-letter": letter, onclick };
  const button = make("button", attributes, make("b", {}, letter), words, mark);
  const paint = (/** @type {Answered} */ { chosen: [chosen] }, /** @type {boolean} */ open) => {
    const [isRight, isWrong] = [open && Boolean(correct), open && chosen === place && !correct];
    button.disabled = open;
    button.classList.toggle("afv-right", isRight);
    button.classList.toggle("afv-false", isWrong);
    mark.textContent = isRight ? "✓ right" : isWrong ? "✗ wrong" : "";
  };
  return { button, paint };
}

/** @param {Answer[]} answers @param {(place: number) => void} choose @returns {Way} */
function makeChoice(answers, choose) {
  const options = answers.map((answer, place) => makeOption(answer, place, () => choose(place)));
  const buttons = options.map(({ button }) => button);
  return {
    elements: [make("div", { class: "afv-options" }, ...buttons)],
    first: buttons[0],
    paint: (now, open) => {
      for (const option of options) option.paint(now, open);
    },
  };
}

// keep(text, open): what is written is kept when the field is left, and opens the answer with the button or Shift Enter.
/** @param {string} title @param {(text: string, shown: boolean) => void} keep @returns {Way} */
function makeWords(title, keep) {
  const written = () => area.value.trim();
  const commit = () => written() && keep(written(), true);
  const onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !leaves(event)) return;
    event.preventDefault();
    event.stopPropagation();
    commit();
  };
  const oninput = () => {
    button.disabled = !written();
  };
  const attributes = {
    rows: 2,
    maxlength: LONGEST,
    placeholder: "Your answer in a sentence",
    "aria-labelledby": title,
  };
  const onchange = () => area.readOnly || keep(written(), false);
  const area = make("textarea", { ...attributes, oninput, onchange, onkeydown });
  const button = make("button", { type: "button", onclick: commit }, "Keep it and compare");
  const paint = (/** @type {Answered} */ { text }, /** @type {boolean} */ open) => {
    if (area !== document.activeElement || open) area.value = text;
    area.readOnly = open;
    button.hidden = open;
    oninput();
  };
  return { elements: [area, button], first: area, paint };
}

/** @param {Question} question @param {string} number @param {() => Answered} get @param {(now: Answered) => void} save */
function makeQuestion({ question, answers, answer }, number, get, save) {
  const title = make("p", { class: "afv-question", id: uniqueId("question") }, number, ...marked(question));
  const choose = (/** @type {number} */ place) => save(attempted(get(), [place], Boolean(answers[place].correct)));
  const keep = (/** @type {string} */ text, /** @type {boolean} */ shown) => save({ ...get(), text, shown });
  const own = answer ? makeWords(title.id, keep) : makeChoice(answers, choose);
  const reason = make("p", { class: "afv-reason", role: "status" });
  const turn = (/** @type {boolean} */ shown) => save({ ...get(), chosen: [], shown });
  const reveal = make("button", { type: "button", onclick: () => turn(true) }, "Show me anyway");
  const onclick = () => {
    turn(false);
    own.first.focus();
  };
  const again = make("button", { type: "button", onclick }, "Ask me again");
  const paint = () => {
    const now = get();
    const open = now.shown || now.chosen.length > 0;
    own.paint(now, open);
    reason.replaceChildren(...(open ? marked(answer ?? verdictOf(answers, now.chosen[0])) : []));
    [reveal.hidden, again.hidden] = [open, !open];
  };
  return { element: make("div", { class: "afv-asked" }, title, ...own.elements, reveal, reason, again), paint };
}

/** @param {RenderProps<Asked>} props */
function render({ model, el }) {
  const questions = model.get("questions");
  const all = questions.map((question, index) => {
    const save = (/** @type {Answered} */ now) => {
      model.set(
        "answered",
        model.get("answered").map((other, place) => (place === index ? now : other)),
      );
      model.save_changes();
    };
    const number = questions.length > 1 ? `${index + 1}. ` : "";
    return makeQuestion(question, number, () => model.get("answered")[index], save);
  });
  const unsaved = make("p", { class: "afv-hint", role: "status" });
  const paint = () => {
    for (const one of all) one.paint();
    unsaved.textContent = model.get("unsaved");
  };
  el.append(root("predict", "Before you read on", ...all.map(({ element }) => element), unsaved));
  paint();
  model.on("change:answered change:unsaved", paint);
  return () => model.off("change:answered change:unsaved", paint);
}

export default widget(render);
