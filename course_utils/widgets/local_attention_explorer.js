// A neighbourhood under the pointer: its pixels, a convolution's weights there, and the attention's.

function render({ model, el }) {
  const [picture] = pictureOf(model);
  const { width, height } = picture;
  const [heads, rows, columns, size] = ["heads", "rows", "columns", "size"].map((name) => model.get(name));
  const half = (size - 1) / 2;
  const kernel = model.get("kernel");
  const loudest = Math.max(...kernel.map(Math.abs)) || 1;
  const numbers = new Uint16Array(bytesOf(model.get("weights")));
  const decode = halfFloats();
  const headNames = model.get("head_names");
  const headName = (head) => headNames[head] ?? `head ${head}`;
  const state = { row: Math.floor(rows / 2), column: Math.floor(columns / 2), head: 0, offset: null };
  const say = voice();
  const update = oncePerFrame(paint);

  const whole = sharpCanvas(width / height, paintWhole, {
    ...focusable("The picture: arrow keys move the centre of the neighbourhood", say), "data-panel": "picture",
  });
  const panels = {
    pixels: panel("the pixels there", paintPixels, "pixels of the neighbourhood"),
    kernel: panel("convolution", paintKernel, "weights of the convolution"),
    attention: panel("attention", paintAttention, "weights of the attention"),
  };
  const thumbnails = Array.from({ length: heads }, (_, head) => {
    const small = sharpCanvas(1, (context, wide) => paintWeights(context, wide, head));
    const button = make("button", { type: "button", title: headName(head), "data-head": head, onclick: () => change({ head }) },
      small.canvas, make("span", {}, headNames[head] ?? `${head}`));
    return { small, button };
  });
  const facts = {};
  const list = make("dl", {});
  for (const fact of ["position", "border", "kernel", "most", "centre", "read"]) {
    facts[fact] = [make("dt", {}), make("dd", { "data-fact": fact })];
    list.append(...facts[fact]);
  }

  el.append(
    root("local", "A neighbourhood, the weights of a convolution and those of attention",
      make("div", { class: "afv-places" },
        make("figure", { class: "afv-source" }, make("figcaption", {}, "The picture"), whole.canvas),
        make("div", { class: "afv-near" },
          make("div", { class: "afv-trio" }, ...Object.values(panels).map(({ figure }) => figure)),
          ...(heads > 1
            ? [make("div", { class: "afv-heads", role: "group", "aria-label": "head" }, ...thumbnails.map(({ button }) => button))]
            : []),
          list)),
      make("p", { class: "afv-hint" },
        "Point at the picture or use the ", make("kbd", {}, "arrow keys"), "; ", make("kbd", {}, "H"), " takes the next head. ",
        "Point at a cell, or go there with the keys, to read its numbers. Convolution: blue is negative, orange positive, the same scale everywhere. ",
        "Attention: yellow is the largest weight of the neighbourhood, dark blue none. Hatched: beyond the border, no weight."),
      say.line));

  listen();
  paint();
  return () => {
    update.cancel();
    say.stop();
    [whole, ...Object.values(panels).map(({ sharp }) => sharp), ...thumbnails.map(({ small }) => small)].forEach((sharp) => sharp.stop());
  };

  function panel(title, painter, label) {
    const sharp = sharpCanvas(1, painter, { ...focusable(`${label}: arrow keys read a cell`, say), "data-panel": title });
    const { canvas } = sharp;
    const caption = make("figcaption", {}, title);
    const leave = () => change({ offset: null });
    const step = (down, right) => {
      const from = state.offset ?? half * size + half;
      change({ offset: clamp(Math.floor(from / size) + down, size) * size + clamp((from % size) + right, size) });
    };
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = placeOf(event, canvas);
      change({ offset: Math.floor(y * size) * size + Math.floor(x * size) });
    });
    canvas.addEventListener("pointerleave", leave);
    canvas.addEventListener("blur", leave);
    onKeys(canvas, {
      arrowup: () => step(-1, 0), arrowdown: () => step(1, 0), arrowleft: () => step(0, -1), arrowright: () => step(0, 1), escape: leave,
    });
    return { sharp, caption, figure: make("figure", {}, caption, canvas) };
  }

  // ---- where we are --------------------------------------------------------------------------------------------

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  function listen() {
    const { canvas } = whole;
    const point = (event) => {
      const [x, y] = placeOf(event, canvas);
      change({ row: Math.floor(y * rows), column: Math.floor(x * columns) });
    };
    const step = (down, right) => change({ row: clamp(state.row + down, rows), column: clamp(state.column + right, columns) });
    const keys = {
      arrowup: () => step(-1, 0), arrowdown: () => step(1, 0), arrowleft: () => step(0, -1), arrowright: () => step(0, 1),
      home: () => step(0, -columns), end: () => step(0, columns),
      h: () => change({ head: (state.head + 1) % heads }),
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    onKeys(canvas, keys);
  }

  // The place of a neighbour, or null beyond the border.
  function neighbour(offset) {
    const [row, column] = [state.row + Math.floor(offset / size) - half, state.column + (offset % size) - half];
    return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
  }

  function weight(offset, head = state.head) {
    return decode[numbers[((head * rows + state.row) * columns + state.column) * size * size + offset]];
  }

  function offsetName(offset) {
    const sign = (value) => (value < 0 ? `\u2212${-value}` : value > 0 ? `+${value}` : "0");
    return `${sign(Math.floor(offset / size) - half)}, ${sign((offset % size) - half)}`;
  }

  // ---- painting ------------------------------------------------------------------------------------------------

  function paint() {
    [whole, ...Object.values(panels).map(({ sharp }) => sharp), ...thumbnails.map(({ small }) => small)].forEach((sharp) => sharp.repaint());
    thumbnails.forEach(({ button }, head) => button.setAttribute("aria-pressed", head === state.head));
    panels.attention.caption.textContent = heads > 1 ? `attention, ${headName(state.head)}` : "attention";
    writeFacts();
  }

  function each(draw) {
    for (let offset = 0; offset < size * size; offset++) draw(offset, offset % size, Math.floor(offset / size));
  }

  function paintWhole(context, wide, high) {
    context.imageSmoothingEnabled = wide < 3 * width;
    context.drawImage(picture, 0, 0, wide, high);
    const [w, h] = [wide / columns, high / rows];
    outline(context, (state.column - half) * w, (state.row - half) * h, size * w, size * h);
    outline(context, state.column * w, state.row * h, w, h, [2, 2]);
  }

  function paintPixels(context, wide) {
    const cell = wide / size;
    const pixel = width / columns; // side of a position, in pixels of the picture
    context.imageSmoothingEnabled = false;
    each((offset, x, y) => {
      const place = neighbour(offset);
      if (place) context.drawImage(picture, place.column * pixel, place.row * pixel, pixel, pixel, x * cell, y * cell, cell + 0.5, cell + 0.5);
      else hatch(context, x * cell, y * cell, cell);
    });
    mark(context, cell);
  }

  function paintKernel(context, wide) {
    const cell = wide / size;
    each((offset, x, y) => {
      const share = kernel[offset] / loudest;
      const end = share < 0 ? [0, 90, 160] : [190, 85, 0];
      context.fillStyle = `rgb(${end.map((level) => Math.round(248 + (level - 248) * Math.abs(share))).join(",")})`;
      context.fillRect(x * cell, y * cell, cell + 0.5, cell + 0.5);
      if (cell >= 34) write(context, kernel[offset].toFixed(2).replace("-", "\u2212"), x, y, cell, Math.abs(share) > 0.6 ? "#fff" : "#111");
    });
    mark(context, cell);
  }

  function paintAttention(context, wide) {
    paintWeights(context, wide, state.head);
    mark(context, wide / size);
  }

  function paintWeights(context, wide, head) {
    const cell = wide / size;
    let top = 0;
    each((offset) => (top = Math.max(top, weight(offset, head))));
    each((offset, x, y) => {
      if (!neighbour(offset)) return hatch(context, x * cell, y * cell, cell);
      const share = top > 0 ? weight(offset, head) / top : 0;
      const level = 3 * Math.round(255 * share);
      context.fillStyle = `rgb(${cividis[level]},${cividis[level + 1]},${cividis[level + 2]})`;
      context.fillRect(x * cell, y * cell, cell + 0.5, cell + 0.5);
      if (cell >= 34) write(context, weight(offset, head).toFixed(2), x, y, cell, share > 0.55 ? "#111" : "#fff");
    });
  }

  function write(context, text, x, y, cell, colour) {
    context.fillStyle = colour;
    context.font = `${Math.min(13, cell / 3.1)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, (x + 0.5) * cell, (y + 0.5) * cell);
  }

  function hatch(context, x, y, cell) {
    context.save();
    context.beginPath();
    context.rect(x, y, cell + 0.5, cell + 0.5);
    context.clip();
    context.fillStyle = "#d5d5d5";
    context.fillRect(x, y, cell + 1, cell + 1);
    context.strokeStyle = "#777";
    context.lineWidth = 1;
    context.beginPath();
    const gap = Math.max(4, cell / 4);
    for (let at = -cell; at < cell; at += gap) {
      context.moveTo(x + at, y + cell);
      context.lineTo(x + at + cell, y);
    }
    context.stroke();
    context.restore();
  }

  function mark(context, cell) {
    outline(context, half * cell + 1, half * cell + 1, cell - 2, cell - 2, [2, 2]);
    if (state.offset !== null) outline(context, (state.offset % size) * cell + 1, Math.floor(state.offset / size) * cell + 1, cell - 2, cell - 2);
  }

  // ---- words ---------------------------------------------------------------------------------------------------

  function writeFacts() {
    let [most, outside] = [0, 0];
    each((offset) => {
      if (weight(offset) > weight(most)) most = offset;
      if (!neighbour(offset)) outside++;
    });
    const strongest = kernel.reduce((best, value, offset) => (Math.abs(value) > Math.abs(kernel[best]) ? offset : best), 0);
    const middle = (size * size - 1) / 2;
    const write = (fact, term, value) => {
      facts[fact][0].textContent = term;
      facts[fact][1].textContent = value;
    };
    write("position", "centre at", `row ${state.row}, column ${state.column}`);
    write("border", "beyond the border", `${outside} of ${size * size}`);
    write("kernel", "convolution: strongest at", `offset ${offsetName(strongest)}, everywhere`);
    write("most", "attention: most at", `offset ${offsetName(most)}: ${percent(weight(most))}`);
    write("centre", "attention: at the centre", percent(weight(middle)));
    const read = state.offset;
    write("read", "cell read", read === null ? "\u2013" : `offset ${offsetName(read)}: convolution ${kernel[read].toFixed(3).replace("-", "\u2212")}, ` +
      (neighbour(read) ? `attention ${percent(weight(read))}` : "beyond the border: no weight"));
    say.say(read !== null ? `${facts.read[1].textContent}.` : `Row ${state.row}, column ${state.column}. ` +
      `${outside ? `${outside} neighbours are beyond the border. ` : ""}` +
      `${heads > 1 ? `${headName(state.head)}: ` : ""}attention is largest at offset ${offsetName(most)}, ${percent(weight(most))}; ` +
      `at the centre ${percent(weight(middle))}. The convolution is strongest at offset ${offsetName(strongest)}, as everywhere.`);
  }
}

export default { render };
