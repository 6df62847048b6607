/**
 * What the built page has beside Vite's own output, so that it works as static files on any host: the embedded model with
 * its profiles, compressed forms, and the service worker that knows all of it.
 */

import { createHash } from "node:crypto";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { build } from "rolldown";
import type { Plugin } from "vite";
import { EMBEDDED_BUNDLE, EMBEDDED_PROFILES } from "../src/node/embedded.ts";

const WORKER = path.join(import.meta.dirname, "../src/playground/service-worker.ts");

/** Below, another file is worth more than what it saves. */
const LEAST_BYTES = 8192;
/** Weights hardly shrink: what saves less than a tenth is sent as it is. */
const WORTH = 0.9;
/** Level 9 takes four times as long for 5 % less. */
const LEVEL = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

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

/** As in the repository, so that profiles lie where the engine looks for them: beside the bundle. */
async function copyIn(folder: string): Promise<void> {
  const isWanted = (from: string) => !from.endsWith(".md");
  await cp(EMBEDDED_BUNDLE, path.join(folder, "models/shapes"), { recursive: true, filter: isWanted });
  await cp(EMBEDDED_PROFILES, path.join(folder, "models/profiles"), { recursive: true });
}

/** Built on its own: a worker has to lie beside the page, and has to change whenever a file does. */
async function writeServiceWorker(folder: string): Promise<void> {
  const names = await filesIn(folder);
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\0`).update(await readFile(path.join(folder, name)));
  // The engine keeps the model itself, by its digests.
  const kept = names.filter((name) => !name.startsWith("models/"));
  const isLater = (name: string) =>
    name.endsWith(".wasm") || /^assets\/(ort|worker-main|encode-video|tokenizer-subword)[.-]/.test(name);
  const files = {
    version: hash.digest("hex").slice(0, 16),
    first: kept.filter((name) => !isLater(name)),
    later: kept.filter(isLater),
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

/**
 * Brotli alone: browsers take it from HTTPS and from this machine, and elsewhere the engine doesn't run, whose files are
 * the large ones.
 */
async function compressed(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.byteLength < LEAST_BYTES) return;
  const smaller = await promisify(brotliCompress)(bytes, LEVEL);
  if (smaller.byteLength < bytes.byteLength * WORTH) await writeFile(`${file}.br`, smaller);
}
