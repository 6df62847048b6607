/** Prints what the page weighs, and fails where it weighs too much: `npm run build:playground` ends with it. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

/** Gzipped scripts and styles up to where ONNX Runtime begins, the engine's worker among them. */
const MOST_BYTES = 150_000;
const FOLDER = path.join(import.meta.dirname, "../dist/playground/assets");

/** What is loaded later, by the names of its files. */
const LATER = [
  { meaning: "ONNX Runtime's scripts, of which a browser loads one", name: /^ort\./ },
  { meaning: "when a video is written to a file", name: /^encode-video-/ },
  { meaning: "for models with subword tokenizers", name: /^tokenizer-subword-/ },
];

const files = readdirSync(FOLDER)
  .filter((name) => /\.(js|mjs|css)$/.test(name))
  .map((name) => ({ name, bytes: gzipSync(readFileSync(path.join(FOLDER, name))).length }));
const sum = (some: typeof files) => some.reduce((total, { bytes }) => total + bytes, 0);
const say = (bytes: number, what: string) =>
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${what}`);

const first = files.filter(({ name }) => !LATER.some((later) => later.name.test(name)));
for (const { name, bytes } of first) say(bytes, name);
say(sum(first), `before ONNX Runtime, gzipped; at most ${MOST_BYTES / 1000} kB`);
for (const { meaning, name } of LATER) say(sum(files.filter((file) => name.test(file.name))), meaning);
if (sum(first) > MOST_BYTES) {
  console.error("The page is too heavy: leave something out, or load it when it is needed.");
  process.exitCode = 1;
}
