// Pictures against captions: the matrix of cosines, and both softmaxes of it at a temperature.

const VIEWS = { cosine: "cosine", row: "picture chooses", column: "caption chooses" };
const STEPS = 60; // of the slider: temperature 0.01 · 100^(step / 60), from 0.01 to 1

function render({ model, el }) {
  const [width, height] = [model.get("width"), model.get("height")];
  const [captions, cosines, right, names] = ["captions", "cosines", "right", "names"].map((name) => model.get(name));
  const pictures = model.get("pixels").map((bytes) => {
    const canvas = make("canvas", { width, height });
    canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(bytesOf(bytes)), width, height), 0, 0);
    return canvas;
  });
  const [rows, columns] = [pictures.length, captions.length];
  const state = { row: 0, column: right.length ? right[0] : 0, view: "cosine", step: stepOf(model.get("temperature")) };
  const say = voice();
  const update = oncePerFrame(paint);

  const head = 0.45; // of a cell, above the matrix, for the numbers of the captions
  const matrix = sharpCanvas((columns + 1) / (rows + head), draw, focusable("similarity of every picture with every caption", say));
  matrix.canvas.onpointermove = point;
  matrix.canvas.onpointerdown = point;
  onKeys(matrix.canvas, {
    arrowup: () => move(-1, 0),
    arrowdown: () => move(1, 0),
    arrowleft: () => move(0, -1),
    arrowright: () => move(0, 1),
  });

  const views = Object.entries(VIEWS).map(([view, name]) =>
    make("button", { type: "button", "data-view": view, onclick: () => change({ view }) }, name));
  const heat = slider("temperature", { min: 0, max: STEPS, value: state.step }, (step) => change({ step }));
  const shown = make("canvas", { width, height, class: "afv-picture", role: "img" });
  const rowTitle = make("figcaption", {});
  const columnTitle = make("figcaption", {});
  const ofRow = captions.map((caption, column) => bar(`${column + 1}`, caption, () => change({ column })));
  const ofColumn = names.map((name, row) => bar("", name, () => change({ row }), pictures[row]));
  const facts = {};
  const list = make("dl", {});
  const terms = { cosine: "cosine", logit: "cosine / temperature", row: "picture chooses caption", column: "caption chooses picture" };
  if (right.length === columns && new Set(right).size === columns) terms.loss = "loss of the pairs, both directions";
  for (const [fact, term] of Object.entries(terms)) {
    facts[fact] = make("dd", { "data-fact": fact });
    list.append(make("dt", {}, term), facts[fact]);
  }

  el.append(
    root("captions", "Pictures and captions: similarities and both softmaxes",
      make("div", { class: "afv-bar" },
        make("span", { class: "afv-views", role: "group", "aria-label": "what the matrix shows" }, ...views),
        heat.label),
      make("div", { class: "afv-both" },
        make("figure", {}, matrix.canvas, make("div", { class: "afv-chosen" }, shown, list)),
        make("div", {},
          make("figure", { "data-list": "row" }, rowTitle, ...ofRow.map(({ element }) => element)),
          make("figure", { "data-list": "column" }, columnTitle, ...ofColumn.map(({ element }) => element)))),
      make("p", { class: "afv-hint" },
        "A row is a picture, a column a caption; their numbers are in the list. Point at a cell, or move with the ",
        make("kbd", {}, "arrow keys"), ". ", right.length ? "Dots mark the right pairs. " : "",
        "Blue: the softmax along the row. Orange: the softmax along the column."),
      say.line));
  paint();
  return () => {
    update.cancel();
    matrix.stop();
    say.stop();
  };

  function stepOf(temperature) {
    return Math.round((STEPS * Math.log(temperature / 0.01)) / Math.log(100));
  }

  function bar(number, text, act, picture) {
    const fill = make("i");
    const value = make("b", {});
    const start = picture ? make("canvas", { width, height, "aria-hidden": "true" }) : make("em", {}, number);
    if (picture) start.getContext("2d").drawImage(picture, 0, 0);
    const element = make("button", { type: "button", class: "afv-choice", onclick: act }, start, make("span", {}, fill, make("u", {}, text)), value);
    return { fill, value, element };
  }

  function point(event) {
    const [x, y] = placeOf(event, matrix.canvas);
    const column = Math.floor(x * (columns + 1)) - 1;
    const row = Math.floor(y * (rows + head) - head);
    if (row >= 0) change({ row: clamp(row, rows), column: clamp(column, columns) });
  }

  function move(down, right) {
    change({ row: clamp(state.row + down, rows), column: clamp(state.column + right, columns) });
  }

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  // ---- the mathematics -----------------------------------------------------------------------------------------

  function temperature() {
    return 0.01 * 100 ** (state.step / STEPS);
  }

  function logSoftmax(values) {
    const logits = values.map((value) => value / temperature());
    const top = Math.max(...logits);
    const norm = top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
    return logits.map((logit) => logit - norm);
  }

  function columnOf(column) {
    return cosines.map((row) => row[column]);
  }

  // Mean of both cross entropies over the pairs.
  function loss() {
    const total = right.reduce((sum, column, row) => sum - logSoftmax(cosines[row])[column] - logSoftmax(columnOf(column))[row], 0);
    return total / (2 * rows);
  }

  // What the matrix shows: a number from 0 to 1 a cell, for its colour, and its text.
  function cells() {
    if (state.view === "cosine") return cosines.map((row) => row.map((value) => [(value + 1) / 2, value.toFixed(2)]));
    const byRow = state.view === "row";
    const chosen = byRow ? cosines.map(logSoftmax) : captions.map((_, column) => logSoftmax(columnOf(column)));
    return cosines.map((row, i) => row.map((_, j) => {
      const share = Math.exp(byRow ? chosen[i][j] : chosen[j][i]);
      return [share, share.toFixed(2)];
    }));
  }

  // ---- painting ------------------------------------------------------------------------------------------------

  function draw(context, w, h) {
    const [cell, tall] = [w / (columns + 1), h / (rows + head)];
    const ink = getComputedStyle(matrix.canvas).color;
    context.clearRect(0, 0, w, h);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.imageSmoothingEnabled = false;
    context.font = `${Math.min(12, cell * 0.32)}px system-ui, sans-serif`;
    const values = cells();
    for (let column = 0; column < columns; column++) {
      context.fillStyle = ink;
      context.fillText(String(column + 1), (column + 1.5) * cell, (head * tall) / 2);
    }
    for (let row = 0; row < rows; row++) {
      const y = (row + head) * tall;
      context.drawImage(pictures[row], 1, y + 1, cell - 3, tall - 3);
      for (let column = 0; column < columns; column++) {
        const [level, text] = values[row][column];
        const [x, at] = [(column + 1) * cell, 3 * Math.round(255 * Math.min(1, Math.max(0, level)))];
        context.fillStyle = `rgb(${cividis[at]},${cividis[at + 1]},${cividis[at + 2]})`;
        context.fillRect(x + 0.5, y + 0.5, cell - 1, tall - 1);
        context.fillStyle = level > 0.55 ? "#000" : "#fff";
        if (cell > 24) context.fillText(text, x + cell / 2, y + tall / 2);
        if (right[row] === column) {
          context.beginPath();
          context.arc(x + cell - 7, y + 7, 3, 0, 7);
          context.fill();
        }
      }
    }
    outline(context, (state.column + 1) * cell + 2, (state.row + head) * tall + 2, cell - 4, tall - 4);
  }

  function paint() {
    matrix.repaint();
    views.forEach((button) => button.setAttribute("aria-pressed", button.dataset.view === state.view));
    heat.output.textContent = temperature().toFixed(3);
    heat.input.setAttribute("aria-valuetext", heat.output.textContent);
    const byRow = logSoftmax(cosines[state.row]).map(Math.exp);
    const byColumn = logSoftmax(columnOf(state.column)).map(Math.exp);
    fill(ofRow, byRow, state.column);
    fill(ofColumn, byColumn, state.row);
    rowTitle.textContent = `${names[state.row]} chooses a caption`;
    columnTitle.textContent = `"${captions[state.column]}" chooses a picture`;
    shown.getContext("2d").drawImage(pictures[state.row], 0, 0);
    shown.setAttribute("aria-label", names[state.row]);
    const cosine = cosines[state.row][state.column];
    facts.cosine.textContent = cosine.toFixed(3);
    facts.logit.textContent = (cosine / temperature()).toFixed(2);
    facts.row.textContent = percent(byRow[state.column]);
    facts.column.textContent = percent(byColumn[state.row]);
    if (facts.loss) facts.loss.textContent = loss().toFixed(4);
    say.say(`${names[state.row]} and "${captions[state.column]}": cosine ${facts.cosine.textContent}; the picture chooses ` +
      `this caption with ${facts.row.textContent}, the caption this picture with ${facts.column.textContent}, at temperature ${heat.output.textContent}.`);
  }

  function fill(bars, shares, chosen) {
    bars.forEach(({ fill: inner, value, element }, index) => {
      inner.style.width = `${100 * shares[index]}%`;
      value.textContent = percent(shares[index]);
      element.setAttribute("aria-pressed", index === chosen);
    });
  }
}

export default { render };
