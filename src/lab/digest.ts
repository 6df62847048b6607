/** Names for things by what determines them. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The digest of a JSON value; the order of its fields does not matter. */
export function digestOf(value: unknown): string {
  return sha256(canonical(value));
}

/** JSON with sorted fields; those that are undefined are left out. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}

/** A short digest of the engine's source: a result is of the code that made it, released or not. */
export function engineSource(folder = path.join(import.meta.dirname, "../engine")): string {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|js)$/.test(file) && !/\.test\.|\.d\.ts$/.test(file))
    .sort();
  return digestOf(files.map((file) => [file, sha256(readFileSync(path.join(folder, file)))])).slice(0, 12);
}
