let quizzes = 0;

function render({ model, el }) {
  const questions = model.get("questions");
  const right = questions.map(() => false);
  const quiz = quizzes++;
  const score = make("div", { class: "afv-title", role: "status", "aria-live": "polite" });
  const tell = () => { score.textContent = `${right.filter(Boolean).length} of ${questions.length} right`; };

  const fields = questions.map((question, number) => {
    const several = question.answers.filter((answer) => answer.correct).length > 1;
    const feedback = question.answers.map(() => make("div", { class: "afv-why", hidden: true }));
    const boxes = question.answers.map(() => make("input", { type: several ? "checkbox" : "radio", name: `afv-quiz-${quiz}-${number}` }));
    const verdict = make("span", { "aria-live": "polite" });
    const button = make("button", { type: "button" }, "Check");
    button.addEventListener("click", () => {
      const chosen = boxes.map((box) => box.checked);
      if (!chosen.some(Boolean)) {
        verdict.textContent = several ? "Choose one or more answers first." : "Choose an answer first.";
        return;
      }
      right[number] = question.answers.every((answer, i) => Boolean(answer.correct) === chosen[i]);
      question.answers.forEach((answer, i) => {
        feedback[i].hidden = !chosen[i];
        feedback[i].className = `afv-why ${answer.correct ? "good" : "bad"}`;
        feedback[i].textContent = `${answer.correct ? "✓ Right." : "✗ Not so."} ${answer.why}`;
      });
      verdict.textContent = right[number] ? "✓ Right" : several && chosen.every((c, i) => !c || question.answers[i].correct) ? "Right so far: there is more." : "✗ Try again";
      tell();
    });
    return make("fieldset", {},
      make("legend", {}, `${number + 1}. ${question.question}${several ? " (several answers)" : ""}`),
      ...question.answers.flatMap((answer, i) => [make("label", { class: "afv-answer" }, boxes[i], " ", answer.text), feedback[i]]),
      make("div", { class: "afv-controls", style: "margin: 6px 0 0" }, button, verdict));
  });
  tell();
  el.append(make("div", { class: "afv afv-quiz" }, ...fields, score));
}

export default { render };
