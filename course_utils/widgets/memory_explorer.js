const UNITS = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]];

function sized(bytes) {
  const [unit, size] = UNITS.find(([, size]) => bytes >= size) || ["B", 1];
  return `${(bytes / size).toLocaleString("en", { maximumFractionDigits: bytes / size < 1000 ? 2 : 0 })} ${unit}`;
}

function render({ model, el }) {
  const names = ["image_size", "patch_size", "layers", "heads", "batch", "dtype", "class_token"];
  const state = Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const machine = Object.entries(model.get("machine"));
  const presets = {
    "slide: 128 × 128 pixels": { image_size: 128, patch_size: 1, layers: 48, heads: 16, batch: 1, dtype: "float32", class_token: false },
    "slide: 14 × 14 patches": { image_size: 224, patch_size: 16, layers: 48, heads: 16, batch: 1, dtype: "float32", class_token: false },
    "slide: 16 × 16 patches": { image_size: 224, patch_size: 14, layers: 48, heads: 16, batch: 1, dtype: "float32", class_token: false },
    "ViT-B/16": { image_size: 224, patch_size: 16, layers: 12, heads: 12, batch: 1, dtype: "float32", class_token: true },
    "ViT-H/14, batch of 64": { image_size: 224, patch_size: 14, layers: 32, heads: 16, batch: 64, dtype: "bfloat16", class_token: true },
  };

  const inputs = {
    image_size: make("input", { type: "number", min: 1, max: 4096 }),
    patch_size: make("input", { type: "number", min: 1, max: 512 }),
    layers: make("input", { type: "number", min: 1, max: 200 }),
    heads: make("input", { type: "number", min: 1, max: 128 }),
    batch: make("input", { type: "number", min: 1, max: 65536 }),
    dtype: make("select", {}, ...Object.keys(model.get("bytes_of")).map((name) => make("option", { value: name }, name))),
    class_token: make("input", { type: "checkbox" }),
  };
  const total = make("div", { class: "afv-number", role: "status", "aria-live": "polite" });
  const words = make("div", { class: "afv-status" });
  const bars = make("div", { class: "afv-column" });

  function draw() {
    for (const [name, input] of Object.entries(inputs)) {
      if (name === "class_token") input.checked = state[name];
      else if (document.activeElement !== input) input.value = state[name];
    }
    const problem = names.slice(0, 5).find((name) => !(Number.isInteger(state[name]) && state[name] >= 1));
    if (problem || state.image_size % state.patch_size) {
      total.textContent = "–";
      delete total.dataset.bytes;
      words.textContent = problem ? `${problem.replace("_", " ")} must be a whole number of at least 1.`
        : `Patches of ${state.patch_size} do not divide a side of ${state.image_size} pixels: try ${Math.max(1, Math.round(state.image_size / state.patch_size)) * state.patch_size}.`;
      return;
    }
    const grid = state.image_size / state.patch_size;
    const tokens = grid * grid + (state.class_token ? 1 : 0);
    const each = model.get("bytes_of")[state.dtype];
    const one = tokens * tokens * each;
    const all = one * state.layers * state.heads * state.batch;
    total.textContent = sized(all);
    total.dataset.bytes = all;
    const n = (value) => value.toLocaleString("en");
    const pictures = state.batch === 1 ? "for one picture" : `for ${n(state.batch)} pictures`;
    words.textContent = `${grid} × ${grid}${state.class_token ? " + 1" : ""} = ${n(tokens)} tokens. One matrix: ${n(tokens)}² = ${n(tokens * tokens)} numbers of ${each} bytes, ${sized(one)}. All of them: × ${state.layers} layers × ${state.heads} heads${state.batch > 1 ? ` × ${n(state.batch)}` : ""}, ${pictures}.`;
    const rows = [["all attention matrices", all, "now"], ["one attention matrix", one, ""], ...machine.map(([name, bytes]) => [name, bytes, "reference"]), ["the slide's 768 GiB", 768 * 2 ** 30, "reference"]];
    const scale = Math.log2(Math.max(...rows.map(([, bytes]) => bytes))) - 9;
    bars.replaceChildren(...rows.map(([name, bytes, kind]) => {
      const share = Math.max(0.01, (Math.log2(bytes) - 9) / scale);
      return make("div", { class: "afv-bar" }, make("span", {}, name),
        make("div", { class: "afv-track" }, make("div", { class: `afv-fill ${kind}`, style: `width: ${100 * share}%` })),
        make("span", {}, sized(bytes)));
    }));
  }

  for (const [name, input] of Object.entries(inputs)) {
    input.addEventListener("input", () => {
      state[name] = name === "class_token" ? input.checked : name === "dtype" ? input.value : Number(input.value);
      draw();
    });
  }
  const label = (text, name) => make("label", {}, text, inputs[name]);
  el.append(
    make("div", { class: "afv afv-memory" },
      make("div", { class: "afv-controls" }, ...Object.entries(presets).map(([name, values]) =>
        make("button", { type: "button", onclick: () => { Object.assign(state, values); draw(); } }, name))),
      make("div", { class: "afv-controls" },
        label("side of the picture (pixels)", "image_size"), label("patch size", "patch_size"), label("layers", "layers"),
        label("heads", "heads"), label("batch", "batch"), label("numbers", "dtype"), label("class token", "class_token")),
      total, words, bars,
      make("div", { class: "afv-note" }, "Bars on a logarithmic scale. KiB, MiB, GiB: powers of 1024. Every matrix kept, as in training without a fused kernel.")));
  draw();
}

export default { render };
