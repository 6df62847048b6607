/** The published JSON Schemas say what the engine's own schemas say, so that other tools can check files. */

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  attemptRecordSchema,
  bundleSchema,
  cacheProfileSchema,
  measuredPresetsSchema,
  traceFileSchema,
} from "../../scripts/schemas.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { usedSettings } from "../../src/engine/settings.ts";
import { traceFile } from "../../src/engine/trace-file.ts";
import type { TraceFile } from "../../src/engine/trace-schema.ts";
import { type AttemptRecord, RECORD_FORMAT } from "../../src/jobs/index.ts";
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

/** An attempt that was cancelled after its first step. */
const stoppedRecord: AttemptRecord = {
  format: RECORD_FORMAT,
  video: "video_a",
  attempt: 1,
  outcome: "cancelled",
  bundle: { id: "shapes", digest: "made up" },
  computed: { text: [], steps: [{ index: 0, mode: "full", flops: 10, full_flops: 10 }], decode: [] },
  engine_ms: 5,
  video_ms: 0,
  trace: null,
};

describe.each([
  {
    what: "a bundle's manifest",
    schema: bundleSchema(),
    read: async () => JSON.parse(await readFile(`${EMBEDDED_BUNDLE}/model.json`, "utf8")),
  },
  { what: "a cache profile", schema: cacheProfileSchema(), read: async () => handmadeProfile(8) },
  { what: "measured presets", schema: measuredPresetsSchema(), read: async () => madeUpPresets() },
  { what: "a trace", schema: traceFileSchema(), read: tracedRun },
  { what: "an attempt's record", schema: attemptRecordSchema(), read: async () => stoppedRecord },
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
