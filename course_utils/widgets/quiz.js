// Questions answered in the page: why an answer is right or wrong is said for each one that was chosen.

import { marked } from "./marked.js";
import { attempted, hasSeveral, judge, scoreOf } from "./quiz_answers.js";
import { make, root, uniqueId, widget } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @import { Answer, Asked, Question } from "./quiz_answers.js" */
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

/** @param {Option} option */
function renew({ element, input, mark, why }) {
  element.classList.remove("afv-right", "afv-false");
  element.classList.toggle("afv-chosen", input.checked);
  mark.textContent = "";
  why.hidden = true;
}

// act(chosen, right) at each attempt; chosen: the indices of the answers, before: those of the last attempt, if any.
/**
 * @param {Question} question @param {number} index @param {number[]} before
 * @param {(chosen: number[], right: boolean) => void} act
 */
function makeQuestion({ question, answers }, index, before, act) {
  const several = hasSeveral(answers);
  const verdict = make("span", { class: "afv-verdict", role: "status" });
  const button = (/** @type {string} */ name, /** @type {() => void} */ onclick, /** @type {object} */ attributes) =>
    make("button", { type: "button", onclick, ...attributes }, name);
  // A new choice takes the old verdict away.
  const clear = () => {
    for (const option of options) renew(option);
    verdict.textContent = "";
    again.hidden = reveal.hidden = true;
    check.disabled = !options.some(({ input }) => input.checked);
  };
  const group = uniqueId("question");
  const options = answers.map((answer) => makeOption(answer, several ? "checkbox" : "radio", group, clear));
  // Shows the verdict on what is chosen and returns whether it is right.
  const tell = () => {
    const judged = judge(options.map(({ answer, input }) => ({ correct: answer.correct, chosen: input.checked })));
    for (const option of options) if (option.input.checked) explain(option);
    verdict.textContent = judged.verdict;
    again.hidden = judged.right;
    reveal.hidden = false;
    check.disabled = true;
    return judged.right;
  };
  const chosen = () => options.flatMap(({ input }, place) => (input.checked ? [place] : []));
  const check = button("Check", () => act(chosen(), tell()), { disabled: true });
  const again = button(
    "Try again",
    () => {
      for (const { input } of options) input.checked = false;
      clear();
      options[0].input.focus();
    },
    { hidden: true },
  );
  const reveal = button(
    "Why each answer?",
    () => {
      for (const option of options) explain(option);
      reveal.hidden = true;
    },
    { hidden: true },
  );
  for (const place of before) options[place].input.checked = true;
  clear();
  if (before.length) tell();
  const all = several ? [make("small", {}, "Choose all that are right.")] : [];
  const legend = make("legend", {}, `${index + 1}. `, ...marked(question), ...all);
  const bar = make("div", { class: "afv-bar" }, check, again, reveal, verdict);
  return make("fieldset", {}, legend, ...options.map(({ element }) => element), bar);
}

/** @param {RenderProps<Asked>} props */
function render({ model, el }) {
  const score = make("div", { class: "afv-score", role: "status" });
  const unsaved = make("p", { class: "afv-hint", role: "status" });
  const paint = () => {
    score.textContent = scoreOf(model.get("answered").map(({ solved }) => solved));
    unsaved.textContent = model.get("unsaved");
  };
  const before = model.get("answered");
  const all = model.get("questions").map((question, index) =>
    makeQuestion(question, index, before[index].chosen, (chosen, right) => {
      const answered = [...model.get("answered")];
      answered[index] = attempted(answered[index], chosen, right);
      model.set("answered", answered);
      model.save_changes();
    }),
  );
  el.append(root("quiz", "Quiz", ...all, score, unsaved));
  paint();
  model.on("change:answered change:unsaved", paint);
  return () => model.off("change:answered change:unsaved", paint);
}

export default widget(render);
