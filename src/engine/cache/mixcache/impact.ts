/**
 * I: what an error of a reused quantity costs at the end. Calibration measures it by Gaussian perturbation: the
 * relative L2 error of the final latents per relative error of the quantity, at some steps of the run.
 */

import type { RunInfo } from "../contract.ts";
import type { Profile } from "../profile.ts";
import type { Granularity } from "./granularity.ts";

/**
 * Without a profile: the part of the path that the step walks, times what the quantity has of the velocity. That the
 * guidance difference is about a tenth of the velocity, and blocks' residuals about all of it, is a guess of ours.
 */
function guess(granularity: Granularity, run: RunInfo, step: number): number {
  const walked = Math.abs((run.sigmas[step + 1] ?? 0) - (run.sigmas[step] ?? 0));
  const guidance = run.denoisers.find(({ steps }) => step >= steps[0] && step < steps[1])?.guidanceScale ?? 1;
  return granularity === "cfg" ? walked * 0.1 * Math.abs(guidance - 1) : walked;
}

/** I of a granularity at a step; between the probed steps in a line. */
export function impactOf(
  impacts: Profile["impacts"] | undefined,
  granularity: Granularity,
  run: RunInfo,
  step: number,
): number {
  const probed = impacts?.[granularity];
  if (!probed?.steps.length) return guess(granularity, run, step);
  const { steps, values } = probed;
  const next = steps.findIndex((probe) => probe >= step);
  const after = values[next] ?? values.at(-1) ?? 0;
  if (next <= 0) return after;
  const [from = 0, to = 0] = [steps[next - 1], steps[next]];
  const before = values[next - 1] ?? after;
  return before + ((after - before) * (step - from)) / (to - from);
}
