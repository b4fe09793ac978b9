// A teacher's lesson for one image: both softmaxes at a temperature, their divergence, the gradient's direction.

import {
  canvasOf,
  contextOf,
  factList,
  hint,
  logScale,
  logSoftmax,
  make,
  percent,
  press,
  root,
  slider,
  widget,
  withSign,
} from "./shared.js";
import { stage } from "./shared.js";

/** @import { RenderProps } from "@anywidget/types" */
/** @import { Facts } from "./shared.js" */
/** @typedef {{ teacher: number[][], student: number[][], labels: number[], classes: string[] }} Logits */
/** @typedef {Logits & { pixels: DataView[], width: number, height: number, temperature: number }} Traits */
/** @typedef {{ image: number, step: number, weight: number }} State */
/** @typedef {ReturnType<typeof lessonOf>} Lesson */

const HEAT = logScale(0.5, 20, 60); // temperatures

// ---- the mathematics -------------------------------------------------------------------------------------------

/** @param {Logits} logits @param {State} state */
export function lessonOf({ teacher, student, labels }, { image, step, weight }) {
  const tau = HEAT.at(step);
  const label = labels[image];
  const [logStudent, logTeacher] = [logSoftmax(student[image], tau), logSoftmax(teacher[image], tau)];
  const plain = logSoftmax(student[image], 1);
  const divergence = logTeacher.reduce((sum, log, c) => sum + Math.exp(log) * (log - logStudent[c]), 0);
  const fromLabel = -plain[label];
  const soft = logStudent.map((log, c) => tau * (Math.exp(log) - Math.exp(logTeacher[c])));
  // of (1 − λ) cross entropy + λ τ² KL, by each logit of the student
  const gradient = plain.map((log, c) => (1 - weight) * (Math.exp(log) - Number(c === label)) + weight * soft[c]);
  const loss = (1 - weight) * fromLabel + weight * tau * tau * divergence;
  return { tau, label, logStudent, logTeacher, divergence, fromLabel, gradient, soft, loss };
}

/** @param {number[]} values */
const length = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

// ---- words -----------------------------------------------------------------------------------------------------

// Fits its column: what is below a thousandth is said to be so.
/** @param {number} share */
export const short = (share) => (share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);

/** @param {Lesson} lesson @returns {Facts} */
export function factsOf({ tau, logTeacher, divergence, fromLabel, gradient, soft, loss }) {
  const size = length(soft);
  const softened = `${size.toPrecision(3)}; ${(size / tau ** 2).toPrecision(3)}`;
  return {
    divergence: ["KL(teacher ‖ student) at τ", divergence.toPrecision(3)],
    labels: ["cross entropy with the label", fromLabel.toPrecision(3)],
    loss: ["(1 − λ) CE + λ τ² KL", loss.toPrecision(4)],
    gradient: ["length of the whole gradient", length(gradient).toPrecision(3)],
    softened: ["length of the gradient of τ² KL; of KL alone", softened],
    sure: ["largest probability of the teacher", percent(Math.exp(Math.max(...logTeacher)))],
  };
}

// ---- the page --------------------------------------------------------------------------------------------------

/** @param {string} name */
function makeRow(name) {
  const cells = ["afv-of-teacher", "afv-of-student", "afv-up"].map((kind) => {
    const [bar, number] = [make("i"), make("b")];
    const around = make("span", { "aria-hidden": "true" }, bar);
    return { bar, number, holder: make("div", { class: `afv-bar-cell ${kind}` }, around, number) };
  });
  const head = make("th", { scope: "row", title: name }, name);
  return { cells, element: make("tr", {}, head, ...cells.map(({ holder }) => make("td", {}, holder))) };
}

/** @param {ReturnType<typeof makeRow>[]} rows @param {Lesson} lesson */
function paintRows(rows, { label, logTeacher, logStudent, gradient }) {
  const steepest = Math.max(...gradient.map(Math.abs), 1e-9);
  for (const [c, { element, cells }] of rows.entries()) {
    element.dataset.right = String(c === label);
    for (const [index, share] of [logTeacher[c], logStudent[c]].map(Math.exp).entries()) {
      cells[index].bar.style.width = `${100 * share}%`;
      cells[index].number.textContent = short(share);
    }
    const push = -gradient[c];
    cells[2].holder.className = `afv-bar-cell ${push >= 0 ? "afv-up" : "afv-down"}`;
    cells[2].bar.style.width = `${(100 * Math.abs(push)) / steepest}%`;
    cells[2].number.textContent = withSign(push.toFixed(3));
  }
}

/** @param {ReturnType<typeof makeRow>[]} rows */
function makeTable(rows) {
  const columns = [make("col", { class: "afv-name" }), make("col"), make("col"), make("col")];
  const heads = ["class", "teacher", "student", "gradient step"].map((text) => make("th", { scope: "col" }, text));
  const body = make("tbody", {}, ...rows.map(({ element }) => element));
  return make("table", {}, make("colgroup", {}, ...columns), make("thead", {}, make("tr", {}, ...heads)), body);
}

// Each image in small, to be chosen by a click.
/** @param {HTMLCanvasElement[]} images @param {Logits} logits @param {(image: number) => void} act */
function makeChoices(images, { classes, labels }, act) {
  return images.map((canvas, image) => {
    const small = make("canvas", { width: canvas.width, height: canvas.height });
    contextOf(small).drawImage(canvas, 0, 0);
    const onclick = () => act(image);
    return make("button", { type: "button", "data-image": image, title: classes[labels[image]], onclick }, small);
  });
}

const HINT = [
  "Move the sliders, with the pointer or the [arrow keys]; choose an image. The true class is bold.",
  "Blue and orange: probabilities at this temperature.",
  "Last column, where a gradient step pushes the student's logit: green up, pink down.",
];

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const [width, height, classes] = [model.get("width"), model.get("height"), model.get("classes")];
  const logits = {
    teacher: model.get("teacher"),
    student: model.get("student"),
    labels: model.get("labels"),
    classes,
  };
  const images = model.get("pixels").map((bytes) => canvasOf(bytes, width, height));
  const state = { image: 0, step: HEAT.stepOf(model.get("temperature")), weight: 0.5 };
  /** @type {ReturnType<typeof stage<State>>} */
  const page = stage(state, () => {
    const lesson = lessonOf(logits, state);
    const told = factsOf(lesson);
    contextOf(shown).drawImage(images[state.image], 0, 0);
    shown.setAttribute("aria-label", `an image of the class ${classes[lesson.label]}`);
    press(choices, (_, image) => image === state.image);
    const [tau, lambda] = [String(lesson.tau), state.weight.toFixed(2)];
    temperature.output.textContent = tau;
    temperature.input.setAttribute("aria-valuetext", `τ ${tau}`);
    weight.output.textContent = lambda;
    paintRows(rows, lesson);
    facts.write(told);
    const [divergence, loss, sure] = [told.divergence[1], told.loss[1], told.sure[1]];
    const sizes = `divergence ${divergence}, loss ${loss}; the teacher's largest probability is ${sure}`;
    page.said.say(`Temperature ${tau}, λ ${lambda}: ${sizes}.`);
  });
  const { change, said, show, stop } = page;
  const shown = make("canvas", { width, height, class: "afv-image", role: "img", "aria-label": "the image" });
  const choices = makeChoices(images, logits, (image) => change({ image }));
  const temperature = slider("temperature τ", { ...HEAT.range, value: state.step }, (step) => change({ step }));
  const share = { min: 0, max: 1, step: 0.05, value: state.weight };
  const weight = slider("λ, the teacher's share", share, (value) => change({ weight: value }));
  const [rows, facts] = [classes.map(makeRow), factList()];
  const group = make("div", { class: "afv-images", role: "group", "aria-label": "image" }, ...choices);
  const bar = make("div", { class: "afv-bar" }, temperature.label, weight.label);
  const lesson = make("div", { class: "afv-lesson" }, make("div", {}, shown, group), makeTable(rows));
  const title = "A teacher's lesson over temperature and λ";
  el.append(root("distillation", title, bar, lesson, facts.list, hint(...HINT), said.line));
  show();
  return stop;
}

export default widget(render);
