// Questions answered in the page: why an answer is right or wrong is said for each one that was chosen.

import { marked } from "./marked.js";
import { attempted, hasSeveral, scoreOf, told } from "./quiz_answers.js";
import { make, root, uniqueId, widget } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @import { Answer, Question, Ticked } from "./quiz_answers.js" */
/** @typedef {ReturnType<typeof makeOption>} Option */

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {Answer} answer @param {string} type @param {string} name @param {() => void} onchange */
function makeOption(answer, type, name, onchange) {
  const input = make("input", { type, name, onchange });
  const mark = make("mark");
  const why = make("p", { hidden: true, id: uniqueId("why") }, ...marked(answer.why));
  input.setAttribute("aria-describedby", why.id);
  const label = make("label", {}, input, make("span", {}, ...marked(answer.text)), mark);
  return { answer, input, mark, why, element: make("div", { class: "afv-option" }, label, why) };
}

/** @param {Option} option */
function explain({ answer, element, mark, why }) {
  element.classList.add(answer.correct ? "afv-right" : "afv-false");
  mark.textContent = answer.correct ? "✓ right" : "✗ wrong";
  why.hidden = false;
}

/** @param {Option} option @param {boolean} ticked */
function renew({ element, input, mark, why }, ticked) {
  input.checked = ticked;
  element.classList.remove("afv-right", "afv-false");
  element.classList.toggle("afv-chosen", ticked);
  mark.textContent = "";
  why.hidden = true;
}

// tick(ticked) when the choice changes, check(ticked) when it is to be judged: the indices of the answers.
/**
 * @param {Question} question @param {number} index @param {(ticked: number[]) => void} tick
 * @param {(ticked: number[]) => void} check
 */
function makeQuestion({ question, answers }, index, tick, check) {
  const several = hasSeveral(answers);
  const verdict = make("span", { class: "afv-verdict", role: "status" });
  const button = (/** @type {string} */ name, /** @type {() => void} */ onclick) =>
    make("button", { type: "button", onclick }, name);
  const chosen = () => options.flatMap(({ input }, place) => (input.checked ? [place] : []));
  const group = uniqueId("question");
  const options = answers.map((answer) =>
    makeOption(answer, several ? "checkbox" : "radio", group, () => tick(chosen())),
  );
  const judge = button("Check", () => check(chosen()));
  const again = button("Try again", () => {
    tick([]);
    options[0].input.focus();
  });
  const reveal = button("Why each answer?", () => {
    for (const option of options) explain(option);
    reveal.hidden = true;
  });
  let painted = "";
  const paint = (/** @type {number[]} */ ticked, /** @type {number[]} */ checked) => {
    const now = JSON.stringify([ticked, checked]);
    if (now === painted) return; // another question has changed: this one may show why
    painted = now;
    const said = told(answers, ticked, checked);
    for (const [place, option] of options.entries()) {
      renew(option, ticked.includes(place));
      if (said && ticked.includes(place)) explain(option);
    }
    verdict.textContent = said ? said.verdict : "";
    again.hidden = !said || said.right;
    reveal.hidden = !said;
    judge.disabled = !ticked.length || said !== null;
  };
  const all = several ? [make("small", {}, "Choose all that are right.")] : [];
  const legend = make("legend", {}, `${index + 1}. `, ...marked(question), ...all);
  const bar = make("div", { class: "afv-bar" }, judge, again, reveal, verdict);
  return { element: make("fieldset", {}, legend, ...options.map(({ element }) => element), bar), paint };
}

/** @param {RenderProps<Ticked>} props */
function render({ model, el }) {
  const score = make("div", { class: "afv-score", role: "status" });
  const unsaved = make("p", { class: "afv-hint", role: "status" });
  const tickedOf = () => model.get("answered").map(({ chosen }, index) => model.get("ticked")[index] ?? chosen);
  const all = model.get("questions").map((question, index) => {
    const tick = (/** @type {number[]} */ places) => {
      model.set(
        "ticked",
        tickedOf().map((other, place) => (place === index ? places : other)),
      );
      model.save_changes();
    };
    const check = (/** @type {number[]} */ places) => {
      const answered = [...model.get("answered")];
      answered[index] = attempted(answered[index], places, told(question.answers, places, places)?.right ?? false);
      model.set("answered", answered);
      model.save_changes();
    };
    return makeQuestion(question, index, tick, check);
  });
  const paint = () => {
    const [answered, ticked] = [model.get("answered"), tickedOf()];
    for (const [index, { paint }] of all.entries()) paint(ticked[index], answered[index].chosen);
    score.textContent = scoreOf(answered.map(({ solved }) => solved));
    unsaved.textContent = model.get("unsaved");
  };
  el.append(root("quiz", "Quiz", ...all.map(({ element }) => element), score, unsaved));
  paint();
  model.on("change:answered change:ticked change:unsaved", paint);
  return () => model.off("change:answered change:ticked change:unsaved", paint);
}

export default widget(render);
