// Marks in the texts of questions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { piecesOf } from "../../course_utils/widgets/marked.js";

test("marks become code, stress and links, and nothing becomes HTML", () => {
  const pieces = piecesOf(
    "`a*b` is *not* 2 * 3 * 4: see [the paper](https://arxiv.org/abs/1), <b>, [x](javascript://y).",
  );
  assert.deepEqual(pieces, [
    ["code", "a*b"],
    ["", " is "],
    ["em", "not"],
    ["", " 2 * 3 * 4: see "],
    ["a", "the paper", "https://arxiv.org/abs/1"],
    ["", ", <b>, [x](javascript://y)."],
  ]);
  assert.deepEqual(piecesOf(""), []);
});
