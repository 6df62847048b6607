/**
 * A hold is enough, on real architectures: whatever is asked for and whichever policy makes it, the bill of the run is
 * at most what was held, for every unit that has a price. And it is no more than enough.
 */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestSchema } from "../../src/engine/bundle/manifest.ts";
import type { CachePolicy } from "../../src/engine/cache/contract.ts";
import { createPolicy, POLICIES } from "../../src/engine/cache/policies.ts";
import { type GenerateResult, Pipeline } from "../../src/engine/pipeline.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import {
  type GenerateRequest,
  resolveSettings,
  type Settings,
  usedSettings,
} from "../../src/engine/settings.ts";
import { MixcacheError } from "../../src/errors.ts";
import { bill, holdFor, mostUsage, type Price, readRecord, termsOf, usageOf } from "../../src/jobs/index.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { recordOfResult } from "../../src/worker/record.ts";
import { openParity, PARITY_FIXTURES } from "../support/parity.ts";
import { handmadeProfile } from "../support/policies.ts";

/** Longer than any of the tiny encoders reads, those of quoted texts among them. */
const LONG = `a red circle moves, “${"blue square ".repeat(40)}” `.padEnd(4000, "and a green triangle ");

describe.each(PARITY_FIXTURES)("%s", (fixture) => {
  const { about, files, open } = openParity(fixture);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(files.pathOf("model.json"), "utf8")));
  const { video } = manifest;
  let backend: OnnxBackend;
  let pipeline: Pipeline;

  beforeAll(async () => {
    const bundle = await open();
    backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
    pipeline = await Pipeline.load(bundle, backend);
  });
  afterAll(() => backend.dispose());

  /** What the stored record says was used, after the way through a file. */
  function usedBy({ trace, frames, settings }: GenerateResult) {
    const info = {
      manifest,
      digest: pipeline.bundle.digest,
      backend: "onnx",
      device: "cpu",
      threads: 1,
      startMs: 0,
    };
    const result = { frames, trace, notices: [], settings: usedSettings(settings), peakMemoryBytes: 0 };
    const record = recordOfResult(
      { attempt: 1, video: { id: "video_a", request: { fps: video.default.fps } } },
      info,
      result,
    );
    return usageOf(readRecord(JSON.stringify(record), "trace.json"));
  }

  const most = (settings: Settings) => mostUsage({ manifest, settings, fps: video.default.fps });

  function policyFor(name: string, settings: Settings): CachePolicy | undefined {
    const dial = POLICIES.find((policy) => policy.name === name)?.dial;
    const { block_range: _, ...profile } = handmadeProfile(settings.steps);
    try {
      const cache = { policy: name, ...(dial && { [dial.option]: dial.fast }) };
      return createPolicy(cache, { manifest, settings, profile });
    } catch (error) {
      if (error instanceof MixcacheError && error.code === "bundle_unsupported") return undefined;
      throw error;
    }
  }

  const requests: fc.Arbitrary<GenerateRequest> = fc.record({
    prompt: fc.oneof(
      fc.constantFrom(about.prompt, "x", LONG),
      fc.string({ minLength: 1 }).map((text) => `a ${text}`),
    ),
    negative_prompt: fc.constantFrom("", LONG),
    num_inference_steps: fc.integer({ min: 1, max: 5 }),
    guidance_scale: fc.constantFrom(1, 3.5),
    width: fc.constantFrom(video.default.width, video.default.width + 2 * video.width.multiple),
    height: fc.constantFrom(video.default.height, video.default.height + video.height.multiple),
    num_frames: fc.constantFrom(video.default.frames, video.default.frames + video.frames.multiple),
  });

  it("holds enough for any request by any policy", async () => {
    const used = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        requests,
        fc.shuffledSubarray(POLICIES.map(({ name }) => name)),
        async (asked, names) => {
          const { negative_prompt, ...others } = asked;
          const takesNegative = manifest.denoisers.some(({ guidance }) => guidance.kind === "cfg");
          const request = takesNegative ? asked : others;
          const settings = resolveSettings(manifest, request);
          const [name = "off"] = names;
          const policy = policyFor(name, settings);
          if (!policy) return;
          used.add(name);
          const usage = usedBy(await pipeline.generate(request, {}, policy));
          expect(usage.flops).toBeLessThanOrEqual(most(settings).flops);
          for (const price of [
            { unit: "tflop", micros: "987654321987.654321" },
            { unit: "video_second", micros: "0.000001" },
          ] satisfies Price[]) {
            const terms = termsOf(price, "credit");
            const hold = holdFor(price, terms, { manifest, settings, fps: video.default.fps });
            expect(bill(terms, usage)).toBeLessThanOrEqual(hold);
          }
        },
      ),
      { seed: 3, numRuns: 40 },
    );
    expect(used.size).toBeGreaterThan(4);
  });

  it("holds no more than a run without a cache takes whose texts are as long as can be", async () => {
    const settings = resolveSettings(manifest, { prompt: LONG, num_inference_steps: 2 });
    const takesNegative =
      settings.negativePrompt === "" && manifest.denoisers.some(({ guidance }) => guidance.kind === "cfg");
    const request = { prompt: LONG, num_inference_steps: 2, ...(takesNegative && { negative_prompt: LONG }) };
    const off = policyFor("off", settings);
    const usage = usedBy(await pipeline.generate(request, {}, off));
    const { flops, videoMs } = most(settings);
    expect(usage.videoMs).toBe(videoMs);
    // Module by module a block may cost a little more, and a second encoder reads only what is quoted.
    expect(Number(flops)).toBeGreaterThanOrEqual(Number(usage.flops));
    expect(Number(flops)).toBeLessThan(Number(usage.flops) * 1.05 + 2);
  });
});
