/**
 * Writes the JSON Schemas of what people exchange, from the zod schemas that the engine reads it with: `model.json` of
 * a bundle, cache profiles, traces, records of attempts and measured presets.
 *
 *     node scripts/schemas.ts           writes docs/schema/*.schema.json
 *     node scripts/schemas.ts --check   fails when a file there is not up to date
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { BUNDLE_FORMAT, manifestSchema } from "../src/engine/bundle/manifest.ts";
import { profileSchema } from "../src/engine/cache/profile.ts";
import { traceSchema } from "../src/engine/trace-schema.ts";
import { recordSchema } from "../src/jobs/usage.ts";
import { presetsSchema } from "../src/lab/presets.ts";

/** Where the schemas are published from. */
const FOLDER = path.join(import.meta.dirname, "../docs/schema");

/** A published schema. Fields with a default are optional in it. */
export interface PublishedSchema {
  readonly file: string;
  readonly text: string;
}

function published(name: string, schema: object): PublishedSchema {
  const { $schema, ...rest } = { $schema: undefined, ...schema };
  const text = `${JSON.stringify({ $schema, $id: name, ...rest }, null, 2)}\n`;
  return { file: path.join(FOLDER, name), text };
}

/** What a manifest may say. A schema with an id of its own is among the definitions. */
export function bundleSchema(): PublishedSchema {
  const { $schema, $defs } = z.toJSONSchema(manifestSchema, { io: "input" });
  return published("bundle-1.schema.json", { $schema, ...$defs?.[BUNDLE_FORMAT] });
}

/** What a profile may say. */
export function cacheProfileSchema(): PublishedSchema {
  return published("profile-1.schema.json", z.toJSONSchema(profileSchema, { io: "input", reused: "ref" }));
}

/** What `generate --trace` writes. */
export function traceFileSchema(): PublishedSchema {
  return published("trace-1.schema.json", z.toJSONSchema(traceSchema, { reused: "ref" }));
}

/** What is stored beside a video, for its bill. */
export function attemptRecordSchema(): PublishedSchema {
  return published("record-1.schema.json", z.toJSONSchema(recordSchema, { reused: "ref" }));
}

/** What `bench presets` writes. */
export function measuredPresetsSchema(): PublishedSchema {
  return published("presets-1.schema.json", z.toJSONSchema(presetsSchema));
}

if (import.meta.main) {
  for (const { file, text } of [
    bundleSchema(),
    cacheProfileSchema(),
    traceFileSchema(),
    attemptRecordSchema(),
    measuredPresetsSchema(),
  ]) {
    if (!process.argv.includes("--check")) {
      await mkdir(FOLDER, { recursive: true });
      await writeFile(file, text);
    } else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
      process.stderr.write(`${file} is not what the engine's schema gives. Run: node scripts/schemas.ts\n`);
      process.exitCode = 1;
    }
  }
}
