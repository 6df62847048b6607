/**
 * I: what an error of a reused quantity costs at the end. Calibration measures it by Gaussian perturbation: the
 * relative L2 error of the final latents per relative error of the quantity, at some steps of the run.
 */

import type { RunInfo } from "../contract.ts";
import type { Profile } from "../profile.ts";
import type { Granularity } from "./granularity.ts";

/** What of a run impacts depend on. */
type Path = Pick<RunInfo, "steps" | "sigmas" | "denoisers">;

/**
 * Without a profile: the part of the path that the step walks, times what the quantity has of the velocity. That the
 * guidance difference is about a tenth of the velocity, and blocks' residuals about all of it, is a guess of ours.
 */
function guess(granularity: Granularity, run: Path, step: number): number {
  const way = walked(run, step);
  const guidance = run.denoisers.find(({ steps }) => step >= steps[0] && step < steps[1])?.guidanceScale ?? 1;
  return granularity === "cfg" ? way * 0.1 * Math.abs(guidance - 1) : way;
}

/**
 * I of a granularity at every step. What is interpolated between the probed steps is the impact per way walked, which
 * changes little from step to step. The run's last step is not asked: it is always computed, and an error in it, which no
 * later step can take back, says nothing of the steps before.
 */
export function impactsOf(
  impacts: Profile["impacts"] | undefined,
  granularity: Granularity,
  run: Path,
): readonly number[] {
  const { steps = [], values = [] } = impacts?.[granularity] ?? {};
  const probes = steps.flatMap((probe, i) =>
    probe < run.steps - 1 ? [{ probe, rate: (values[i] ?? 0) / walked(run, probe) }] : [],
  );
  return Array.from({ length: run.steps }, (_, step) => {
    const before = probes.findLast(({ probe }) => probe <= step) ?? probes[0];
    const after = probes.find(({ probe }) => probe >= step) ?? before;
    if (!before || !after) return guess(granularity, run, step);
    const along = before === after ? 0 : (step - before.probe) / (after.probe - before.probe);
    return (before.rate + (after.rate - before.rate) * along) * walked(run, step);
  });
}

/** The way of a step, in noise level. */
function walked({ sigmas }: Path, step: number): number {
  return Math.abs((sigmas[step + 1] ?? 0) - (sigmas[step] ?? 0));
}
