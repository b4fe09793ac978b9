// Windows over a picture: block after block, who may look at whom, and how far a token's influence has travelled.

// Okabe & Ito 2008: told apart by colour-blind eyes. One for each piece of a rolled map.
const PIECES = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7"];

function render({ model, el }) {
  const [picture] = pictureOf(model);
  const { width, height } = picture;
  const [tokens, window_, depths] = ["tokens", "window", "depths"].map((name) => model.get(name));
  // Every block: its stage, the side of its map in tokens, and how far its windows move when they do.
  const blocks = depths.flatMap((depth, stage) =>
    Array.from({ length: depth }, (_, index) => {
      const side = tokens >> stage;
      return { stage, side, shift: index % 2 && window_ < side ? window_ >> 1 : 0, index };
    }));
  const state = { row: Math.floor(tokens / 2), column: Math.floor(tokens / 2), block: 0, shifted: true };
  const say = voice();
  const update = oncePerFrame(paint);

  const seen = sharpCanvas(1, paintSeen, {
    ...focusable("Tokens over the picture: arrow keys move, Page Up and Page Down change the block, S turns the shift on and off", say),
    "data-panel": "windows",
  });
  const rolled = sharpCanvas(1, paintRolled, { role: "img", "aria-label": "the map as the block computes it", "data-panel": "rolled" });
  const reach = sharpCanvas(1, paintReach, { role: "img", "aria-label": "how far the token's influence has travelled", "data-panel": "reach" });
  const captions = [seen, rolled, reach].map(() => make("figcaption", {}));
  const buttons = blocks.map((block, number) =>
    make("button", { type: "button", "data-block": number, onclick: () => change({ block: number }) }, `${number + 1}`));
  const toggle = make("input", { type: "checkbox", checked: true, onchange: () => change({ shifted: toggle.checked }) });
  const facts = {};
  const list = make("dl", {});
  for (const fact of ["token", "map", "looks", "pieces", "reach", "still"]) {
    facts[fact] = [make("dt", {}), make("dd", { "data-fact": fact })];
    list.append(...facts[fact]);
  }

  el.append(
    root("windows", "Windows over a picture, block by block",
      make("div", { class: "afv-bar" },
        make("div", { class: "afv-blocks", role: "group", "aria-label": "block" }, make("span", {}, "block"), ...withMerges()),
        make("label", {}, toggle, "every second block shifts its windows")),
      make("div", { class: "afv-panels" },
        ...[seen, rolled, reach].map((sharp, index) => make("figure", {}, captions[index], sharp.canvas))),
      list,
      make("p", { class: "afv-hint" },
        "Point at a token or use the ", make("kbd", {}, "arrow keys"), "; ", make("kbd", {}, "PgUp"), " ", make("kbd", {}, "PgDn"),
        " change the block, ", make("kbd", {}, "S"), " turns the shift on and off. Lit: what the token may look at. ",
        "All numbers of places count from 0."),
      say.line));

  listen();
  paint();
  return () => {
    update.cancel();
    say.stop();
    [seen, rolled, reach].forEach((sharp) => sharp.stop());
  };

  function withMerges() {
    return buttons.flatMap((button, number) =>
      number && blocks[number].stage > blocks[number - 1].stage ? [make("span", {}, "merge"), button] : [button]);
  }

  // ---- where we are --------------------------------------------------------------------------------------------

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  function listen() {
    const { canvas } = seen;
    const point = (event) => {
      const [x, y] = placeOf(event, canvas);
      change({ row: Math.floor(y * tokens), column: Math.floor(x * tokens) });
    };
    const step = (down, right) => {
      const size = tokens / blocks[state.block].side; // one token of this block's map
      change({ row: clamp(state.row + down * size, tokens), column: clamp(state.column + right * size, tokens) });
    };
    const turn = (by) => change({ block: clamp(state.block + by, blocks.length) });
    const keys = {
      arrowup: () => step(-1, 0), arrowdown: () => step(1, 0), arrowleft: () => step(0, -1), arrowright: () => step(0, 1),
      pageup: () => turn(1), pagedown: () => turn(-1),
      s: () => {
        toggle.checked = !toggle.checked;
        change({ shifted: toggle.checked });
      },
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    onKeys(canvas, keys);
  }

  // ---- the mathematics -----------------------------------------------------------------------------------------

  function shiftOf(block, shifted = state.shifted) {
    return shifted ? block.shift : 0;
  }

  // Place of the map → its group: those of the same group, and no others, may look at each other.
  function groupOf(block, row, column, shifted = state.shifted) {
    const shift = shiftOf(block, shifted);
    const { side } = block;
    const [r, c] = [(row - shift + side) % side, (column - shift + side) % side]; // after the roll
    const piece = 2 * (r >= side - shift) + (c >= side - shift);
    return { window: Math.floor(r / window_) * side + Math.floor(c / window_), piece: shift ? piece : 0 };
  }

  // Which tokens of the first stage have had a part in the token under the pointer, after the chosen block.
  // Backwards from there: a group met once is met whole.
  function origins(shifted) {
    let { side } = blocks[state.block];
    let met = new Uint8Array(side * side);
    const scale = tokens / side;
    met[Math.floor(state.row / scale) * side + Math.floor(state.column / scale)] = 1;
    for (let number = state.block; number >= 0; number--) {
      const block = blocks[number];
      if (block.side > side) {
        met = enlarged(met, side);
        side = block.side;
      }
      const groups = new Set();
      const key = (place) => {
        const { window, piece } = groupOf(block, Math.floor(place / side), place % side, shifted);
        return window * 4 + piece;
      };
      met.forEach((yes, place) => yes && groups.add(key(place)));
      met = met.map((_, place) => groups.has(key(place)));
    }
    return side < tokens ? enlarged(met, side) : met;
  }

  function enlarged(met, side) {
    return Uint8Array.from({ length: 4 * side * side }, (_, place) =>
      met[Math.floor(place / (2 * side) / 2) * side + Math.floor((place % (2 * side)) / 2)]);
  }

  // ---- painting ------------------------------------------------------------------------------------------------

  function paint() {
    [seen, rolled, reach].forEach((sharp) => sharp.repaint());
    buttons.forEach((button, number) => button.setAttribute("aria-pressed", number === state.block));
    writeFacts();
  }

  function here() {
    const block = blocks[state.block];
    const scale = tokens / block.side;
    const [row, column] = [Math.floor(state.row / scale), Math.floor(state.column / scale)];
    return { block, row, column, shift: shiftOf(block), group: groupOf(block, row, column) };
  }

  function sameGroup(one, other) {
    return one.window === other.window && one.piece === other.piece;
  }

  function each(side, draw) {
    for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) draw(row, column);
  }

  function shade(context, x, y, size) {
    context.fillStyle = "rgba(0, 10, 40, 0.62)";
    context.fillRect(x, y, size + 0.5, size + 0.5);
  }

  function paintSeen(context, wide) {
    const { block, row, column, shift, group } = here();
    const cell = wide / block.side;
    context.drawImage(picture, 0, 0, wide, wide);
    each(block.side, (r, c) => sameGroup(groupOf(block, r, c), group) || shade(context, c * cell, r * cell, cell));
    lines(context, wide, block.side, shift);
    outline(context, column * cell, row * cell, cell, cell, [2, 2]);
  }

  // Tokens in thin lines, windows in thick ones, moved down and to the right by the shift.
  function lines(context, wide, side, shift) {
    const cell = wide / side;
    for (const [thickness, colour, every, start] of [[0.5, "rgba(255,255,255,0.45)", 1, 0], [3.5, "#000", window_, shift], [1.6, "#ffd400", window_, shift]]) {
      context.lineWidth = thickness;
      context.strokeStyle = colour;
      context.beginPath();
      for (let at = start % every; at <= side; at += every) {
        context.moveTo(at * cell, 0);
        context.lineTo(at * cell, wide);
        context.moveTo(0, at * cell);
        context.lineTo(wide, at * cell);
      }
      context.stroke();
    }
  }

  function paintRolled(context, wide) {
    const { block, row, column, shift, group } = here();
    const { side } = block;
    const cell = wide / side;
    const pixel = width / side;
    each(side, (r, c) => {
      const [fromRow, fromColumn] = [(r + shift) % side, (c + shift) % side];
      const other = groupOf(block, fromRow, fromColumn);
      context.drawImage(picture, fromColumn * pixel, fromRow * pixel, pixel, pixel, c * cell, r * cell, cell + 0.5, cell + 0.5);
      if (shift) {
        context.globalAlpha = 0.3;
        context.fillStyle = PIECES[other.piece];
        context.fillRect(c * cell, r * cell, cell + 0.5, cell + 0.5);
        context.globalAlpha = 1;
      }
      if (!sameGroup(other, group)) shade(context, c * cell, r * cell, cell);
    });
    lines(context, wide, side, 0);
    outline(context, ((column - shift + side) % side) * cell, ((row - shift + side) % side) * cell, cell, cell, [2, 2]);
  }

  function paintReach(context, wide) {
    const met = origins(state.shifted);
    const cell = wide / tokens;
    context.drawImage(picture, 0, 0, wide, wide);
    met.forEach((yes, place) => yes || shade(context, (place % tokens) * cell, Math.floor(place / tokens) * cell, cell));
    const { block, row, column } = here();
    const size = wide / block.side;
    outline(context, column * size, row * size, size, size, [2, 2]);
  }

  // ---- words ---------------------------------------------------------------------------------------------------

  function writeFacts() {
    const { block, row, column, shift, group } = here();
    let looks = 0;
    each(block.side, (r, c) => (looks += sameGroup(groupOf(block, r, c), group)));
    const share = (shifted) => origins(shifted).reduce((sum, yes) => sum + yes, 0) / (tokens * tokens);
    const pieces = window_ * window_ - looks;
    const write = (fact, term, value) => {
      facts[fact][0].textContent = term;
      facts[fact][1].textContent = value;
    };
    captions[0].textContent = shift ? `block ${state.block + 1}: windows moved by ${shift}` : `block ${state.block + 1}: windows`;
    captions[1].textContent = shift ? `rolled by ${shift}, as it is computed` : "as it is computed";
    captions[2].textContent = "where its content can come from";
    write("token", "asks", `row ${row}, column ${column}`);
    write("map", "stage and map", `stage ${block.stage}, ${block.side} × ${block.side} tokens, windows of ${window_} × ${window_}`);
    write("looks", "may look at", `${looks} of ${grouped(block.side * block.side)} tokens`);
    write("pieces", "hidden in its window", pieces ? `${pieces} tokens from the other border` : "none");
    write("reach", `picture reached after block ${state.block + 1}`, percent(share(state.shifted)));
    write("still", state.shifted ? "without any shift it would be" : "with shifted windows it would be", percent(share(!state.shifted)));
    say.say(`Block ${state.block + 1}, row ${row}, column ${column}: may look at ${looks} tokens; ${percent(share(state.shifted))} of the picture reached.`);
  }
}

export default { render };
