// What is marked in the texts of questions.

import { make } from "./shared.js";

// Text in which `backticks` mark code, *asterisks* stress and [words](https://…) a link, in pieces; never HTML.
const MARKS = /`([^`]+)`|\*(\S|\S[^*]*\S)\*|\[([^\]]+)\]\((https:\/\/[^\s)]+)\)/g;
/** @typedef {["" | "code" | "em" | "a", string, string?]} Piece  an element, its words, and the address of a link */
/** @param {string} text */
export function piecesOf(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  for (const { 0: all, 1: code, 2: stress, 3: words, 4: address, index } of text.matchAll(MARKS)) {
    pieces.push(["", text.slice(end, index)]);
    pieces.push(code ? ["code", code] : stress ? ["em", stress] : ["a", words, address]);
    end = index + all.length;
  }
  return [...pieces, /** @type {Piece} */ (["", text.slice(end)])].filter(([, words]) => words);
}

/** @param {string} text @returns {(Node | string)[]} */
export const marked = (text) =>
  piecesOf(text).map(([tag, words, href]) =>
    tag ? make(tag, href ? { href, target: "_blank", rel: "noopener" } : {}, words) : words,
  );
