// Colour maps that are safe for colour-blind eyes, and ink that can be read on them.

// Cividis (Nuñez et al. 2018), safe for colour-blind eyes: 17 stops, straight lines between them.
export const CIVIDIS = (
  "#00224e #002e6a #1a386f #32436d #434e6c #535a6d #61656f #6f7073 #7d7c78 " +
  "#8c8878 #9b9476 #aba072 #bcae6c #cdbb63 #dec958 #f0d846 #fee838"
).split(" ");
export const cividis = (() => {
  const stops = CIVIDIS.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const table = new Uint8ClampedArray(256 * 3);
  for (let level = 0; level < 256; level++) {
    const place = (level / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      table[level * 3 + c] = stops[low][c] + (place - low) * (stops[low + 1][c] - stops[low][c]);
    }
  }
  return table;
})();

// Red, green and blue of a share in [0, 1].
/** @param {number} share */
export function cividisOf(share) {
  const at = 3 * Math.round(255 * share);
  return [cividis[at], cividis[at + 1], cividis[at + 2]];
}

// Red, green and blue of a share in [−1, 1]: blue is negative, orange positive.
/** @param {number} share */
export const diverging = (share) =>
  (share < 0 ? [0, 90, 160] : [190, 85, 0]).map((level) => Math.round(248 + (level - 248) * Math.abs(share)));

/** @param {number[]} levels */
export const rgb = (levels) => `rgb(${levels.join(",")})`;

// A ground and the ink, black or white, that stands out more on it (WCAG 2: at least 4.5 : 1 on every ground).
/** @param {number[]} levels @returns {[string, string]} */
export function onGround(levels) {
  const [red, green, blue] = levels.map((c) => (c <= 10 ? c / 3295 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return [rgb(levels), (light + 0.05) ** 2 > 0.05 * 1.05 ? "#000" : "#fff"];
}
