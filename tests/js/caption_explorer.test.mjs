// Images against captions: who chooses whom, at what temperature, and at what loss.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as captions from "../../course_utils/widgets/caption_explorer.js";

const DATA = {
  captions: ["a", "b"],
  names: ["one", "two"],
  cosines: [
    [0.9, 0.1],
    [0.5, 0.3],
  ],
  right: [0, 1],
};
const STATE = { row: 1, column: 0, view: "cosine", step: 60, solved: true };
const close = (value, expected) => assert.ok(Math.abs(value - expected) < 1e-9, `${value}, not ${expected}`);

test("images choose along rows, captions along columns", () => {
  const { byRow, byColumn } = captions.choicesOf(DATA.cosines, 0.5);
  close(byRow[0][0] - byRow[0][1], (0.9 - 0.1) / 0.5);
  close(byColumn[0][0] - byColumn[0][1], (0.9 - 0.5) / 0.5);
  for (const shares of [...byRow, ...byColumn])
    close(
      shares.map(Math.exp).reduce((a, b) => a + b),
      1,
    );
});

test("the loss is the mean of both cross entropies over the pairs", () => {
  const share = (a, b) => Math.log(1 / (1 + Math.exp(b - a)));
  const expected = -(share(0.9, 0.1) + share(0.3, 0.5) + share(0.9, 0.5) + share(0.3, 0.1)) / 4;
  close(captions.lossOf(DATA, 1), expected);
  close(
    captions.lossOf({ ...DATA, right: [1, 0] }, 1),
    -(share(0.1, 0.9) + share(0.5, 0.3) + share(0.5, 0.9) + share(0.1, 0.3)) / 4,
  );
});

test("a cell is coloured by its cosine or by its share", () => {
  assert.deepEqual(captions.cellsOf([[-1, 1]], STATE), [
    [
      [-1, "−1.00"],
      [1, "1.00"],
    ],
  ]);
  const [[row]] = captions.cellsOf(DATA.cosines, { ...STATE, view: "row" });
  close(row[0], 1 / (1 + Math.exp(-0.8)));
  const [, [column]] = captions.cellsOf(DATA.cosines, { ...STATE, view: "column" });
  close(column[0], 1 / (1 + Math.exp(0.4)));
});

test("facts are those of the chosen pair; a loss only where every caption has one image", () => {
  const facts = captions.factsOf(DATA, STATE);
  assert.deepEqual(facts.cosine, ["cosine", "0.500"]);
  assert.deepEqual(captions.factsOf(DATA, { ...STATE, step: 30 }).logit, ["cosine / temperature", "5.00"]);
  assert.deepEqual(facts.row[1], "55.0 %");
  assert.deepEqual(facts.column[1], "40.1 %");
  assert.equal(facts.loss[1], captions.lossOf(DATA, 1).toFixed(4));
  assert.equal(captions.factsOf(DATA, { ...STATE, solved: false }).loss[1], "hidden");
  assert.ok(!("loss" in captions.factsOf({ ...DATA, right: [0, 0] }, STATE)));
  assert.ok(!("loss" in captions.factsOf({ ...DATA, right: [] }, STATE)));
});

test("a widget that starts at a temperature of 1 hides which pairs are right", () => {
  assert.deepEqual(captions.begun(1), { step: 60, solved: false });
  assert.equal(captions.begun(0.07).solved, true);
});
