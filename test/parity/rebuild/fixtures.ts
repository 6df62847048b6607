/** The fixtures that Python makes, and the script that makes each. */

import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

export const ROOT = path.join(import.meta.dirname, "../../..");
const MODELS = path.join(ROOT, "test/fixtures/models");

export interface Fixture {
  readonly name: string;
  /** A model's is a folder with a bundle, made from a diffusers folder; a table is numbers alone. */
  readonly kind: "model" | "table";
  /** A folder or a file of the repository. */
  readonly committed: string;
  /** Undefined where no script makes it. */
  readonly script: string | undefined;
}

/** Numbers that are no model's. */
const TABLES: readonly Fixture[] = [
  { name: "noise", committed: "test/fixtures/noise.json", script: "python/parity/noise.py" },
  { name: "schedulers", committed: "test/fixtures/schedulers.json", script: "python/parity/schedulers.py" },
  { name: "text", committed: "test/fixtures/text.json", script: "python/parity/text.py" },
  { name: "tiles", committed: "test/fixtures/tiles", script: "python/parity/tiles.py" },
].map((table) => ({ ...table, kind: "table", committed: path.join(ROOT, table.committed) }));

/** The names of all models with a fixture. */
export function modelNames(): string[] {
  return readdirSync(MODELS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

export function fixtures(): Fixture[] {
  const models = modelNames().map((name) => ({
    name,
    kind: "model" as const,
    committed: path.join(MODELS, name),
    script: scriptOf(name),
  }));
  return [...TABLES, ...models];
}

/** `wan-2.2-5b` is made by wan_22_5b.py. */
export function scriptOf(
  model: string,
  exists = (file: string) => existsSync(path.join(ROOT, file)),
): string | undefined {
  const file = `python/parity/${model.replaceAll("-", "_").replaceAll(".", "")}.py`;
  return exists(file) ? file : undefined;
}
