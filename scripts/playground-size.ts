/** Prints what the page weighs, and fails where it weighs too much: `npm run build:playground` ends with it. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

/** Scripts and styles of the page, gzipped, without ONNX Runtime. */
const MOST_BYTES = 150_000;
const FOLDER = path.join(import.meta.dirname, "../dist/playground/assets");

const files = readdirSync(FOLDER)
  .filter((name) => /\.(js|mjs|css)$/.test(name))
  .map((name) => ({ name, bytes: gzipSync(readFileSync(path.join(FOLDER, name))).length }));
const isRuntime = ({ name }: { readonly name: string }) => name.startsWith("ort");
const sum = (some: typeof files) => some.reduce((total, { bytes }) => total + bytes, 0);
const page = files.filter((file) => !isRuntime(file));
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

for (const { name, bytes } of page) console.log(`${kilobytes(bytes)}  ${name}`);
console.log(`${kilobytes(sum(page))}  the page, gzipped; at most ${MOST_BYTES / 1000} kB`);
console.log(
  `${kilobytes(sum(files.filter(isRuntime)))}  ONNX Runtime's scripts, of which a browser loads one`,
);
if (sum(page) > MOST_BYTES) {
  console.error("The page is too heavy: leave something out, or load it when it is needed.");
  process.exitCode = 1;
}
