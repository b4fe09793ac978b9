import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, marked, shown } from "../../course_utils/teaching/classroom/page/view.js";

const notebooks = ["00", "01", "04"].map((number) => ({ number, title: number, exercises: [] }));
const table = (busy) => ({ students: 2, busy, may_name: false, talk: [], notebooks });

test("the page follows the class until a notebook is chosen", () => {
  assert.equal(shown(table("04"), "").number, "04");
  assert.equal(shown(table("04"), "01").number, "01");
  assert.equal(shown(table(null), "").number, "00");
  assert.equal(shown(table("09"), "").number, "00");
});

test("code and emphasis of a sentence become elements, and a product in code stays one", () => {
  const pieces = marked("Near in rows *or* columns: `2 * size * 3`.").map(({ tag, words }) => [tag, words]);
  assert.deepEqual(pieces, [
    ["span", "Near in rows "],
    ["em", "or"],
    ["span", " columns: "],
    ["code", "2 * size * 3"],
    ["span", "."],
  ]);
});

test("one student is not one students", () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, "student")),
    ["0 students", "1 student", "2 students"],
  );
});
