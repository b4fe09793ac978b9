// Answers to questions: what a choice is worth, and what is remembered of it.

/** @typedef {{ text: string, why: string, correct?: boolean }} Answer */
/** @typedef {{ question: string, answers: Answer[], answer?: string }} Question  answer: of one that is answered in words */
/**
 * @typedef {{ chosen: number[], attempts: number, solved: number | null, text: string, shown: boolean }} Answered
 *   solved: at which attempt; text: in words; shown: the answer is, without a choice
 */
/** @typedef {{ questions: Question[], answered: Answered[], unsaved: string }} Asked */
/** @typedef {Asked & { ticked: number[][] }} Ticked  of each question the places that are ticked; none yet: what was answered */

// The verdict on a choice of answers.
/** @param {{ correct?: boolean, chosen: boolean }[]} answers */
export function judge(answers) {
  const missing = answers.filter(({ correct, chosen }) => correct && !chosen).length;
  const wrong = answers.some(({ correct, chosen }) => !correct && chosen);
  if (!missing && !wrong) return { right: true, verdict: "Right." };
  const more = missing === 1 ? "one more is" : `${missing} more are`;
  if (!wrong) return { right: false, verdict: `Right so far, but ${more} right too.` };
  return { right: false, verdict: hasSeveral(answers) ? "Not all of these are right." : "Not this one." };
}

// What the places that are ticked are told: nothing if they are not those that were checked.
/** @param {{ correct?: boolean }[]} answers @param {number[]} ticked @param {number[]} checked */
export function told(answers, ticked, checked) {
  if (!ticked.length || String(ticked) !== String(checked)) return null;
  return judge(answers.map(({ correct }, place) => ({ correct, chosen: ticked.includes(place) })));
}

/** @param {{ correct?: boolean }[]} answers */
export const hasSeveral = (answers) => answers.filter(({ correct }) => correct).length > 1;

// solved: of each question null, or at which attempt.
/** @param {(number | null)[]} solved */
export function scoreOf(solved) {
  const right = solved.filter((attempt) => attempt !== null).length;
  const first = solved.filter((attempt) => attempt === 1).length;
  return `${right} of ${solved.length} right${right ? `, ${first} at the first attempt` : ""}`;
}

// What was answered, after one more attempt.
/** @param {Answered} before @param {number[]} chosen @param {boolean} right @returns {Answered} */
export function attempted(before, chosen, right) {
  const attempts = before.attempts + 1;
  return { ...before, chosen, attempts, solved: before.solved ?? (right ? attempts : null) };
}

// What a choice among options with letters, or none, is told: which one is right, and why.
/** @param {Answer[]} answers @param {number | undefined} chosen */
export function verdictOf(answers, chosen) {
  const right = answers.findIndex(({ correct }) => correct);
  const letter = "ABCD"[right];
  const told = chosen === undefined ? `${letter} is right` : `Not ${"ABCD"[chosen]}, but ${letter}`;
  return `${chosen === right ? "Right" : told}. ${answers[right].why}`;
}
