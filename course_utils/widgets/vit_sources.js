// Pictures from outside: files, the clipboard, a drop, the camera; and how they are placed.

import { make, slider } from "./shared.js";
import { blankPicture, pictureFrom } from "./vit_pictures.js";

/** @import { Lab } from "./vit_explorer.js" */

const NO_IMAGE = "The browser cannot read this as an image: choose a PNG, JPEG, WebP or GIF file.";

/** @param {Lab} lab @param {HTMLElement} frame  on which files may be dropped and pasted */
export function makeSources(lab, frame) {
  const { config, page, act } = lab;
  const input = make("input", { type: "file", accept: "image/*", hidden: true });
  const open = async (/** @type {Blob | null | undefined} */ file) => {
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file);
      act.choose(pictureFrom(bitmap, bitmap.width, bitmap.height, config), "your picture");
    } catch {
      page.change({ done: NO_IMAGE });
    }
  };
  input.onchange = () => open(input.files?.[0]);
  listenToFiles(frame, open);
  const choose = () => {
    page.change({
      done: "Choose an image; you can also drop one here or paste it. It goes to this page and, if a model runs in the kernel, to the kernel: nowhere else.",
    });
    input.click();
  };
  const draw = () => {
    act.choose(blankPicture(config), "your drawing");
    page.change({ tool: "draw" });
  };
  const button = (/** @type {string} */ name, /** @type {() => void} */ onclick) =>
    make("button", { type: "button", onclick }, name);
  const camera = makeCamera(lab);
  const buttons = [button("new drawing", draw), button("open a picture", choose), ...camera.buttons];
  const placing = makePlacing(lab);
  const element = make("div", {}, make("div", { class: "afv-bar" }, ...buttons, input), placing.element);
  return { element, paint: placing.paint, stop: camera.stop };
}

/** @param {HTMLElement} frame @param {(file: Blob | null | undefined) => void} open */
function listenToFiles(frame, open) {
  frame.addEventListener("dragover", (event) => event.preventDefault());
  frame.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer?.files[0]);
  });
  frame.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) event.preventDefault();
    open(file);
  });
}

// A button that feeds the model with the camera's picture until it is pressed again; none where pages have no camera.
/** @param {Lab} lab */
function makeCamera({ config, page, act }) {
  const devices = globalThis.navigator?.mediaDevices;
  if (!devices?.getUserMedia) return { buttons: [], stop: () => {} };
  /** @type {MediaStream | null} */
  let stream = null;
  let wanted = false; // also while the reader has not allowed it yet
  const video = make("video", { muted: true, playsinline: true });
  const end = (/** @type {MediaStream | null} */ each) => {
    for (const track of each?.getTracks() ?? []) track.stop();
  };
  const stop = () => {
    end(stream);
    [stream, wanted] = [null, false];
    button.setAttribute("aria-pressed", "false");
  };
  const grab = () => {
    if (!stream) return;
    if (video.videoWidth)
      act.see(pictureFrom(video, video.videoWidth, video.videoHeight, config), "the camera's picture");
    requestAnimationFrame(grab);
  };
  const onclick = async () => {
    if (wanted) return stop();
    wanted = true;
    page.change({
      done: "Waiting for the camera. Its pictures go to this page and, if a model runs in the kernel, to the kernel: nowhere else.",
    });
    try {
      const given = await devices.getUserMedia({ video: { width: 320, height: 240 } });
      if (!wanted) return end(given);
      stream = given;
      video.srcObject = stream;
      await video.play();
      button.setAttribute("aria-pressed", "true");
      grab();
    } catch {
      if (!wanted) return;
      stop();
      page.change({ done: "There is no camera that this page may use: open a picture instead." });
    }
  };
  const button = make("button", { type: "button", "aria-pressed": "false", onclick }, "camera");
  return { buttons: [button], stop };
}

/** @param {Lab} lab */
function makePlacing({ config, state, act }) {
  const [half, tall] = [config.width, config.height].map((length) => Math.floor(length / 2));
  const sizes = { min: 0.5, max: 2, step: 0.05, value: 1 };
  const right = slider("to the right", { min: -half, max: half, value: 0 }, (value) => act.place({ right: value }));
  const down = slider("down", { min: -tall, max: tall, value: 0 }, (value) => act.place({ down: value }));
  const size = slider("size", sizes, (value) => act.place({ size: value }));
  const onchange = () => act.place({ inverted: invert.checked });
  const invert = make("input", { type: "checkbox", onchange });
  const labels = [right.label, down.label, size.label, make("label", {}, invert, "inverted")];
  const summary = make("summary", {}, "move, scale, invert");
  const element = make("details", {}, summary, make("div", { class: "afv-bar" }, ...labels));
  const paint = () => {
    const { placing } = state.experiment;
    for (const [control, value] of /** @type {const} */ ([
      [right, placing.right],
      [down, placing.down],
      [size, placing.size],
    ])) {
      control.input.value = String(value);
      control.output.textContent = control === size ? `${value.toFixed(2)} ×` : `${value} px`;
    }
    invert.checked = placing.inverted;
  };
  return { element, paint };
}
