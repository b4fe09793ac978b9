// The product of two matrices, as fast as plain JavaScript computes it.

/** @typedef {{ data: Float32Array, at: number, step: number }} Rows  where the first row begins, and from one to the next */

// out = x wᵀ: every row of x times every row of w. In tiles of 4 × 4, eight numbers are loaded for sixteen products, and the
// sums stay in registers. At an edge, a tile computes the last row or column again.
/**
 * @param {Rows} x @param {Rows} w @param {Rows} out
 * @param {number} rows  of x @param {number} columns  rows of w @param {number} depth  numbers of a row
 */
export function product(x, w, out, rows, columns, depth) {
  const [X, W, Y] = [x.data, w.data, out.data];
  const startOf = (/** @type {Rows} */ matrix, /** @type {number} */ row, /** @type {number} */ count) =>
    matrix.at + Math.min(row, count - 1) * matrix.step;
  for (let column = 0; column < columns; column += 4) {
    const e = startOf(w, column, columns);
    const f = startOf(w, column + 1, columns);
    const g = startOf(w, column + 2, columns);
    const h = startOf(w, column + 3, columns);
    for (let row = 0; row < rows; row += 4) {
      const a = startOf(x, row, rows);
      const b = startOf(x, row + 1, rows);
      const c = startOf(x, row + 2, rows);
      const d = startOf(x, row + 3, rows);
      let ae = 0;
      let af = 0;
      let ag = 0;
      let ah = 0;
      let be = 0;
      let bf = 0;
      let bg = 0;
      let bh = 0;
      let ce = 0;
      let cf = 0;
      let cg = 0;
      let ch = 0;
      let de = 0;
      let df = 0;
      let dg = 0;
      let dh = 0;
      for (let i = 0; i < depth; i++) {
        const A = X[a + i];
        const B = X[b + i];
        const C = X[c + i];
        const D = X[d + i];
        const E = W[e + i];
        const F = W[f + i];
        const G = W[g + i];
        const H = W[h + i];
        ae += A * E;
        be += B * E;
        ce += C * E;
        de += D * E;
        af += A * F;
        bf += B * F;
        cf += C * F;
        df += D * F;
        ag += A * G;
        bg += B * G;
        cg += C * G;
        dg += D * G;
        ah += A * H;
        bh += B * H;
        ch += C * H;
        dh += D * H;
      }
      const sums = [ae, af, ag, ah, be, bf, bg, bh, ce, cf, cg, ch, de, df, dg, dh];
      for (let at = 0; at < 16; at++) {
        Y[startOf(out, row + (at >> 2), rows) + Math.min(column + (at & 3), columns - 1)] = sums[at];
      }
    }
  }
}
