import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, shown } from "../../course_utils/teaching/classroom/page/view.js";

const notebooks = ["00", "01", "04"].map((number) => ({ number, title: number, exercises: [] }));
const table = (busy) => ({ students: 2, busy, may_name: false, talk: [], notebooks });

test("the page follows the class until a notebook is chosen", () => {
  assert.equal(shown(table("04"), "").number, "04");
  assert.equal(shown(table("04"), "01").number, "01");
  assert.equal(shown(table(null), "").number, "00");
  assert.equal(shown(table("09"), "").number, "00");
});

test("one student is not one students", () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, "student")),
    ["0 students", "1 student", "2 students"],
  );
});
