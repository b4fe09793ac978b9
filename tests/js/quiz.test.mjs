// Verdicts and the score of a quiz.

import assert from "node:assert/strict";
import { test } from "node:test";
import { attempted, judge, scoreOf, told, verdictOf } from "../../course_utils/widgets/quiz_answers.js";

// answers("R+ R- w-"): R is right, w wrong; + chosen, - not.
const answers = (text) =>
  text.split(" ").map(([kind, choice]) => ({ correct: kind === "R", chosen: choice === "+" }));

test("a verdict tells right, not all yet, and wrong", () => {
  const verdicts = {
    "R+ w-": [true, "Right."],
    "R- w+": [false, "Not this one."],
    "R+ R+ w-": [true, "Right."],
    "R+ R- w-": [false, "Right so far, but one more is right too."],
    "R+ R- R- w-": [false, "Right so far, but 2 more are right too."],
    "R+ R- w+": [false, "Not all of these are right."],
    "R+ R+ w+": [false, "Not all of these are right."],
  };
  for (const [text, [right, verdict]] of Object.entries(verdicts)) {
    assert.deepEqual(judge(answers(text)), { right, verdict }, text);
  }
});

test("a choice that was not checked is told nothing", () => {
  const two = answers("R- w-");
  assert.equal(told(two, [0], [0]).verdict, "Right.");
  assert.equal(told(two, [1], [1]).verdict, "Not this one.");
  for (const [ticked, checked] of [
    [[], []],
    [[], [1]],
    [[0], [1]],
    [[0], []],
  ])
    assert.equal(told(two, ticked, checked), null);
});

test("the score counts what is right and what was right at once", () => {
  assert.equal(scoreOf([null, null]), "0 of 2 right");
  assert.equal(scoreOf([3, null]), "1 of 2 right, 0 at the first attempt");
  assert.equal(scoreOf([1, 2, 1]), "3 of 3 right, 2 at the first attempt");
});

test("attempts are counted, and a question that was solved stays solved", () => {
  const none = { chosen: [], attempts: 0, solved: null, text: "", shown: false };
  const wrong = attempted(none, [1], false);
  assert.deepEqual(wrong, { ...none, chosen: [1], attempts: 1 });
  const right = attempted(wrong, [0, 2], true);
  assert.deepEqual(right, { ...none, chosen: [0, 2], attempts: 2, solved: 2 });
  assert.deepEqual(attempted(right, [1], false), { ...right, chosen: [1], attempts: 3 });
});

test("a choice among letters is told which one is right, and why, and so is no choice", () => {
  const answers = ["no", "yes"].map((text) => ({ text, correct: text === "yes", why: "It is." }));
  assert.equal(verdictOf(answers, 1), "Right. It is.");
  assert.equal(verdictOf(answers, 0), "Not A, but B. It is.");
  assert.equal(verdictOf(answers, undefined), "B is right. It is.");
});
