// Weights rounded to few bits: where they lie, which levels there are, and what is left of a kernel.

const BINS = 81;
const KERNELS = 8; // shown of the chosen output channel
// Colours that hold on light and dark ground, and for colour-blind eyes.
const [LAYER, CHANNEL, LEVEL] = ["#9aa0a6", "#0072b2", "#d55e00"];

function render({ model, el }) {
  const names = model.get("names");
  const shapes = model.get("shapes");
  const layers = model.get("weights").map((bytes) => new Float32Array(bytesOf(bytes)));
  const state = { layer: 0, bits: 4, channel: 0, perChannel: false, symmetric: true };
  const say = voice();
  const update = oncePerFrame(paint);

  const choice = make("select", { "aria-label": "layer", onchange: () => change({ layer: choice.selectedIndex, channel: 0 }) },
    ...names.map((name) => make("option", {}, name)));
  const bits = slider("bits", { min: 2, max: 8, value: state.bits }, (value) => change({ bits: value }));
  const channel = slider("output channel", { min: 0, max: shapes[0][0] - 1, value: 0 }, (value) => change({ channel: value }));
  const perChannel = box("a scale for each output channel", false, (checked) => change({ perChannel: checked }));
  const symmetric = box("symmetric (zero point 0)", true, (checked) => change({ symmetric: checked }));
  const histogram = sharpCanvas(4, paintHistogram, { role: "img" });
  const before = sharpCanvas(KERNELS, (context, width, height) => paintKernels(context, width, height, false), { role: "img" });
  const after = sharpCanvas(KERNELS, (context, width, height) => paintKernels(context, width, height, true), { role: "img" });
  const facts = {};
  const list = make("dl", {});
  for (const fact of ["scale", "zero", "used", "own", "error", "bytes"]) {
    facts[fact] = [make("dt", {}), make("dd", { "data-fact": fact })];
    list.append(...facts[fact]);
  }
  let now = quantised();

  el.append(
    root("quantisation", "Weights rounded to few bits",
      make("div", { class: "afv-bar" }, make("label", {}, "layer", choice), bits.label, channel.label),
      make("div", { class: "afv-bar" }, perChannel.label, symmetric.label),
      make("figure", {}, make("figcaption", {}, "Where the weights lie"), histogram.canvas,
        make("div", { class: "afv-key", "aria-hidden": "true" },
          key(LAYER, "the whole layer"), key(CHANNEL, "the chosen channel"), key(LEVEL, "values that can be said"))),
      make("div", { class: "afv-kernels" },
        make("figure", {}, make("figcaption", {}, "Kernels of the channel, as trained"), before.canvas),
        make("figure", {}, make("figcaption", {}, "rounded"), after.canvas)),
      list,
      make("p", { class: "afv-hint" },
        "Choose a layer; move the sliders, with the pointer or the ", make("kbd", {}, "arrow keys"),
        ". In the kernels blue is negative, orange positive, one square a weight."),
      say.line));
  paint();
  return () => {
    update.cancel();
    say.stop();
    [histogram, before, after].forEach((canvas) => canvas.stop());
  };

  function key(colour, text) {
    const mark = make("i");
    mark.style.background = colour;
    return make("span", {}, mark, text);
  }

  function box(name, checked, act) {
    const input = make("input", { type: "checkbox", checked, onchange: () => act(input.checked) });
    return { input, label: make("label", {}, input, name) };
  }

  function change(fields) {
    Object.assign(state, fields);
    update();
  }

  // ---- the mathematics -----------------------------------------------------------------------------------------

  function parameters(low, high) {
    const [least, most] = [-(2 ** (state.bits - 1)), 2 ** (state.bits - 1) - 1];
    if (state.symmetric) return { scale: Math.max(-low, high, 0) / most || 1, zero: 0 };
    const [down, up] = [Math.min(low, 0), Math.max(high, 0)];
    const scale = (up - down) / (2 ** state.bits - 1) || 1;
    return { scale, zero: Math.min(most, Math.max(least, nearest(least - down / scale))) };
  }

  // Halves go to the even neighbour, as in torch.
  function nearest(value) {
    const low = Math.floor(value);
    return value - low === 0.5 ? low + Math.abs(low % 2) : Math.round(value);
  }

  function quantised() {
    const weights = layers[state.layer];
    const outputs = shapes[state.layer][0];
    const size = weights.length / outputs;
    const [least, most] = [-(2 ** (state.bits - 1)), 2 ** (state.bits - 1) - 1];
    const rounded = new Float32Array(weights.length);
    const of = (start, count) => {
      let [low, high] = [Infinity, -Infinity];
      for (let i = start; i < start + count; i++) {
        low = Math.min(low, weights[i]);
        high = Math.max(high, weights[i]);
      }
      return parameters(low, high);
    };
    const whole = of(0, weights.length);
    let own = whole;
    let [error, power, channelError, channelPower] = [0, 0, 0, 0];
    const used = new Set();
    for (let output = 0; output < outputs; output++) {
      const { scale, zero } = state.perChannel ? of(output * size, size) : whole;
      if (output === state.channel) own = { scale, zero };
      for (let i = output * size; i < (output + 1) * size; i++) {
        const level = Math.min(most, Math.max(least, nearest(weights[i] / scale) + zero));
        rounded[i] = (level - zero) * scale;
        const gap = (rounded[i] - weights[i]) ** 2;
        error += gap;
        power += weights[i] ** 2;
        if (output === state.channel) {
          used.add(level);
          channelError += gap;
          channelPower += weights[i] ** 2;
        }
      }
    }
    const scales = state.perChannel ? outputs : 1;
    const bytes = Math.ceil((weights.length * state.bits) / 8) + scales * (state.symmetric ? 4 : 5);
    return {
      weights, rounded, size, least, most, own, used: used.size, bytes,
      error: Math.sqrt(error / (power || 1)), channelError: Math.sqrt(channelError / (channelPower || 1)),
    };
  }

  // ---- painting ------------------------------------------------------------------------------------------------

  function paint() {
    const last = shapes[state.layer][0] - 1;
    channel.input.max = last;
    channel.input.value = state.channel;
    channel.output.textContent = `${state.channel} of 0–${last}`;
    bits.output.textContent = String(state.bits);
    now = quantised();
    [histogram, before, after].forEach(({ repaint }) => repaint());
    writeFacts();
  }

  function paintHistogram(context, width, height) {
    const { weights, size, own, least, most } = now;
    const reach = weights.reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0) || 1;
    const ink = getComputedStyle(histogram.canvas).color;
    const counts = (start, count) => {
      const bins = new Array(BINS).fill(0);
      for (let i = start; i < start + count; i++) bins[clamp(Math.floor(((weights[i] / reach + 1) / 2) * BINS), BINS)] += 1;
      return bins;
    };
    const base = height - 18;
    const place = (value) => ((value / reach + 1) / 2) * width;
    context.clearRect(0, 0, width, height);
    for (const [bins, colour] of [[counts(0, weights.length), LAYER], [counts(state.channel * size, size), CHANNEL]]) {
      const tallest = Math.max(...bins);
      context.fillStyle = colour;
      context.globalAlpha = colour === LAYER ? 0.6 : 0.75;
      bins.forEach((count, bin) => {
        const tall = (count / tallest) * (base - 14);
        context.fillRect((bin * width) / BINS, base - tall, width / BINS - 0.5, tall);
      });
    }
    context.globalAlpha = 1;
    context.fillStyle = LEVEL;
    for (let level = least; level <= most; level++) {
      const x = place((level - own.zero) * own.scale);
      if (x >= -1 && x <= width + 1) context.fillRect(x - 0.75, base, 1.5, level === own.zero ? 10 : 6);
    }
    context.fillStyle = ink;
    context.font = "11px sans-serif";
    context.textBaseline = "bottom";
    for (const [value, align, x] of [[-reach, "left", 2], [0, "center", width / 2], [reach, "right", width - 2]]) {
      context.textAlign = align;
      context.fillText(short(value), x, 12);
    }
    histogram.canvas.setAttribute("aria-label",
      `histogram of ${grouped(weights.length)} weights from ${short(-reach)} to ${short(reach)}, with ${2 ** state.bits} levels ${short(own.scale)} apart`);
  }

  function paintKernels(context, width, height, rounded) {
    const { weights, size } = now;
    const [, inputs, rows, columns] = shapes[state.layer];
    const start = state.channel * size;
    let largest = 1e-12;
    for (let i = start; i < start + size; i++) largest = Math.max(largest, Math.abs(weights[i]));
    const values = rounded ? now.rounded : weights;
    const shown = Math.min(KERNELS, inputs);
    const side = width / KERNELS;
    const cell = Math.min((side - 5) / columns, (height - 2) / rows);
    context.clearRect(0, 0, width, height);
    for (let kernel = 0; kernel < shown; kernel++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const value = values[start + (kernel * rows + row) * columns + column] / largest;
          context.fillStyle = colourOf(value);
          context.fillRect(kernel * side + column * cell, 1 + row * cell, cell + 0.3, cell + 0.3);
        }
      }
    }
    const canvas = rounded ? after.canvas : before.canvas;
    canvas.setAttribute("aria-label", `${shown} kernels of output channel ${state.channel}, ${rounded ? "rounded" : "as trained"}`);
  }

  // White at zero; blue below, orange above.
  function colourOf(value) {
    const [red, green, blue] = value < 0 ? [0, 90, 181] : [213, 94, 0];
    const strength = Math.min(1, Math.abs(value));
    const mix = (part) => Math.round(255 + (part - 255) * strength);
    return `rgb(${mix(red)} ${mix(green)} ${mix(blue)})`;
  }

  function short(value) {
    return value === 0 ? "0" : value.toPrecision(3);
  }

  function writeFacts() {
    const write = (fact, term, value) => {
      facts[fact][0].textContent = term;
      facts[fact][1].textContent = value;
    };
    const whole = 4 * now.weights.length;
    write("scale", "scale, the width of a step", now.own.scale.toPrecision(4));
    write("zero", "zero point", String(now.own.zero));
    write("used", "levels that the channel uses", `${now.used} of ${2 ** state.bits}`);
    write("own", "error of the channel, of its size", `${(100 * now.channelError).toFixed(2)} %`);
    write("error", "error of the layer, of its size", `${(100 * now.error).toFixed(2)} %`);
    write("bytes", "bytes of the layer, float32 and now", `${grouped(whole)} → ${grouped(now.bytes)}, ${(whole / now.bytes).toFixed(1)} times smaller`);
    say.say(`${names[state.layer]}, ${state.bits} bits, ${state.perChannel ? "one scale per channel" : "one scale"}, ` +
      `${state.symmetric ? "symmetric" : "affine"}: the error of the layer is ${facts.error[1].textContent}, of channel ${state.channel} ${facts.own[1].textContent}.`);
  }
}

export default { render };
