/** The published JSON Schema says what the engine's own schema says, so that other tools can check bundles. */

import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { z } from "zod";
import { bundleSchemaText, SCHEMA_FILE } from "../../scripts/bundle-schema.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/index.ts";

it("is up to date (node scripts/bundle-schema.ts writes it)", async () => {
  expect(await readFile(SCHEMA_FILE, "utf8")).toBe(bundleSchemaText());
});

it("accepts the embedded bundle's manifest and refuses one with a field too many", async () => {
  const schema = z.fromJSONSchema(JSON.parse(await readFile(SCHEMA_FILE, "utf8")));
  const manifest = JSON.parse(await readFile(`${EMBEDDED_BUNDLE}/model.json`, "utf8"));
  expect(schema.safeParse(manifest).error).toBeUndefined();
  expect(schema.safeParse({ ...manifest, colour: "red" }).success).toBe(false);
});
