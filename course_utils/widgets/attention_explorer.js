// Attention over a picture. One query is shared by all models; each paints where its token there looks.

function render({ model, el }) {
  const [picture] = pictureOf(model);
  const { width, height } = picture;
  const models = readModels(model);
  const headNames = model.get("head_names");
  const most = (key) => Math.max(...models.map((one) => one[key]));
  const [layers, heads, specials] = [most("layers"), most("heads"), most("special")];
  const state = {
    layer: layers - 1,
    map: heads > 1 ? "mean" : 0, // a head's number, "mean" or "rollout"
    opacity: 0.8,
    point: [0.5, 0.5], // the query, as fractions of the picture's width and height
    special: null, // or the number of the special token that asks
    held: false, // a held query stays while the pointer reads single weights
    reading: null, // the patch that is read, as fractions
  };
  const say = voice();
  const update = oncePerFrame(paint);

  const source = sharpCanvas(width / height, paintSource, {
    ...focusable("The picture: arrow keys move the patch that asks", say), "data-panel": "picture",
  });
  const sourceCaption = make("figcaption", {});
  const panels = models.map(makePanel);
  const canvases = [source, ...panels.map((panel) => panel.sharp)];
  const strips = panels.map(makeHeads).filter(Boolean);
  const layerWords = make("output", {});
  const layerSlider = make("input", {
    type: "range", min: 0, max: layers - 1, step: 1, value: state.layer, "aria-label": "layer",
    oninput: () => change({ layer: Number(layerSlider.value) }),
  });
  const opacitySlider = make("input", {
    type: "range", min: 0, max: 100, step: 5, value: 100 * state.opacity, "aria-label": "strength of the overlay",
    oninput: () => change({ opacity: opacitySlider.value / 100 }),
  });
  const askers = Array.from({ length: specials }, (_, special) =>
    make("button", { type: "button", onclick: () => askSpecial(special) }, `ask the ${specialName(special)}`));
  const holder = make("button", { type: "button", onclick: toggleHold }, "hold the query");

  el.append(
    root("attention", "Attention over a picture",
      make("div", { class: "afv-panels" },
        make("figure", { class: "afv-source" }, sourceCaption, source.canvas,
          make("p", {}, "Yellow is the largest weight of a map, dark blue none.")),
        ...panels.map((panel) => panel.figure)),
      ...strips,
      make("div", { class: "afv-bar" },
        ...(layers > 1 ? [make("label", {}, "layer", layerSlider, layerWords)] : []),
        make("label", {}, "overlay", opacitySlider), ...askers, holder),
      make("p", { class: "afv-hint" },
        "Point at a patch or use the ", make("kbd", {}, "arrow keys"), ": it asks, the colours answer. ",
        "Click or ", make("kbd", {}, "Enter"), " holds it, so that you can read the weight of any other patch. ",
        ...(specials ? [make("kbd", {}, "C"), " lets the class token ask. "] : []),
        ...(layers > 1 ? [make("kbd", {}, "PgUp"), " ", make("kbd", {}, "PgDn"), " change the layer. "] : []),
        "All numbers count from 0."),
      say.line));
  for (const { canvas } of canvases) listen(canvas);
  paint();
  return () => {
    update.cancel();
    say.stop();
    canvases.forEach((sharp) => sharp.stop());
  };

  // ---- what is asked -------------------------------------------------------------------------------------------

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  function cell(one, [u, v]) {
    return { row: Math.floor(v * one.rows), column: Math.floor(u * one.columns) };
  }

  function tokenAt(one, point) {
    const { row, column } = cell(one, point);
    return one.special + row * one.columns + column;
  }

  // The token that asks in this model, or null when the model has no such special token.
  function asker(one) {
    if (state.special === null) return tokenAt(one, state.point);
    return state.special < one.special ? state.special : null;
  }

  function release() {
    change({ special: null, held: false, reading: null });
  }

  function askSpecial(special) {
    if (state.special === special) release();
    else change({ special, held: true, reading: null });
  }

  // Key c: each special token in turn, then back to the patch.
  function askNext() {
    const next = state.special === null ? 0 : state.special + 1;
    if (next < specials) askSpecial(next);
    else release();
  }

  function toggleHold() {
    if (state.held) release();
    else change({ held: true, reading: null });
  }

  function moveTo(point) {
    change(state.held ? { reading: point } : { point });
  }

  function step(one, down, right) {
    const { row, column } = cell(one, (state.held && state.reading) || state.point);
    moveTo([(clamp(column + right, one.columns) + 0.5) / one.columns, (clamp(row + down, one.rows) + 0.5) / one.rows]);
  }

  function listen(canvas) {
    const one = models[Number(canvas.dataset.panel) || 0];
    const keys = {
      arrowup: () => step(one, -1, 0), arrowdown: () => step(one, 1, 0),
      arrowleft: () => step(one, 0, -1), arrowright: () => step(one, 0, 1),
      home: () => step(one, 0, -one.columns), end: () => step(one, 0, one.columns),
      enter: toggleHold, " ": toggleHold, escape: release, c: askNext,
      pageup: () => change({ layer: clamp(state.layer + 1, layers) }),
      pagedown: () => change({ layer: clamp(state.layer - 1, layers) }),
    };
    canvas.addEventListener("pointermove", (event) => moveTo(placeOf(event, canvas)));
    canvas.addEventListener("pointerdown", (event) => moveTo(placeOf(event, canvas)));
    canvas.addEventListener("click", (event) => event.pointerType !== "touch" && toggleHold());
    canvas.addEventListener("pointerleave", () => state.held && change({ reading: null }));
    onKeys(canvas, keys);
  }

  // ---- panels --------------------------------------------------------------------------------------------------

  function makePanel(one, index) {
    const panel = { one, facts: {}, weights: new Float32Array(one.tokens), cells: cellsCanvas(one), thumbnails: [] };
    panel.prefix = one.name ? `${one.name}: ` : "";
    panel.sharp = sharpCanvas(width / height, (...place) => paintPanel(panel, ...place), {
      ...focusable(`${panel.prefix}attention over the picture; arrow keys move the patch that asks`, say), "data-panel": index,
    });
    panel.caption = make("figcaption", {});
    panel.top = make("span", {});
    const list = make("dl", {});
    for (const fact of ["asks", "most", "itself", ...(one.special ? ["special"] : []), "even", "read"]) {
      panel.facts[fact] = [make("dt", {}), make("dd", { "data-fact": fact })];
      list.append(...panel.facts[fact]);
    }
    panel.figure = make("figure", {}, panel.caption, panel.sharp.canvas,
      make("div", { class: "afv-scale", "aria-hidden": "true" }, make("span", {}, "0"),
        make("i", { style: `background: linear-gradient(90deg, ${CIVIDIS.join(",")})` }), panel.top),
      list);
    return panel;
  }

  // Every map of the layer in small, live: to be compared at a glance and chosen by a click.
  function makeHeads(panel) {
    const { one } = panel;
    if (one.heads === 1 && one.layers === 1) return null;
    const maps = [...(one.heads > 1 ? ["mean"] : []), ...Array(one.heads).keys(), "rollout"];
    panel.thumbnails = maps.map((map) => {
      const cells = cellsCanvas(one);
      const title = mapName(map);
      const button = make("button", { type: "button", title, "data-map": map, onclick: () => change({ map }) },
        cells.canvas, make("span", {}, headNames[map] ?? `${map}`));
      return { map, cells, button, weights: new Float32Array(one.tokens) };
    });
    return make("div", { class: `afv-heads${headNames.length ? " afv-wide" : ""}`, role: "group", "aria-label": `${panel.prefix}map` },
      ...(one.name ? [make("b", {}, one.name)] : []),
      make("div", {}, ...panel.thumbnails.map((thumbnail) => thumbnail.button)));
  }

  function mapName(map) {
    return typeof map === "number" ? (headNames[map] ?? `head ${map}`) : map;
  }

  // ---- painting ------------------------------------------------------------------------------------------------

  function paint() {
    const { row, column } = cell(models[0], state.point);
    sourceCaption.textContent = state.special === null ? `Row ${row}, column ${column} asks` : `The ${specialName(state.special)} asks`;
    source.repaint();
    panels.forEach(paintWeights);
    layerWords.textContent = `${state.layer} of 0–${layers - 1}`;
    layerSlider.value = state.layer;
    askers.forEach((button, special) => button.setAttribute("aria-pressed", state.special === special));
    holder.setAttribute("aria-pressed", state.held);
    holder.textContent = state.held ? "release the query" : "hold the query";
    say.say(panels.map(describe).join(" "));
  }

  function paintWeights(panel) {
    const { one } = panel;
    const layer = Math.min(state.layer, one.layers - 1);
    const map = typeof state.map === "number" ? Math.min(state.map, one.heads - 1) : one.heads === 1 && state.map === "mean" ? 0 : state.map;
    panel.asker = asker(one);
    panel.title = one.heads === 1 && one.layers === 1 ? "attention" : map === "rollout" ? `rollout of layers 0–${layer}`
      : `layer ${layer}, ${map === "mean" ? `mean of ${one.heads} heads` : mapName(map)}`;
    panel.caption.textContent = panel.caption.title = panel.prefix + panel.title;
    if (panel.asker !== null) {
      readRow(one, layer, map, panel.asker, panel.weights);
      panel.largest = largest(one, panel.weights);
      colour(panel.cells, one, panel.weights, panel.weights[panel.largest]);
      panel.top.textContent = percent(panel.weights[panel.largest]);
      for (const { map: small, cells, weights } of panel.thumbnails) {
        readRow(one, layer, small, panel.asker, weights);
        colour(cells, one, weights, weights[largest(one, weights)]);
      }
    }
    for (const { map: small, button } of panel.thumbnails) button.setAttribute("aria-pressed", small === map);
    writeFacts(panel);
    panel.sharp.repaint();
  }

  function paintSource(context, wide, high) {
    paintPicture(context, wide, high);
    paintMarks(context, models[0], wide, high);
  }

  function paintPanel(panel, context, wide, high) {
    paintPicture(context, wide, high);
    if (panel.asker === null) return;
    context.globalAlpha = state.opacity;
    context.imageSmoothingEnabled = false;
    context.drawImage(panel.cells.canvas, 0, 0, wide, high);
    context.globalAlpha = 1;
    paintMarks(context, panel.one, wide, high);
  }

  function paintPicture(context, wide, high) {
    context.imageSmoothingEnabled = wide < 3 * width; // a tiny picture shows its pixels
    context.drawImage(picture, 0, 0, wide, high);
  }

  function paintMarks(context, one, wide, high) {
    const [w, h] = [wide / one.columns, high / one.rows];
    const mark = (point, dash) => {
      const { row, column } = cell(one, point);
      outline(context, column * w, row * h, w, h, dash);
    };
    if (state.special === null) mark(state.point, []);
    if (state.reading) mark(state.reading, [3, 3]);
  }

  // ---- words ---------------------------------------------------------------------------------------------------

  function writeFacts({ one, asker, weights, largest: top, facts }) {
    const write = (fact, term, value) => {
      facts[fact][0].textContent = term;
      facts[fact][1].textContent = value;
    };
    if (asker === null) {
      for (const fact of Object.keys(facts)) write(fact, "\u00a0", "");
      write("asks", "asks", `no ${specialName(state.special)} in this model`);
      return;
    }
    write("asks", "asks", `token ${asker} of 0–${one.tokens - 1}`);
    write("most", "looks most at", `${placeName(one, top)}: ${percent(weights[top])}`);
    write("itself", "at itself", percent(weights[asker]));
    if (one.special) write("special", `at the ${specialsName(one)}`, percent(onSpecials(one, weights)));
    write("even", "if spread evenly", `${percent(1 / one.tokens)} each`);
    const read = state.reading && tokenAt(one, state.reading);
    write("read", state.held ? "weight read" : "\u00a0",
      read !== null ? `${placeName(one, read)}: ${percent(weights[read])}` : state.held ? "point at a patch" : "");
  }

  function describe({ one, prefix, title, asker, weights, largest: top }) {
    if (asker === null) return `${prefix}there is no ${specialName(state.special)} in this model.`;
    const special = one.special ? `, at the ${specialsName(one)} ${percent(onSpecials(one, weights))}` : "";
    const read = state.reading && tokenAt(one, state.reading);
    const reading = read !== null ? `, at ${placeName(one, read)} ${percent(weights[read])}` : "";
    return `${prefix}${title}: ${placeName(one, asker)} looks most at ${placeName(one, top)}, ${percent(weights[top])}; ` +
      `at itself ${percent(weights[asker])}${special}${reading}.`;
  }
}

const specialName = (index) => (index === 0 ? "class token" : `special token ${index}`);

const specialsName = (one) => (one.special === 1 ? "class token" : "special tokens");

function placeName(one, token) {
  if (token < one.special) return specialName(token);
  const patch = token - one.special;
  return `row ${Math.floor(patch / one.columns)}, column ${patch % one.columns}`;
}

// ---- numbers ---------------------------------------------------------------------------------------------------

// Each model with its half floats: attention (layers, heads, queries, keys), rollout (layers, queries, keys).
function readModels(model) {
  const numbers = new Uint16Array(bytesOf(model.get("weights")));
  return model.get("models").map((one) => ({
    ...one,
    weights: numbers.subarray(one.attention, one.rollout),
    rollouts: numbers.subarray(one.rollout, one.rollout + one.layers * one.tokens ** 2),
  }));
}

// One query's weights over all keys: of a head, the mean of the heads, or the rollout.
function readRow(one, layer, map, asker, into) {
  const decode = halfFloats();
  const { tokens } = one;
  if (map === "rollout") {
    const start = (layer * tokens + asker) * tokens;
    for (let key = 0; key < tokens; key++) into[key] = decode[one.rollouts[start + key]];
    return;
  }
  const [first, last] = map === "mean" ? [0, one.heads - 1] : [clamp(map, one.heads), clamp(map, one.heads)];
  into.fill(0);
  for (let head = first; head <= last; head++) {
    const start = ((layer * one.heads + head) * tokens + asker) * tokens;
    for (let key = 0; key < tokens; key++) into[key] += decode[one.weights[start + key]];
  }
  for (let key = 0; key < tokens; key++) into[key] /= last - first + 1;
}

// The patch with the largest weight; special tokens have no place in the picture and no part in its scale.
function largest(one, weights) {
  let best = one.special;
  for (let key = best + 1; key < one.tokens; key++) if (weights[key] > weights[best]) best = key;
  return best;
}

function onSpecials(one, weights) {
  let sum = 0;
  for (let key = 0; key < one.special; key++) sum += weights[key];
  return sum;
}

// A canvas with one pixel a patch, to be drawn larger.
function cellsCanvas(one) {
  const canvas = make("canvas", { width: one.columns, height: one.rows });
  canvas.style.aspectRatio = `${one.columns} / ${one.rows}`;
  const image = new ImageData(one.columns, one.rows);
  image.data.fill(255);
  return { canvas, image, context: canvas.getContext("2d") };
}

function colour({ image, context }, one, weights, top) {
  const scale = top > 0 ? 255 / top : 0;
  for (let patch = 0; patch < one.rows * one.columns; patch++) {
    const level = 3 * Math.round(weights[one.special + patch] * scale);
    image.data[4 * patch] = cividis[level];
    image.data[4 * patch + 1] = cividis[level + 1];
    image.data[4 * patch + 2] = cividis[level + 2];
  }
  context.putImageData(image, 0, 0);
}

export default { render };
