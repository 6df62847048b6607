/**
 * Every policy on tiny real architectures: two shapes in a row, two experts, one branch only, runs of a few steps.
 * Its decisions replay on each, so a policy sees there what it sees in a real run.
 */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestSchema } from "../../src/engine/bundle/manifest.ts";
import type { CachePolicy } from "../../src/engine/cache/contract.ts";
import { createPolicy, POLICIES } from "../../src/engine/cache/policies.ts";
import { replay } from "../../src/engine/cache/replay.ts";
import { type GenerateResult, Pipeline } from "../../src/engine/pipeline.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { type GenerateRequest, resolveSettings } from "../../src/engine/settings.ts";
import { MixcacheError } from "../../src/errors.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { openParity } from "../support/parity.ts";
import { decisionsOf, handmadeProfile, watched } from "../support/policies.ts";

type Policy = (typeof POLICIES)[number];

const STEPS = 8;
/** Each with what only it has. */
const FIXTURES = [
  "wan",
  "wan-2.2-5b",
  "wan-2.2-a14b",
  "hunyuan-video",
  "cogvideox-rotary",
  "cogvideox-sincos",
];

/** Module by module a block may cost a little more: CogVideoX's norms give shifts and gates in two graphs. */
function expectInFull(flops = 0, fullFlops = 0): void {
  expect(flops).toBeGreaterThanOrEqual(fullFlops);
  expect(flops).toBeLessThan(1.05 * fullFlops);
}

describe.each(FIXTURES)("%s", (fixture) => {
  const { about, files, open } = openParity(fixture);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(files.pathOf("model.json"), "utf8")));
  let backend: OnnxBackend;
  let pipeline: Pipeline;

  beforeAll(async () => {
    const bundle = await open();
    backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
    pipeline = await Pipeline.load(bundle, backend);
  });

  afterAll(async () => {
    await backend.dispose();
  });

  const request = (changes: Partial<GenerateRequest> = {}): GenerateRequest => ({
    prompt: about.prompt,
    num_inference_steps: STEPS,
    ...changes,
  });

  /** A policy at the fast end of its dial. */
  function fastest({ name, dial }: Policy, changes: Partial<GenerateRequest> = {}): CachePolicy {
    const settings = resolveSettings(manifest, request(changes));
    const cache = { policy: name, ...(dial && { [dial.option]: dial.fast }) };
    // Its blocks are the embedded model's; these have others.
    const { block_range: _, ...profile } = handmadeProfile(settings.steps);
    return createPolicy(cache, { manifest, settings, profile });
  }

  /** A video by it; the decisions have to replay. */
  async function generate(named: Policy, changes: Partial<GenerateRequest> = {}): Promise<GenerateResult> {
    const { policy, run } = watched(fastest(named, changes));
    const result = await pipeline.generate(request(changes), {}, policy);
    const recorded = JSON.parse(JSON.stringify(result.trace.steps));
    expect(decisionsOf(replay(fastest(named, changes), run(), recorded))).toBe(
      decisionsOf(result.trace.steps),
    );
    return result;
  }

  /** Can this bundle do it? What it was exported without is refused with a sentence before the run. */
  function isPossible(policy: Policy): boolean {
    try {
      return fastest(policy).name !== "";
    } catch (error) {
      if (error instanceof MixcacheError && error.code === "bundle_unsupported") return false;
      throw error;
    }
  }

  const pixels = ({ frames }: GenerateResult) => Buffer.from(frames.data);
  const cheaper = ({ trace }: GenerateResult) =>
    trace.steps.filter(({ flops, fullFlops }) => flops < fullFlops);
  const caching = POLICIES.filter((policy) => policy.dial && isPossible(policy));

  it("has all it needs for every policy but those that reuse modules", () => {
    const refused = POLICIES.filter((policy) => !isPossible(policy)).map(({ name }) => name);
    const withModules = manifest.denoisers.every(({ modules }) => modules.length > 0);
    expect(refused).toEqual(withModules ? [] : ["taylorseer", "fastercache", "pab"]);
  });

  it.each(caching)("$name saves work and leaves nothing behind", async (policy) => {
    const before = backend.bytesHeld();
    const result = await generate(policy);
    expect(cheaper(result).length).toBeGreaterThan(0);
    expect(backend.bytesHeld()).toBe(before);
    // What serves first has kept nothing yet.
    const firsts = result.trace.steps.filter(
      ({ denoiser }, step) => denoiser !== result.trace.steps[step - 1]?.denoiser,
    );
    expect(firsts).toHaveLength(manifest.denoisers.length);
    for (const { flops, fullFlops } of firsts) expectInFull(flops, fullFlops);
  });

  it.each(caching)("$name works with guidance 1 and in 1, 2 and 4 steps", async (policy) => {
    for (const num_inference_steps of [1, 2, 4]) {
      const { trace } = await generate(policy, { num_inference_steps, guidance_scale: 1 });
      expect(trace.steps).toHaveLength(num_inference_steps);
      expectInFull(trace.steps[0]?.flops, trace.steps[0]?.fullFlops);
    }
  });

  // One architecture is enough: shapes are the engine's business.
  if (fixture !== "wan") return;

  it.each(caching)("$name sees nothing of another shape before it", async (policy) => {
    const [first, second] = [{}, { width: 32, height: 48, num_frames: 9 }] as const;
    const inARow = [await generate(policy, first), await generate(policy, second)];
    const alone = [await generate(policy, second), await generate(policy, first)].reverse();
    for (const [place, video] of inARow.entries())
      expect(pixels(video).equals(pixels(alone[place] as GenerateResult))).toBe(true);
  });
});
