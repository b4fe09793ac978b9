// Ask for the table every few seconds and show it.
import { View } from "./view.js";

const EVERY = 3000; // ms
const xsrf = document.querySelector("meta[name=xsrf]")?.getAttribute("content");
const view = new View(ask);

async function ask() {
  const named = view.named;
  try {
    const answer = await fetch(`table.json${named ? "?names=1" : ""}`, {
      headers: xsrf ? { "X-Xsrftoken": xsrf } : {},
    });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const table = await answer.json();
    if (named === view.named) view.show(table); // else the names were just switched
  } catch {
    view.lost();
  }
}

async function again() {
  await ask();
  setTimeout(again, EVERY);
}

again();
