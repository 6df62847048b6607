/** Cached runs against diffusers' own cache hooks: the same steps must be reused, and the same latents come out. */

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { createPolicy } from "../../src/engine/cache/policies.ts";
import { type DenoiseResult, denoise } from "../../src/engine/denoise.ts";
import { randn } from "../../src/engine/random.ts";
import type { SegmentBackend } from "../../src/engine/segments/contract.ts";
import { latentDims } from "../../src/engine/shape.ts";
import type { StepTrace } from "../../src/engine/trace.ts";
import { largestDifference } from "./golden.ts";
import { encodeAll } from "./live-runs.ts";
import { openParity, paritySettings } from "./parity.ts";
import type { OpenBackend } from "./parity-suite.ts";

const TOLERANCE = 1e-4;
/** No decision may be so near to another one that rounding could change it. */
const LEAST_MARGIN = 1e-3;
/** Reuse must show in the latents, or the comparison would say nothing. */
const LEAST_EFFECT = 100 * TOLERANCE;

/** Describes one fixture's cached runs. */
export function describeCached(name: string, openBackend: OpenBackend): void {
  const { about, tensor, files, open } = openParity(name);
  let bundle: Bundle;
  let backend: SegmentBackend;

  beforeAll(async () => {
    bundle = await open();
    backend = await openBackend(bundle, files);
  });

  afterAll(async () => {
    await backend.dispose();
  });

  it.each(about.cached ?? [])("$name reuses what the hook reuses, and gives its latents", async (cached) => {
    const run = async (policy: typeof cached.policy): Promise<DenoiseResult> => {
      const settings = paritySettings(bundle, { ...about, guidance: cached.guidance }, cached);
      const { manifest } = bundle;
      const noise = randn(settings.seed, latentDims(manifest, settings.shape));
      const cond = await encodeAll(bundle, backend, about.prompt);
      const uncond =
        about.negative_prompt === null ? undefined : await encodeAll(bundle, backend, about.negative_prompt);
      const made = createPolicy(policy, { manifest, settings, profile: undefined });
      return denoise(bundle, backend, made, settings, { cond, ...(uncond && { uncond }) }, noise, {});
    };

    const before = await run({ policy: "off" });
    const { latents, steps } = await run(cached.policy);
    for (const [graph, rows] of Object.entries(cached.computed)) {
      expect(steps.map((step) => computations(step, graph)).join(""), graph).toBe(rows);
    }
    const margins = steps.flatMap(({ decision }) => decision?.margin ?? []);
    expect(Math.min(...margins)).toBeGreaterThan(LEAST_MARGIN);
    const wanted = tensor(`cached_${cached.name}_latents`).data;
    expect(largestDifference(latents, wanted)).toBeLessThanOrEqual(TOLERANCE);
    expect(largestDifference(latents, before.latents)).toBeGreaterThan(LEAST_EFFECT);
  });
}

/** How many branches computed a graph in a step. A module is there once more, where its output is applied. */
function computations({ branches }: StepTrace, graph: string): number {
  const counts = branches.map(({ graphs }) => graphs.filter(({ id }) => id === graph).length);
  const applied = (count: number) => (graph.startsWith("blocks_") ? 0 : Math.min(count, 1));
  return counts.reduce((sum, count) => sum + count - applied(count), 0);
}
