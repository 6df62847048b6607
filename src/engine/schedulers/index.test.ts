import { describe, expect, it } from "vitest";
import type { SchedulerManifest } from "../bundle/manifest.ts";
import { createScheduler, type Scheduler } from "./index.ts";

const MANIFESTS: readonly SchedulerManifest[] = [
  { kind: "flow_match_euler", shift: 3 },
  { kind: "unipc", shift: 3, order: 1 },
  { kind: "unipc", shift: 3, order: 2 },
  { kind: "ddim", beta_start: 0.00085, beta_end: 0.012, snr_shift: 3 },
];

const SIZE = 6;
const START = Float32Array.from({ length: SIZE }, (_, i) => i / 2 - 1);

/** A velocity that depends on the latents, the step and `seed`. */
function velocity(latents: Float32Array, index: number, seed: number): Float32Array {
  return latents.map((x, i) => 0.5 * x - seed * (i + 1) + index / 8);
}

function run(scheduler: Scheduler, seed: number): Float32Array {
  return scheduler.timesteps.reduce<Float32Array>(
    (latents, _, index) => scheduler.step(index, velocity(latents, index, seed), latents),
    START,
  );
}

describe.each(MANIFESTS.map((manifest) => [JSON.stringify(manifest), manifest] as const))(
  "%s",
  (_, manifest) => {
    it("is the kind the manifest names", () => {
      expect(createScheduler(manifest, 4).kind).toBe(manifest.kind);
    });

    it.each([1, 2, 3, 50, 1000])("descends strictly from noise to exactly zero in %i steps", (steps) => {
      const { sigmas, timesteps } = createScheduler(manifest, steps);
      expect(sigmas).toHaveLength(steps + 1);
      expect(timesteps).toHaveLength(steps);
      expect(sigmas[0]).toBeCloseTo(1, 5);
      expect(sigmas.at(-1)).toBe(0);
      expect(sigmas.every((sigma, i) => i === 0 || sigma < (sigmas[i - 1] as number))).toBe(true);
      expect(sigmas.map(Math.fround)).toEqual(sigmas);
    });

    it("takes a single step to the clean sample that the model predicts, to finite numbers", () => {
      const scheduler = createScheduler(manifest, 1);
      // What is left of the noise at sigma 1 is the whole sample on a flow's path, nothing where variance is kept.
      const carried = manifest.kind === "ddim" ? 0 : 1;
      const predicted = START.map((x, i) => carried * x - (scheduler.sigmas[0] as number) * i);
      const result = scheduler.step(0, Float32Array.from(START.keys()), START);
      for (const [i, x] of result.entries()) expect(x).toBeCloseTo(predicted[i] as number, 5);
    });

    it("predicts the clean sample that the last step ends at, and at no step disturbs the run by that", () => {
      const [asked, plain] = [createScheduler(manifest, 8), createScheduler(manifest, 8)];
      let [x, y]: [Float32Array, Float32Array] = [START, START];
      let clean: Float32Array = START;
      for (let index = 0; index < 8; index++) {
        const v = velocity(x, index, 1);
        const before = x;
        x = asked.step(index, v, x);
        clean = asked.clean(index, v, before);
        expect(asked.clean(index, v, before)).toEqual(clean);
        y = plain.step(index, velocity(y, index, 1), y);
      }
      expect(x).toEqual(y);
      for (const [i, end] of x.entries()) expect(clean[i]).toBeCloseTo(end, 5);
    });

    it("knows the clean sample exactly where the velocity does", () => {
      const scheduler = createScheduler(manifest, 8);
      const [clean, noise] = [Float32Array.of(0.5, -2, 1), Float32Array.of(-1, 0.25, 2)];
      for (const [index, sigma] of scheduler.sigmas.slice(0, -1).entries()) {
        const signal = manifest.kind === "ddim" ? Math.sqrt(1 - sigma * sigma) : 1 - sigma;
        const x = noise.map((n, i) => signal * (clean[i] ?? 0) + sigma * n);
        const v = noise.map((n, i) =>
          manifest.kind === "ddim" ? signal * n - sigma * (clean[i] ?? 0) : n - (clean[i] ?? 0),
        );
        for (const [i, found] of scheduler.clean(index, v, x).entries())
          expect(found).toBeCloseTo(clean[i] ?? 0, 5);
      }
    });

    it("gives the same result for every fresh scheduler", () => {
      expect(run(createScheduler(manifest, 7), 1)).toEqual(run(createScheduler(manifest, 7), 1));
    });

    it("keeps two interleaved runs apart", () => {
      const alone = [run(createScheduler(manifest, 7), 1), run(createScheduler(manifest, 7), -2)];
      const [a, b] = [createScheduler(manifest, 7), createScheduler(manifest, 7)];
      let [x, y]: [Float32Array, Float32Array] = [START, START];
      for (let index = 0; index < 7; index++) {
        x = a.step(index, velocity(x, index, 1), x);
        y = b.step(index, velocity(y, index, -2), y);
      }
      expect([x, y]).toEqual(alone);
    });

    it("neither changes its arguments nor keeps them: callers may reuse the arrays", () => {
      const expected = run(createScheduler(manifest, 7), 1);
      const scheduler = createScheduler(manifest, 7);
      const [latents, prediction] = [START.slice(), new Float32Array(SIZE)];
      for (let index = 0; index < 7; index++) {
        const before = latents.slice();
        prediction.set(velocity(latents, index, 1));
        const result = scheduler.step(index, prediction, latents);
        expect(latents).toEqual(before);
        expect(prediction).toEqual(velocity(before, index, 1));
        latents.set(result);
        result.fill(Number.NaN);
        prediction.fill(Number.NaN);
      }
      expect(latents).toEqual(expected);
    });

    it("refuses a velocity of another size than the latents", () => {
      const scheduler = createScheduler(manifest, 4);
      expect(() => scheduler.step(0, new Float32Array(5), START)).toThrow(
        expect.objectContaining({
          code: "engine_failed",
          message: "The velocity has 5 elements but the latents have 6; they must match.",
        }),
      );
    });

    it.each([-1, 4, 0.5, Number.NaN])("refuses step %d of a run of 4", (index) => {
      expect(() => createScheduler(manifest, 4).step(index, START, START)).toThrow(
        expect.objectContaining({ code: "engine_failed", message: expect.stringContaining("with 4 steps") }),
      );
    });

    it.each([0, -3, 2.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a run of %d steps", (steps) => {
      expect(() => createScheduler(manifest, steps)).toThrow(
        expect.objectContaining({ code: "invalid_argument", field: "steps" }),
      );
    });
  },
);
