/** The page: `npm run build:playground` writes `dist/playground`, static files for any host. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { defineConfig, type Plugin } from "vite";
import { playgroundAssets } from "./scripts/playground-assets.ts";

const MODELS = path.join(import.meta.dirname, "models");
const OUTPUT = path.join(import.meta.dirname, "dist/playground");

/** The embedded model and its profiles, while the page is worked on. */
const models: Plugin = {
  name: "models",
  configureServer({ middlewares }) {
    middlewares.use("/models", (request, response, next) => {
      const file = path.join(
        MODELS,
        path.normalize(new URL(request.url ?? "/", "http://localhost").pathname),
      );
      stat(file).then(
        (found) => (found.isFile() ? createReadStream(file).pipe(response) : next()),
        () => next(),
      );
    });
  },
};

export default defineConfig({
  root: "src/playground",
  // Relative addresses: the page works in any folder of a host.
  base: "./",
  plugins: [models, playgroundAssets()],
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2024",
    // Scripts and styles come as files only, which a strict Content-Security-Policy asks for.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { proxy: { "/v1": process.env.MIXCACHE_URL ?? "http://localhost:8080" } },
});
