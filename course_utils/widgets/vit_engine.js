// A vision transformer's forward pass on typed arrays, from pixels to logits. Dosovitskiy et al. 2021, section 3.1.
//
// A matrix is a Float32Array, row by row. Weights have PyTorch's names, and a linear layer's weight is (outputs, inputs).
// The class needs only the product, so the texts of both are also the program of a worker.

import { product } from "./vit_product.js";

/**
 * @typedef {object} Config  in pixels and numbers
 * @property {number} height @property {number} width @property {number} channels  of the images
 * @property {number} patch_size @property {number} rows @property {number} columns  of patches @property {number} dim
 * @property {number} layers @property {number} heads @property {number} mlp_dim @property {number} classes
 * @property {number} mean @property {number} std  of the training pixels
 * @property {number} special  tokens before the patches; the first is the class token
 * @property {boolean} fused  whether the second token has a head of its own, and the two predictions are averaged
 * @property {number[]} blank  of each channel, the value of an erased pixel
 */
/** @typedef {Record<string, Float32Array>} Weights */
/**
 * @typedef {object} Changes  what is done to the model or to its input; every one may be left out
 * @property {number[]} [erased]  patches whose pixels become blank
 * @property {number[] | null} [order]  the patch at each place of the sequence
 * @property {boolean} [positions]  whether positions are added
 * @property {string[]} [silenced]  heads whose output is zero, as "layer.head"
 * @property {string[]} [skipped]  branches that add nothing, as "layer.attention" or "layer.mlp"
 * @property {number} [temperature]  that the scores are divided by before the softmax
 */
/**
 * @typedef {object} Pass
 * @property {Float32Array} logits (classes)
 * @property {Float32Array[]} attention  per layer, (heads, tokens, tokens)
 * @property {Float32Array[]} stream  the tokens (tokens, dim) before the blocks, then after each attention and each MLP
 */

export class ViTEngine {
  /** @param {Config} config @param {Weights} weights */
  constructor(config, weights) {
    this.config = config;
    this.weights = weights;
    this.patches = config.rows * config.columns;
    this.tokens = config.special + this.patches;
  }

  // ---- the model -----------------------------------------------------------------------------------------------

  /** @param {Float32Array} pixels (channels, height, width) @param {Changes} changes @returns {Pass} */
  forward(pixels, changes = {}) {
    const skipped = changes.skipped ?? [];
    const attention = [];
    let tokens = this.embed(pixels, changes); // eq. 1
    const stream = [tokens];
    for (let layer = 0; layer < this.config.layers; layer++) {
      const block = `blocks.${layer}`;
      const { output, weights } = this.attend(layer, this.norm(tokens, `${block}.norm1`), changes);
      attention.push(weights);
      tokens = skipped.includes(`${layer}.attention`) ? tokens : this.sum(tokens, output); // eq. 2
      stream.push(tokens);
      if (!skipped.includes(`${layer}.mlp`)) {
        tokens = this.sum(tokens, this.mlp(this.norm(tokens, `${block}.norm2`), `${block}.mlp`)); // eq. 3
      }
      stream.push(tokens);
    }
    return { logits: this.read(tokens), attention, stream };
  }

  // z₀: the special tokens, then the projected patches, each with the position of its place (eq. 1).
  /** @param {Float32Array} pixels @param {Changes} changes */
  embed(pixels, changes) {
    const { special, dim } = this.config;
    const { special_tokens, positions } = this.weights;
    const tokens = new Float32Array(this.tokens * dim);
    tokens.set(special_tokens);
    tokens.set(this.linear(this.patchify(pixels, changes), "project"), special * dim);
    return changes.positions === false ? tokens : this.sum(tokens, positions);
  }

  // (channels, height, width) → (patches, channels · patch_size²), standardised; in a patch: channel, row, column.
  /** @param {Float32Array} pixels @param {Changes} changes */
  patchify(pixels, { erased = [], order = null }) {
    const { patch_size, channels, height, width, columns, mean, std, blank } = this.config;
    const patches = new Float32Array(pixels.length);
    let at = 0;
    for (let place = 0; place < this.patches; place++) {
      const patch = order ? order[place] : place;
      const hidden = erased.includes(patch);
      const [top, left] = [Math.floor(patch / columns) * patch_size, (patch % columns) * patch_size];
      for (let channel = 0; channel < channels; channel++) {
        for (let row = 0; row < patch_size; row++) {
          const start = (channel * height + top + row) * width + left;
          for (let column = 0; column < patch_size; column++) {
            patches[at++] = ((hidden ? blank[channel] : pixels[start + column]) - mean) / std;
          }
        }
      }
    }
    return patches;
  }

  // Multi-head self-attention on normalised tokens: the output, and the weights (heads, queries, keys).
  /** @param {number} layer @param {Float32Array} tokens @param {Changes} changes */
  attend(layer, tokens, { silenced = [], temperature = 1 }) {
    const { heads, dim } = this.config;
    const [name, count, size] = [`blocks.${layer}.attention`, this.tokens, dim / heads];
    const qkv = this.linear(tokens, `${name}.to_qkv`); // (tokens, query and key and value of every head)
    const weights = new Float32Array(heads * count * count);
    const mixed = new Float32Array(count * dim);
    const values = new Float32Array(size * count); // of one head, transposed
    for (let head = 0; head < heads; head++) {
      const [query, key, value] = [0, dim, 2 * dim].map((part) => ({
        data: qkv,
        at: part + head * size,
        step: 3 * dim,
      }));
      const map = { data: weights, at: head * count * count, step: count };
      product(query, key, map, count, count, size);
      const scores = weights.subarray(map.at, map.at + count * count);
      this.softmax(scores, count, 1 / (Math.sqrt(size) * temperature));
      if (silenced.includes(`${layer}.${head}`)) continue;
      for (let token = 0; token < count; token++) {
        for (let i = 0; i < size; i++) values[i * count + token] = qkv[value.at + token * value.step + i];
      }
      const output = { data: mixed, at: head * size, step: dim };
      product(map, { data: values, at: 0, step: count }, output, count, size, count);
    }
    return { output: this.linear(mixed, `${name}.to_out`), weights };
  }

  /** @param {Float32Array} tokens @param {string} name */
  mlp(tokens, name) {
    const hidden = this.linear(tokens, `${name}.0`);
    for (let i = 0; i < hidden.length; i++) hidden[i] = this.gelu(hidden[i]);
    return this.linear(hidden, `${name}.3`);
  }

  // The prediction from tokens at any depth: the last norm and the head (eq. 4), also of blocks before the last one.
  /** @param {Float32Array} tokens */
  read(tokens) {
    const { dim, fused } = this.config;
    const normed = this.norm(tokens, "norm");
    const logits = this.linear(normed.subarray(0, dim), "head");
    if (!fused) return logits;
    const teacher = this.linear(normed.subarray(dim, 2 * dim), "distillation_head");
    for (const each of [logits, teacher]) this.softmax(each, each.length, 1);
    return logits.map((probability, index) => Math.log(Math.max((probability + teacher[index]) / 2, 1e-37)));
  }

  // ---- the parts -----------------------------------------------------------------------------------------------

  /** @param {Float32Array} a @param {Float32Array} b */
  sum(a, b) {
    const out = new Float32Array(a.length);
    for (let i = 0; i < out.length; i++) out[i] = a[i] + b[i];
    return out;
  }

  // LayerNorm: every token gets mean 0 and variance 1, then each feature its own scale and shift.
  /** @param {Float32Array} tokens @param {string} name */
  norm(tokens, name) {
    const [{ dim }, scale, shift] = [this.config, this.weights[`${name}.weight`], this.weights[`${name}.bias`]];
    const out = new Float32Array(tokens.length);
    for (let at = 0; at < tokens.length; at += dim) {
      let [mean, variance] = [0, 0];
      for (let i = 0; i < dim; i++) mean += tokens[at + i] / dim;
      for (let i = 0; i < dim; i++) variance += (tokens[at + i] - mean) ** 2 / dim;
      const factor = 1 / Math.sqrt(variance + 1e-6);
      for (let i = 0; i < dim; i++) out[at + i] = (tokens[at + i] - mean) * factor * scale[i] + shift[i];
    }
    return out;
  }

  // The softmax of every row of scores · scale, in place.
  /** @param {Float32Array} scores @param {number} columns @param {number} scale */
  softmax(scores, columns, scale) {
    for (let at = 0; at < scores.length; at += columns) {
      let [top, total] = [-Infinity, 0];
      for (let i = at; i < at + columns; i++) top = Math.max(top, scores[i]);
      for (let i = at; i < at + columns; i++) total += scores[i] = Math.exp((scores[i] - top) * scale);
      for (let i = at; i < at + columns; i++) scores[i] /= total;
    }
  }

  // x · Φ(x), with Abramowitz & Stegun's formula 7.1.26 for the error function, off by at most 1.5 · 10⁻⁷.
  /** @param {number} x */
  gelu(x) {
    const size = Math.abs(x) * Math.SQRT1_2;
    const t = 1 / (1 + 0.3275911 * size);
    const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    const tail = (sum * Math.exp(-size * size)) / 2; // of the normal distribution beyond |x|
    return x * (x < 0 ? tail : 1 - tail);
  }

  // (rows, inputs) → (rows, outputs): x Wᵀ + b.
  /** @param {Float32Array} x @param {string} name */
  linear(x, name) {
    const [weight, bias] = [this.weights[`${name}.weight`], this.weights[`${name}.bias`]];
    const [inputs, outputs] = [weight.length / bias.length, bias.length];
    const rows = x.length / inputs;
    const out = new Float32Array(rows * outputs);
    const into = { data: out, at: 0, step: outputs };
    product({ data: x, at: 0, step: inputs }, { data: weight, at: 0, step: inputs }, into, rows, outputs, inputs);
    for (let at = 0; at < out.length; at += outputs) for (let i = 0; i < outputs; i++) out[at + i] += bias[i];
    return out;
  }
}
