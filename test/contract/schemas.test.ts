/** The published JSON Schemas say what the engine's own schemas say, so that other tools can check files. */

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bundleSchema, cacheProfileSchema } from "../../scripts/schemas.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/index.ts";
import { handmadeProfile } from "../support/policies.ts";

describe.each([
  {
    what: "a bundle's manifest",
    schema: bundleSchema(),
    read: async () => JSON.parse(await readFile(`${EMBEDDED_BUNDLE}/model.json`, "utf8")),
  },
  { what: "a cache profile", schema: cacheProfileSchema(), read: async () => handmadeProfile(8) },
])("the schema of $what", ({ schema: { file, text }, read }) => {
  it("is up to date (node scripts/schemas.ts writes it)", async () => {
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it("accepts one, and refuses it with a field too many or without its first", async () => {
    const schema = z.fromJSONSchema(JSON.parse(text));
    const value = await read();
    expect(schema.safeParse(value).error).toBeUndefined();
    expect(schema.safeParse({ ...value, colour: "red" }).success).toBe(false);
    const { format: _, ...rest } = value;
    expect(schema.safeParse(rest).success).toBe(false);
  });
});
