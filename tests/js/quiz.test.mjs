// Verdicts and the score of a quiz.

import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, scoreOf } from "../../course_utils/widgets/quiz.js";

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

test("the score counts what is right and what was right at once", () => {
  assert.equal(scoreOf([null, null]), "0 of 2 right");
  assert.equal(scoreOf([3, null]), "1 of 2 right, 0 at the first attempt");
  assert.equal(scoreOf([1, 2, 1]), "3 of 3 right, 2 at the first attempt");
});
