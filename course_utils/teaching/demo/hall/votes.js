// What the audience voted: counted by hand or by their phones, and what to do next.

/** @typedef {Record<string, number>} Counts  of each letter */

/** @param {Counts} counts */
export const totalOf = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

// Mazur 1997, Peer Instruction: between 35 and 70 % is where talking to each other helps.
/** @param {Counts} counts @param {string} right */
export function adviceOf(counts, right) {
  const total = totalOf(counts);
  if (!total) return "";
  const share = Math.round((100 * (counts[right] ?? 0)) / total);
  const votes = `${total} ${total === 1 ? "vote" : "votes"}: ${share} % are right.`;
  if (share < 35) return `${votes} Explain once more, then vote again.`;
  if (share <= 70) return `${votes} Convince your neighbour, then vote again.`;
  return `${votes} Show the answer.`;
}

/** @param {Counts} counts @param {string} letter */
export const shareOf = (counts, letter) => (counts[letter] ?? 0) / (totalOf(counts) || 1);
