import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin, type RolldownOptions } from "rolldown";

/** The docs page's script comes along: it is served from here, and its package is needed for development only. */
const docsScript: Plugin = {
  name: "docs-script",
  generateBundle() {
    const script = new URL("browser/standalone.js", import.meta.resolve("@scalar/api-reference"));
    this.emitFile({
      type: "asset",
      fileName: "api/docs/scalar.js",
      source: readFileSync(fileURLToPath(script)),
    });
  },
};

/**
 * Packages are imported before our own modules, as the source does it: one of them gives zod's schemas a method, which
 * those that are made before it never have. Lines only change places, so that source maps stay right.
 */
const packagesFirst: Plugin = {
  name: "packages-first",
  renderChunk(code) {
    const lines = code.split("\n");
    const places = lines.flatMap((line, i) => (/^import .*"[^"]+";$/.test(line) ? [i] : []));
    const isOurs = (line = "") => /"\.{1,2}\/[^"]*";$/.test(line);
    const imports = places.map((place) => lines[place] ?? "");
    const ordered = [...imports.filter((line) => !isOurs(line)), ...imports.filter(isOurs)];
    for (const [i, place] of places.entries()) lines[place] = ordered[i] ?? "";
    return { code: lines.join("\n"), map: null };
  },
};

/** A worker's script is found by its name, which bundlers of pages look for in these very words. */
const workerNames: Plugin = {
  name: "worker-names",
  transform(code) {
    const named = code.replace(/(new URL\("\.\/[\w-]+)\.ts(", import\.meta\.url\))/g, "$1.js$2");
    return named === code ? null : { code: named, map: null };
  },
};

/** Source and `dist/` have the same layout, so that files which are found by path (the engine's child) stay beside. */
const modules = defineConfig({
  input: {
    "engine/index": "src/engine/index.ts",
    "node/index": "src/node/index.ts",
    "node/child-main": "src/node/child-main.ts",
    "browser/index": "src/browser/index.ts",
    "browser/worker-main": "src/browser/worker-main.ts",
    "cli/main": "src/cli/main.ts",
  },
  platform: "node",
  plugins: [docsScript, workerNames, packagesFirst],
  // Everything that package.json names is installed beside the package.
  external: (id) => !id.startsWith(".") && !id.startsWith("/"),
  output: {
    dir: "dist",
    format: "esm",
    preserveModules: true,
    preserveModulesRoot: "src",
    sourcemap: true,
    cleanDir: true,
  },
});

/** `mixcache/web` with all that it needs but ONNX Runtime's .wasm files, for pages that nothing bundles. */
export const standalone: RolldownOptions = {
  input: { mixcache: "src/browser/index.ts", "worker-main": "src/browser/worker-main.ts" },
  platform: "browser",
  plugins: [workerNames],
  output: { dir: "dist/web", format: "esm", minify: true },
};

export default [modules, standalone];
