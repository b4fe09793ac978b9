// What the engine computes for the cases in a folder, for test_vit_engine.py: node vit_parity.mjs FOLDER

import { readFileSync, writeFileSync } from "node:fs";
import { ViTEngine } from "../../course_utils/widgets/vit_engine.js";
import { answerOf, unpacked } from "../../course_utils/widgets/vit_worker.js";

const folder = process.argv[2];
const bytes = (name) => {
  const buffer = readFileSync(`${folder}/${name}`);
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
};
for (const { name, config, format, layout, changes } of JSON.parse(readFileSync(`${folder}/cases.json`, "utf8"))) {
  const engine = new ViTEngine(config, unpacked(bytes(`${name}.weights`), format, layout));
  const pixels = new Float32Array(bytes(`${name}.pixels`));
  const { stream } = engine.forward(pixels, changes);
  const { logits, attention, lens, changed, embedded, final } = answerOf(engine, { pixels, changes, whole: true });
  const parts = { logits: [logits], attention, lens, changed, stream, embedded: [embedded], final: [final] };
  for (const [part, arrays] of Object.entries(parts)) {
    writeFileSync(
      `${folder}/${name}.${part}`,
      Buffer.concat(arrays.map((array) => Buffer.from(array.slice().buffer))),
    );
  }
}
