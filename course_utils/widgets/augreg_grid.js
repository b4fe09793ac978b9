// A table of accuracies by model, augmentation and regularisation: four views, and every cell told in words.

const VIEWS = {
  value: "accuracy",
  below: "below the row's best",
  effect: "what regularisation adds",
  original: "against the original paper",
};

function render({ model, el }) {
  const [values, rows, levels, original] = ["values", "rows", "levels", "original"].map((name) => model.get(name));
  const strength = model.get("regularisation");
  const all = values.flat(2);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const best = values.map((row) => Math.max(...row.flat()));
  const state = { view: "value", row: 0, half: 0, level: 0 };
  const say = voice();
  const shown = Object.keys(VIEWS).filter((view) => view !== "original" || Object.keys(original).length);
  const buttons = shown.map((view) => make("button", { type: "button", "data-view": view, onclick: () => change({ view }) }, VIEWS[view]));
  const words = make("p", { class: "afv-words", "data-fact": "words" });
  const place = make("div", { class: "afv-scroll" });
  const hint = make("span", {});
  el.append(root("augreg", "Accuracy by model, augmentation and regularisation",
    make("div", { class: "afv-views", role: "group", "aria-label": "what is shown" }, ...buttons),
    place, words,
    make("p", { class: "afv-hint" }, "Point at a cell, or click it and use the ", make("kbd", {}, "arrow keys"), ". ", hint),
    say.line));
  let cells = new Map();
  build();
  paint();
  return () => say.stop();

  function change(fields, focus = false) {
    const view = state.view;
    Object.assign(state, fields);
    if (state.view !== view) build();
    paint(focus);
  }

  function halves() {
    return state.view === "effect" ? [1] : [0, 1];
  }

  // null where there is nothing to show.
  function shownValue(row, half, level) {
    const value = values[row][half][level];
    if (state.view === "below") return value - best[row];
    if (state.view === "effect") return values[row][1][level] - values[row][0][level];
    if (state.view === "original") return rows[row] in original ? value - original[rows[row]] : null;
    return value;
  }

  function build() {
    cells = new Map();
    const heads = halves().map((half) => make("th", { colspan: levels.length, scope: "colgroup" },
      state.view === "effect" ? `with regularisation ${strength} minus without` : half ? `regularisation ${strength}` : "no regularisation"));
    const gap = (tag) => make(tag, { class: "afv-gap", "aria-hidden": true });
    const spaced = (items, tag) => items.flatMap((item, index) => (index ? [gap(tag), ...item] : item));
    const head = make("thead", {},
      make("tr", {}, make("td", { class: "afv-names" }), ...spaced(heads.map((each) => [each]), "th")),
      make("tr", {}, make("td", {}), ...spaced(halves().map(() => levels.map((level) => make("th", { scope: "col", title: level }, level))), "th")));
    const body = make("tbody", {}, ...rows.map((name, row) =>
      make("tr", {}, make("th", { scope: "row" }, name), ...spaced(halves().map((half) => levels.map((_, level) => {
        const cell = make("td", { role: "gridcell", tabindex: -1, "data-cell": `${row},${half},${level}`,
          onpointerenter: () => change({ row, half, level }), onfocus: () => change({ row, half, level }) });
        cells.set(`${row},${half},${level}`, cell);
        return cell;
      })), "td"))));
    const table = make("table", { role: "grid", "aria-label": VIEWS[state.view], onkeydown: keys }, head, body);
    place.replaceChildren(table);
    if (state.view === "effect") state.half = 1;
  }

  function keys(event) {
    const columns = halves().length * levels.length;
    const column = (state.view === "effect" ? 0 : state.half * levels.length) + state.level;
    const to = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -columns], End: [0, columns] }[event.key];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = clamp(column + to[1], columns);
    change({ row: clamp(state.row + to[0], rows.length), half: halves()[Math.floor(next / levels.length)], level: next % levels.length }, true);
  }

  function paint(focus = false) {
    buttons.forEach((button) => button.setAttribute("aria-pressed", button.dataset.view === state.view));
    const everything = [...cells.keys()].map((key) => shownValue(...key.split(",").map(Number))).filter((value) => value !== null);
    const reach = Math.max(...everything.map(Math.abs)) || 1;
    for (const [key, cell] of cells) {
      const [row, half, level] = key.split(",").map(Number);
      const value = shownValue(row, half, level);
      const chosen = row === state.row && half === state.half && level === state.level;
      cell.setAttribute("aria-selected", chosen);
      cell.tabIndex = chosen ? 0 : -1;
      cell.className = value === null ? "afv-none" : state.view === "value" && values[row][half][level] === best[row] ? "afv-best" : "";
      cell.textContent = value === null ? "" : state.view === "value" ? plain(value) : signed(value);
      const [ground, ink] = value === null ? ["", ""] : state.view === "value" ? heat((value - low) / (high - low || 1)) : diverging(value / reach);
      cell.style.background = ground;
      cell.style.color = ink;
      if (chosen && focus) cell.focus({ preventScroll: false });
    }
    hint.textContent = {
      value: "Yellow is the highest of the whole table; \u2605 is the best of its row.",
      below: "How far each cell is below the best of its row: the bluer, the further.",
      effect: "Orange: regularisation helps. Blue: it hurts.",
      original: "Orange: better than the original paper's value for this model. Hatched: the slide gives none.",
    }[state.view];
    words.textContent = sentence();
    say.say(words.textContent);
  }

  function heat(share) {
    const level = 3 * Math.round(255 * share);
    return onGround([cividis[level], cividis[level + 1], cividis[level + 2]]);
  }

  function diverging(share) {
    const end = share < 0 ? [0, 90, 160] : [190, 85, 0];
    return onGround(end.map((c) => Math.round(248 + (c - 248) * Math.abs(share))));
  }

  // A ground and the ink, black or white, that stands out more on it (WCAG 2: at least 4.5 : 1 on every ground).
  function onGround(rgb) {
    const [red, green, blue] = rgb.map((c) => (c <= 10 ? c / 3295 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    return [`rgb(${rgb.join(",")})`, (light + 0.05) ** 2 > 0.05 * 1.05 ? "#000" : "#fff"];
  }

  function plain(value) {
    return String(Math.round(value * 10) / 10);
  }

  function signed(value) {
    const rounded = Math.round(value * 10) / 10;
    return rounded < 0 ? `\u2212${-rounded}` : rounded > 0 ? `+${rounded}` : "0";
  }

  function points(value) {
    const rounded = Math.abs(Math.round(value * 10) / 10);
    return `${rounded} point${rounded === 1 ? "" : "s"}`;
  }

  function sentence() {
    const { row, half, level } = state;
    const value = values[row][half][level];
    const effect = values[row][1][level] - values[row][0][level];
    const where = (h, l) => `${levels[l]}, ${h ? `regularisation ${strength}` : "no regularisation"}`;
    const tops = [0, 1].flatMap((h) => levels.map((_, l) => [h, l])).filter(([h, l]) => values[row][h][l] === best[row]);
    const isBest = value === best[row];
    const others = tops.filter(([h, l]) => h !== half || l !== level).map(([h, l]) => where(h, l));
    const parts = [`${rows[row]}, ${where(half, level)}: ${plain(value)} %.`];
    parts.push(isBest ? (others.length ? `The best of its row, as is ${others.join(" and ")}.` : "The best of its row.")
      : `The best of its row is ${plain(best[row])} % (${others.join("; ")}), ${points(best[row] - value)} more.`);
    parts.push(`At this augmentation, regularisation ${effect > 0 ? `adds ${points(effect)}` : effect < 0 ? `costs ${points(effect)}` : "changes nothing"}.`);
    if (rows[row] in original) {
      const gap = value - original[rows[row]];
      parts.push(`The original paper has ${original[rows[row]]} %: this is ${points(gap)} ${gap < 0 ? "less" : "more"}.`);
    }
    return parts.join(" ");
  }
}

export default { render };
