// Is attention an explanation? What happens when each patch is erased, beside attention and rollout.

import { diverging } from "./colours.js";
import { contextOf, make, percent } from "./shared.js";
import { largestAt, movesOf, peakOf, points, rankCorrelation, readingOf, rolloutOf, rowOf } from "./vit_answers.js";
import { toggled, verdictOf, whole } from "./vit_answers.js";
import { cellMap, part } from "./vit_layers.js";

/** @import { Lab } from "./vit_explorer.js" */
/** @import { Experiment } from "./vit_answers.js" */
/** @import { Answer } from "./vit_worker.js" */
/** @typedef {{ falls: number[], attention: Float32Array, rollout: Float32Array, about: number }} Explanation */

// What each patch means by three accounts: by how much the answer's probability falls when it is erased or, without
// classes, the class token changes; what the class token's attention in the last layer gives it; and its share in the
// rollout. then(null, share): how far it is.
/** @param {Lab} lab @param {(found: Explanation | null, share: number) => void} then */
export function explain({ config, state, tokens, passes, request }, then) {
  const { answer, reading, experiment } = state;
  if (!answer || !reading) return;
  const [about, before] = [reading.top, reading.probabilities[reading.top]];
  const patches = config.rows * config.columns;
  /** @type {number[]} */
  const falls = [];
  const { order, erased } = experiment.changes;
  const jobs = Array.from({ length: patches }, (_, place) => {
    const patch = order ? order[place] : place;
    const changes = { ...experiment.changes, erased: erased.includes(patch) ? erased : toggled(erased, patch) };
    return {
      request: request({ ...experiment, changes }, false),
      use: (/** @type {Answer} */ found) => {
        const now = readingOf(found);
        falls.push(about < 0 ? movesOf(config, reading, now)[0] : before - now.probabilities[about]);
        const attention = rowOf(answer.attention[config.layers - 1], tokens, 0, null).subarray(config.special);
        const rollout = rolloutOf(answer.attention, tokens).subarray(config.special, tokens);
        then(falls.length === patches ? { falls, attention, rollout, about } : null, falls.length / patches);
      },
    };
  });
  passes.forget();
  passes.queue(jobs);
}

/** @param {Lab} lab */
export function makeExplanation(lab) {
  const { config, state, page, classes, passes } = lab;
  const patches = config.rows * config.columns;
  const [falls, attention, rollout] = [cellMap(config), cellMap(config), cellMap(config)];
  const erasing = classes.length ? "what erasing it takes from the answer" : "how erasing it changes the class token";
  const names = [erasing, "attention of the class token, last layer", "rollout"];
  const figures = [falls, attention, rollout].map(({ canvas }, at) => {
    canvas.setAttribute("role", "img");
    return make("figure", {}, make("figcaption", {}, names[at]), canvas);
  });
  const [words, maps] = [make("p", { "data-fact": "explanation" }), make("div", { class: "afv-maps" }, ...figures)];
  const onclick = () => {
    if (state.progress !== null) {
      passes.forget();
      page.change({ progress: null });
      return;
    }
    const { experiment } = state;
    page.change({ explanation: null, progress: 0 });
    explain(lab, (found, share) => {
      if (state.experiment === experiment) page.change({ explanation: found, progress: found ? null : share });
    });
  };
  const button = make("button", { type: "button", onclick });
  const bar = make("progress", { max: 1, "aria-label": "patches erased" });
  const title = "Is attention an explanation?";
  const { element } = part(title, "explanation", make("div", { class: "afv-bar" }, button, bar), maps, words);
  const paint = () => {
    const { explanation: found, progress } = state;
    button.textContent = progress === null ? "erase each patch in turn" : "stop";
    bar.hidden = progress === null;
    bar.value = progress ?? 0;
    maps.hidden = !found;
    if (!found) {
      words.textContent = progress === null ? "" : `${Math.round(progress * patches)} of ${patches} patches erased.`;
      return;
    }
    paintFalls(falls.canvas, found.falls);
    attention.paint(found.attention, found.attention[largestAt(found.attention)]);
    rollout.paint(found.rollout, found.rollout[largestAt(found.rollout)]);
    const named = [
      found.about < 0
        ? `Erasing changes the class token most at ${peakOf(config, found.falls, whole)}`
        : `Erasing takes most from ${classes[found.about]} at ${peakOf(config, found.falls, points)}`,
      `attention is largest at ${peakOf(config, found.attention, percent)}`,
      `rollout is largest at ${peakOf(config, found.rollout, percent)}`,
    ];
    for (const [at, { canvas }] of [falls, attention, rollout].entries())
      canvas.setAttribute("aria-label", named[at]);
    const correlations = [found.attention, found.rollout].map((map) => rankCorrelation(found.falls, map));
    words.textContent = `${named.join("; ")}. ${verdictOf(correlations[0], correlations[1])}`;
  };
  return { element, paint };
}

// Orange where erasing lowers the probability, blue where it raises it, white where nothing changes.
/** @param {HTMLCanvasElement} canvas @param {number[]} numbers */
function paintFalls(canvas, numbers) {
  const most = Math.max(...numbers.map(Math.abs)) || 1;
  const image = new ImageData(canvas.width, canvas.height);
  for (const [patch, value] of numbers.entries()) {
    image.data.set([...diverging(value / most), 255], 4 * patch);
  }
  contextOf(canvas).putImageData(image, 0, 0);
}
