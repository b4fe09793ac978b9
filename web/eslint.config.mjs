// What the browsers of .browserslistrc do not have. Style is Biome's, types and what ECMAScript has are TypeScript's.
import compat from "eslint-plugin-compat";

export default [
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    plugins: { compat },
    settings: { polyfills: ["AbortSignal.any"] }, // abort-signal.js
    rules: { "compat/compat": "error" },
  },
];
