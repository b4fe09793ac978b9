// Questions answered in the page: why an answer is right or wrong is said for each one that was chosen.

function render({ model, el }) {
  const questions = model.get("questions");
  const solved = questions.map(() => null); // null, or at which attempt
  const score = make("div", { class: "afv-score", role: "status" });
  const all = questions.map(makeQuestion);
  el.append(root("quiz", "Quiz", ...all, score));
  paintScore();

  function paintScore() {
    const right = solved.filter((attempt) => attempt !== null).length;
    const first = solved.filter((attempt) => attempt === 1).length;
    score.textContent = `${right} of ${questions.length} right` + (right ? `, ${first} at the first attempt` : "");
  }

  function makeQuestion({ question, answers }, index) {
    const several = answers.filter((answer) => answer.correct).length > 1;
    const group = uniqueId("question");
    let attempts = 0;
    const verdict = make("span", { class: "afv-verdict", role: "status" });
    const check = make("button", { type: "button", onclick: judge, disabled: true }, "Check");
    const again = make("button", { type: "button", onclick: reset, hidden: true }, "Try again");
    const reveal = make("button", { type: "button", onclick: () => explain(true), hidden: true }, "Why each answer?");
    const options = answers.map((answer) => {
      const input = make("input", { type: several ? "checkbox" : "radio", name: group, onchange: chosen });
      const mark = make("mark", {});
      const why = make("p", { hidden: true, id: uniqueId("why") });
      why.append(...withCode(answer.why));
      input.setAttribute("aria-describedby", why.id);
      const element = make("div", { class: "afv-option" },
        make("label", {}, input, make("span", {}, ...withCode(answer.text)), mark), why);
      return { answer, input, mark, why, element };
    });
    return make("fieldset", {},
      make("legend", {}, `${index + 1}. `, ...withCode(question), ...(several ? [make("small", {}, "Choose all that are right.")] : [])),
      ...options.map((option) => option.element),
      make("div", { class: "afv-bar" }, check, again, reveal, verdict));

    // A new choice takes the old verdict away.
    function chosen() {
      clear();
      check.disabled = !options.some((option) => option.input.checked);
    }

    function clear() {
      for (const { element, mark, why } of options) {
        element.classList.remove("afv-right", "afv-false");
        mark.textContent = "";
        why.hidden = true;
      }
      verdict.textContent = "";
      again.hidden = reveal.hidden = true;
    }

    function reset() {
      clear();
      for (const { input } of options) input.checked = false;
      check.disabled = true;
      options[0].input.focus();
    }

    function judge() {
      attempts += 1;
      const missing = options.filter(({ answer, input }) => answer.correct && !input.checked).length;
      const wrong = options.filter(({ answer, input }) => !answer.correct && input.checked).length;
      explain(false);
      if (!missing && !wrong) {
        solved[index] ??= attempts;
        verdict.textContent = "Right.";
      } else if (!wrong) {
        verdict.textContent = `Right so far, but ${missing === 1 ? "one more is" : `${missing} more are`} right too.`;
      } else {
        verdict.textContent = several ? "Not all of these are right." : "Not this one.";
      }
      again.hidden = !missing && !wrong;
      reveal.hidden = false;
      check.disabled = true;
      paintScore();
    }

    function explain(every) {
      for (const { answer, input, element, mark, why } of options) {
        if (!every && !input.checked) continue;
        element.classList.add(answer.correct ? "afv-right" : "afv-false");
        mark.textContent = answer.correct ? "✓ right" : "✗ wrong";
        why.hidden = false;
      }
      if (every) reveal.hidden = true;
    }
  }
}

export default { render };
