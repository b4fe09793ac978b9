// A widget is made as large as the screen allows; its smallest text is at least a fortieth of the screen's height.

export const TEXT = 13; // pixels of a widget's smallest text, before it is made larger
export const SMALLEST = 1 / 40; // of the height of the screen
const LARGEST = 1.15; // times the least zoom, unless the style sheet says --largest: more would take the pictures' place
const NARROWEST = 510; // pixels of a widget before it is made larger: below, it would be laid out for a phone

// The largest number from low to high that passes, when all below it do; low if none does.
/** @param {(value: number) => boolean} passes @param {number} low @param {number} high */
export function largest(passes, low, high) {
  if (passes(high)) return high;
  let [yes, no] = [low, high];
  for (let step = 0; step < 9; step++) {
    const middle = (yes + no) / 2;
    if (passes(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

// Zoom and width with which a part fills a stage: as large as possible; if its text would be too small, narrower,
// because narrower pictures are lower. fits(zoom, width): whether it is no higher and no wider then.
/** @param {(zoom: number, width: number) => boolean} fits @param {number} wide @param {number} least @param {number} times */
export function chosen(fits, wide, least, times = LARGEST) {
  if (fits(least, wide / least)) {
    const most = Math.max(least, Math.min(times * least, wide / NARROWEST));
    const zoom = largest((value) => fits(value, wide / value), least, most);
    return { zoom, width: wide / zoom };
  }
  for (let width = wide / least; width >= NARROWEST; width *= 0.97) {
    if (fits(least, width)) return { zoom: least, width };
  }
  const zoom = largest((value) => fits(value, wide / value), least / 3, least);
  return { zoom, width: wide / zoom };
}

// Fits a part into its stage; larger: how many steps larger than that.
/** @param {HTMLElement} stage @param {HTMLElement} part @param {number} larger */
export function fit(stage, part, larger) {
  const { width: wide, height: high } = stage.getBoundingClientRect();
  const lay = (/** @type {number} */ zoom, /** @type {number} */ width) => {
    part.style.zoom = String(zoom);
    part.style.width = `${width}px`;
  };
  const inner = /** @type {HTMLElement} */ (part.firstElementChild ?? part);
  const fits = (/** @type {number} */ zoom, /** @type {number} */ width) => {
    lay(zoom, width);
    return part.getBoundingClientRect().height <= high && inner.scrollWidth <= inner.clientWidth + 1;
  };
  const { zoom, width } = chosen(
    fits,
    wide,
    (window.innerHeight * SMALLEST) / TEXT,
    Number(getComputedStyle(inner).getPropertyValue("--largest")) || LARGEST,
  );
  const factor = 1.15 ** larger;
  lay(zoom * factor, Math.min(width, wide / (zoom * factor)));
}
