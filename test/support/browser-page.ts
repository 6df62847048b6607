/** The test page of `mixcache/web`, built by Vite and served beside the embedded bundle. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "vite";
import { EMBEDDED_BUNDLE, EMBEDDED_PROFILES } from "../../src/node/embedded.ts";
import { type StaticServer, serveFolders } from "./static-server.ts";

const PAGE = path.join(import.meta.dirname, "../browser/page");

/** Where the page finds the embedded bundle. */
export const BUNDLE_PATH = "/models/shapes/";

/** Builds the page and serves it at `/`; closing takes the build away. */
export async function servePage(): Promise<StaticServer> {
  const outDir = mkdtempSync(path.join(tmpdir(), "mixcache-page-"));
  await build({
    root: PAGE,
    configFile: false,
    base: "./",
    logLevel: "error",
    // The engine's worker loads ONNX Runtime's builds on demand.
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "esnext" },
  });
  const server = await serveFolders({
    [BUNDLE_PATH]: EMBEDDED_BUNDLE,
    "/models/profiles/": EMBEDDED_PROFILES,
    "/": outDir,
  });
  return Object.assign(server, {
    close: ((close) => async () => {
      await close();
      rmSync(outDir, { recursive: true, force: true });
    })(server.close),
  });
}
