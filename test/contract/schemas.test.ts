/** The published JSON Schemas say what the engine's own schemas say, so that other tools can check files. */

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  bundleSchema,
  cacheProfileSchema,
  measuredPresetsSchema,
  traceFileSchema,
} from "../../scripts/schemas.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { usedSettings } from "../../src/engine/settings.ts";
import { type TraceFile, traceFile } from "../../src/engine/trace-file.ts";
import { madeUpPresets } from "../../src/lab/testing.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/index.ts";
import { handmadeProfile } from "../support/policies.ts";
import { openShapes } from "../support/shapes.ts";

/** A run of the embedded model. */
async function tracedRun(): Promise<TraceFile> {
  const { bundle, backend } = await openShapes();
  const pipeline = await Pipeline.load(bundle, backend);
  const { trace, settings } = await pipeline.generate({ prompt: "a red circle", num_inference_steps: 5 });
  await backend.dispose();
  const { id } = bundle.manifest;
  const { name, device } = backend.capabilities;
  return traceFile(trace, {
    bundle: { id, digest: bundle.digest },
    engine: { backend: name, device, threads: 1 },
    settings: usedSettings(settings),
  });
}

describe.each([
  {
    what: "a bundle's manifest",
    schema: bundleSchema(),
    read: async () => JSON.parse(await readFile(`${EMBEDDED_BUNDLE}/model.json`, "utf8")),
  },
  { what: "a cache profile", schema: cacheProfileSchema(), read: async () => handmadeProfile(8) },
  { what: "measured presets", schema: measuredPresetsSchema(), read: async () => madeUpPresets() },
  { what: "a trace", schema: traceFileSchema(), read: tracedRun },
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
