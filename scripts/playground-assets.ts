/**
 * What the built page has beside Vite's own output, so that it works as static files on any host: the embedded model with
 * its profiles, ONNX Runtime, compressed forms, and the service worker that knows all of it.
 */

import { createHash } from "node:crypto";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "rolldown";
import type { Plugin } from "vite";
import { EMBEDDED_BUNDLE, EMBEDDED_PROFILES } from "../src/node/embedded.ts";

const WORKER = path.join(import.meta.dirname, "../src/playground/service-worker.ts");

/** Of ONNX Runtime: WebGPU, and the same for browsers that can suspend wasm. Both have the CPU too. */
const RUNTIMES = ["ort-wasm-simd-threaded.asyncify", "ort-wasm-simd-threaded.jspi"];

/** Below, two more files are worth more than what they save. */
const LEAST_BYTES = 8192;
/** Weights hardly shrink: what saves less than a tenth is sent as it is. */
const WORTH = 0.9;
const compressors = [
  {
    ending: ".br",
    // Level 9 takes four times as long for 5 % less.
    compress: (bytes: Uint8Array) =>
      promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  },
  { ending: ".gz", compress: (bytes: Uint8Array) => promisify(gzip)(bytes) },
];

/** Only for builds. */
export function playgroundAssets(): Plugin {
  return {
    name: "playground-assets",
    apply: "build",
    async writeBundle({ dir }) {
      if (dir === undefined) throw new Error("The page is built into a folder.");
      await copyIn(dir);
      await writeServiceWorker(dir);
      const names = await filesIn(dir);
      await Promise.all(names.map((name) => compressed(path.join(dir, name))));
    },
  };
}

async function copyIn(folder: string): Promise<void> {
  await cp(EMBEDDED_BUNDLE, path.join(folder, "bundle"), {
    recursive: true,
    filter: (from) => !from.endsWith(".md"),
  });
  await cp(EMBEDDED_PROFILES, path.join(folder, "profiles"), { recursive: true });
  const package_ = path.dirname(fileURLToPath(import.meta.resolve("onnxruntime-web")));
  for (const runtime of RUNTIMES)
    for (const ending of [".mjs", ".wasm"])
      await cp(
        path.join(package_, `${runtime}${ending}`),
        path.join(folder, "runtime", `${runtime}${ending}`),
      );
}

/** Built on its own: a worker has to lie beside the page, and has to change whenever a file does. */
async function writeServiceWorker(folder: string): Promise<void> {
  const names = await filesIn(folder);
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\0`).update(await readFile(path.join(folder, name)));
  const ofPage = names.filter((name) => !/^(bundle|profiles)\//.test(name));
  const isLater = (name: string) => /^runtime\/|\.wasm$/.test(name);
  const files = {
    version: hash.digest("hex").slice(0, 16),
    first: ofPage.filter((name) => !isLater(name)),
    later: names.filter((name) => isLater(name) || name.startsWith("profiles/")),
  };
  await build({
    input: WORKER,
    transform: { define: { PAGE_FILES: JSON.stringify(files) } },
    output: { file: path.join(folder, "service-worker.js"), format: "esm", minify: true },
  });
}

/** Relative to the folder, with slashes, in order. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
    .sort();
}

async function compressed(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.byteLength < LEAST_BYTES) return;
  for (const { ending, compress } of compressors) {
    const smaller = await compress(bytes);
    if (smaller.byteLength < bytes.byteLength * WORTH) await writeFile(`${file}${ending}`, smaller);
  }
}
