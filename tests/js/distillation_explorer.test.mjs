// A teacher's lesson: divergence, loss, gradient.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as distillation from "../../course_utils/widgets/distillation_explorer.js";

const LOGITS = {
  teacher: [
    [9, 9, 9],
    [4, 1, 0],
  ],
  student: [
    [0, 0, 0],
    [1, 2, -1],
  ],
  labels: [2, 0],
  classes: ["a", "b", "c"],
};
const STATE = { image: 1, step: 30, weight: 0.3 };
const close = (value, expected, by = 1e-9) => assert.ok(Math.abs(value - expected) < by, `${value}, not ${expected}`);

test("the slider's temperature goes from 0.5 to 20", () => {
  close(distillation.lessonOf(LOGITS, { ...STATE, step: 0 }).tau, 0.5);
  close(distillation.lessonOf(LOGITS, { ...STATE, step: 60 }).tau, 20);
});

test("who agrees with the teacher does not diverge; a uniform student pays the logarithm of the classes", () => {
  const lesson = distillation.lessonOf(LOGITS, { ...STATE, image: 0 });
  close(lesson.divergence, 0);
  close(lesson.fromLabel, Math.log(3));
  close(lesson.loss, 0.7 * Math.log(3));
});

test("divergence is that of the teacher from the student, at the temperature", () => {
  const { tau, divergence } = distillation.lessonOf(LOGITS, STATE);
  const shares = (logits) => {
    const powers = logits.map((logit) => Math.exp(logit / tau));
    return powers.map((power) => power / powers.reduce((a, b) => a + b));
  };
  const [p, q] = [shares(LOGITS.teacher[1]), shares(LOGITS.student[1])];
  close(
    divergence,
    p.reduce((sum, share, c) => sum + share * Math.log(share / q[c]), 0),
  );
});

test("the gradient is that of the loss, by finite differences", () => {
  const { gradient } = distillation.lessonOf(LOGITS, STATE);
  for (const [c, slope] of gradient.entries()) {
    const loss = (step) => {
      const student = [[], LOGITS.student[1].map((logit, index) => logit + (index === c ? step : 0))];
      return distillation.lessonOf({ ...LOGITS, student }, STATE).loss;
    };
    close(slope, (loss(1e-5) - loss(-1e-5)) / 2e-5, 1e-8);
  }
});

test("facts give lengths of the gradient with τ² and without", () => {
  const lesson = distillation.lessonOf(LOGITS, STATE);
  const facts = distillation.factsOf(lesson);
  const [scaled, plain] = facts.softened[1].split("; ").map(Number);
  close(scaled / plain, lesson.tau ** 2, 0.05);
  assert.equal(facts.loss[1], lesson.loss.toPrecision(4));
  assert.equal(facts.sure[1], `${(100 * Math.exp(lesson.logTeacher[0])).toFixed(1)} %`);
  assert.equal(distillation.factsOf(distillation.lessonOf(LOGITS, { ...STATE, image: 0 })).sure[1], "33.3 %");
  assert.deepEqual([0.0004, 0.5].map(distillation.short), ["< 0.1 %", "50.0 %"]);
});
