/** The page: `npm run build:playground` writes `dist/playground`, static files for any host. */

import { defineConfig } from "vite";
import { playgroundAssets } from "./scripts/playground-assets.ts";

export default defineConfig({
  root: "src/playground",
  // Relative addresses: the page works in any folder of a host.
  base: "./",
  plugins: [playgroundAssets()],
  build: {
    outDir: "../../dist/playground",
    emptyOutDir: true,
    target: "es2024",
    // Scripts and styles come as files only, which a strict Content-Security-Policy asks for.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { proxy: { "/v1": process.env.MIXCACHE_URL ?? "http://localhost:8080" } },
});
