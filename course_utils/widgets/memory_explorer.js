// Bytes of attention matrices, exact to the last one (BigInt), for any picture, patch and model.

const PRESETS = [
  ["slide: pixels, R = 128", { image_size: 128, patch_size: 1, layers: 48, heads: 16, class_token: false }],
  ["slide: 14×14 patches", { image_size: 224, patch_size: 16, layers: 48, heads: 16, class_token: false }],
  ["slide: 16×16 patches", { image_size: 224, patch_size: 14, layers: 48, heads: 16, class_token: false }],
  ["ViT-B/16", { image_size: 224, patch_size: 16, layers: 12, heads: 12, class_token: true }],
];
const KNOWN = [["a graphics card of 24 GiB", 24 * 2 ** 30]];
const SETTINGS = ["image_size", "patch_size", "layers", "heads", "batch", "dtype", "class_token"];
const LIMITS = { image_size: 4096, patch_size: 4096, layers: 1000, heads: 1000, batch: 100000 };
const NAMES = { image_size: "image size", patch_size: "patch size", layers: "layers", heads: "heads", batch: "batch" };

function render({ model, el }) {
  const dtypes = model.get("bytes_of");
  const state = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  const machine = Object.entries(model.get("machine"));
  const say = voice();
  const tokenName = make("span", {}, "");
  const inputs = {};
  const number = (key, label) => {
    inputs[key] = make("input", { type: "number", min: 1, max: LIMITS[key], step: 1, value: state[key], "data-input": key,
      oninput: () => change({ [key]: inputs[key].value === "" ? NaN : Number(inputs[key].value) }) });
    return make("label", {}, label, inputs[key]);
  };
  inputs.dtype = make("select", { "data-input": "dtype", onchange: () => change({ dtype: inputs.dtype.value }) },
    ...Object.entries(dtypes).map(([name, bytes]) => make("option", { value: name }, `${name}, ${bytes} bytes`)));
  inputs.class_token = make("input", { type: "checkbox", "data-input": "class_token",
    onchange: () => change({ class_token: inputs.class_token.checked }) });
  const presets = PRESETS.map(([name, preset]) =>
    make("button", { type: "button", onclick: () => change({ ...preset, batch: 1, dtype: "float32" }) }, name));
  const wrong = make("p", { class: "afv-wrong", role: "alert", hidden: true });
  const total = make("strong", { "data-field": "all" });
  const lines = make("div", { class: "afv-lines" });
  const bars = make("dl", { class: "afv-bars", "aria-label": "Bytes on a logarithmic scale" });
  const results = make("div", {},
    make("div", { class: "afv-answer" }, total, lines), bars,
    make("p", { class: "afv-hint" },
      "Each bar's length is logarithmic: one step of the same length is ten times as much. KiB, MiB, GiB are binary (1 KiB = 1024 bytes). " +
      "Counted are the weights of one forward pass, all kept as training keeps them; a fused kernel never stores them."));
  el.append(root("memory", "Memory of attention matrices",
    make("div", { class: "afv-presets" }, ...presets),
    make("div", { class: "afv-inputs" },
      number("image_size", "image, pixels per side"), number("patch_size", "patch, pixels per side"),
      number("layers", "layers"), number("heads", "heads"), number("batch", "pictures in a batch"),
      make("label", {}, "numbers", inputs.dtype),
      make("label", { class: "afv-tick" }, inputs.class_token, tokenName)),
    wrong, results, say.line));
  paint();
  return () => say.stop();

  function change(fields) {
    Object.assign(state, fields);
    paint(Object.keys(fields));
  }

  function paint(typed = []) {
    for (const key of Object.keys(NAMES)) {
      // What a student is typing is not written over.
      if (document.activeElement !== inputs[key] || !typed.includes(key)) {
        if (!Number.isNaN(state[key])) inputs[key].value = state[key];
      }
    }
    inputs.dtype.value = state.dtype;
    inputs.class_token.checked = state.class_token;
    tokenName.textContent = state.patch_size === 1 ? "start token" : "class token";
    presets.forEach((button, index) => {
      const chosen = Object.entries({ ...PRESETS[index][1], batch: 1, dtype: "float32" }).every(([key, value]) => state[key] === value);
      button.setAttribute("aria-pressed", chosen);
    });
    const problem = problemOf(state);
    wrong.hidden = !problem;
    wrong.textContent = problem;
    results.hidden = Boolean(problem);
    if (!problem) paintResults();
  }

  function paintResults() {
    const side = state.image_size / state.patch_size;
    const tokens = BigInt(side) ** 2n + (state.class_token ? 1n : 0n);
    const entries = tokens ** 2n;
    const one = entries * BigInt(dtypes[state.dtype]);
    const layer = one * BigInt(state.heads) * BigInt(state.batch);
    const all = layer * BigInt(state.layers);
    total.textContent = binary(all);
    total.dataset.bytes = all;
    const plus = state.class_token ? ` + 1 ${tokenName.textContent}` : "";
    const what = state.patch_size === 1 ? "pixels" : "patches";
    const batch = state.batch > 1 ? ` × ${grouped(state.batch)} pictures` : "";
    lines.replaceChildren(
      make("div", {}, `${side}² ${what}${plus} = `, make("b", { "data-field": "tokens" }, `${grouped(tokens)} tokens`)),
      make("div", {}, "one matrix: ", make("b", { "data-field": "entries" }, `${grouped(tokens)}² = ${grouped(entries)} entries`),
        ` × ${dtypes[state.dtype]} bytes = `, make("b", { "data-field": "one", "data-bytes": one }, binary(one))),
      make("div", {}, `× ${state.heads} heads × ${state.layers} layers${batch} = `, make("b", {}, `${grouped(all)} bytes`)));
    const rows = [
      ["one matrix", one, "afv-one"],
      [state.batch > 1 ? "one layer, whole batch" : "one layer, all heads", layer, "afv-layer"],
      ["all layers", all, "afv-all"],
      ...[...machine, ...KNOWN].map(([name, bytes]) => [name, BigInt(bytes), "afv-known"]),
    ];
    const log = (bytes) => Math.log10(Number(bytes));
    const longest = Math.max(...rows.map(([, bytes]) => log(bytes)));
    const shortest = Math.min(2, ...rows.map(([, bytes]) => log(bytes)));
    bars.replaceChildren(...rows.flatMap(([name, bytes, kind]) => {
      const share = Math.max(0, (log(bytes) - shortest) / (longest - shortest || 1));
      const label = make("span", {}, binary(bytes));
      // Black on the bar when it is long enough, in ink behind it when not.
      label.style.cssText = share > 0.5 ? `right: ${100 - 100 * share}%; color: #000` : `left: ${100 * share}%`;
      const bar = make("i", {});
      bar.style.width = `${100 * share}%`;
      return [make("dt", {}, name), make("dd", { class: kind }, bar, label)];
    }));
    const compared = machine.map(([name, bytes]) =>
      `${all <= BigInt(bytes) ? "less" : "more"} than the ${name}, ${binary(BigInt(bytes))}`).join("; ");
    say.say(`${grouped(tokens)} tokens; all attention matrices take ${binary(all)}, ${compared}.`);
  }
}

// One sentence when a setting makes no sense, or nothing.
function problemOf(state) {
  for (const [key, most] of Object.entries(LIMITS)) {
    if (!Number.isInteger(state[key]) || state[key] < 1 || state[key] > most) {
      return `${NAMES[key]} must be a whole number from 1 to ${grouped(most)}: change it.`;
    }
  }
  const { image_size: size, patch_size: patch } = state;
  if (size % patch === 0) return "";
  const divisors = Array.from({ length: size }, (_, index) => index + 1).filter((divisor) => size % divisor === 0);
  const near = divisors.sort((a, b) => Math.abs(a - patch) - Math.abs(b - patch)).slice(0, 2).sort((a, b) => a - b);
  return `Patches of ${patch} pixels do not divide ${size} pixels: try ${near.join(" or ")}.`;
}

// Bytes in binary units with four or more digits, as "768 GiB" or "112.55 MiB"; exact values lose their zeros.
function binary(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  let value = Number(bytes);
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${grouped(Number(value.toFixed(2)))} ${units[unit]}`;
}

export default { render };
