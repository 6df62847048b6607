/** What a page downloads for `mixcache/web`: its scripts, ONNX Runtime's builds, the embedded bundle. `npm run sizes:web` */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "rolldown";
import { standalone } from "../rolldown.config.ts";
import { neededFiles } from "../src/browser/needed-files.ts";
import { parseManifest } from "../src/engine/bundle/read.ts";
import { EMBEDDED_BUNDLE } from "../src/node/embedded.ts";

const RUNTIME = path.join(import.meta.dirname, "../node_modules/onnxruntime-web/dist");
const WASM = ["jspi", "asyncify", ""].map((name) => `ort-wasm-simd-threaded${name && `.${name}`}.wasm`);

const folder = mkdtempSync(path.join(tmpdir(), "mixcache-sizes-"));
try {
  await build({ ...standalone, output: { ...standalone.output, dir: folder } });
  console.log("| file | bytes | gzip | brotli |\n| --- | ---: | ---: | ---: |");
  for (const name of readdirSync(folder).sort())
    row(name.replace(/-[\w-]{8}\.js$/, ".js"), path.join(folder, name));
  for (const name of WASM) row(name, path.join(RUNTIME, name));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const manifest = parseManifest(
  readFileSync(path.join(EMBEDDED_BUNDLE, "model.json"), "utf8"),
  EMBEDDED_BUNDLE,
);
const needed = neededFiles(manifest);
const bytes = needed.reduce((sum, file) => sum + (manifest.files[file]?.bytes ?? 0), 0);
console.log(
  `\nThe embedded bundle: ${needed.length} of ${Object.keys(manifest.files).length} files, ${mega(bytes)}.`,
);

function row(name: string, file: string): void {
  const content = readFileSync(file);
  // The highest quality of brotli takes minutes for 27 MB; 9 is what servers use at most.
  const brotli = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
  console.log(
    `| ${name} | ${mega(content.length)} | ${mega(gzipSync(content).length)} | ${mega(brotli.length)} |`,
  );
}

function mega(size: number): string {
  return size < 1e6 ? `${Math.round(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
