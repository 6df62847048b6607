/** Policies whose plans follow from the steps and timesteps alone: all are known before the first step. */

import type { Branch, BranchPlan, DenoiserInfo, PolicyRun, RunInfo, StepPlan } from "../contract.ts";

/** One step's plan. */
export interface PlannedStep {
  /** What was chosen, for the trace. */
  readonly mode: string;
  readonly values?: Readonly<Record<string, number>>;
  /** Branches that are not here run in full. */
  readonly branches?: Readonly<Partial<Record<Branch, BranchPlan>>>;
}

/** Everything is computed. */
export const FULL_STEP: PlannedStep = { mode: "full" };

/**
 * A run by a timetable.
 * @param timetable of one denoiser, a plan for each step that it serves; it begins anew with every denoiser, for
 *   nothing is kept from one to the next
 */
export function planned(
  run: RunInfo,
  timetable: (denoiser: DenoiserInfo) => readonly PlannedStep[],
): PolicyRun {
  const plans = run.denoisers.flatMap((denoiser) =>
    timetable(denoiser).map(({ mode, values, branches = {} }): StepPlan => {
      const decision = { mode, ...(values && { values }) };
      return { kind: "run", branches, decision };
    }),
  );
  return {
    plan: ({ index }) => plans[index] ?? { kind: "run", branches: {} },
    measureAfter: () => [],
    observe: () => undefined,
    event: () => {},
  };
}

/** The numbers of the steps that a denoiser serves. */
export function stepsOf({ steps: [from, to] }: DenoiserInfo): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
