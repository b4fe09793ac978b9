// What the browsers of .browserslistrc do not have, except what only looks better where it is known, and what either a Mac
// or an iPhone has no use for.
export default {
  plugins: ["stylelint-no-unsupported-browser-features"],
  rules: { "plugin/no-unsupported-browser-features": [true, { ignore: ["css-subgrid", "css-touch-action", "css-resize"], ignorePartialSupport: true }] },
};
