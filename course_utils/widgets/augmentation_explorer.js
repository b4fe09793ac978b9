// MixUp: two pictures and their labels, mixed live. RandAugment: the same draws for every N and M, made beforehand.

function render({ model, el }) {
  const [width, height, largest] = ["width", "height", "numbers"].map((name) => model.get(name));
  const [names, magnitudes, transforms] = ["names", "magnitudes", "transforms"].map((name) => model.get(name));
  const samples = transforms.length;
  const size = width * height * 3;
  const originals = new Uint8Array(bytesOf(model.get("pixels")));
  const changed = new Uint8Array(bytesOf(model.get("changed")));
  const middle = Math.floor(magnitudes.length / 2);
  const state = { own: 0, other: 1, share: 0.7, alpha: 0.8, number: Math.min(2, largest), magnitude: middle, pixel: null };
  const say = voice();
  const update = oncePerFrame(paint);
  const scratch = make("canvas", { width, height });
  const brush = scratch.getContext("2d");

  const choose = (key, label) => {
    const select = make("select", { "aria-label": label, "data-input": key, onchange: () => change({ [key]: Number(select.value) }) },
      ...names.map((name, index) => make("option", { value: index }, name)));
    return select;
  };
  const chooseOwn = choose("own", "first picture");
  const chooseOther = choose("other", "second picture");
  const views = {
    own: sharpCanvas(width / height, (context, w, h) => put(context, w, h, pixel(originals, state.own)), { role: "img", "aria-label": "first picture" }),
    mixed: sharpCanvas(width / height, paintMixed, { ...focusable("The mixed picture: left and right arrow keys change lambda", say), "data-panel": "mixed" }),
    other: sharpCanvas(width / height, (context, w, h) => put(context, w, h, pixel(originals, state.other)), { role: "img", "aria-label": "second picture" }),
  };
  const share = slider("λ", { min: 0, max: 1, step: 0.01, value: state.share }, (value) => change({ share: value }));
  const alpha = slider("α", { min: 0.1, max: 3, step: 0.1, value: state.alpha }, (value) => change({ alpha: value }));
  const number = slider("N, transforms per picture", { min: 0, max: largest, value: state.number }, (value) => change({ number: value }));
  const magnitude = slider("M, magnitude", { min: 0, max: magnitudes.length - 1, value: state.magnitude }, (value) => change({ magnitude: value }));
  const bars = make("div", { class: "afv-shares", "data-fact": "targets" });
  const pixelLine = make("p", { class: "afv-hint", "data-fact": "pixel" });
  const beta = sharpCanvas(3, paintBeta, { role: "img", "aria-label": "How often each lambda is drawn" });
  const betaWords = make("span", { "data-fact": "beta" });
  const grid = make("div", { class: "afv-samples" });
  const panels = Array.from({ length: samples }, (_, sample) => {
    const sharp = sharpCanvas(width / height, (context, w, h) => put(context, w, h, pixel(changed, place(sample))),
      sample ? { role: "img", "data-sample": sample, "aria-label": `sample ${sample + 1}` }
        : { ...focusable("Changed pictures: left and right arrow keys change M, up and down change N", say), "data-sample": 0 });
    const caption = make("figcaption", {});
    grid.append(make("figure", {}, sharp.canvas, caption));
    return { sharp, caption };
  });

  el.append(root("augment", "MixUp and RandAugment on pictures",
    make("section", {},
      make("h4", {}, "MixUp"),
      make("div", { class: "afv-trio" },
        make("figure", {}, chooseOwn, views.own.canvas),
        make("figure", {}, make("figcaption", { style: "line-height:28px" }, "mixed"), views.mixed.canvas),
        make("figure", {}, chooseOther, views.other.canvas)),
      make("div", { class: "afv-bar" }, share.label),
      bars, pixelLine,
      make("div", { class: "afv-beta" }, alpha.label, beta.canvas, betaWords)),
    make("section", {},
      make("h4", {}, "RandAugment, on the first picture"),
      make("div", { class: "afv-bar" }, number.label, magnitude.label),
      grid),
    make("p", { class: "afv-hint" },
      "Move the sliders, or click the mixed picture or the first changed one and use the ", make("kbd", {}, "arrow keys"),
      ". Each changed picture keeps its transforms and their direction: M alone makes them stronger, N adds the next one."),
    say.line));
  listen();
  paint();
  const sharps = [...Object.values(views), beta, ...panels.map(({ sharp }) => sharp)];
  return () => {
    update.cancel();
    say.stop();
    sharps.forEach((sharp) => sharp.stop());
  };

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  function listen() {
    const { canvas } = views.mixed;
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = placeOf(event, canvas);
      change({ pixel: [Math.floor(y * height), Math.floor(x * width)] });
    });
    canvas.addEventListener("pointerleave", () => change({ pixel: null }));
    const step = (amount) => change({ share: Math.round(Math.min(Math.max(state.share + amount, 0), 1) * 100) / 100 });
    onKeys(canvas, { arrowleft: () => step(-0.05), arrowright: () => step(0.05), home: () => step(-1), end: () => step(1) });
    const move = (up, right) => change({ number: clamp(state.number + up, largest + 1), magnitude: clamp(state.magnitude + right, magnitudes.length) });
    onKeys(panels[0].sharp.canvas, { arrowleft: () => move(0, -1), arrowright: () => move(0, 1), arrowup: () => move(1, 0), arrowdown: () => move(-1, 0) });
  }

  // Where a changed picture begins, counted in pictures.
  function place(sample) {
    return ((state.own * (largest + 1) + state.number) * magnitudes.length + state.magnitude) * samples + sample;
  }

  // One picture's bytes out of many.
  function pixel(source, index) {
    return source.subarray(index * size, (index + 1) * size);
  }

  function put(context, wide, high, rgb) {
    const image = new ImageData(width, height);
    for (let from = 0, to = 0; from < size; from += 3, to += 4) {
      image.data[to] = rgb[from];
      image.data[to + 1] = rgb[from + 1];
      image.data[to + 2] = rgb[from + 2];
      image.data[to + 3] = 255;
    }
    brush.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = wide < 3 * width;
    context.drawImage(scratch, 0, 0, wide, high);
  }

  function mixed() {
    const [own, other] = [pixel(originals, state.own), pixel(originals, state.other)];
    return own.map((value, index) => Math.round(state.share * value + (1 - state.share) * other[index]));
  }

  function paintMixed(context, wide, high) {
    put(context, wide, high, mixed());
  }

  function paintBeta(context, wide, high) {
    const density = (value) => (value * (1 - value)) ** (state.alpha - 1);
    const steps = 120;
    const heights = Array.from({ length: steps }, (_, index) => density((index + 0.5) / steps));
    const top = Math.max(...heights);
    context.clearRect(0, 0, wide, high);
    const style = getComputedStyle(beta.canvas);
    context.fillStyle = "#56b4e9";
    heights.forEach((value, index) => {
      const tall = (value / top) * (high - 16);
      context.fillRect((index / steps) * wide, high - 14 - tall, wide / steps + 0.5, tall);
    });
    context.fillStyle = style.color;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "left";
    context.fillText("λ = 0", 0, high - 2);
    context.textAlign = "right";
    context.fillText("λ = 1", wide, high - 2);
    context.fillStyle = "#d55e00";
    context.fillRect(state.share * (wide - 2), 0, 2, high - 13);
  }

  // Mass of the density below a point of the lower half, up to a factor: t = u^(1/α) takes the pole at zero away.
  function tail(point) {
    const [steps, end] = [400, point ** state.alpha];
    let sum = 0;
    for (let index = 0; index < steps; index++) sum += (1 - (((index + 0.5) / steps) * end) ** (1 / state.alpha)) ** (state.alpha - 1);
    return (sum * end) / steps;
  }

  function paint() {
    chooseOwn.value = state.own;
    chooseOther.value = state.other;
    share.input.value = state.share;
    share.output.textContent = state.share.toFixed(2);
    alpha.input.value = state.alpha;
    alpha.output.textContent = state.alpha.toFixed(1);
    number.input.value = state.number;
    number.output.textContent = state.number;
    magnitude.input.value = state.magnitude;
    magnitude.output.textContent = magnitudes[state.magnitude];
    Object.values(views).forEach((sharp) => sharp.repaint());
    beta.repaint();
    panels.forEach(({ sharp, caption }, sample) => {
      sharp.repaint();
      caption.textContent = state.number ? transforms[sample].slice(0, state.number).join(", then ") : "as it is";
    });
    writeTargets();
    writePixel();
    betaWords.textContent = `λ within 0.1 of 0 or 1: ${Math.round((100 * tail(0.1)) / tail(0.5))} % of the time`;
    say.say(`Lambda ${state.share.toFixed(2)}: ${targets().map(([name, part]) => `${name} ${part.toFixed(2)}`).join(", ")}. ` +
      `RandAugment with N ${state.number} and M ${magnitudes[state.magnitude]}.`);
  }

  function targets() {
    const same = state.own === state.other || names[state.own] === names[state.other];
    return same ? [[names[state.own], 1]] : [[names[state.own], state.share], [names[state.other], 1 - state.share]];
  }

  function writeTargets() {
    bars.replaceChildren(...targets().flatMap(([name, part], index) => [
      make("span", {}, name),
      make("span", {}, make("i", { class: index ? "afv-other" : "", style: `width:${(100 * part).toFixed(1)}%` })),
      make("b", {}, part.toFixed(2)),
    ]));
  }

  function writePixel() {
    if (!state.pixel) {
      pixelLine.textContent = "Point at the mixed picture to see one pixel computed.";
      return;
    }
    const [row, column] = state.pixel;
    const at = (row * width + column) * 3;
    const [own, other] = [pixel(originals, state.own)[at] / 255, pixel(originals, state.other)[at] / 255];
    const [part, rest] = [state.share, 1 - state.share];
    pixelLine.textContent = `Row ${row}, column ${column}, first channel: ${part.toFixed(2)} · ${own.toFixed(2)} + ${rest.toFixed(2)} · ${other.toFixed(2)} = ${(part * own + rest * other).toFixed(2)}`;
  }
}

export default { render };
