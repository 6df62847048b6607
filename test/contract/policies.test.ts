/**
 * What every policy has to do, on the embedded model: it saves work, a run leaves nothing behind for the next one, and
 * its decisions can be replayed from the trace.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import type { CachePolicy } from "../../src/engine/cache/contract.ts";
import { createPolicy, POLICIES } from "../../src/engine/cache/policies.ts";
import { replay } from "../../src/engine/cache/replay.ts";
import type { CacheRequest } from "../../src/engine/cache/request.ts";
import { type GenerateResult, Pipeline } from "../../src/engine/pipeline.ts";
import type { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { resolveSettings } from "../../src/engine/settings.ts";
import { decisionsOf, handmadeProfile, watched } from "../support/policies.ts";
import { openShapes } from "../support/shapes.ts";

const STEPS = 6;
const PROMPTS = ["a red circle moves to the right", "a blue square on a green background"] as const;

let bundle: Bundle;
let backend: OnnxBackend;
let pipeline: Pipeline;

beforeAll(async () => {
  ({ bundle, backend } = await openShapes());
  pipeline = await Pipeline.load(bundle, backend);
});

afterAll(async () => {
  await backend.dispose();
});

/** A policy at the fast end of its dial. */
function fastest({ name, dial }: (typeof POLICIES)[number]): CacheRequest {
  return { policy: name, ...(dial && { [dial.option]: dial.fast }) };
}

const CACHES = [
  ...POLICIES.map((policy) => [policy.name, fastest(policy)] as const),
  ...POLICIES.filter(({ assistable }) => assistable).map(
    (policy) =>
      [`${policy.name} with MixCache's predictor`, { ...fastest(policy), predictor: "mixcache" }] as const,
  ),
];

function create(cache: CacheRequest): CachePolicy {
  const settings = resolveSettings(bundle.manifest, { prompt: PROMPTS[0], num_inference_steps: STEPS });
  return createPolicy(cache, { manifest: bundle.manifest, settings, profile: handmadeProfile(STEPS) });
}

function generate(policy: CachePolicy, prompt: string): Promise<GenerateResult> {
  return pipeline.generate({ prompt, seed: 3, num_inference_steps: STEPS }, {}, policy);
}

const pixels = ({ frames }: GenerateResult) => Buffer.from(frames.data);

describe.each(CACHES)("%s at its fastest", (name, cache) => {
  it("computes less, says why, and replays to the same decisions byte for byte", async () => {
    const { policy, run, refreshed } = watched(create(cache));
    const { trace } = await generate(policy, PROMPTS[0]);
    const cheaper = trace.steps.filter(({ flops, fullFlops }) => flops < fullFlops);
    if (name === "off") expect(cheaper).toEqual([]);
    else expect(cheaper.length).toBeGreaterThan(0);
    const recorded = JSON.parse(JSON.stringify(trace.steps));
    const again = watched(create(cache));
    expect(decisionsOf(replay(again.policy, run(), recorded))).toBe(decisionsOf(trace.steps));
    expect(again.refreshed).toEqual(refreshed);
  });

  it("gives each of two prompts in a row, by one policy, what it gives that prompt alone", async () => {
    const shared = create(cache);
    const before = backend.bytesHeld();
    const inARow = [await generate(shared, PROMPTS[0]), await generate(shared, PROMPTS[1])];
    expect(backend.bytesHeld()).toBe(before);
    const alone = [
      await generate(create(cache), PROMPTS[1]),
      await generate(create(cache), PROMPTS[0]),
    ].reverse();
    for (const [place, video] of inARow.entries()) {
      expect(pixels(video).equals(pixels(alone[place] as GenerateResult))).toBe(true);
    }
    expect(pixels(inARow[0] as GenerateResult).equals(pixels(inARow[1] as GenerateResult))).toBe(false);
  });
});
