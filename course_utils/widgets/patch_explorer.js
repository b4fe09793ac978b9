// A picture cut into patches: pick one, see it as the vector it becomes and where it stands in the sequence.

// Red, green, blue as hues that colour-blind eyes tell apart by lightness too; one grey channel is drawn in ink.
const CHANNELS = [["red", "#d55e00"], ["green", "#009e73"], ["blue", "#56b4e9"]];

function render({ model, el }) {
  const [picture, bytes] = pictureOf(model);
  const { width, height } = picture;
  const channels = model.get("channels");
  const state = { size: model.get("patch_size"), patch: 0, entry: null };
  const middle = () => Math.floor(rows() / 2) * columns() + Math.floor(columns() / 2);
  const rows = () => height / state.size;
  const columns = () => width / state.size;
  const length = () => state.size ** 2 * channels;
  state.patch = middle();

  const say = voice();
  const update = oncePerFrame(paint);
  const whole = sharpCanvas(width / height, paintWhole, focusable("The picture and its patches: arrow keys pick a patch", say));
  const enlarged = sharpCanvas(1, paintEnlarged, { role: "img", "aria-label": "The patch, enlarged" });
  const vector = sharpCanvas("auto", paintVector, focusable("The vector of the patch: arrow keys pick an entry", say));
  const sequence = sharpCanvas(1, paintSequence, focusable("All patches in order: arrow keys pick a patch", say));
  const sums = make("p", {});
  const facts = make("dl", {});
  const vectorTitle = make("figcaption", {});
  const entryLine = make("p", { class: "afv-hint afv-values" });
  const sequenceTitle = make("summary", {});
  const group = uniqueId("size");
  const sizes = model.get("choices").map((size) => {
    const radio = make("input", { type: "radio", name: group, value: size, onchange: () => resize(size) });
    radio.checked = size === state.size;
    return make("label", {}, radio, `${size}`);
  });

  el.append(
    root("patches", "A picture as a sequence of patches",
      make("fieldset", { class: "afv-sizes" }, make("legend", {}, "patch size in pixels"), ...sizes),
      make("div", { class: "afv-cut" },
        make("figure", { class: "afv-picture" }, whole.canvas),
        make("div", {},
          make("div", { class: "afv-patch" }, enlarged.canvas, facts),
          make("figure", { class: "afv-vector" }, vectorTitle, vector.canvas, entryLine),
        ),
      ),
      make("details", { class: "afv-sequence", open: true }, sequenceTitle, sequence.canvas),
      make("p", { class: "afv-hint" },
        "Point at a patch, or move with the ", make("kbd", {}, "arrow keys"),
        ". Point at the vector to see which pixel an entry is. Rows, columns and patches count from 0."),
      say.line),
  );
  listen(whole.canvas, ([u, v]) => pick(Math.floor(v * rows()), Math.floor(u * columns())), movePatch);
  listen(sequence.canvas, ([u, v]) => {
    const { across, lines } = layout();
    const patch = Math.floor(v * lines) * across + Math.floor(u * across);
    if (patch < rows() * columns()) change({ patch, entry: null });
  }, (down, right) => movePatch(0, right + down * layout().across));
  listen(vector.canvas, ([u]) => change({ entry: Math.floor(u * state.size ** 2) }), (down, right) => {
    const next = (state.entry ?? -1) + right + down * state.size;
    change({ entry: clamp(next, state.size ** 2) });
  });
  vector.canvas.addEventListener("pointerleave", () => change({ entry: null }));
  paint();
  return () => {
    update.cancel();
    say.stop();
    [whole, enlarged, vector, sequence].forEach((sharp) => sharp.stop());
  };

  // ---- what is picked ------------------------------------------------------------------------------------------

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  function pick(row, column) {
    change({ patch: clamp(row, rows()) * columns() + clamp(column, columns()), entry: null });
  }

  // Sideways steps walk along the sequence, over the end of a row to the next.
  function movePatch(down, right) {
    const next = state.patch + right + down * columns();
    if (next >= 0 && next < rows() * columns()) change({ patch: next, entry: null });
  }

  function resize(size) {
    const [row, column] = [Math.floor(state.patch / columns()), state.patch % columns()];
    const [y, x] = [(row + 0.5) * state.size, (column + 0.5) * state.size];
    Object.assign(state, { size });
    pick(Math.floor(y / size), Math.floor(x / size));
  }

  function listen(canvas, point, step) {
    for (const event of ["pointermove", "pointerdown"]) canvas.addEventListener(event, (e) => point(placeOf(e, canvas)));
    onKeys(canvas, {
      arrowup: () => step(-1, 0), arrowdown: () => step(1, 0), arrowleft: () => step(0, -1), arrowright: () => step(0, 1),
    });
  }

  // ---- painting ------------------------------------------------------------------------------------------------

  function paint() {
    const { size, patch, entry } = state;
    const count = rows() * columns();
    const [row, column] = [Math.floor(patch / columns()), patch % columns()];
    const pixels = (side) => `${size * side}–${size * (side + 1) - 1}`;
    facts.replaceChildren(...[
      ["patch", `${patch} of 0–${grouped(count - 1)}`, "place"],
      ["row, column", `${row}, ${column}`, "row-column"],
      ["pixel rows", pixels(row)],
      ["pixel columns", pixels(column)],
      ["sequence", `${grouped(count)} patches`, "count"],
      ["each", `${grouped(length())} numbers`, "length"],
    ].flatMap(([term, value, fact]) => [make("dt", {}, term), make("dd", { "data-fact": fact }, value)]));
    vectorTitle.textContent = `its vector: ${size} · ${size} · ${channels} = ${grouped(length())} numbers`;
    sequenceTitle.textContent =
      `The sequence: ${height}/${size} · ${width}/${size} = ${rows()} · ${columns()} = ${grouped(count)} patches, row by row`;
    entryLine.textContent = entry === null ? firstEntries() : describeEntry(entry);
    const { across, lines } = layout();
    sequence.canvas.style.aspectRatio = `${across} / ${lines}`;
    [whole, enlarged, vector, sequence].forEach((sharp) => sharp.repaint());
    say.say(`Patch ${patch} of ${count}, row ${row}, column ${column}; a vector of ${length()} numbers. ${entryLine.textContent}`);
  }

  function value(channel, entry) {
    const y = Math.floor(state.patch / columns()) * state.size + Math.floor(entry / state.size);
    const x = (state.patch % columns()) * state.size + (entry % state.size);
    return bytes[4 * (y * width + x) + channel] / 255;
  }

  function channelName(channel) {
    return channels === 1 ? "grey" : CHANNELS[channel][0];
  }

  function firstEntries() {
    const first = Array.from({ length: Math.min(4, state.size ** 2) }, (_, entry) => value(0, entry).toFixed(3));
    return `(${first.join(", ")}${length() > first.length ? ", …" : ""})`;
  }

  function describeEntry(entry) {
    const row = Math.floor(entry / state.size);
    const parts = Array.from({ length: channels }, (_, channel) =>
      `entry ${channel * state.size ** 2 + entry} ${channelName(channel)} ${value(channel, entry).toFixed(3)}`);
    return `pixel ${row}, ${entry % state.size} of the patch: ${parts.join(" · ")}`;
  }

  function paintWhole(context, wide, high) {
    context.imageSmoothingEnabled = wide < 3 * width;
    context.drawImage(picture, 0, 0, wide, high);
    const [w, h] = [wide / columns(), high / rows()];
    if (Math.min(w, h) >= 3) {
      grid(context, columns(), rows(), wide, high, "rgba(0,0,0,0.55)", 1.5);
      grid(context, columns(), rows(), wide, high, "rgba(255,255,255,0.75)", 0.75);
    }
    const [row, column] = [Math.floor(state.patch / columns()), state.patch % columns()];
    outline(context, column * w, row * h, w, h);
  }

  function paintEnlarged(context, wide, high) {
    const { size, patch, entry } = state;
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, (patch % columns()) * size, Math.floor(patch / columns()) * size, size, size, 0, 0, wide, high);
    if (entry === null) return;
    const cell = wide / size;
    outline(context, (entry % size) * cell, Math.floor(entry / size) * cell, cell, cell);
  }

  // One lane a channel, in the order of the vector; the height of a bar is the value.
  function paintVector(context, wide, high) {
    context.clearRect(0, 0, wide, high);
    const entries = state.size ** 2;
    const lane = high / channels;
    const ink = getComputedStyle(vector.canvas).color;
    for (let channel = 0; channel < channels; channel++) {
      const bottom = (channel + 1) * lane;
      context.fillStyle = channels === 1 ? ink : CHANNELS[channel][1];
      context.globalAlpha = channels === 1 ? 0.7 : 1;
      context.beginPath();
      // More entries than the canvas has columns are drawn as the largest of each column.
      const columnsDrawn = Math.min(entries, Math.ceil(wide * 2));
      for (let at = 0; at < columnsDrawn; at++) {
        let top = 0;
        const [from, to] = [Math.floor((at * entries) / columnsDrawn), Math.floor(((at + 1) * entries) / columnsDrawn)];
        for (let entry = from; entry < to; entry++) top = Math.max(top, value(channel, entry));
        const tall = top * (lane - 16);
        context.rect((at * wide) / columnsDrawn, bottom - tall, wide / columnsDrawn + 0.3, tall);
      }
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.font = "11px system-ui, sans-serif";
      context.fillText(`${channelName(channel)}  ${grouped(channel * entries)}–${grouped((channel + 1) * entries - 1)}`, 5, bottom - lane + 11);
    }
    if (state.entry === null) return;
    context.strokeStyle = ink;
    context.lineWidth = 1;
    const w = wide / entries;
    context.strokeRect(state.entry * w, 0.5, Math.max(w, 1), high - 1);
  }

  // How many patches stand in one line: as few lines as keep a patch large enough to be told apart.
  function layout() {
    const count = rows() * columns();
    const wide = whole.canvas.parentElement?.parentElement?.clientWidth || 800;
    const cell = Math.min(48, Math.max(6, Math.sqrt((wide * 110) / count)));
    const across = Math.max(1, Math.min(Math.floor(wide / cell), 4096));
    return { across, lines: Math.ceil(count / across) };
  }

  function paintSequence(context, wide, high) {
    const { across, lines } = layout();
    const count = rows() * columns();
    const cell = Math.min(wide / across, high / lines);
    const gap = cell > 10 ? 1.5 : cell > 4 ? 0.5 : 0;
    context.clearRect(0, 0, wide, high);
    context.imageSmoothingEnabled = state.size > cell;
    for (let patch = 0; patch < count; patch++) {
      const [x, y] = [(patch % across) * cell, Math.floor(patch / across) * cell];
      context.drawImage(picture, (patch % columns()) * state.size, Math.floor(patch / columns()) * state.size,
        state.size, state.size, x, y, cell - gap, cell - gap);
    }
    outline(context, (state.patch % across) * cell, Math.floor(state.patch / across) * cell, cell - gap, cell - gap);
  }
}

function grid(context, columns, rows, wide, high, colour, thickness) {
  context.strokeStyle = colour;
  context.lineWidth = thickness;
  context.beginPath();
  for (let column = 1; column < columns; column++) {
    context.moveTo((column * wide) / columns, 0);
    context.lineTo((column * wide) / columns, high);
  }
  for (let row = 1; row < rows; row++) {
    context.moveTo(0, (row * high) / rows);
    context.lineTo(wide, (row * high) / rows);
  }
  context.stroke();
}

export default { render };
