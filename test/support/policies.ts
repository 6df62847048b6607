/** What policies are tested with: a run and a profile made up by hand, on the manifest of the embedded bundle. */

import shapes from "../../models/shapes/model.json" with { type: "json" };
import { type Manifest, manifestSchema } from "../../src/engine/bundle/manifest.ts";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import type {
  Branch,
  CachePolicy,
  DenoiserInfo,
  Measurement,
  RunInfo,
  StepOutcome,
} from "../../src/engine/cache/contract.ts";
import { createPolicy } from "../../src/engine/cache/policies.ts";
import { PROFILE_FORMAT, type Profile } from "../../src/engine/cache/profile.ts";
import { type Replayed, replay } from "../../src/engine/cache/replay.ts";
import type { CacheRequest } from "../../src/engine/cache/request.ts";
import { resolveSettings, type Settings } from "../../src/engine/settings.ts";

/** Eight blocks with a cut after each; two signals. */
export const shapesManifest: Manifest = manifestSchema.parse(shapes);

/** A run of so many steps; `switchAt` makes two experts of it, the second from that step on. */
export function runInfo(
  steps: number,
  { branches = ["cond"], switchAt }: { branches?: readonly Branch[]; switchAt?: number } = {},
): RunInfo {
  const denoiser = (id: string, from: number, to: number): DenoiserInfo => ({
    id,
    steps: [from, to],
    branches,
    guidanceScale: branches.length > 1 ? 3 : 1,
    cuts: [0, 1, 2, 3, 4, 5, 6, 7, 8],
    shareUpTo: (cut) => cut / 8,
  });
  return {
    steps,
    scheduler: "flow_match_euler",
    sigmas: Array.from({ length: steps + 1 }, (_, step) => 1 - step / steps),
    timesteps: Array.from({ length: steps }, (_, step) => 1000 * (1 - step / steps)),
    branches,
    denoisers:
      switchAt === undefined
        ? [denoiser("main", 0, steps)]
        : [denoiser("high_noise", 0, switchAt), denoiser("low_noise", switchAt, steps)],
  };
}

/** A plausible profile; what a test is about it brings itself. */
export function handmadeProfile(steps: number, changes: Partial<Profile> = {}): Profile {
  const { video } = shapesManifest;
  const row = (from: number) => Array.from({ length: steps - 1 - from }, (_, k) => 0.05 * (k + 1));
  const ratios = Array.from({ length: steps }, (_, step) => (step === 0 ? 1 : 0.98));
  const afterFirst = (value: number) => ratios.map((_, step) => (step === 0 ? null : value));
  const lags = (value: number) =>
    [1, 2, 3, 4, 5, 6].map((lag) => ratios.map((_, step) => (step > lag ? value * lag : null)));
  const impact = (value: number) => ({ steps: [0, steps - 1], values: [value, value / 10] });
  return {
    format: PROFILE_FORMAT,
    key: {
      bundle: "made up",
      scheduler: "flow_match_euler",
      steps,
      width: video.default.width,
      height: video.default.height,
      frames: video.default.frames,
      guidance_scales: { main: 3 },
    },
    prompts: { count: 1, digest: "made up" },
    magnitude_ratios: { cond: ratios, uncond: ratios },
    polynomials: {
      timestep_embedding: { coefficients: [0, 0, 0, 0.2, 0], range: [0, 1], r2: 1 },
      modulated_input: { coefficients: [0, 0, 0, 0.2, 0], range: [0, 1], r2: 1 },
    },
    reuse_costs: Array.from({ length: steps }, (_, from) => row(from)),
    block_range: [1, 7],
    deviations: { step: lags(0.02), cfg: lags(0.1), block: lags(0.03) },
    held_deviations: { step: lags(0.03), cfg: lags(0.1), block: lags(0.03) },
    deviation_quantiles: { p10: afterFirst(0.01), p50: afterFirst(0.02), p90: afterFirst(0.04) },
    changes: { p10: afterFirst(0.02), p50: afterFirst(0.03), p90: afterFirst(0.05) },
    impacts: { step: impact(1), cfg: impact(0.3), block: impact(0.8) },
    ...changes,
  };
}

/** The policy of a request, with a profile made up by hand. */
export function livePolicy({ manifest }: Bundle, settings: Settings, cache: CacheRequest): CachePolicy {
  // Its blocks are the embedded model's; the fixtures have others.
  const { block_range: _, ...profile } = handmadeProfile(settings.steps);
  return createPolicy(cache, { manifest, settings, profile });
}

/** A policy for a request to the embedded model. */
export function policyFor(cache: CacheRequest, steps: number, profile?: Profile): CachePolicy {
  const settings = resolveSettings(shapesManifest, { prompt: "a red circle", num_inference_steps: steps });
  return createPolicy(cache, { manifest: shapesManifest, settings, profile });
}

/** What a policy decides when it is given these scalars, step by step. */
export function decide(
  policy: CachePolicy,
  run: RunInfo,
  scalars: readonly (readonly number[])[],
): readonly Replayed[] {
  return replay(
    policy,
    run,
    scalars.map((ofStep) => ({ scalars: ofStep })),
  );
}

/** One digit for each step: 1 where the branch ran in full, 0 where it reused. */
export function maskOf(steps: readonly Replayed[], branch: Branch = "cond"): string {
  return steps.map(({ branches }) => (branches[branch]?.kind === "full" ? "1" : "0")).join("");
}

/** A run in which nothing is measured. */
export function silent(steps: number): readonly (readonly number[])[] {
  return Array.from({ length: steps }, () => []);
}

/** The policy, the run that it was started for, and what each step refreshed. */
export function watched(policy: CachePolicy): {
  readonly policy: CachePolicy;
  readonly run: () => RunInfo;
  readonly refreshed: readonly StepOutcome["refreshed"][];
} {
  let run: RunInfo | undefined;
  const refreshed: StepOutcome["refreshed"][] = [];
  const start: CachePolicy["start"] = (info) => {
    run = info;
    const started = policy.start(info);
    const observe = started.observe.bind(started);
    started.observe = (outcome) => {
      refreshed.push(outcome.refreshed);
      return observe(outcome);
    };
    return started;
  };
  return {
    policy: { ...policy, start },
    run: () => {
      if (!run) throw new Error("the policy was not started");
      return run;
    },
    refreshed,
  };
}

/** Decisions and deviations, as a trace is written. */
export function decisionsOf(steps: readonly Pick<Replayed, "decision" | "deviation">[]): string {
  return JSON.stringify(steps.map(({ decision, deviation }) => ({ decision, deviation })));
}

/**
 * The policy with its questions answered by a function, as if a backend had measured: it asks for no scalars itself,
 * so that `decide(…, silent(steps))` drives it. `asked` gets every answer, by step.
 */
export function answered(
  policy: CachePolicy,
  answer: (measurement: Measurement, step: number) => number,
  asked: number[][] = [],
): CachePolicy {
  return {
    ...policy,
    start: (run) => {
      const inner = policy.start(run);
      let after: readonly number[] = [];
      const take = (measurements: readonly Measurement[], step: number) => {
        const scalars = measurements.map((measurement) => answer(measurement, step));
        asked[step] = [...(asked[step] ?? []), ...scalars];
        return scalars;
      };
      return {
        plan: (step) => {
          let plan = inner.plan(step);
          while (plan.kind === "probe") plan = plan.decide(take(plan.measure, step.index));
          return plan;
        },
        measureAfter: (step, branches) => {
          after = take(inner.measureAfter(step, branches), step.index);
          return [];
        },
        observe: (outcome) => inner.observe({ ...outcome, scalars: after }),
        correct: (step) => inner.correct?.(step),
        event: (event) => inner.event(event),
      };
    },
  };
}
