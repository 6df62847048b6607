import { defineConfig } from "rolldown";

/** Source and `dist/` have the same layout, so that files which are found by path (the engine's child) stay beside. */
export default defineConfig({
  input: {
    "engine/index": "src/engine/index.ts",
    "node/index": "src/node/index.ts",
    "node/child-main": "src/node/child-main.ts",
    "cli/main": "src/cli/main.ts",
  },
  platform: "node",
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
