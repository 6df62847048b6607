/**
 * Builds the page where it is older than what it is made of; `npm start` does so first.
 *
 *     node scripts/playground.ts
 *
 * A server without its page is a server all the same: where the build fails, this says so and ends well.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, type Stats, statSync } from "node:fs";
import path from "node:path";

const ROOT = path.join(import.meta.dirname, "..");
/** Written last. */
const BUILT = "dist/playground/service-worker.js";
const SOURCES = [
  "src/playground",
  "src/browser",
  "src/engine",
  "src/schemas",
  "src/wire",
  "src/errors.ts",
  "models",
  "vite.config.ts",
  "scripts/playground-assets.ts",
  "package-lock.json",
];

/** Whether the page was built after the youngest change of its sources; folders change when a file comes or goes. */
export function isFresh(root: string): boolean {
  const builtMs = stateOf(path.join(root, BUILT))?.mtimeMs ?? 0;
  return SOURCES.every((source) => youngestMs(path.join(root, source)) < builtMs);
}

function youngestMs(place: string): number {
  const state = stateOf(place);
  if (!state) return 0;
  if (!state.isDirectory()) return /\.test\.tsx?$/.test(place) ? 0 : state.mtimeMs;
  const within = readdirSync(place).map((name) => youngestMs(path.join(place, name)));
  return Math.max(state.mtimeMs, ...within);
}

function stateOf(place: string): Stats | undefined {
  return statSync(place, { throwIfNoEntry: false });
}

function build(): void {
  const vite = path.join(ROOT, "node_modules/vite/bin/vite.js");
  if (!stateOf(vite)) {
    process.stderr.write(
      "The playground is not built: run npm install without --omit=dev. The server starts without it.\n",
    );
    return;
  }
  process.stdout.write("Building the playground: it is missing, or older than its sources\n");
  const options = { cwd: ROOT, stdio: "inherit" } as const;
  const { status } = spawnSync(process.execPath, [vite, "build", "--logLevel", "error"], options);
  if (status !== 0)
    process.stderr.write("The playground could not be built; the server starts without it. See above.\n");
}

if (import.meta.main && !isFresh(ROOT)) build();
