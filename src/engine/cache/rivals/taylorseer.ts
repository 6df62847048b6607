/**
 * TaylorSeer (arXiv 2503.06923): every few steps are computed; in between, the output of every module is extrapolated
 * by a Taylor series in the number of the step. The gates are those of the step itself.
 */

import { z } from "zod";
import type { Branch, BranchPlan, DenoiserInfo, Prediction } from "../contract.ts";
import { definePolicy } from "../definition.ts";
import { moduleNames, modulesPart } from "../module-kinds.ts";
import { FULL_STEP, type PlannedStep, planned, stepsOf } from "./planned.ts";
import { taylorCoefficients } from "./taylor-series.ts";

const options = z.strictObject({
  /** Every module's output, as published, or the residual of the whole block stack, which is one tensor. */
  granularity: z.enum(["modules", "stack"]).default("modules"),
  /** Only these modules; all of them if not given. */
  modules: z.array(z.string()).min(1).optional(),
  order: z.int().min(0).max(4).default(1),
  /** A step is computed every so many steps. */
  interval: z.int().min(1).default(5),
  /** Steps at the start that are all computed. */
  first_enhance: z.int().min(1).default(1),
  /** From the last of those to the next computed step, where that is not `interval`. */
  first_interval: z.int().min(1).optional(),
  /** Steps at the end that are all computed. */
  last_full: z.int().min(0).default(0),
});

export const taylorseer = definePolicy({
  name: "taylorseer",
  title: "TaylorSeer",
  source: "Liu et al., From Reusing to Forecasting, arXiv 2503.06923",
  options,
  dial: { option: "interval", slow: 1, fast: 12, scale: "integer" },
  create(chosen, { manifest }) {
    const { granularity, modules = moduleNames(manifest), order } = chosen;
    const part = granularity === "stack" ? ({ kind: "stack" } as const) : modulesPart(manifest, modules);
    const plan = (branch: Branch, coefficients: readonly number[]): BranchPlan => {
      const terms = coefficients.map((coefficient, age) => ({ part, branch, age, coefficient }));
      const prediction: Prediction = { terms };
      return part.kind === "stack"
        ? { kind: "reuse", part, prediction }
        : { kind: "modules", reuse: [{ part, prediction }] };
    };
    return {
      name: "taylorseer",
      requires: { keep: [{ part, depth: order + 1 }], signals: [], cuts: [] },
      start: (run) => planned(run, (denoiser) => timetable(denoiser, chosen, plan)),
    };
  },
});

function timetable(
  denoiser: DenoiserInfo,
  { order, interval, first_enhance, first_interval = interval, last_full }: z.infer<typeof options>,
  plan: (branch: Branch, coefficients: readonly number[]) => BranchPlan,
): readonly PlannedStep[] {
  const [from, to] = denoiser.steps;
  const computed: number[] = [];
  return stepsOf(denoiser).map((step) => {
    const since = step - (from + first_enhance - 1) - first_interval;
    const due = since >= 0 && since % interval === 0;
    if (step < from + first_enhance || due || step >= to - last_full) {
      computed.unshift(step);
      return FULL_STEP;
    }
    const coefficients = taylorCoefficients(computed, order, step);
    const branches = Object.fromEntries(denoiser.branches.map((b) => [b, plan(b, coefficients)]));
    const distance = step - (computed[0] ?? step);
    return { mode: "taylor", values: { distance, order: coefficients.length - 1 }, branches };
  });
}
