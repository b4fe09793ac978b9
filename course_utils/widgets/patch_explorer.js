function render({ model, el }) {
  const [picture, pixels] = pictureOf(model);
  const { width, height } = picture;
  const channels = model.get("channels");
  const zoom = Math.max(1, Math.round(392 / Math.max(width, height)));
  const across = Math.max(width, height) > 500 ? 392 : width * zoom;
  const down = (across * height) / width;
  const state = { patch: model.get("patch_size"), row: 0, column: 0 };

  const [stage, paint] = makeCanvas(across, down, { class: "afv-stage", tabindex: 0, role: "img" });
  const [close, closePaint] = makeCanvas(168, 168, { role: "img", "aria-label": "the patch, enlarged" });
  const [vector, vectorPaint] = makeCanvas(392, 34, { role: "img", "aria-label": "the patch as a vector of pixel values" });
  const [strip, stripPaint] = makeCanvas(392, 36, { role: "img", "aria-label": "the patches around it in the sequence" });
  const status = make("div", { class: "afv-status", "aria-live": "polite" });
  const choose = make("select", { "aria-label": "patch size" });
  for (const size of model.get("choices")) {
    choose.append(make("option", { value: size, selected: size === state.patch }, `${size} × ${size}`));
  }
  const counts = make("span", { class: "afv-note" });

  const rows = () => height / state.patch;
  const columns = () => width / state.patch;

  function draw() {
    const { patch, row, column } = state;
    const cell = (across * patch) / width;
    paint.drawImage(picture, 0, 0, across, down);
    paint.strokeStyle = "rgba(255, 255, 255, 0.55)";
    paint.lineWidth = cell < 6 ? 0.35 : 1;
    paint.beginPath();
    for (let i = 1; i < columns(); i++) paint.rect(i * cell, -1, 0, down + 2);
    for (let i = 1; i < rows(); i++) paint.rect(-1, i * cell, across + 2, 0);
    paint.stroke();
    paint.lineWidth = 3;
    paint.strokeStyle = "#000";
    paint.strokeRect(column * cell - 1, row * cell - 1, cell + 2, cell + 2);
    paint.lineWidth = 1.5;
    paint.strokeStyle = "#ffb000";
    paint.strokeRect(column * cell - 1, row * cell - 1, cell + 2, cell + 2);

    closePaint.drawImage(picture, column * patch, row * patch, patch, patch, 0, 0, 168, 168);
    drawVector();
    drawStrip();
    const index = row * columns() + column;
    const total = rows() * columns();
    const length = patch * patch * channels;
    const words = `Patch ${index + 1} of ${total}: row ${row + 1}, column ${column + 1}. It becomes a vector of ${patch} · ${patch} · ${channels} = ${length.toLocaleString("en")} numbers.`;
    status.textContent = words;
    stage.setAttribute("aria-label", `The picture in ${rows()} rows of ${columns()} patches. ${words} Use the arrow keys.`);
    stage.dataset.patch = index;
    counts.textContent = `${total.toLocaleString("en")} tokens of ${length.toLocaleString("en")} numbers`;
  }

  function drawVector() {
    const { patch, row, column } = state;
    const length = patch * patch * channels;
    vectorPaint.clearRect(0, 0, 392, 34);
    for (let x = 0; x < 392; x++) {
      const i = Math.floor((x * length) / 392);
      const channel = Math.floor(i / (patch * patch));
      const inside = i % (patch * patch);
      const at = 4 * ((row * patch + Math.floor(inside / patch)) * width + column * patch + (inside % patch)) + channel;
      const value = pixels[at];
      const colour = channels === 1 ? [value, value, value] : [0, 1, 2].map((c) => (c === channel ? value : value * 0.25));
      vectorPaint.fillStyle = `rgb(${colour.join(",")})`;
      vectorPaint.fillRect(x, 0, 1, 34);
    }
  }

  function drawStrip() {
    const { patch, row, column } = state;
    const shown = 11;
    const total = rows() * columns();
    const index = row * columns() + column;
    const first = Math.max(0, Math.min(index - Math.floor(shown / 2), total - shown));
    stripPaint.clearRect(0, 0, 392, 36);
    for (let i = 0; i < Math.min(shown, total); i++) {
      const at = first + i;
      const [r, c] = [Math.floor(at / columns()), at % columns()];
      stripPaint.drawImage(picture, c * patch, r * patch, patch, patch, i * 36, 2, 32, 32);
      if (at === index) {
        stripPaint.lineWidth = 3;
        stripPaint.strokeStyle = "#d55e00";
        stripPaint.strokeRect(i * 36 + 0.5, 2.5, 31, 31);
      }
    }
  }

  const redraw = onceAFrame(draw);
  const go = (row, column) => {
    state.row = Math.min(Math.max(row, 0), rows() - 1);
    state.column = Math.min(Math.max(column, 0), columns() - 1);
    redraw();
  };
  const point = (event) => {
    const [x, y] = placeOf(event);
    go(Math.floor(y * rows()), Math.floor(x * columns()));
  };
  stage.addEventListener("pointermove", point);
  stage.addEventListener("pointerdown", (event) => { stage.focus(); point(event); });
  stage.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    event.stopPropagation();
    go(state.row + arrow[1], state.column + arrow[0]);
  });
  choose.addEventListener("change", () => {
    const [x, y] = [(state.column + 0.5) / columns(), (state.row + 0.5) / rows()];
    state.patch = Number(choose.value);
    go(Math.floor(y * rows()), Math.floor(x * columns()));
  });

  el.append(
    make("div", { class: "afv afv-patches" },
      make("div", { class: "afv-controls" }, make("label", {}, "patch size", choose), counts),
      make("div", { class: "afv-row" },
        make("div", {}, stage),
        make("div", { class: "afv-column" },
          close,
          status,
          make("div", { class: "afv-note" }, channels === 1 ? "the same numbers in a row" : "the same numbers in a row: all red values, then green, then blue"),
          vector,
          make("div", { class: "afv-note" }, "its neighbours in the sequence"),
          strip))));
  go(Math.floor(rows() / 2), Math.floor(columns() / 2));
  draw();
}

export default { render };
