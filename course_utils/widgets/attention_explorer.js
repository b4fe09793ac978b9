// Cividis (Nuñez, Anderton & Renslow 2018) at nine points: readable with every kind of colour vision.
const CIVIDIS = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [253, 231, 55]];
const COLOURS = Array.from({ length: 256 }, (_, i) => {
  const place = (i / 255) * 8;
  const low = Math.min(Math.floor(place), 7);
  return CIVIDIS[low].map((value, c) => Math.round(value + (place - low) * (CIVIDIS[low + 1][c] - value)));
});

function render({ model, el }) {
  const [picture] = pictureOf(model);
  const numbers = halfFloats(model.get("weights"));
  const models = model.get("models");
  const deepest = Math.max(...models.map((m) => m.layers));
  const widest = Math.max(...models.map((m) => m.heads));
  const special = Math.max(...models.map((m) => m.special));
  const state = { x: 0.5, y: 0.5, layer: deepest - 1, head: -1, view: "attention", opacity: 0.7, special: false };

  const side = models.length > 1 ? 320 : 392;
  const across = side;
  const down = (across * picture.height) / picture.width;
  const panels = models.map((each) => {
    const [stage, paint] = makeCanvas(across, down, { class: "afv-stage", tabindex: 0, role: "img" });
    const map = document.createElement("canvas");
    map.width = each.columns;
    map.height = each.rows;
    const mapPaint = map.getContext("2d");
    const status = make("div", { class: "afv-status", "aria-live": "polite" });
    return { each, stage, paint, map, mapPaint, image: mapPaint.createImageData(each.columns, each.rows), row: new Float32Array(each.tokens), status };
  });

  /** The weights of one query over all keys, into panel.row. */
  function look(panel, query) {
    const { each, row } = panel;
    const layer = Math.min(state.layer, each.layers - 1);
    const n = each.tokens;
    if (state.view === "rollout") {
      const start = each.rollout + (layer * n + query) * n;
      for (let k = 0; k < n; k++) row[k] = numbers[start + k];
      return;
    }
    const heads = state.head < 0 ? [...Array(each.heads).keys()] : [Math.min(state.head, each.heads - 1)];
    row.fill(0);
    for (const head of heads) {
      const start = each.attention + ((layer * each.heads + head) * n + query) * n;
      for (let k = 0; k < n; k++) row[k] += numbers[start + k] / heads.length;
    }
  }

  function drawPanel(panel) {
    const { each, paint, map, mapPaint, image, row, stage, status } = panel;
    const [r, c] = [Math.floor(state.y * each.rows), Math.floor(state.x * each.columns)];
    const asksSpecial = state.special && each.special > 0;
    look(panel, asksSpecial ? 0 : each.special + r * each.columns + c);
    let most = 0;
    let where = 0;
    for (let k = each.special; k < each.tokens; k++) if (row[k] > most) [most, where] = [row[k], k - each.special];
    const data = image.data;
    for (let k = 0; k < each.rows * each.columns; k++) {
      const colour = COLOURS[Math.round((255 * row[each.special + k]) / (most || 1))];
      data[4 * k] = colour[0];
      data[4 * k + 1] = colour[1];
      data[4 * k + 2] = colour[2];
      data[4 * k + 3] = 255;
    }
    mapPaint.putImageData(image, 0, 0);
    paint.globalAlpha = 1;
    paint.drawImage(picture, 0, 0, across, down);
    paint.globalAlpha = state.opacity;
    paint.drawImage(map, 0, 0, across, down);
    paint.globalAlpha = 1;
    if (!asksSpecial) {
      const [w, h] = [across / each.columns, down / each.rows];
      for (const [line, colour] of [[4, "#000"], [2, "#ff7f0e"]]) {
        paint.lineWidth = line;
        paint.strokeStyle = colour;
        paint.strokeRect(c * w + 1, r * h + 1, w - 2, h - 2);
      }
    }
    let onSpecial = 0;
    for (let k = 0; k < each.special; k++) onSpecial += row[k];
    const who = asksSpecial ? "The class token" : `The patch in row ${r + 1}, column ${c + 1}`;
    const layer = Math.min(state.layer, each.layers - 1) + 1;
    const one = each.heads === 1 ? "its only head" : `mean of ${each.heads} heads`;
    const how = state.view === "rollout" ? `rollout of layers 1 to ${layer}`
      : `layer ${layer}, ${state.head < 0 ? one : `head ${Math.min(state.head, each.heads - 1) + 1}`}`;
    const rest = each.special ? `, and gives the class token ${percent(onSpecial)}` : "";
    const words = `${who} looks most at row ${Math.floor(where / each.columns) + 1}, column ${(where % each.columns) + 1} (${percent(most)})${rest}; ${how}.`;
    status.textContent = words;
    stage.setAttribute("aria-label", `${each.name ? `${each.name}: a` : "A"}ttention over the picture. ${words} Arrow keys move the patch${special ? ", c asks the class token" : ""}.`);
    stage.dataset.query = asksSpecial ? "class token" : r * each.columns + c;
  }

  const redraw = onceAFrame(() => panels.forEach(drawPanel));
  const choose = (changes) => { Object.assign(state, changes); redraw(); };

  const layerWords = make("span", {}, String(deepest));
  const layer = make("input", { type: "range", min: 1, max: deepest, value: deepest, "aria-label": "layer" });
  layer.addEventListener("input", () => { layerWords.textContent = layer.value; choose({ layer: layer.value - 1 }); });
  const head = make("select", { "aria-label": "head" }, make("option", { value: -1 }, "mean of heads"));
  for (let h = 0; h < widest; h++) head.append(make("option", { value: h }, `head ${h + 1}`));
  head.append(make("option", { value: "rollout" }, "rollout"));
  head.addEventListener("change", () => choose(head.value === "rollout" ? { view: "rollout" } : { view: "attention", head: Number(head.value) }));
  const opacity = make("input", { type: "range", min: 0, max: 100, value: 70, "aria-label": "strength of the overlay" });
  opacity.addEventListener("input", () => choose({ opacity: opacity.value / 100 }));
  const ask = make("button", { type: "button", "aria-pressed": "false", title: "key: c" }, "ask the class token");
  const toggle = () => {
    if (!special) return;
    ask.setAttribute("aria-pressed", String(!state.special));
    choose({ special: !state.special });
  };
  ask.addEventListener("click", toggle);

  for (const panel of panels) {
    const point = (event) => {
      const [x, y] = placeOf(event);
      choose({ x, y });
    };
    panel.stage.addEventListener("pointermove", point);
    panel.stage.addEventListener("pointerdown", (event) => { panel.stage.focus(); point(event); });
    panel.stage.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow && event.key !== "c") return;
      event.preventDefault();
      event.stopPropagation();
      if (!arrow) return toggle();
      const { rows, columns } = panel.each;
      const step = (value, count, by) => (Math.min(Math.max(Math.floor(value * count) + by, 0), count - 1) + 0.5) / count;
      choose({ x: step(state.x, columns, arrow[0]), y: step(state.y, rows, arrow[1]) });
    });
  }

  el.append(
    make("div", { class: "afv afv-attention" },
      make("div", { class: "afv-controls" },
        deepest > 1 ? make("label", {}, "layer", layer, layerWords) : "",
        make("label", {}, "show", head),
        special ? ask : "",
        make("label", {}, "overlay", opacity)),
      make("div", { class: "afv-row" }, ...panels.map((panel) =>
        make("div", { style: `width: ${across}px; max-width: 100%` },
          panel.each.name ? make("div", { class: "afv-title" }, panel.each.name) : "",
          panel.stage, panel.status))),
      make("div", { class: "afv-note" }, "Move the pointer over the picture, or click it and use the arrow keys. Yellow: the largest weight of this map; dark blue: none.")));
  panels.forEach(drawPanel);
}

export default { render };
