// A question to be answered before reading on: a choice shows which option is right, and why.

import { attempted, verdictOf } from "./quiz_answers.js";
import { make, root, withCode } from "./shared.js";

/** @import { Render } from "@anywidget/types" */
/** @import { Answer, Answered, Asked } from "./quiz_answers.js" */

/** @param {Answer} answer @param {number} place @param {() => void} onclick */
function makeOption({ text, correct }, place, onclick) {
  const [letter, mark] = ["ABCD"[place], make("mark")];
  const words = make("span", {}, ...withCode(text));
  const attributes = { type: "button", class: "afv-option", "data-letter": letter, onclick };
  const button = make("button", attributes, make("b", {}, letter), words, mark);
  const paint = (/** @type {number | undefined} */ chosen) => {
    const answered = chosen !== undefined;
    const [isRight, isWrong] = [answered && Boolean(correct), answered && chosen === place && !correct];
    button.disabled = answered;
    button.classList.toggle("afv-right", isRight);
    button.classList.toggle("afv-false", isWrong);
    mark.textContent = isRight ? "✓ right" : isWrong ? "✗ wrong" : "";
  };
  return { button, paint };
}

/** @type {Render<Asked>} */
function render({ model, el }) {
  const [{ question, answers }] = model.get("questions");
  const save = (/** @type {Answered} */ answered) => {
    model.set("answered", [answered]);
    model.save_changes();
  };
  const choose = (/** @type {number} */ place) =>
    save(attempted(model.get("answered")[0], [place], Boolean(answers[place].correct)));
  const options = answers.map((answer, place) => makeOption(answer, place, () => choose(place)));
  const reason = make("p", { class: "afv-reason", role: "status" });
  const unsaved = make("p", { class: "afv-hint", role: "status" });
  const onclick = () => {
    save({ ...model.get("answered")[0], chosen: [] });
    options[0].button.focus();
  };
  const again = make("button", { type: "button", onclick }, "Ask me again");
  const paint = () => {
    const [chosen] = model.get("answered")[0].chosen;
    for (const option of options) option.paint(chosen);
    reason.replaceChildren(...(chosen === undefined ? [] : withCode(verdictOf(answers, chosen))));
    again.hidden = chosen === undefined;
    unsaved.textContent = model.get("unsaved");
  };
  const list = make("div", { class: "afv-options" }, ...options.map(({ button }) => button));
  const title = make("p", { class: "afv-question" }, ...withCode(question));
  el.append(root("predict", "A question before you read on", title, list, reason, again, unsaved));
  paint();
  model.on("change:answered change:unsaved", paint);
  return () => model.off("change:answered change:unsaved", paint);
}

export default { render };
