// A ring around the pointer that is seen from the last row; a frozen pointer lets go of the pictures, not of the controls.

const MOVES = ["pointermove", "pointerover", "pointerenter", "pointerout", "pointerleave"];
const PRESSES = ["pointerdown", "pointerup", "click"];
const CONTROLS = "button, input, select, label, summary";

/** @param {HTMLElement} ring @param {HTMLElement} stage */
export function ringAround(ring, stage) {
  let frozen = false;
  const follow = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    ring.hidden = false;
    ring.style.translate = `${clientX}px ${clientY}px`;
  };
  addEventListener("pointermove", (event) => {
    if (!frozen) follow(event);
  });
  const hold = (/** @type {Event} */ event) => {
    const { target, type } = event;
    if (!frozen || !(target instanceof Element) || !stage.contains(target)) return;
    if (MOVES.includes(type) || !target.closest(CONTROLS)) event.stopPropagation();
  };
  for (const type of [...MOVES, ...PRESSES]) addEventListener(type, hold, { capture: true });
  const freeze = (/** @type {boolean} */ on) => {
    frozen = on;
    ring.classList.toggle("frozen", on);
  };
  return { freeze, isFrozen: () => frozen };
}
