// The hall: whose a key is, how large a widget gets, what votes advise, and how traits are put together.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chosen, largest } from "../../course_utils/teaching/demo/hall/fit.js";
import { actionOf, KEYS } from "../../course_utils/teaching/demo/hall/keys.js";
import { liveVote } from "../../course_utils/teaching/demo/hall/live.js";
import { modelOf, put, traitsOf } from "../../course_utils/teaching/demo/hall/model.js";
import { adviceOf, shareOf } from "../../course_utils/teaching/demo/hall/votes.js";

const key = (name, more = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, ...more });

test("a clicker's keys are the hall's also while something is typed; letters and digits are not", () => {
  for (const typing of [false, true]) {
    assert.equal(actionOf(key("PageDown"), typing), "forward");
    assert.equal(actionOf(key("PageUp"), typing), "back");
    assert.equal(actionOf(key("Escape"), typing), "release");
  }
  assert.equal(actionOf(key("N"), false), "next");
  assert.equal(actionOf(key("n"), true), null);
  assert.equal(actionOf(key("-"), true), null);
  assert.equal(actionOf(key("r", { ctrlKey: true }), false), null); // reload is the browser's
});

test("no key does two things, and those of the widgets stay theirs", () => {
  const all = KEYS.flatMap(([keys]) => keys);
  assert.equal(new Set(all).size, all.length);
  for (const widgets of ["s", "h", "c", "ArrowLeft", "Enter", " ", "Tab", "Home"]) {
    assert.equal(actionOf(key(widgets), false), null);
  }
});

test("the largest passing number is found between two, and the ends themselves", () => {
  assert.ok(Math.abs(largest((value) => value <= 1.7, 1, 3) - 1.7) < 0.01);
  assert.equal(
    largest(() => true, 1, 3),
    3,
  );
  assert.equal(
    largest(() => false, 1, 3),
    1,
  );
});

test("a widget with room grows, one of high pictures gets narrower before its text gets small", () => {
  const text = chosen((zoom) => zoom * 300 <= 720, 1800, 2, 1.3); // as high as its text, at any width
  assert.ok(text.zoom > 2.3 && text.zoom <= 2.4);
  assert.equal(text.width, 1800 / text.zoom);
  const pictures = chosen((zoom, width) => (zoom * width) / 3 <= 500, 1800, 2); // as high as a third of its width
  assert.equal(pictures.zoom, 2);
  assert.ok(pictures.width > 720 && pictures.width <= 750);
  const never = chosen((zoom) => zoom * 600 <= 720, 1800, 2);
  assert.ok(never.zoom > 1.15 && never.zoom <= 1.2);
});

test("between 35 and 70 % right, neighbours talk", () => {
  const advice = (right) => adviceOf({ A: right, B: 100 - right }, "A");
  assert.match(advice(34), /^100 votes: 34 % are right. Explain once more/);
  assert.match(advice(35), /Convince your neighbour/);
  assert.match(advice(70), /Convince your neighbour/);
  assert.match(advice(71), /Show the answer/);
  assert.match(adviceOf({ A: 1 }, "A"), /^1 vote: 100 %/);
  assert.equal(adviceOf({ A: 0, B: 0 }, "A"), "");
  assert.equal(shareOf({ A: 3, B: 1 }, "A"), 0.75);
  assert.equal(shareOf({}, "A"), 0);
});

test("bytes come into their places among the traits, in lists too, and the stored ones stay as they are", async () => {
  const stored = { weights: null, pixels: [null, null], size: 2 };
  const sent = (path, ...bytes) => ({ path, encoding: "base64", data: btoa(String.fromCharCode(...bytes)) });
  const traits = await traitsOf(stored, [sent(["weights"], 7, 255), sent(["pixels", 1], 9)]);
  assert.equal(traits.weights.getUint8(1), 255);
  assert.equal(traits.pixels[1].getUint8(0), 9);
  assert.equal(stored.pixels[1], null);
  const nested = { a: [{ b: 0 }] };
  put(nested, ["a", 0, "b"], 5);
  assert.deepEqual(nested, { a: [{ b: 5 }] });
  const model = modelOf(traits);
  model.set("size", 3);
  assert.deepEqual([model.get("size"), traits.size], [3, 2]);
});

// A page without a browser: its connections, and what they were sent.
function page(pathname) {
  const sockets = [];
  class Socket {
    static OPEN = 1;
    constructor() {
      sockets.push(Object.assign(this, { readyState: 0, sent: [] }));
    }
    send(message) {
      this.sent.push(JSON.parse(message));
    }
  }
  return {
    sockets,
    WebSocket: Socket,
    location: { pathname, protocol: "http:", host: "here", hash: "", reload() {} },
  };
}

test("what the lecturer did while the vote was out of reach arrives in order, from the last question on", () => {
  const { sockets, WebSocket, location } = page("/hall/windows.html");
  Object.assign(globalThis, { WebSocket, location });
  const tell = liveVote(() => {});
  const [old, asked, right] = [{ question: "old" }, { demo: "a", question: "new" }, { demo: "a", right: "B" }];
  for (const message of [old, asked, right]) tell(message);
  sockets[0].onopen();
  assert.deepEqual(sockets[0].sent, [asked, right]);
});

test("a phone that the server has forgotten asks for a new vote each time; only without cookies it says so", () => {
  const html = readFileSync(new URL("../../course_utils/teaching/demo/hall/vote.html", import.meta.url), "utf8");
  const [, script] = html.match(/<script>([\s\S]*)<\/script>/);
  const { sockets, WebSocket, location } = page("/");
  const told = {};
  const parts = { question: {}, told, options: { replaceChildren() {} } };
  const history = { replaceState: () => Object.assign(location, { hash: "" }) };
  const load = new Function("document", "location", "WebSocket", "history", script);
  const reopen = () => load({ getElementById: (id) => parts[id] }, location, WebSocket, history);
  const forget = () => sockets.at(-1).onclose({ code: 1008 });
  const asked = JSON.stringify({ demo: "a", question: "?", options: [], mine: "" });
  for (let restart = 0; restart < 3; restart++) {
    reopen();
    sockets.at(-1).onmessage({ data: asked });
    forget();
    assert.equal(location.hash, "again");
    assert.equal(told.textContent, "");
  }
  reopen();
  forget();
  assert.match(told.textContent, /takes no cookies/);
});
