/**
 * Calibration on the embedded model: what it takes down is what plain arithmetic on the model's outputs gives, and what
 * it disturbs costs what the formula says.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Branch, CachePolicy } from "../../src/engine/cache/contract.ts";
import { off } from "../../src/engine/cache/off.ts";
import { type ProfileKey, profileKey, profileSchema } from "../../src/engine/cache/profile.ts";
import { measure } from "../../src/engine/calibration/measure.ts";
import { type Measured, measuredSchema } from "../../src/engine/calibration/measured.ts";
import { mergeMeasured } from "../../src/engine/calibration/merge.ts";
import { linearCombination, reduceHost } from "../../src/engine/host-math.ts";
import { Pipeline, type PipelineOptions, type Subject } from "../../src/engine/pipeline.ts";
import { createScheduler } from "../../src/engine/schedulers/index.ts";
import type { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { resolveSettings } from "../../src/engine/settings.ts";
import { handmadeProfile } from "../support/policies.ts";
import { openShapes } from "../support/shapes.ts";

const STEPS = 5;
const REQUEST = { prompt: "a red circle moves to the right", seed: 4, num_inference_steps: STEPS };

let backend: OnnxBackend;
let pipeline: Pipeline;

beforeAll(async () => {
  const opened = await openShapes();
  backend = opened.backend;
  pipeline = await Pipeline.load(opened.bundle, backend);
});

afterAll(async () => {
  await backend.dispose();
});

/** A run's velocities and final latents. */
async function velocitiesOf(subject: Subject) {
  const velocities: Float32Array[] = [];
  const { latents } = await subject.run(off, { onVelocity: (velocity) => velocities.push(velocity) });
  return { velocities, latents };
}

/** The output of one branch as the velocity of every step. */
function only(branch: Branch): CachePolicy {
  const part = { kind: "output" } as const;
  return {
    name: "one branch",
    requires: { keep: [{ part, depth: 1 }], signals: [], cuts: [] },
    start: () => ({
      plan: () => ({ kind: "run", branches: {} }),
      measureAfter: () => [],
      observe: () => undefined,
      correct: () => ({ terms: [{ part, branch, age: 0, coefficient: 1 }] }),
      event: () => {},
    }),
  };
}

/** Each step's output of a branch along the guided path. */
async function outputsOf(subject: Subject, branch: Branch, path: readonly Float32Array[]) {
  const outputs: Float32Array[] = [];
  for (let step = 0; step < STEPS; step++) {
    const seen: Float32Array[] = [];
    const given = path.slice(0, step);
    await subject.run(only(branch), { given, onVelocity: (velocity) => seen.push(velocity) });
    outputs.push(seen[0] ?? new Float32Array(0));
  }
  return outputs;
}

const relativeL1 = (a: Float32Array | undefined, b: Float32Array | undefined) =>
  a && b ? reduceHost("relative_l1", a, b, a.length) : Number.NaN;
const norm = (a: Float32Array | undefined) => (a ? Math.sqrt(reduceHost("dot", a, a, a.length)) : Number.NaN);

/** By plain arithmetic: how far the line through two steps misses a third. */
function missed(
  values: readonly Float32Array[],
  [older, newest, step]: readonly [number, number, number],
  sigmas: readonly number[],
): number {
  const at = (index: number) => sigmas[index] ?? Number.NaN;
  const slope = (at(step) - at(newest)) / (at(newest) - at(older));
  const [a, b] = [values[older], values[newest]];
  if (!a || !b) return Number.NaN;
  return relativeL1(linearCombination([-slope, 1 + slope], [a, b]), values[step]);
}

const about = (expected: number) => expect.closeTo(expected, 4);

describe("with guidance", () => {
  let measured: Measured;
  let outputs: { cond: Float32Array[]; uncond: Float32Array[] };
  let sigmas: readonly number[];

  beforeAll(async () => {
    const before = backend.bytesHeld();
    await pipeline.study(REQUEST, async (subject) => {
      measured = await measure(subject, { lags: 3, impacts: false });
      const { velocities } = await velocitiesOf(subject);
      sigmas = createScheduler(subject.settings.scheduler, STEPS).sigmas;
      outputs = {
        cond: await outputsOf(subject, "cond", velocities),
        uncond: await outputsOf(subject, "uncond", velocities),
      };
    });
    expect(backend.bytesHeld()).toBe(before);
  });

  it("is what the schema says, survives JSON, and makes a profile", () => {
    expect(measuredSchema.parse(JSON.parse(JSON.stringify(measured)))).toEqual(measured);
    const settings = resolveSettings(pipeline.bundle.manifest, REQUEST);
    const key = profileKey(pipeline.bundle.digest, settings);
    const profile = mergeMeasured(key, { count: 1, digest: "d" }, [measured]);
    expect(profileSchema.safeParse(profile).error).toBeUndefined();
  });

  it("has the changes of the conditional output", () => {
    const { cond } = outputs;
    const expected = cond.map((output, step) =>
      step === 0 ? null : about(relativeL1(output, cond[step - 1])),
    );
    expect(measured.changes).toEqual(expected);
  });

  it("has the deviations of lines in sigma for the output, the mean over branches", () => {
    const mean = (...points: [number, number, number]) =>
      about((missed(outputs.cond, points, sigmas) + missed(outputs.uncond, points, sigmas)) / 2);
    expect(measured.deviations.step).toEqual([
      [null, null, mean(0, 1, 2), mean(1, 2, 3), mean(2, 3, 4)],
      // The second anchor of step 3 would be before the run: the oldest there is.
      [null, null, null, mean(0, 1, 3), mean(0, 2, 4)],
    ]);
  });

  it("has the distances of held outputs, the mean over branches", () => {
    const held = (lag: number) =>
      outputs.cond.map((cond, step) => {
        if (step < lag) return null;
        const uncond = relativeL1(outputs.uncond[step - lag], outputs.uncond[step]);
        return about((relativeL1(outputs.cond[step - lag], cond) + uncond) / 2);
      });
    expect(measured.held_deviations.step).toEqual([held(1), held(2)]);
    expect(measured.held_deviations.cfg?.[0]?.slice(1).every((value) => value !== null)).toBe(true);
  });

  it("has those of the guidance difference", () => {
    const deltas = outputs.cond.map((cond, step) =>
      linearCombination([1, -1], [outputs.uncond[step] ?? cond, cond]),
    );
    const one = (...points: [number, number, number]) => about(missed(deltas, points, sigmas));
    expect(measured.deviations.cfg).toEqual([
      [null, null, one(0, 1, 2), one(1, 2, 3), one(2, 3, 4)],
      [null, null, null, one(0, 1, 3), one(0, 2, 4)],
    ]);
  });

  it("has blocks, ratios and signals for every step but the first, and leaps no longer than asked for", () => {
    expect(measured.block_range).toEqual([1, 7]);
    expect(measured.deviations.block?.map((row) => row.map((value) => value !== null))).toEqual([
      [false, false, true, true, true],
      [false, false, false, true, true],
    ]);
    for (const branch of ["cond", "uncond"] as const) {
      const record = measured.branches[branch];
      expect(record?.reuse_costs.map((row) => row.length)).toEqual([3, 3, 2, 1, 0]);
      expect(record?.reuse_costs.flat().every((cost) => cost > 0)).toBe(true);
      expect(record?.magnitude_ratios[0]).toBe(1);
      // The distance is the same, over the older residual here and over the newer there.
      const ratio = (record?.stack_changes[1] ?? 0) / (record?.reuse_costs[0]?.[0] ?? 1);
      expect(ratio).toBeGreaterThan(0.7 * (record?.magnitude_ratios[1] ?? 0));
      expect(ratio).toBeLessThan(1.4 * (record?.magnitude_ratios[1] ?? 0));
      expect(Object.keys(record?.signal_changes ?? {})).toEqual(["timestep_embedding", "modulated_input"]);
      for (const changes of Object.values(record?.signal_changes ?? {}))
        expect(changes.map((change) => change !== null)).toEqual([false, true, true, true, true]);
    }
  });
});

describe("without guidance", () => {
  it("measures no cfg, and an error of the last output costs what the last step moves by it", async () => {
    const fractions: number[] = [];
    await pipeline.study({ ...REQUEST, guidance_scale: 1 }, async (subject) => {
      const measured = await measure(subject, { lags: 12, impacts: true }, (f) => fractions.push(f));
      expect(Object.keys(measured.branches)).toEqual(["cond"]);
      expect(Object.keys(measured.deviations)).toEqual(["step", "block"]);
      const { step, block, cfg } = measured.impacts;
      expect(cfg).toBeUndefined();
      expect([step?.steps, block?.steps]).toEqual([
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4],
      ]);
      expect(block?.values.every((value) => value > 0)).toBe(true);
      const { velocities, latents } = await velocitiesOf(subject);
      const { sigmas } = createScheduler(subject.settings.scheduler, STEPS);
      const moved = (sigmas[STEPS - 1] ?? 0) - (sigmas[STEPS] ?? 0);
      const expected = (moved * norm(velocities[STEPS - 1])) / norm(latents);
      expect((step?.values.at(-1) ?? 0) / expected).toBeCloseTo(1, 2);
    });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBeCloseTo(1, 6);
  });
});

describe("given velocities", () => {
  it("lead to the same latents bit for bit, with a multistep scheduler too, and cost nothing", async () => {
    for (const scheduler of ["flow_match_euler", "unipc"] as const) {
      await pipeline.study({ ...REQUEST, scheduler }, async (subject) => {
        const { velocities, latents } = await velocitiesOf(subject);
        const resumed = await subject.run(off, { given: velocities.slice(0, 3) });
        expect(Buffer.from(resumed.latents.buffer).equals(Buffer.from(latents.buffer))).toBe(true);
        expect(resumed.steps.map(({ index }) => index)).toEqual([3, 4]);
      });
    }
  });
});

describe("a profile in a run", () => {
  const settings = () => resolveSettings(pipeline.bundle.manifest, REQUEST);
  const withProfiles = (profiles: PipelineOptions["profiles"]) =>
    Pipeline.load(pipeline.bundle, backend, profiles && { profiles });
  const teacache = { ...REQUEST, cache: { policy: "teacache" } };

  it("is asked for by the settings, reaches the policy, and is named in the trace", async () => {
    const asked: ProfileKey[] = [];
    const engine = await withProfiles(async (key) => {
      asked.push(key);
      return { profile: handmadeProfile(STEPS), digest: "abc", notices: ["a notice"] };
    });
    const { trace, notices } = await engine.generate(teacache);
    expect(asked).toEqual([profileKey(pipeline.bundle.digest, settings())]);
    expect(trace.profile).toBe("abc");
    expect(notices).toEqual(["a notice"]);
    expect(trace.steps.some(({ decision }) => decision?.values)).toBe(true);
  });

  it("is missed with a sentence that says why there is none, and the engine goes on", async () => {
    const engine = await withProfiles(async () => ({ notices: ["The profile x is cut off."] }));
    await expect(engine.generate(teacache)).rejects.toMatchObject({
      code: "profile_missing",
      message: expect.stringMatching(/mixcache calibrate.*The profile x is cut off\.$/),
    });
    const { trace } = await engine.generate(REQUEST);
    expect(trace.profile).toBeNull();
  });
});
