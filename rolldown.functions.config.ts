import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "rolldown";

/** The script of the docs page lies beside the function, which looks for it there. */
const docsScript: Plugin = {
  name: "docs-script",
  generateBundle() {
    const script = new URL("browser/standalone.js", import.meta.resolve("@scalar/api-reference"));
    this.emitFile({ type: "asset", fileName: "scalar.js", source: readFileSync(fileURLToPath(script)) });
  },
};

/**
 * What Lambda runs, with every package inside: a function may have 250 MB, and node_modules is larger. Engines, codecs
 * and the embedded database stay outside; functions have neither and never load them.
 */
export default defineConfig({
  input: { lambda: "functions/lambda.ts", tick: "functions/tick.ts" },
  platform: "node",
  plugins: [docsScript],
  external: ["@electric-sql/pglite", "pg-native"],
  output: { dir: "dist-functions", format: "esm", cleanDir: true },
});
