// The page of the class view: every number is changed in place, so that nothing flickers and the focus stays.

/** @typedef {{count: number, sentence: string, who?: string[]}} Mistake */
/** @typedef {Mistake & {exercise: string, title: string, minutes: number, note: string}} Talk */
/** @typedef {{name: string, title: string, passed: number, trying: number, waiting: number, mistake: Mistake | null,
 *   tries?: string[]}} Exercise */
/** @typedef {{number: string, title: string, exercises: Exercise[]}} Notebook */
/** @typedef {{students: number, busy: string | null, may_name: boolean, talk: Talk[], notebooks: Notebook[]}} Table */

/** @param {number} count @param {string} one */
export const counted = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

// The notebook to show: the chosen one, else the one in which the class is at work, else the first.
/** @param {Table} table @param {string} chosen */
export const shown = (table, chosen) =>
  table.notebooks.find((each) => each.number === (chosen || table.busy)) ?? table.notebooks[0];

// Make an element's children one for each item: those that are there stay, and each is updated.
/** @template T @param {Element} parent @param {T[]} items @param {() => Node} make
 *  @param {(child: Element, item: T) => void} update */
function each(parent, items, make, update) {
  while (parent.children.length > items.length) parent.lastElementChild?.remove();
  while (parent.children.length < items.length) parent.append(make());
  items.forEach((item, place) => {
    update(parent.children[place], item);
  });
}

// A text in pieces, each with its element: `code` between backticks, *words* between asterisks.
/** @param {string} text */
export const marked = (text) =>
  text
    .split("`")
    .flatMap((piece, number) =>
      number % 2
        ? [{ tag: "code", words: piece }]
        : piece.split(/\*(\w[^*]*\w)\*/).map((words, nth) => ({ tag: nth % 2 ? "em" : "span", words })),
    )
    .filter(({ words }) => words);

// Write a text into a part of an element if it is a new one; `code` and *words* become elements.
/** @param {Element} root @param {string} part @param {string} text */
function write(root, part, text) {
  const place = /** @type {HTMLElement} */ (root.querySelector(part));
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  const pieces = marked(text).map(({ tag, words }) => {
    const node = document.createElement(tag);
    node.textContent = words;
    return node;
  });
  place.replaceChildren(...pieces);
}

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} id */
const copyOf = (id) => () => /** @type {HTMLTemplateElement} */ (part(id)).content.cloneNode(true);

/** @param {Element} card @param {Talk} talk */
function showTalk(card, talk) {
  write(card, ".count", `${talk.count}`);
  const long = talk.minutes ? `${counted(talk.minutes, "minute")} on average` : "less than a minute";
  write(card, ".of", `students, for ${long}`);
  write(card, "h3", talk.sentence);
  write(card, ".where", `${talk.title} · ${talk.exercise}`);
  write(card, ".note", talk.note && `INSTRUCTOR.md: ${talk.note}`);
  write(card, ".who", (talk.who ?? []).join(", "));
}

/** @param {Element} row @param {Exercise} exercise */
function showExercise(row, exercise) {
  const { passed, trying, waiting, mistake } = exercise;
  write(row, ".title", exercise.title);
  write(row, ".name", exercise.name);
  const bar = /** @type {HTMLElement} */ (row.querySelector(".bar"));
  bar.setAttribute("aria-label", `${passed} passed, ${trying} trying, ${waiting} not begun`);
  for (const [name, count] of Object.entries({ passed, trying, waiting })) {
    const piece = /** @type {HTMLElement} */ (bar.querySelector(`.${name}`));
    piece.style.flexGrow = `${count}`;
    piece.hidden = count === 0;
    piece.textContent = `${count}`;
  }
  write(row, ".tries", (exercise.tries ?? []).join(", "));
  write(row, ".count", mistake ? `${mistake.count} ×` : "");
  write(row, ".sentence", mistake?.sentence ?? "");
  write(row, ".who", (mistake?.who ?? []).join(", "));
}

export class View {
  /** @param {() => void} ask called when the table is needed at once */
  constructor(ask) {
    this.named = false;
    this.chosen = ""; // number of a notebook; empty: the one in which the class is at work
    this.table = /** @type {Table | null} */ (null);
    this.at = "";
    part("names").addEventListener("click", () => {
      this.named = !this.named;
      part("names").setAttribute("aria-pressed", String(this.named));
      ask();
    });
  }

  /** @param {Table} table */
  show(table) {
    this.table = table;
    this.at = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    part("students").textContent = `${counted(table.students, "student")} sharing`;
    part("names").hidden = !table.may_name;
    part("none").hidden = table.talk.length > 0;
    each(part("talk"), table.talk, copyOf("card"), showTalk);
    const tabs = [{ number: "", title: "where most are at work" }, ...table.notebooks];
    each(
      part("notebooks"),
      tabs,
      () => this.tab(),
      (tab, notebook) => this.showTab(tab, notebook),
    );
    const notebook = shown(table, this.chosen);
    part("notebook").textContent = `Notebook ${notebook.number} · ${notebook.title}`;
    each(part("exercises"), notebook.exercises, copyOf("row"), showExercise);
    this.say("live", false);
  }

  tab() {
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => {
      this.chosen = button.value;
      if (this.table) this.show(this.table);
    });
    return button;
  }

  /** @param {Element} tab @param {{number: string, title: string}} notebook */
  showTab(tab, { number, title }) {
    const button = /** @type {HTMLButtonElement} */ (tab);
    button.value = number;
    button.textContent = number || "follow";
    button.title = title;
    button.setAttribute("aria-pressed", String(this.chosen === number));
  }

  // No table came: the old one stays, and the page says how old it is.
  lost() {
    this.say(this.table ? `No connection: these are the numbers of ${this.at}` : "No connection yet", true);
  }

  /** @param {string} text @param {boolean} wrong */
  say(text, wrong) {
    const status = part("status");
    status.classList.toggle("wrong", wrong);
    if (status.textContent !== text) status.textContent = text;
  }
}
