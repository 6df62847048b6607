/**
 * Writes the JSON Schema of `model.json` from the zod schema that the engine reads it with.
 *
 *     node scripts/bundle-schema.ts           writes docs/schema/bundle-1.schema.json
 *     node scripts/bundle-schema.ts --check   fails when that file is not up to date
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { BUNDLE_FORMAT, manifestSchema } from "../src/engine/bundle/manifest.ts";

/** Where the schema is published from. */
export const SCHEMA_FILE = path.join(import.meta.dirname, "../docs/schema/bundle-1.schema.json");

/** The file's text: what a manifest may say, fields with a default being optional. */
export function bundleSchemaText(): string {
  const { $schema, $defs } = z.toJSONSchema(manifestSchema, { io: "input" });
  const schema = { $schema, $id: path.basename(SCHEMA_FILE), ...$defs?.[BUNDLE_FORMAT] };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) {
  const text = bundleSchemaText();
  if (!process.argv.includes("--check")) {
    await mkdir(path.dirname(SCHEMA_FILE), { recursive: true });
    await writeFile(SCHEMA_FILE, text);
  } else if ((await readFile(SCHEMA_FILE, "utf8").catch(() => "")) !== text) {
    process.stderr.write(
      `${SCHEMA_FILE} is not what the manifest's schema gives. Run: node scripts/bundle-schema.ts\n`,
    );
    process.exitCode = 1;
  }
}
