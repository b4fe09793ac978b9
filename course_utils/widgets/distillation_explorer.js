// A teacher's lesson for one picture: both softmaxes at a temperature, their divergence, and where the gradient pushes.

const STEPS = 60; // of the temperature's slider: τ = 0.5 · 40^(step / 60), from 0.5 to 20

function render({ model, el }) {
  const [width, height] = [model.get("width"), model.get("height")];
  const pictures = model.get("pixels").map((bytes) => {
    const canvas = make("canvas", { width, height });
    canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(bytesOf(bytes)), width, height), 0, 0);
    return canvas;
  });
  const [teacher, student, labels, classes] = ["teacher", "student", "labels", "classes"].map((name) => model.get(name));
  const state = { picture: 0, step: 11, weight: 0.5 };
  const say = voice();
  const update = oncePerFrame(paint);

  const shown = make("canvas", { width, height, class: "afv-picture", role: "img", "aria-label": "the picture" });
  const choices = pictures.map((canvas, picture) => {
    const small = make("canvas", { width, height });
    small.getContext("2d").drawImage(canvas, 0, 0);
    return make("button", { type: "button", "data-picture": picture, title: classes[labels[picture]], onclick: () => change({ picture }) }, small);
  });
  const temperature = slider("temperature τ", { min: 0, max: STEPS, value: state.step }, (step) => change({ step }));
  const weight = slider("λ, the teacher's share", { min: 0, max: 1, step: 0.05, value: state.weight }, (value) => change({ weight: value }));
  const rows = classes.map((name) => row(name));
  const facts = {};
  const list = make("dl", {});
  for (const fact of ["divergence", "labels", "loss", "gradient", "softened", "sure"]) {
    facts[fact] = [make("dt", {}), make("dd", { "data-fact": fact })];
    list.append(...facts[fact]);
  }

  el.append(
    root("distillation", "A teacher's lesson over temperature and λ",
      make("div", { class: "afv-bar" }, temperature.label, weight.label),
      make("div", { class: "afv-lesson" },
        make("div", {}, shown, make("div", { class: "afv-pictures", role: "group", "aria-label": "picture" }, ...choices)),
        make("table", {},
          make("colgroup", {}, make("col", { class: "afv-name" }), make("col"), make("col"), make("col")),
          make("thead", {}, make("tr", {}, ...["class", "teacher", "student", "gradient step"].map((text) => make("th", { scope: "col" }, text)))),
          make("tbody", {}, ...rows.map(({ element }) => element)))),
      list,
      make("p", { class: "afv-hint" },
        "Move the sliders, with the pointer or the ", make("kbd", {}, "arrow keys"), "; choose a picture. The true class is bold. ",
        "Blue and orange: probabilities at this temperature. Last column, where a gradient step pushes the student's logit: ",
        "green up, pink down."),
      say.line));
  paint();
  return () => {
    update.cancel();
    say.stop();
  };

  function row(name) {
    const cell = (kind) => {
      const bar = make("i");
      const number = make("b");
      const holder = make("div", { class: `afv-bar-cell ${kind}` }, make("span", { "aria-hidden": "true" }, bar), number);
      return { bar, number, holder, data: make("td", {}, holder) };
    };
    const cells = [cell("afv-of-teacher"), cell("afv-of-student"), cell("afv-up")];
    return { cells, element: make("tr", {}, make("th", { scope: "row", title: name }, name), ...cells.map(({ data }) => data)) };
  }

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  // ---- the mathematics -----------------------------------------------------------------------------------------

  function logSoftmax(logits, tau) {
    const top = Math.max(...logits);
    const norm = Math.log(logits.reduce((sum, logit) => sum + Math.exp((logit - top) / tau), 0));
    return logits.map((logit) => (logit - top) / tau - norm);
  }

  function lesson() {
    const tau = 0.5 * 40 ** (state.step / STEPS);
    const [said, told] = [student[state.picture], teacher[state.picture]];
    const label = labels[state.picture];
    const [logStudent, logTeacher] = [logSoftmax(said, tau), logSoftmax(told, tau)];
    const plain = logSoftmax(said, 1);
    const divergence = logTeacher.reduce((sum, log, c) => sum + Math.exp(log) * (log - logStudent[c]), 0);
    const fromLabel = -plain[label];
    const lambda = state.weight;
    // of (1 − λ) cross entropy + λ τ² KL, by each logit of the student
    const gradient = plain.map((log, c) =>
      (1 - lambda) * (Math.exp(log) - (c === label)) + lambda * tau * (Math.exp(logStudent[c]) - Math.exp(logTeacher[c])));
    const soft = logStudent.map((log, c) => tau * (Math.exp(log) - Math.exp(logTeacher[c])));
    return { tau, label, logStudent, logTeacher, divergence, fromLabel, gradient, soft, loss: (1 - lambda) * fromLabel + lambda * tau * tau * divergence };
  }

  // ---- painting ------------------------------------------------------------------------------------------------

  function length(values) {
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  }

  function paint() {
    const now = lesson();
    shown.getContext("2d").drawImage(pictures[state.picture], 0, 0);
    shown.setAttribute("aria-label", `a picture of the class ${classes[now.label]}`);
    choices.forEach((button, picture) => button.setAttribute("aria-pressed", picture === state.picture));
    temperature.output.textContent = now.tau.toFixed(now.tau < 3 ? 2 : 1);
    temperature.input.setAttribute("aria-valuetext", `τ ${temperature.output.textContent}`);
    weight.output.textContent = state.weight.toFixed(2);
    const steepest = Math.max(...now.gradient.map(Math.abs), 1e-9);
    rows.forEach(({ element, cells }, c) => {
      element.dataset.right = c === now.label;
      [now.logTeacher[c], now.logStudent[c]].forEach((log, index) => {
        cells[index].bar.style.width = `${100 * Math.exp(log)}%`;
        cells[index].number.textContent = short(Math.exp(log));
      });
      const push = -now.gradient[c];
      cells[2].holder.className = `afv-bar-cell ${push >= 0 ? "afv-up" : "afv-down"}`;
      cells[2].bar.style.width = `${(100 * Math.abs(push)) / steepest}%`;
      cells[2].number.textContent = `${push >= 0 ? "+" : "\u2212"}${Math.abs(push).toFixed(3)}`;
    });
    writeFacts(now);
  }

  // Fits its column: what is below a thousandth is said to be so.
  function short(share) {
    return share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
  }

  function writeFacts(now) {
    const write = (fact, term, value) => {
      facts[fact][0].textContent = term;
      facts[fact][1].textContent = value;
    };
    const size = length(now.soft);
    write("divergence", "KL(teacher ‖ student) at τ", now.divergence.toPrecision(3));
    write("labels", "cross entropy with the label", now.fromLabel.toPrecision(3));
    write("loss", "(1 − λ) CE + λ τ² KL", now.loss.toPrecision(4));
    write("gradient", "length of the whole gradient", length(now.gradient).toPrecision(3));
    write("softened", "of the gradient of τ² KL; of KL alone", `${size.toPrecision(3)}; ${(size / now.tau ** 2).toPrecision(3)}`);
    write("sure", "largest probability of the teacher", percent(Math.exp(Math.max(...now.logTeacher))));
    say.say(`Temperature ${temperature.output.textContent}, λ ${weight.output.textContent}: divergence ${facts.divergence[1].textContent}, ` +
      `loss ${facts.loss[1].textContent}; the teacher's largest probability is ${facts.sure[1].textContent}.`);
  }
}

export default { render };
