import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { SchedulerManifest } from "../bundle/manifest.ts";
import { createScheduler } from "./index.ts";

const { fround } = Math;

/** What `python/parity/schedulers.py` writes. */
interface Fixture {
  readonly toy: {
    readonly start: readonly number[];
    readonly rate: readonly number[];
    readonly bend: number;
    readonly slope: number;
  };
  readonly runs: readonly Run[];
}

interface Run {
  readonly manifest: SchedulerManifest;
  readonly steps: number;
  readonly sigmas: readonly number[];
  readonly timesteps: readonly number[];
  /** Base64 of float32 [steps, 24]. */
  readonly latents: string;
}

const { toy, runs } = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/schedulers.json", import.meta.url), "utf8"),
) as Fixture;

/** Largest relative differences from diffusers; those of the latents are relative to the largest latent. */
const MAX_LATENTS_ERROR = 1e-6;
/** Of flow-match Euler: two units in the last place. The other schedulers' levels are the same bits. */
const MAX_EULER_LEVEL_ERROR = 2 ** -22;

/** The toy model of the fixture with the same roundings: rate x + (bend sigma + slope) sigma. */
function velocity(latents: Float32Array, sigma: number): Float32Array {
  const constant = fround(fround(fround(toy.bend * sigma) + toy.slope) * sigma);
  return latents.map((x, i) => fround((toy.rate[i] as number) * x) + constant);
}

function decode(base64: string, size: number): Float32Array[] {
  const all = new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
  return Array.from({ length: all.length / size }, (_, i) => all.subarray(i * size, (i + 1) * size));
}

function largestRelativeError(ours: readonly number[], theirs: readonly number[]): number {
  expect(ours).toHaveLength(theirs.length);
  const errors = ours.map((v, i) => Math.abs(v - (theirs[i] as number)) / Math.max(Math.abs(v), 1e-9));
  return Math.max(...errors);
}

const nameOf = ({ manifest, steps }: Run) =>
  `${Object.values(manifest).join(" ")}, ${steps} ${steps === 1 ? "step" : "steps"}`;

describe("schedulers do what diffusers' do", () => {
  it.each(runs.map((run) => [nameOf(run), run] as const))("noise levels of %s", (_, run) => {
    const { kind, sigmas, timesteps } = createScheduler(run.manifest, run.steps);
    const [theirSigmas, theirTimesteps] = [run.sigmas.map(fround), run.timesteps.map(fround)];
    if (kind !== "flow_match_euler") {
      expect(sigmas).toEqual(theirSigmas);
      expect(timesteps).toEqual(theirTimesteps);
    } else {
      expect(largestRelativeError(sigmas, theirSigmas)).toBeLessThanOrEqual(MAX_EULER_LEVEL_ERROR);
      expect(largestRelativeError(timesteps, theirTimesteps)).toBeLessThanOrEqual(MAX_EULER_LEVEL_ERROR);
    }
  });

  it.each(runs.map((run) => [nameOf(run), run] as const))("latents after every step of %s", (_, run) => {
    const scheduler = createScheduler(run.manifest, run.steps);
    const expected = decode(run.latents, toy.start.length);
    expect(expected).toHaveLength(run.steps);
    let latents = Float32Array.from(toy.start);
    for (const [index, theirs] of expected.entries()) {
      latents = Float32Array.from(
        scheduler.step(index, velocity(latents, scheduler.sigmas[index] as number), latents),
      );
      const largest = Math.max(...theirs.map(Math.abs));
      const error = Math.max(...latents.map((x, i) => Math.abs(x - (theirs[i] as number))));
      expect(error / largest, `step ${index}`).toBeLessThanOrEqual(MAX_LATENTS_ERROR);
    }
  });
});
